"""`status --watch`: a live table on a terminal, lines elsewhere; what follows the host, and goes on without it."""

import json
import os
import re
import select
import signal
import subprocess
import unittest

from json_output import jsonschema, validator
from main_job import Tmux
from sandbox import PATIENCE, PROGRAM, Sandbox, descendants, read_line, wait_until
from sshd import need
import tap


def lines_until(stream, pattern):
    """Reads lines up to the one that has `pattern`; all of them."""
    lines = []
    while not lines or not re.search(pattern, lines[-1]):
        lines.append(read_line(stream, f"a line with {pattern} after {lines}"))
    return lines


def start_client(world, host):
    client = world.popen(PROGRAM, "exec", *world.client(host), "here", "--", "cat", stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, bufsize=0)
    client.stdin.write(b"here\n")
    read_line(client.stdout, "echo")
    return client


class Lines(unittest.TestCase):
    def test_one_line_for_each_change(self):
        with Sandbox() as world:
            host = world.serve()
            watch = world.popen(PROGRAM, "status", "--watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
            first = lines_until(watch.stdout, r"certificate \(server\)")
            self.assertRegex(first[0], rf"^\d\d:\d\d:\d\d listening on {re.escape(host.addresses[0])}$")
            client = start_client(world, host)
            said = lines_until(watch.stdout, r": connected, 127\.0\.0\.1:\d+$")
            client.stdin.close()
            self.assertEqual(client.wait(PATIENCE), 0)
            said += lines_until(watch.stdout, r": ended$")
            # Nothing but lines, each of a change.
            for line in first + said:
                self.assertRegex(line, r"^\d\d:\d\d:\d\d \S.*$")
                self.assertNotIn("\033", line)
            # The host goes, and another one comes, on another port.
            self.assertEqual(host.stop(), 0)
            self.assertRegex(lines_until(watch.stdout, "gone")[-1], "the host is gone; waiting for it$")
            host = world.serve()
            back = lines_until(watch.stdout, rf"listening on {re.escape(host.addresses[0])}$")
            self.assertRegex(back[0], "the host is back$")
            # It is not only gone when it says goodbye.
            host.process.kill()
            lines_until(watch.stdout, "gone")
            watch.send_signal(signal.SIGTERM)
            self.assertEqual((watch.wait(PATIENCE), watch.stderr.read()), (0, b""))

    def test_without_a_host(self):
        with Sandbox() as world:
            for words in (["status", "--watch"], ["--watch", "--json"]):
                done = world.mux(*words)
                self.assertEqual((done.returncode, done.stdout), (3, b""))
                self.assertIn(b"mux-quic serve", done.stderr)

    def test_whoever_reads_no_more_ends_it(self):
        with Sandbox() as world:
            world.serve()
            for words in ([], ["--json"]):
                watch = world.popen(PROGRAM, "status", "--watch", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
                read_line(watch.stdout, "the first line")
                watch.stdout.close()
                self.assertEqual((watch.wait(PATIENCE), watch.stderr.read()), (128 + signal.SIGPIPE, b""))

    @unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
    def test_json(self):
        with Sandbox() as world:
            host = world.serve()
            watch = world.popen(PROGRAM, "status", "--watch", "--json", stdout=subprocess.PIPE, bufsize=0)

            def events_until(event):
                events = []
                while not events or events[-1]["event"] != event:
                    events.append(json.loads(read_line(watch.stdout, f"{event} after {events}")))
                    self.assertEqual([error.message for error in validator("watch").iter_errors(events[-1])], [])
                return events

            first = events_until("status")
            self.assertEqual(len(first), 1)
            self.assertEqual([one["address"] for one in first[0]["status"]["listeners"]], host.addresses)
            client = start_client(world, host)
            session = events_until("session-added")[-1]["session"]
            self.assertEqual((session["state"], session["direction"]), ("connected", "in"))
            client.stdin.close()
            self.assertEqual(events_until("session-removed")[-1]["session"]["id"], session["id"])
            self.assertEqual(client.wait(PATIENCE), 0)
            self.assertEqual(host.stop(), 0)
            events_until("host-gone")
            world.serve()
            events_until("host-back")
            # An event without its subject does not fit.
            self.assertTrue(list(validator("watch").iter_errors({"schema": 1, "time": 1795822840, "event": "session-added"})))

    def test_it_looks_when_something_happens_and_not_more_than_once_a_second(self):
        need("strace")
        with Sandbox() as world:
            host = world.serve()
            log = world.path("strace.log")
            watch = world.popen("strace", "-f", "-e", "trace=sendmsg", "-s", "400", "-o", log, PROGRAM, "status", "--watch",
                                stdout=subprocess.PIPE, bufsize=0)
            lines_until(watch.stdout, r"certificate \(server\)")

            def looks():
                return log.read_text(errors="replace").count("Describe")

            if looks() == 0:
                self.skipTest("strace does not see what is sent here")
            self.assertEqual(looks(), 1)
            # Twelve sessions begin and end: dozens of signals.
            start = os.times().elapsed
            for _ in range(12):
                client = start_client(world, host)
                client.stdin.close()
                client.wait(PATIENCE)
                client.stdout.close()
            lines_until(watch.stdout, ": ended|certificate \\(client\\)")
            self.assertEqual(host.stop(), 0)
            lines_until(watch.stdout, "gone")
            seconds = os.times().elapsed - start
            self.assertGreater(looks(), 1)
            self.assertLessEqual(looks(), 2 + seconds)
            print(f"# {looks()} looks in {seconds:.1f} s")
            for pid in descendants(watch.pid):
                os.kill(pid, signal.SIGTERM)
            watch.wait(PATIENCE)


class Table(unittest.TestCase):
    """On a terminal, which must be as it was on every way out."""

    def setUp(self):
        need("tmux")

    def start(self, world, terminal, before=""):
        script = world.write("watch.sh", "trap : INT\necho shown-before\nbefore=$(stty -g)\n" + before + PROGRAM
                             + " status --watch\necho status=$?\n[ \"$before\" = \"$(stty -g)\" ] && echo same-tty\nexec cat\n")
        terminal.start("sh", script)
        terminal.shows("LISTENING ON")

    def pid(self, world, terminal):
        pane = int(terminal("display-message", "-p", "#{pane_pid}"))
        return wait_until(lambda: [pid for pid in descendants(pane)
                                   if b"--watch" in open(f"/proc/{pid}/cmdline", "rb").read()], "it runs")[0]

    def flags(self, terminal):
        return terminal("display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}").strip()

    def is_restored(self, terminal):
        screen = terminal.shows("same-tty")
        self.assertIn("shown-before", screen)
        self.assertNotIn("LISTENING ON", screen)
        self.assertEqual(self.flags(terminal), "0 1 1")
        return screen

    def test_every_way_out(self):
        ways = {
            "q": (lambda terminal, pid: terminal.type("q"), "status=0"),
            "Ctrl-C": (lambda terminal, pid: terminal.type("C-c"), "status=0"),
            "Ctrl-D": (lambda terminal, pid: terminal.type("C-d"), "status=0"),
            "SIGINT": (lambda terminal, pid: os.kill(pid, signal.SIGINT), "status=0"),
            "SIGTERM": (lambda terminal, pid: os.kill(pid, signal.SIGTERM), "status=0"),
            "SIGHUP": (lambda terminal, pid: os.kill(pid, signal.SIGHUP), "status=0"),
            "SIGSEGV": (lambda terminal, pid: os.kill(pid, signal.SIGSEGV), "status=139"),
            "SIGABRT": (lambda terminal, pid: os.kill(pid, signal.SIGABRT), "status=134"),
        }
        with Sandbox() as world:
            world.serve()
            for name, (way, status) in ways.items():
                with self.subTest(name):
                    terminal = Tmux(world, name)
                    try:
                        self.start(world, terminal, "ulimit -c 0\n")
                        self.assertEqual(self.flags(terminal), "1 0 0")
                        way(terminal, self.pid(world, terminal))
                        self.assertIn(status, self.is_restored(terminal))
                    finally:
                        terminal.stop()

    def test_it_is_live(self):
        with Sandbox() as world:
            host = world.serve()
            terminal = Tmux(world, "table", 100, 20)
            try:
                self.start(world, terminal)
                screen = terminal.shows("No sessions.")
                self.assertTrue(screen.rstrip().endswith("q ends this"), screen)
                client = start_client(world, host)
                screen = terminal.shows("connected")
                self.assertNotIn("No sessions.", screen)
                # What flows shows.
                row = next(line for line in screen.splitlines() if "connected" in line)
                client.stdin.write(b"x" * 200_000)
                wait_until(lambda: not any(line == row for line in terminal.screen().splitlines()), "the counts rise")
                client.stdin.close()
                client.stdout.read()
                client.wait(PATIENCE)
                terminal.shows("No sessions.")
                self.assertEqual(host.stop(), 0)
                screen = terminal.shows("The host is gone since")
                self.assertIn("LISTENING ON", screen)
                host = world.serve()
                screen = terminal.shows(host.addresses[0])
                self.assertNotIn("gone", screen)
                terminal.type("q")
                self.is_restored(terminal)
            finally:
                terminal.stop()

    def test_its_size_follows(self):
        with Sandbox() as world:
            world.serve()
            terminal = Tmux(world, "table", 100, 20)
            try:
                self.start(world, terminal)
                terminal("resize-window", "-x", "100", "-y", "6")
                screen = terminal.shows("more lines")
                self.assertEqual(len(screen.splitlines()), 6)
                self.assertEqual(screen.splitlines()[-1], "q ends this")
                terminal("resize-window", "-x", "40", "-y", "30")
                wait_until(lambda: "CERTIFICATE" in terminal.screen() and "more lines" not in terminal.screen(), "all is shown")
                # Nothing wraps: one row for each line.
                screen = terminal.screen().splitlines()
                self.assertEqual(screen[-1], "q ends this")
                self.assertEqual([line for line in screen if line.startswith(("LISTENING", "CERTIFICATE"))], [screen[1], screen[6]])
                terminal.type("q")
                self.is_restored(terminal)
            finally:
                terminal.stop()

    def test_suspended_and_gone_on_with(self):
        with Sandbox() as world:
            world.serve()
            terminal = Tmux(world, "table")
            try:
                terminal.start("env", "PS1=ready> ", "sh", "-i")
                terminal.shows("ready>")
                terminal.type(f"{PROGRAM} status --watch", "Enter")
                terminal.shows("LISTENING ON")
                terminal.type("C-z")
                wait_until(lambda: self.flags(terminal) == "0 1 1", "the terminal is as before")
                terminal.type("echo here-$((6*7))", "Enter")
                terminal.shows("here-42")
                terminal.type("fg", "Enter")
                terminal.shows("LISTENING ON")
                self.assertEqual(self.flags(terminal), "1 0 0")
                terminal.type("q")
                wait_until(lambda: self.flags(terminal) == "0 1 1", "the terminal is as before")
                self.assertIn("here-42", terminal.screen())
            finally:
                terminal.stop()

    def test_colours(self):
        with Sandbox() as world:
            world.serve()
            for variable, coloured in (("", True), ("NO_COLOR=1", False), ("TERM=dumb", False)):
                terminal = Tmux(world, f"of-{variable}")
                try:
                    terminal.start("sh", "-c", f"{variable} {PROGRAM} status; echo status=$?; exec cat")
                    terminal.shows("status=0")
                    self.assertEqual("\033[1m" in terminal("capture-pane", "-p", "-e"), coloured, variable)
                finally:
                    terminal.stop()


if __name__ == "__main__":
    tap.main()
