"""The main job on real programs: commands, a shell in tmux, OpenSSH and rsync through a host on loopback."""

import hashlib
import json
import os
import pathlib
import pwd
import signal
import subprocess
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, SANITIZED, Sandbox, read_line, wait_until
from sshd import Sshd, need
import tap

ME = pwd.getpwuid(os.getuid()).pw_name


class Tmux:
    """A tmux server of its own, whose pane is a real terminal for what runs in it."""

    def __init__(self, world, label, columns=80, rows=24):
        self.world = world
        # A socket in the world's own directory: labels are shared by all of a user's tests.
        self.socket = str(world.path(f"tmux-{label}"))
        self.size = (columns, rows)

    def __call__(self, *argv):
        done = self.world.run("tmux", "-S", self.socket, "-f", "/dev/null", *argv)
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout.decode()

    def start(self, *argv):
        columns, rows = self.size
        # Without a status line the pane is as high as the window.
        self("new-session", "-d", "-x", columns, "-y", rows, "-s", "it", "sh")
        self("set", "-g", "status", "off")
        self("set", "-g", "remain-on-exit", "on")
        self("set", "-g", "window-size", "manual")
        self("respawn-pane", "-k", *argv)
        self("resize-window", "-x", columns, "-y", rows)

    def screen(self):
        return self("capture-pane", "-p")

    def shows(self, text):
        try:
            return wait_until(lambda: text in self.screen() and self.screen(), f"the screen shows {text!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{self.screen()}") from None

    def type(self, *keys):
        self("send-keys", *keys)

    def stop(self):
        self.world.run("tmux", "-S", self.socket, "kill-server")


