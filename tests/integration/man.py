"""The manual pages: without a fault of form, and true: every verb, option, message and member is in them, and nothing else."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from sandbox import PROGRAM
import tap

SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
BUILT = pathlib.Path(os.environ["MUX_QUIC_BUILD"], "data/man")
NAMES = ["mux-quic.1", "mux-quic.lua.5", "mux-quic-protocol.7", "mux-quic-dbus.7"]
# Of the program that writes them, in every page of its.
HABITS = ["skipping paragraph macro: sp after", "unknown font, skipping request: ft C"]


def source(name):
    return (SOURCE / name).read_text()


def page(name):
    return source(f"data/man/{name}.rst.in")


def sections(text, line):
    """{heading: text} of the sections that are underlined with `line`."""
    parts = re.split(rf"^(.+)\n{re.escape(line)}{{3,}}\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


@unittest.skipUnless((BUILT / NAMES[0]).exists(), "rst2man is not installed: the pages are not built")
class Form(unittest.TestCase):
    @unittest.skipIf(shutil.which("mandoc") is None, "mandoc is not installed")
    def test_mandoc(self):
        for name in NAMES:
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(BUILT / name)], capture_output=True, text=True, check=False)
            wrong = [line for line in done.stdout.splitlines() if not any(habit in line for habit in HABITS)]
            self.assertEqual(wrong, [])

    @unittest.skipIf(shutil.which("man") is None, "man is not installed")
    def test_groff(self):
        """As man(1) shows them: no warning of the formatter's, and no line that is cut or too long."""
        for name in NAMES:
            env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"], "MANROFFSEQ": "", "MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""}
            done = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", str(BUILT / name)], capture_output=True, text=True, check=False, env=env)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertGreater(len(done.stdout.splitlines()), 60, name)
            self.assertNotIn("System Message", done.stdout)
            self.assertIsNone(re.search(r"``|\*\*", done.stdout), f"{name}: markup is left")


class Verbs(unittest.TestCase):
    def run_help(self, *words):
        done = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8", "HOME": "/nowhere"})
        return done.stdout

    def options(self, text, pattern):
        return {match.group(1, 2, 3) for match in re.finditer(pattern, text, re.M)}

    def test_every_verb(self):
        described = sections(sections(page("mux-quic.1"), "=")["VERBS"], "-")
        verbs = set(re.findall(r"^  ([\w-]+) ", self.run_help(), re.M))
        self.assertGreater(len(verbs), 8)
        self.assertEqual(set(described), verbs, "sections of VERBS against mux-quic --help")
        for verb in sorted(verbs):
            told = self.options(self.run_help(verb), r"^  (?:-(\w), )?--([\w-]+)(?:=(\S+))? ") - {("h", "help", None)}
            # `-c FILE, --config=FILE`, as reStructuredText has it.
            written = self.options(described[verb], r"^(?:-(\w)(?: [A-Z]+)?, )?--([\w-]+)(?:=([A-Z]+))?  ")
            self.assertEqual(written, told, f"options of {verb}, in mux-quic.1.rst.in and in its --help")

    def test_every_exit_status(self):
        enumeration = re.search(r"typedef enum\n\{\n  HOST_EXIT_OK.*?\} HostExit;", source("plugin/host/verb.h"), re.S)[0]
        numbers = set(re.findall(r"= (\d+),", enumeration))
        self.assertEqual(numbers, {"0", "1", "2", "3", "255"})
        written = set(re.findall(r"^(\d+)\n    ", sections(page("mux-quic.1"), "=")["EXIT STATUS"], re.M))
        self.assertEqual(written, numbers)

    def test_every_check_of_doctor(self):
        checks = set()
        for path in (SOURCE / "plugin").glob("*/d*.c"):
            text = path.read_text()
            checks |= set(re.findall(r'transport_(?:diagnosis_add|diagnosis_add_error|examine_dates)\s*\(\s*[^",]+,\s*"(\w+)"', text))
            checks |= set(re.findall(r'host_doctor_add \(\s*[^",]+,\s*(?:"\w+"|[^",]*\? "\w+" : "\w+"),\s*"(\w+)"', text))
        self.assertGreater(len(checks), 20)
        described = sections(sections(page("mux-quic.1"), "=")["VERBS"], "-")["doctor"]
        words = set(re.findall(r"``([a-z]+)``", described)) - {"doctor", "ok", "note", "warning", "error", "errors", "warnings", "findings",
                                                            "level", "check", "found", "remedy"}
        self.assertEqual(words, checks)


