"""The command line as a person meets it: help, usage errors, exit codes."""

import json
import os
import re
import signal
import subprocess
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, Sandbox, processes_with, read_line, wait_until
import tap

VERBS = ["serve", "connect", "exec", "proxy", "enroll", "creds", "status", "cert", "metrics", "log-level", "check", "doctor"]


class Usage(unittest.TestCase):
    def test_every_verb_is_listed_and_tells_its_options(self):
        with Sandbox() as world:
            for words in (["--help"], ["-h"], ["help"]):
                done = world.mux(*words)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                listed = re.findall(r"^  (\S+)", done.stdout.decode(), re.M)
                self.assertEqual(listed, VERBS)
                self.assertLessEqual(max(map(len, done.stdout.decode().splitlines()[4:-1])), 80)
            for verb in VERBS:
                done = world.mux(verb, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, b""), verb)
                text = done.stdout.decode()
                self.assertRegex(text, rf"^Usage:\n  mux-quic {verb} \[OPTION")
                self.assertRegex(text, r"\n-?.*-h, --help +show this help")
                # One sentence at least between the usage and the options.
                self.assertRegex(text.split("\n\n")[1], r"^[A-Z].{15,}", verb)
                self.assertEqual(world.mux("help", verb).stdout, done.stdout, verb)

    def test_version(self):
        with Sandbox() as world:
            for word in ("--version", "-V"):
                done = world.mux(word)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertRegex(done.stdout.decode(), r"^mux-quic \d+\.\d+\.\d+\n$")

    def test_usage_errors(self):
        """Each is 2, one line on standard error that says what to do, and nothing on standard output."""
        with Sandbox() as world:
            cases = {
                ("stauts",): "did you mean 'status'",
                ("frobnicate",): "mux-quic --help",
                ("help", "conect"): "did you mean 'connect'",
                ("status", "--jsn"): "mux-quic status --help",
                ("--jsn",): "mux-quic status --help",
                ("status", "more"): "unexpected argument 'more'",
                ("check", "a", "b"): "unexpected argument 'b'",
                ("connect",): "one TARGET is needed",
                ("connect", "a", "b"): "unexpected argument 'b'",
                ("proxy",): "one TARGET is needed",
                ("exec", "target"): "a TARGET and a command are needed",
                ("cert",): "mux-quic cert --help",
                ("cert", "rewoke", "00"): "did you mean 'revoke'",
                ("cert", "revoke"): "mux-quic cert --help",
                ("cert", "list", "00"): "mux-quic cert --help",
                ("creds",): "--pem",
                ("keeper",): "started by the host",
                ("log-level", "debg"): "did you mean 'debug'",
                ("log-level", "debug", "x"): "unexpected argument 'x'",
            }
            for words, said in cases.items():
                done = world.mux(*words)
                self.assertEqual((done.returncode, done.stdout), (2, b""), words)
                self.assertIn(said, done.stderr.decode(), words)
                self.assertEqual(done.stderr.count(b"\n"), 1, words)

    def test_a_value_that_may_be_left_out(self):
        """… is not the next word."""
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            for words in (["--take-over", "here"], ["here", "--take-over"], ["--take-over=00112233445566778899aabbccddeeff", "here"]):
                done = world.mux("connect", *client, *words)
                self.assertEqual(done.returncode, 255, done.stderr)
                self.assertIn(b"No session of yours waits", done.stderr, words)
            self.assertIn(b"\033[1m", world.mux("status", "--color").stdout)
            done = world.mux("cert", "--color", "list")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(host.stop(), 0)

    def test_status_tells_who_came_from_where_it_went(self):
        with Sandbox() as world:
            there = world.serve()
            client = world.client(there, connect_automatically=True)
            self.assertEqual(world.mux("exec", *client, "here", "--", "true").returncode, 0)
            world.path("other").mkdir(mode=0o700)
            env = world.env | {"XDG_RUNTIME_DIR": str(world.path("other"))}
            here = world.popen(PROGRAM, "serve", "--no-bus", *client, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, bufsize=0)
            self.assertEqual(read_line(here.stdout, "its line"), "listening nowhere")
            wait_until(lambda: json.loads(world.mux("status", "--json", env=env).stdout)["sessions"], "it is there")
            heading, session = world.mux("status", env=env).stdout.decode().splitlines()[:2]
            self.assertRegex(heading, "^USER ")
            self.assertRegex(session, rf"^→ here .*127\.0\.0\.1:{there.port} ")
            self.assertNotIn("→", world.mux("status").stdout.decode())
            here.send_signal(signal.SIGTERM)
            self.assertEqual(here.wait(PATIENCE), 0)
            self.assertEqual(there.stop(), 0)

    def test_no_host_is_3(self):
        with Sandbox() as world:
            for words in ([], ["status"], ["--json"], ["cert", "list"], ["creds", "--pem"], ["metrics"], ["log-level"],
                          ["log-level", "debug"]):
                done = world.mux(*words)
                self.assertEqual((done.returncode, done.stdout), (3, b""), words)
                self.assertIn(b"mux-quic serve", done.stderr, words)

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full here")
    def test_output_that_is_lost(self):
        """Half a key on a full disk is no success; a reader who has enough is no failure that is worth a word."""
        with Sandbox() as world:
            host = world.serve()
            for words in (["--help"], ["status"], ["status", "--json"], ["creds", "--pem"], ["enroll", "--generate"], ["metrics"],
                          ["cert", "list"], ["log-level"], ["complete", "--", ""]):
                with open("/dev/full", "wb") as full:
                    done = subprocess.run([PROGRAM, *words], env=world.env, stdin=subprocess.DEVNULL, stdout=full,
                                          stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 1, words)
                self.assertRegex(done.stderr.decode(), r"^mux-quic: .*disk.*\n$", words)
                reader, writer = os.pipe()
                os.close(reader)
                done = subprocess.run([PROGRAM, *words], env=world.env, stdin=subprocess.DEVNULL, stdout=writer,
                                      stderr=subprocess.PIPE, check=False, restore_signals=False)
                os.close(writer)
                self.assertEqual((done.returncode, done.stderr), (128 + signal.SIGPIPE, b""), words)
            self.assertEqual(host.stop(), 0)

    def test_nothing_steers_the_terminal(self):
        """What is repeated of others' words: neither ESC [ nor its one-character twin gets through."""
        with Sandbox() as world:
            said = world.mux("sta\x1b[2Jtus", env=world.env).stderr.decode() + world.mux("sta\u009b2Jtüs").stderr.decode()
            self.assertEqual(said.count("sta?"), 2, said)
            self.assertIn("tüs", said)
            self.assertNotRegex(said, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_json_is_utf_8_in_every_locale(self):
        """… as it is where no locale is set at all, in a timer say."""
        with Sandbox() as world:
            host = world.serve()
            self.assertEqual(world.mux("enroll", "--generate", "--device", "Küche").returncode, 0)
            for locale in ("C", "C.UTF-8"):
                env = world.env | {"LC_ALL": locale}
                done = world.mux("cert", "list", "--json", env=env)
                self.assertEqual(json.loads(done.stdout)["certificates"][0]["device"], "Küche", locale)
                self.assertIn("Küche", world.mux("complete", "--", "cert", "show", "", env=env).stdout.decode(), locale)
            self.assertEqual(host.stop(), 0)

    def test_who_comes_first_starts_the_host(self):
        """… and who comes in the same moment uses that one."""
        with Sandbox() as world:
            enrolments = [world.popen(PROGRAM, "enroll", "--generate", "--device", f"d{number}", stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE) for number in range(4)]
            for enrolment in enrolments:
                said, complaint = enrolment.communicate(timeout=PATIENCE)
                self.assertEqual((enrolment.returncode, complaint), (0, b""))
                self.assertIn(b"BEGIN MUX-QUIC ENROLMENT", said)
            self.assertEqual(len(json.loads(world.mux("cert", "list", "--json").stdout)["certificates"]), 4)
            for pid, command in processes_with(str(world.root)):
                if " serve" in command:
                    os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not processes_with(str(world.root)), "the host has ended")

    def test_other_exit_codes(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            self.assertEqual(world.mux("cert", "show", "0000000000").returncode, 3)
            self.assertEqual(world.mux("connect", *client, "no such target").returncode, 1)
            self.assertEqual(world.mux("check", "--plugin", MODULE, world.path("nowhere.lua")).returncode, 1)
            self.assertEqual(world.mux("status", "--", stdin=None).returncode, 0)
            self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    tap.main()
