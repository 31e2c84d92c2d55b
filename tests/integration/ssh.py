"""First contact over a real ssh: nothing is configured but ssh, on either side."""

import os
import pathlib
import socket
import subprocess
import unittest

from sandbox import PATIENCE, PROGRAM, Sandbox, processes_with, wait_until
from sshd import Sshd, need
import tap

WORLD = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME", "TMPDIR")
NOISE = "echo 'Welcome to this machine'; echo '-----BEGIN NOTHING-----'; printf 'no end of line'\n"


class Far:
    """A machine with sshd and mux-quic, and one that knows it by an alias of its ssh_config."""

    def __enter__(self):
        self.server, self.client = Sandbox().__enter__(), Sandbox().__enter__()
        environment = [f"{name}={self.server.env[name]}" for name in (*WORLD, "PATH", "LANG")]
        environment += [f"{name}={value}" for name, value in self.server.env.items() if name.startswith(("ASAN", "LSAN", "UBSAN", "LD_"))]
        self.sshd = Sshd(self.server, environment)
        self.known = self.client.write("known_hosts", pathlib.Path(self.sshd.known).read_text())
        self.ssh_config = self.client.write("ssh_config", f"""
Host far
  HostName 127.0.0.1
  Port {self.sshd.port}
  IdentityFile {self.server.path('user')}
  IdentitiesOnly yes
  BatchMode yes
  HostKeyAlias far
  StrictHostKeyChecking yes
  UserKnownHostsFile {self.known}
  LogLevel ERROR
""")
        self.wrap(f'exec {need("ssh")} -F {self.ssh_config} "$@"')
        return self

    def wrap(self, script):
        """What `ssh` is for the client."""
        self.client.write("bin/ssh", f"#!/bin/sh\n{script}\n", 0o700)
        self.client.env["PATH"] = f"{self.client.path('bin')}:/usr/bin:/bin"

    def __exit__(self, kind, *what):
        # The host that an enrolment started is nobody's child.
        try:
            for pid, command in processes_with(str(self.server.root)):
                if "mux-quic" in command and "serve" in command.split():
                    os.kill(pid, 15)
            wait_until(lambda: not any("serve" in command.split() for _, command in processes_with(str(self.server.root))) or None,
                       "the host ended")
        finally:
            try:
                self.client.__exit__(kind, *what)
            finally:
                self.server.__exit__(kind, *what)

    def execute(self, target="far", *argv, **options):
        return self.client.mux("exec", target, "--", *(argv or ("echo", "hello")), **options)

    def hosts(self):
        return [pid for pid, command in processes_with(str(self.server.root)) if "serve" in command.split()]


class Ssh(unittest.TestCase):
    def good(self, done, text=b"hello\n"):
        self.assertEqual((done.returncode, done.stdout), (0, text), done.stderr.decode())
        return done.stderr.decode()

    def refused(self, done, *words):
        self.assertNotEqual(done.returncode, 0)
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_nothing_configured(self):
        with Far() as far:
            far.server.write("home/.bashrc", NOISE)
            far.server.write("home/.profile", NOISE)
            self.good(far.execute())
            started = far.hosts()
            self.assertEqual(len(started), 1, "the first contact starts the host")
            self.good(far.execute(), b"hello\n")
            self.assertEqual(far.hosts(), started, "the second finds it")
            done = far.server.mux("cert", "list", "--json")
            name = socket.gethostname()
            self.assertIn(f'"device" : "{name}"', done.stdout.decode())
            self.assertEqual(list(far.client.home.rglob("*.pem")), [], "nothing is kept on the disk")

    def test_another_port(self):
        """The port that is usual is taken, as on a machine of several users; ssh tells which one it is."""
        with socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET, socket.SOCK_DGRAM) as taken:
            try:
                taken.bind(("::" if taken.family == socket.AF_INET6 else "0.0.0.0", 9001))
            except OSError:
                pass  # somebody else has it: all the better
            with Far() as far:
                self.good(far.execute())

    def test_the_host_went_away(self):
        """What is kept leads nowhere: one asks again by ssh, which starts the host."""
        with Far() as far:
            agent = far.client.serve()
            self.good(far.execute())
            before, = far.hosts()
            os.kill(before, 9)
            wait_until(lambda: not far.hosts() or None, "the host is gone")
            self.good(far.execute())
            self.assertNotEqual(far.hosts(), [before])
            self.assertEqual(agent.stop(), 0)

    def test_unknown_host_key(self):
        with Far() as far:
            far.client.write("known_hosts", "")
            self.refused(far.execute(), "Host key verification failed", "status 255", "by hand")

    def test_not_installed_there(self):
        with Far() as far:
            config = far.client.config("c.lua", clients=[{"name": "x", "remote_address": "127.0.0.1:1", "bootstrap_via_ssh": "far",
                                                          "remote_path": "/nowhere/mux quic"}])
            done = far.client.mux("exec", "--config", config, "x", "--", "true")
            self.refused(done, "remote_path", "found no mux-quic there")
            self.assertIn("/nowhere/mux quic", done.stderr.decode())

    def test_option_as_host(self):
        with Far() as far:
            mark = far.client.path("mark")
            evil = f"-oProxyCommand=touch {mark}"
            for target in (evil, f"-oProxyCommand=touch${{IFS}}{mark}", "--", "-l"):
                self.assertNotEqual(far.execute(target).returncode, 0)
            config = far.client.config("c.lua", clients=[{"name": "x", "remote_address": "127.0.0.1:1", "bootstrap_via_ssh": evil}])
            self.refused(far.client.mux("exec", "--config", config, "x", "--", "true"), "must not begin with '-'")
            self.assertFalse(mark.exists())

    def test_bad_answers(self):
        answers = {
            "cat >/dev/null; head -c 10000000 /dev/zero | tr '\\0' 'x'": "more than 1 MiB",
            "cat >/dev/null; echo '-----BEGIN MUX-QUIC ENROLMENT-----'; echo AAAA": "its end is missing",
            "cat >/dev/null; echo nothing of use": "there is no block",
            "kill -9 $$": "signal 9",
            "exit 3": "status 3",
        }
        with Far() as far:
            for script, words in answers.items():
                with self.subTest(script):
                    # What it makes of an alias does not matter here.
                    far.wrap(f'[ "$1" = -G ] && exit 1\n{script}')
                    self.refused(far.execute(), words)
            os.unlink(far.client.path("bin/ssh"))
            far.client.env["PATH"] = str(far.client.path("bin"))
            self.refused(far.execute(), "cannot be started")

    def test_hanging(self):
        with Far() as far:
            far.wrap('[ "$1" = -G ] && exit 1\nexec sleep 300')
            self.refused(far.execute(), "within 30 s")


if __name__ == "__main__":
    tap.main()