class Protocol(unittest.TestCase):
    text = page("mux-quic-protocol.7")

    def terms(self, heading):
        """{message: its line} of a section."""
        return {match[1]: match[0] for match in re.finditer(r"^``([\w-]+)``.*(?=\n    )", sections(self.text, "=")[heading], re.M)}

    def keys_of(self, name, *functions):
        """{key: type} of what the sources look up of a message's arguments, or put there."""
        keys = {}
        for function in functions:
            body = re.search(rf"^{function} \(.*?^}}", source(name), re.S | re.M)[0].replace("G_VARIANT_TYPE_BYTESTRING", '"ay"')
            keys |= dict(re.findall(r'g_variant_(?:lookup|lookup_value) \(arguments, "(\w+)", "&?(\w+)"', body))
            keys |= dict(re.findall(r'g_variant_dict_insert \(&dict, "(\w+)", "\^?(\w+)"', body))
            keys |= {key: {"%@ay": "ay", "%s": "s", "%^as": "as", "%u": "u", "%i": "i", "%t": "t"}[kind] for key, kind in re.findall(r"'(\w+)': <([^>]+)>", body)}
        return keys

    def test_messages(self):
        table = re.search(r"^} messages\[\] = \{.*?^\};", source("plugin/session/messages.c"), re.S | re.M)[0]
        functions = dict(re.findall(r'\{ "(\w+)", .*?, (take_\w+) \}', table))
        written = self.terms("SESSION")
        self.assertEqual(set(written), set(functions))
        for name, function in functions.items():
            keys = self.keys_of("plugin/session/messages.c", *(("session_messages_event", "event_details") if function == "take_event" else (function,)))
            if function == "take_event":
                others = {"resize": {"name", "status", "signal"}, "signal": {"rows", "columns", "status", "signal"}, "exited": {"rows", "columns", "name"}}
                keys = {key: kind for key, kind in keys.items() if key not in others[name]} | {"n": "t"}
            if name in ("hello", "welcome"):
                keys |= self.keys_of("plugin/session/greeting.c", {"hello": "say_hello", "welcome": "session_say_welcome"}[name])
            if name == "welcome":
                keys |= self.keys_of("plugin/session/takeover.c", "describe_state", "session_take_state")
            for key, kind in keys.items():
                self.assertRegex(written[name], rf"\b{key} {kind}[?,}}]", f"{name} lacks {key}")

    def test_requests(self):
        written = self.terms("CHANNELS")
        admitted = re.search(r"^admit \(.*?^}", source("plugin/session/incoming.c"), re.S | re.M)[0]
        self.assertLessEqual(set(re.findall(r'g_str_equal \(name, "(\w+)"\)', admitted)) | {"opened", "refused"}, set(written))
        table = re.search(r"open_keys\[\] = \{.*?\};", source("plugin/session/requests.c"), re.S)[0]
        for key, kind in re.findall(r'\{ "(\w+)", "([^"]+)" \}', table):
            self.assertIn(f"{key} {kind}?", written["open"])
        for function in ("session_position_arguments", "session_position_read"):
            body = re.search(rf"^{function} \(.*?^}}", source("plugin/session/resume.c"), re.S | re.M)[0]
            for key, kind in re.findall(r'"(\w+)", "&?(\w)"', body):
                self.assertRegex(self.terms("RESUME")["resume"], rf"\b{key} {kind}\b")
                self.assertRegex(self.terms("RESUME")["resumed"], rf"\b{key} {kind}\b")

    def test_codes(self):
        codes = dict(re.findall(r"QUIC_CODE_(\w+) = (\d+),", source("plugin/quic/connection.h")))
        written = {word.upper(): number for number, word in re.findall(r"^(\d)\n    (\w+):", self.text, re.M)}
        self.assertEqual(written, codes)
        table = re.search(r"goodbye_codes\[\] = \{.*?\};", source("plugin/session/goodbye.c"), re.S)[0]
        goodbyes = re.search(r"^Of ``goodbye``.*?\n\n", self.text, re.S | re.M)[0]
        for word, code in re.findall(r'"(\w+)", QUIC_CODE_(\w+)', table):
            self.assertRegex(goodbyes, rf"``{word}``[^(]*\({codes[code]}\)")

    def test_numbers(self):
        """Limits and times of the sources, as the page gives them."""
        def number(name, macro):
            value = re.search(rf"#define {macro} \(?(?:\(gsize\) )?(.+?)\)?(?: /\*.*)?$", source(name), re.M)[1]
            return eval(value.replace("BASE_SECOND", "1").replace("BASE_MILLISECOND", "1"), {})

        session, text = "plugin/session/session-private.h", " ".join(self.text.split())
        for words, value in {
            "from 1 to %d, and so many bytes": number("plugin/session/frame.h", "SESSION_FRAME_MAX"),
            "first of all, within %d seconds": number(session, "SESSION_GREETING_TIMEOUT"),
            "The client waits %d seconds for it": number(session, "SESSION_WELCOME_TIMEOUT"),
            "or %d milliseconds after it grew": number(session, "SESSION_COUNT_DELAY"),
            "when it grew by %d,": number("plugin/session/lane.h", "SESSION_LANE_COUNT_STEP"),
            "More than %d bytes that the peer does not take": number("plugin/session/control-stream.h", "SESSION_CONTROL_BACKLOG"),
            "PEM, %d bytes at most": number("plugin/session/messages.c", "MAX_CSR"),
            "a session has %d channels at most": number("plugin/session/session.h", "SESSION_MAX_CHANNELS"),
            "A channel has %d lanes at most": number("plugin/session/session.h", "SESSION_MAX_LANES"),
            "a name of 1 to %d bytes": number("plugin/session/channel.h", "SESSION_MAX_LANE_NAME"),
            "may have %d of them open": number("plugin/quic/connection.h", "QUIC_MAX_STREAMS"),
            "that it gives have %d bytes": number("plugin/quic/cid-table.h", "QUIC_CID_LENGTH"),
            "``version`` is %d.": number("plugin/session/session.h", "SESSION_VERSION"),
            "The session has %d bytes": number("plugin/session/session.h", "SESSION_ID_SIZE"),
            "of a session %d MiB": number(session, "SESSION_KEPT_MAX") >> 20,
            "of one lane 1 to %d MiB": number(session, "SESSION_WINDOW_MAX") >> 20,
            "of at most %d bytes": number("plugin/transport/enrolment.c", "MAX_BLOCK"),
        }.items():
            self.assertIn(words % value, text)


