"""What a person sees who has to wait, on a real terminal; and that nobody else sees it."""

import os
import re
import signal
import socket
import unittest

from main_job import Tmux
from sandbox import PROGRAM, Sandbox, wait_until
from sshd import need
import tap


class Progress(unittest.TestCase):
    def setUp(self):
        need("tmux")

    def test_a_host_that_does_not_answer(self):
        with Sandbox() as world:
            host = world.serve()
            terminal = Tmux(world, "it", 60, 12)
            os.kill(host.pid, signal.SIGSTOP)
            try:
                terminal.start("sh", "-c", f"{PROGRAM} cert show; echo status=$?; exec cat")
                screen = terminal.shows("waiting for the host… 2 s")
                # One line, drawn again in its place.
                self.assertEqual(len(screen.strip().splitlines()), 1, screen)
                os.kill(host.pid, signal.SIGCONT)
                screen = terminal.shows("status=0")
                self.assertNotIn("waiting", screen)
                self.assertIn("CERTIFICATE", screen.splitlines()[0])
                # Nobody but a terminal is told.
                os.kill(host.pid, signal.SIGSTOP)
                done = world.mux("cert", "show")
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr.count(b"\n"), 1)
                self.assertIn(b"does not answer", done.stderr)
            finally:
                os.kill(host.pid, signal.SIGCONT)
                terminal.stop()
            self.assertEqual(host.stop(), 0)

    def test_a_server_that_does_not_answer(self):
        with Sandbox() as world, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            host = world.serve()
            client = world.client(f"127.0.0.1:{silent.getsockname()[1]}")
            terminal = Tmux(world, "it", 100, 12)
            try:
                terminal.start("sh", "-c", "trap : INT; " + " ".join([PROGRAM, "connect", *client, "here"]) + "; echo status=$?; exec cat")
                # The certificate's is a line of its own, for ssh might have asked something.
                terminal.shows("asking here for a certificate")
                terminal.shows("connecting to 127.0.0.1")
                terminal.type("C-c")
                screen = terminal.shows("status=255")
                self.assertNotRegex(screen, r"\d s\b")
                # Now there is a certificate, and nothing in between.
                terminal("respawn-pane", "-k", "sh", "-c", "trap : INT; " + " ".join([PROGRAM, "connect", *client, "here"])
                         + "; echo status=$?; exec cat")
                screen = wait_until(lambda: re.search(r"connecting to 127\.0\.0\.1:\d+… [2-9] s", terminal.screen())
                                    and terminal.screen(), "the seconds are counted")
                self.assertEqual(len(screen.strip().splitlines()), 1, screen)
                terminal.type("C-c")
                self.assertNotIn("connecting", terminal.shows("status=255"))
            finally:
                terminal.stop()
            self.assertEqual(host.stop(), 0)

    def test_a_question_of_ssh_stays_readable(self):
        with Sandbox() as world:
            host = world.serve()
            gate = world.path("gate")
            os.mkfifo(gate)
            # Like ssh it has something to do before it asks.
            ask = world.write("ask", f"#!/bin/sh\nread go <{gate}\nprintf 'password: ' >/dev/tty\nread word </dev/tty\n[ \"$word\" = secret ] || exit 1\n"
                              f"exec {PROGRAM} enroll\n", 0o700)
            client = world.client(host, enroll_command=[ask])
            terminal = Tmux(world, "it", 80, 12)
            try:
                terminal.start("sh", "-c", " ".join([PROGRAM, "exec", *client, "here", "--", "echo", "it-works"])
                               + "; echo status=$?; exec cat")
                terminal.shows("asking here for a certificate")
                gate.write_text("go\n")
                terminal.shows("password:")
                # Two ticks later nothing was written over it.
                clock = Tmux(world, "clock")
                clock.start("sh", "-c", "sleep 2.5; echo late; exec cat")
                clock.shows("late")
                clock.stop()
                self.assertRegex(terminal.screen(), r"(?m)^password:$")
                terminal.type("secret", "Enter")
                self.assertIn("it-works", terminal.shows("status=0"))
            finally:
                terminal.stop()
            self.assertEqual(host.stop(), 0)

    def test_notices_have_colours_where_they_are_wanted(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host, max_idle_timeout=3)
            terminals = {}
            try:
                for variable in ("", "NO_COLOR=1"):
                    terminals[variable] = Tmux(world, f"of-{variable}", 100, 12)
                    terminals[variable].start("sh", "-c", " ".join([variable, PROGRAM, "exec", *client, "here", "--", "sh", "-c",
                                                                    "'echo begun; exec cat'"]) + "; exec cat")
                    terminals[variable].shows("begun")
                os.kill(host.pid, signal.SIGSTOP)
                for variable, terminal in terminals.items():
                    terminal.shows("the connection is lost")
                    self.assertEqual("\033[33m" in terminal("capture-pane", "-p", "-e"), variable == "", variable)
            finally:
                os.kill(host.pid, signal.SIGCONT)
                for terminal in terminals.values():
                    terminal.type("C-d")
                    terminal.stop()
            self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    tap.main()