class Commands(unittest.TestCase):
    def test_exec_carries_bytes_both_outputs_and_status(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            done = world.mux("exec", *client, "here", "--", "sh", "-c", "cat; echo to-stderr >&2; exit 7", input=b"to-stdin\n")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (7, b"to-stdin\n", b"to-stderr\n"))
            done = world.mux("exec", *client, "here", "--", "sh", "-c", "kill -KILL $$")
            self.assertEqual(done.returncode, 128 + signal.SIGKILL)
            done = world.mux("exec", *client, "here", "--", "printf", "%s|", "a b", "", "$HOME", "'")
            self.assertEqual(done.stdout, b"a b||$HOME|'|")
            # A service on a terminal has one output.
            done = world.mux("exec", *client, "--service", "shell", "here", "--", "ignored", input=b"exit 3\n")
            self.assertEqual((done.returncode, done.stderr), (3, b""))
            self.assertEqual(host.stop(), 0)

    def test_exec_of_what_is_not_there(self):
        with Sandbox() as world:
            client = world.client(world.serve())
            done = world.mux("exec", *client, "here", "--", "no-such-program-anywhere")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"no-such-program-anywhere", done.stderr)

    def test_interrupt_reaches_the_program(self):
        with Sandbox() as world:
            client = world.client(world.serve())
            process = world.popen(PROGRAM, "exec", *client, "here", "--", "sh", "-c",
                                  "trap 'echo caught; exit 9' INT; echo ready; while :; do read line || exit 8; done",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            self.assertEqual(read_line(process.stdout, "ready"), "ready")
            process.send_signal(signal.SIGINT)
            self.assertEqual(read_line(process.stdout, "caught"), "caught")
            self.assertEqual(process.wait(PATIENCE), 9)

    def test_a_gone_client_ends_its_program(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            process = world.popen(PROGRAM, "exec", *client, "here", "--", "sh", "-c", "echo $$; exec cat",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            pid = int(read_line(process.stdout, "the pid"))
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the remote program ended")

    def test_a_gone_proxy_leaves_nothing_there(self):
        """Nobody could ever come back to it: ssh, which was its input and output, has ended it."""
        with Sandbox() as world:
            host = world.serve(services={"cat": {"program": ["sh", "-c", "echo $$; exec cat"]}})
            client = world.client(host)
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                process = world.popen(PROGRAM, "proxy", *client, "--service", "cat", "here",
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
                pid = int(read_line(process.stdout, "the pid"))
                process.send_signal(number)
                self.assertEqual(process.wait(PATIENCE), 128 + number)
                wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the remote program ended")
                self.assertEqual(json.loads(world.mux("status", "--json").stdout)["sessions"], [])
            self.assertEqual(host.stop(), 0)


class Terminal(unittest.TestCase):
    def test_tmux_over_connect(self):
        need("tmux")
        with Sandbox() as world:
            outer = Tmux(world, "outer")
            inner = Tmux(world, "inner")
            service = {"tmux": {"program": ["tmux", "-S", inner.socket, "-f", "/dev/null", "new-session", "-A", "-s", "far", "sh"],
                                "pty": True}}
            host = world.serve(services=service)
            client = world.client(host)
            try:
                outer.start("sh", "-c", " ".join([PROGRAM, "connect", *client, "--service", "tmux", "here"])
                            + "; echo status=$?; exec cat")
                outer.shows("[far]")
                outer.type("echo one-$((40+2))", "Enter")
                outer.shows("one-42")
                # What the outer terminal shows is what tmux at the far end shows, above its status line.
                wait_until(lambda: outer.screen().splitlines()[:22] == inner.screen().splitlines()[:22],
                           "both screens are equal")
                outer("resize-window", "-x", "100", "-y", "30")
                wait_until(lambda: inner("display-message", "-p", "-t", "far", "#{window_width}x#{window_height}").strip()
                           == "100x29", "the size came through")
                outer.type("C-b", "d")
                outer.shows("status=0")
                self.assertIn("far", inner("list-sessions"))
            finally:
                outer.stop()
                inner.stop()
            self.assertEqual(host.stop(), 0)

    def test_shell_status_and_terminal_restored(self):
        need("tmux")
        with Sandbox() as world:
            client = world.client(world.serve())
            outer = Tmux(world, "outer")
            script = world.write("twice.sh", "before=$(stty -g)\n" + " ".join(
                [PROGRAM, "connect", *client, "here"]) + "\nstatus=$?\n[ \"$before\" = \"$(stty -g)\" ] && echo same-tty\n"
                "echo status=$status\nexec cat\n")
            try:
                outer.start("sh", script)
                outer.type("echo shell-$((6*7)); stty size", "Enter")
                outer.shows("shell-42")
                outer.shows("24 80")
                outer.type("exit 5", "Enter")
                outer.shows("status=5")
                self.assertIn("same-tty", outer.screen())
            finally:
                outer.stop()

    def test_escapes(self):
        need("tmux")
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            outer = Tmux(world, "outer")
            try:
                outer.start("sh", "-c", " ".join([PROGRAM, "connect", *client, "here"]) + "; echo status=$?; exec cat")
                outer.type("echo ready-$((1+1))", "Enter")
                outer.shows("ready-2")
                outer.type("Enter", "~", "?")
                outer.shows("~.")
                # The host is dead silent from here on, and `~.` must not care.
                os.kill(host.pid, signal.SIGSTOP)
                try:
                    outer.type("Enter", "~", ".")
                    outer.shows("status=255")
                finally:
                    os.kill(host.pid, signal.SIGCONT)
            finally:
                outer.stop()


class OpenSsh(unittest.TestCase):
    def test_ssh_sftp_scp_through_proxy(self):
        with Sandbox() as world:
            sshd = Sshd(world)
            host = world.serve(services={"sshd": {"tcp": f"127.0.0.1:{sshd.port}"}})
            options = sshd.options(world.client(host))
            data = os.urandom(3_000_001)
            source = world.path("source")
            source.write_bytes(data)

            done = world.run("ssh", *options, f"{ME}@far", "sha256sum; echo err >&2; exit 3", input=data)
            self.assertEqual(done.stdout.split()[0].decode(), hashlib.sha256(data).hexdigest(), done.stderr)
            self.assertEqual((done.returncode, done.stderr), (3, b"err\n"))

            done = world.run("scp", *options, source, f"{ME}@far:{world.path('by-scp')}")
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(world.path("by-scp").read_bytes(), data)

            batch = world.write("batch", f"put {source} {world.path('by-sftp')}\nget {world.path('by-sftp')} {world.path('back')}\n")
            done = world.run("sftp", "-b", batch, *options, f"{ME}@far")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(world.path("back").read_bytes(), data)
            wait_until(lambda: not json.loads(world.mux("status", "--json").stdout)["sessions"], "their sessions have ended", 20)
            self.assertEqual(host.stop(), 0)

    def test_rsync_with_exec_as_remote_shell(self):
        need("rsync")
        with Sandbox() as world:
            client = world.client(world.serve())
            tree = world.path("tree")
            (tree / "a dir").mkdir(parents=True)
            for index in range(40):
                (tree / "a dir" / f"file {index}").write_bytes(os.urandom(index * 997))
            shell = " ".join([PROGRAM, "exec", *client])
            done = world.run("rsync", "-a", "-e", shell, f"{tree}/", f"here:{world.path('copy')}/")
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            done = world.run("diff", "-r", tree, world.path("copy"))
            self.assertEqual((done.returncode, done.stdout), (0, b""))


if __name__ == "__main__":
    tap.main()