@unittest.skipUnless((BUILT / NAMES[0]).exists(), "rst2man is not installed: the pages are not built")
class Bus(unittest.TestCase):
    def test_every_member(self):
        """… with each of its arguments, what it is for, and since when it is there."""
        shown = (BUILT / "mux-quic-dbus.7.rst").read_text()
        seen = 0
        for interface in ElementTree.parse(SOURCE / "data/org.muxquic.Quic1.xml").getroot().iter("interface"):
            part = shown.split(f"``{interface.get('name')}``:")[1].split("\nInterface ")[0]
            described = sections(part, "-")
            for element in interface:
                if element.tag in ("property", "method", "signal"):
                    name, seen = element.get("name"), seen + 1
                    heading, text = next((one for one in described.items() if one[0].split()[0] == name), (None, ""))
                    self.assertIsNotNone(heading, f"{interface.get('name')}.{name}")
                    self.assertRegex(text, r"\nSince \S+\.\n", name)
                    for argument in element.findall("arg"):
                        self.assertIn(f"{argument.get('name')} {argument.get('type')}", heading)
                        self.assertRegex(text, rf"\n\*{argument.get('name')}\*\n    \S", f"{name}: {argument.get('name')} is not described")
        self.assertGreater(seen, 25)


if __name__ == "__main__":
    tap.main()
