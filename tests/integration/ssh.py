"""First contact over a real ssh: nothing is configured but ssh, on either side."""

import json
import os
import pathlib
import socket
import subprocess
import unittest

from relay import Relay
from sandbox import PATIENCE, PROGRAM, Sandbox, processes_with, read_line, wait_until
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


class Blocked(unittest.TestCase):
    """No datagram gets through: the session goes over ssh until one does."""

    def setUp(self):
        self.far = Far().__enter__()
        self.addCleanup(self.far.__exit__, None, None, None)
        self.host = self.far.server.serve()
        self.relay = Relay(self.host.port).__enter__()
        self.addCleanup(self.relay.__exit__)
        self.options = ["--config", self.far.client.config("blocked.lua", clients=[{
            "name": "there", "remote_address": f"127.0.0.1:{self.relay.port}", "bootstrap_via_ssh": "far", "persist_to_disk": True,
            "max_idle_timeout": 3, "keep_alive_interval": 1}])]

    def cat(self):
        return self.far.client.popen(PROGRAM, "exec", *self.options, "there", "--", "cat", stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=open(self.far.client.path("said"), "wb"), bufsize=0)

    def echo(self, process, text):
        process.stdin.write(text + b"\n")
        self.assertEqual(read_line(process.stdout, "the echo").encode(), text)

    def peers(self):
        done = self.far.server.mux("status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [one["peer"] for one in json.loads(done.stdout)["sessions"]]

    def end(self, process):
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0, self.far.client.path("said").read_text())
        self.assertEqual(self.host.stop(), 0)

    def test_it_goes_over_ssh_and_back(self):
        self.relay.dark = True
        process = self.cat()
        self.echo(process, b"over ssh")
        over_ssh, = self.peers()
        self.echo(process, b"x" * 60000)
        self.relay.dark = False
        wait_until(lambda: self.peers() != [over_ssh] or None, "UDP is found to work")
        self.echo(process, b"by UDP")
        wait_until(lambda: not [one for one in processes_with(str(self.far.server.root)) if "relay" in one[1].split()] or None,
                   "nothing of the way over ssh is left")
        self.end(process)

    def test_it_becomes_blocked(self):
        process = self.cat()
        self.echo(process, b"by UDP")
        self.relay.dark = True
        wait_until(lambda: [one for one in processes_with(str(self.far.server.root)) if "relay" in one[1].split()] or None,
                   "it goes over ssh")
        self.echo(process, b"over ssh")
        self.end(process)

    def test_neither(self):
        """ssh does not get through either: both are named."""
        done = self.far.client.mux("exec", *self.options, "there", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.relay.dark = True
        self.far.client.write("bin/ssh", "#!/bin/sh\necho no route >&2; exit 255\n", 0o700)
        done = self.far.client.mux("exec", *self.options, "there", "--", "true")
        self.assertEqual(done.returncode, 1, done.stderr)
        for word in (b"No answer from", b"UDP port", b"no route", b"status 255"):
            self.assertIn(word, done.stderr)
        self.assertEqual(self.host.stop(), 0)


if __name__ == "__main__":
    tap.main()
