"""The command line as a person meets it: help, usage errors, exit codes."""

import re
import unittest

from sandbox import MODULE, Sandbox
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

    def test_no_host_is_3(self):
        with Sandbox() as world:
            for words in ([], ["status"], ["--json"], ["cert", "list"], ["creds", "--pem"], ["metrics"], ["log-level"],
                          ["log-level", "debug"]):
                done = world.mux(*words)
                self.assertEqual((done.returncode, done.stdout), (3, b""), words)
                self.assertIn(b"mux-quic serve", done.stderr, words)

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
