"""The host is killed at every system call that a change of its PKI makes, and system calls fail: what it finds afterwards is whole."""

import os
import re
import shutil
import signal
import subprocess
import unittest

from sandbox import PATIENCE, PROGRAM, SANITIZED, Sandbox, read_line, wait_until
from sshd import need
import tap

# What touches files, or tells of it. Each is counted for itself.
CALLS = ("openat", "newfstatat", "fstat", "write", "fsync", "renameat", "unlinkat", "fchmod", "flock", "close", "mkdirat", "getdents64", "sendmsg")
# Of one of them a change makes fewer; more would be a test that runs for ever.
MOST = 100


def trace(world, host, call, what):
    """strace on `host` that does `what` to its system calls `call`."""
    tracer = world.popen(need("strace"), "-f", "-q", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}",
                         "-p", str(host.pid), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, bufsize=0)

    def attached():
        status = open(f"/proc/{host.pid}/status", encoding="ascii").read()
        if tracer.poll() is not None:
            raise unittest.SkipTest("strace may not attach: " + tracer.stderr.read().decode(errors="replace").strip())
        threads = os.listdir(f"/proc/{host.pid}/task")
        return all("TracerPid:\t0" not in open(f"/proc/{host.pid}/task/{one}/status", encoding="ascii").read()
                   for one in threads) and status or None

    wait_until(attached, "strace is attached")
    return tracer


def untrace(world, tracer):
    """Lets go of what `tracer` traces. At times it hangs with a program that ends: then the kernel lets go."""
    tracer.terminate()
    try:
        tracer.wait(3)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait(PATIENCE)
    tracer.stderr.close()
    world.processes.remove(tracer)


@unittest.skipIf(SANITIZED, "a killed program reports nothing, and the plain build is as good")
class Crash(unittest.TestCase):
    def setUp(self):
        need("strace")
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.pki = self.world.home / ".local/share/mux-quic/pki"
        self.before = self.world.path("before")
        self.config = self.world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0"}])
        host = self.start()
        self.client(host)
        self.serials = [self.issue() for _ in range(2)]
        self.stop(host)
        shutil.copytree(self.pki, self.before)

    def start(self):
        process = self.world.popen(PROGRAM, "serve", "--no-bus", "--config", self.config, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        process.port = read_line(process.stdout, "`listening on`").rpartition(":")[2]
        return process

    def stop(self, process):
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        process.stdout.close()
        self.world.processes.remove(process)

    def client(self, host):
        """A client of before: it has what it enrolled for, and may not enrol again."""
        known = (self.world.home / ".local/share/mux-quic/domains").exists()
        options = self.world.client(f"127.0.0.1:{host.port}", enroll_command=["false"] if known else [PROGRAM, "enroll"])
        done = self.world.mux("exec", *options, "here", "--", "echo", "hello")
        self.assertEqual((done.returncode, done.stdout), (0, b"hello\n"), done.stderr.decode())

    def issue(self):
        done = self.world.mux("creds", "--pem")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        leaf = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=done.stdout, capture_output=True, check=True)
        return leaf.stdout.decode().strip().partition("=")[2].lower()

    def point(self, call, number, words):
        """Kills at that system call of the kind. FALSE when the change was over before."""
        shutil.rmtree(self.pki)
        shutil.copytree(self.before, self.pki)
        host = self.start()
        tracer = trace(self.world, host, call, f"signal=SIGKILL:when={number}")
        environment = self.world.env | {"G_DEBUG": ""}
        done = self.world.mux(*words, env=environment)
        if done.returncode != 0:
            host.wait(PATIENCE)
        # Nothing more is killed once the tracer is gone.
        untrace(self.world, tracer)
        if host.poll() is None:
            host.terminate()
        survived = host.wait(PATIENCE) == 0
        if survived:
            self.assertEqual(done.returncode, 0, done.stderr.decode())
        else:
            self.assertEqual(host.returncode, -signal.SIGKILL)
        host.stdout.close()
        self.world.processes.remove(host)
        host = self.start()
        with self.subTest(" ".join(words), call=call, number=number):
            self.client(host)
            self.issue()
            left = [path.name for path in self.pki.iterdir() if path.name.startswith(".tmp")]
            self.assertEqual(left, [], "temporary files")
            for path in self.pki.iterdir():
                if "key" in path.name or path.name in ("server.pem", "seed"):
                    self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
        self.stop(host)
        return not survived

    def every_point(self, *words):
        points = {}
        for call in CALLS:
            number = 1
            while self.point(call, number, words):
                number += 1
                self.assertLess(number, MOST, call)
            points[call] = number - 1
        print(f"# {' '.join(words)}: killed at {sum(points.values())} system calls: {points}")
        self.assertGreater(sum(points.values()), 20)

    def test_issue(self):
        self.every_point("creds", "--pem")

    def test_renew(self):
        self.every_point("cert", "renew")

    def test_rotate(self):
        self.every_point("cert", "rotate-ca")

    def test_revoke(self):
        self.every_point("cert", "revoke", self.serials[0])


@unittest.skipIf(SANITIZED, "the sanitizers' own calls would fail as well")
class Disk(unittest.TestCase):
    """A disk that is full, broken or read-only: what needs it fails and says so, sessions go on, and later it works again."""

    FAULTS = (("openat", "ENOSPC", "No space left"), ("openat", "EROFS", "Read-only file system"), ("fsync", "EIO", "Input/output error"),
              ("renameat", "ENOSPC", "No space left"), ("fchmod", "EROFS", "Read-only file system"))

    def test_faults(self):
        need("strace")
        with Sandbox() as world:
            host = world.serve()
            options = world.client(host)
            session = world.popen(PROGRAM, "exec", *options, "here", "--", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

            def echo(text):
                session.stdin.write(text.encode() + b"\n")
                self.assertEqual(read_line(session.stdout, "the echo"), text)

            echo("begun")
            for call, error, words in self.FAULTS:
                with self.subTest(call, error=error):
                    tracer = trace(world, host, call, f"error={error}")
                    for _ in range(5):
                        done = world.mux("creds", "--pem")
                        self.assertEqual((done.returncode, done.stdout), (1, b""))
                        self.assertIn(words, done.stderr.decode())
                        self.assertIn("mux-quic/pki", done.stderr.decode())
                        done = world.mux("cert", "renew")
                        self.assertEqual(done.returncode, 1)
                    echo(f"while {call} fails")
                    untrace(world, tracer)
                    done = world.mux("creds", "--pem")
                    self.assertEqual(done.returncode, 0, done.stderr.decode())
                    self.assertEqual(world.mux("cert", "renew").returncode, 0)
            echo("at the end")
            session.stdin.close()
            self.assertEqual(session.wait(PATIENCE), 0)
            # Beside what went well.
            said = [line for line in host.log.read_text().splitlines()
                    if not re.search("A certificate for|shows a new certificate|session .* of|The socket .* is open", line)]
            self.assertLess(len(said), 10, "it is said, but not for ever")
            self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    tap.main()
