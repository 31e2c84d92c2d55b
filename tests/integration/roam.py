"""The network goes and comes: sessions of real programs go on from the exact byte, or say in one line why not."""

import hashlib
import json
import os
import pty
import random
import signal
import subprocess
import threading
import time
import unittest

from relay import Relay
from sandbox import PATIENCE, PROGRAM, SANITIZED, Sandbox, read_line, wait_until
from sshd import Sshd, need
import tap

# Seconds; a connection is given up soon, so that the tests need not wait.
IDLE = 2
BLACKOUT = 90
SERVER = {"bind_address": "127.0.0.1:0", "max_idle_timeout": IDLE, "keep_alive_interval": 0.5}


def echo(process, text):
    process.stdin.write(text.encode() + b"\n")
    line = read_line(process.stdout, "the echo")
    assert line == text, (line, text)


class Roam(unittest.TestCase):
    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)

    def begin(self, seed=1, **options):
        self.host = self.world.serve(servers=[SERVER], **options)
        self.relay = Relay(self.host.port, seed).__enter__()
        self.addCleanup(self.relay.__exit__)
        self.options = self.world.client(f"127.0.0.1:{self.relay.port}", max_idle_timeout=IDLE, keep_alive_interval=0.5)
        return self.options

    def cat(self):
        return self.world.popen(PROGRAM, "exec", *self.options, "here", "--", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, bufsize=0)

    def sessions(self):
        done = self.world.mux("status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["sessions"]

    def away(self):
        return [one for one in self.sessions() if one["state"] == "away"]

    def end(self, process):
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        self.assertEqual(self.host.stop(), 0)

    def test_dark(self):
        """Both sides give the connection up; the session is shown as away; what was written meanwhile arrives."""
        self.begin()
        process = self.cat()
        for turn in range(3):
            echo(process, f"before {turn}")
            self.relay.dark = True
            wait_until(lambda: self.away() or None, "the session is away")
            process.stdin.write(b"in the dark\n")
            self.relay.dark = False
            self.assertEqual(read_line(process.stdout, "what was written in the dark"), "in the dark")
        only, = self.sessions()
        self.assertEqual((only["state"], only["aways"]), ("connected", 3))
        self.end(process)

    def test_rebind(self):
        """A NAT that forgets again and again under a transfer: no session is dialled anew, no byte is lost."""
        self.begin()
        size = (4 if SANITIZED else 30) << 20
        data = os.urandom(size)
        path = self.world.write("data", data)
        process = self.world.popen(PROGRAM, "exec", *self.options, "here", "--", "cat", stdin=open(path, "rb"),
                                   stdout=open(self.world.path("back"), "wb"), stderr=subprocess.PIPE)
        for _ in range(5):
            before = self.world.path("back").stat().st_size
            wait_until(lambda: process.poll() is not None or self.world.path("back").stat().st_size > before + size // 10 or None,
                       "it goes on")
            self.relay.rebind()
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        self.assertEqual(hashlib.sha256(self.world.path("back").read_bytes()).digest(), hashlib.sha256(data).digest())
        self.assertEqual(self.host.stop(), 0)

    def test_chaos(self):
        """Four sessions in a network that cuts them off, goes dark, loses, repeats and turns round; each byte arrives once."""
        seed = int(os.environ.get("MUX_QUIC_SEED", "7"))
        print(f"# MUX_QUIC_SEED={seed}")
        self.begin(seed)
        size, cuts = (1 << 20, 4) if SANITIZED else (25 << 20, 12)
        source = random.Random(seed)
        data = [source.randbytes(size) for _ in range(4)]
        processes = [self.world.popen(PROGRAM, "exec", *self.options, "here", "--", "cat", stdin=open(self.world.write(f"data{i}", data[i]), "rb"),
                                      stdout=open(self.world.path(f"back{i}"), "wb"), stderr=subprocess.PIPE) for i in range(4)]
        over = lambda: all(one.poll() is not None for one in processes)
        # Who is not there yet would give up; a session does not.
        wait_until(lambda: all(self.world.path(f"back{i}").stat().st_size > 0 for i in range(4)) or None, "all are there")
        self.relay.duplicate, self.relay.jitter = 0.05, 0.004
        for cut in sorted(source.randrange(8 * size) for _ in range(cuts)):
            self.relay.loss = source.choice([0, 0.01, 0.05, 0.3])
            wait_until(lambda: over() or self.relay.passed > cut or None, "it goes on")
            if over():
                break
            if source.random() < 0.3:
                self.relay.dark = True
                wait_until(lambda: self.away() or over() or None, "a session is away")
                self.relay.dark = False
            else:
                self.relay.cut()
        self.relay.loss = 0
        for i, process in enumerate(processes):
            self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
            self.assertEqual(hashlib.sha256(self.world.path(f"back{i}").read_bytes()).digest(), hashlib.sha256(data[i]).digest())
        self.assertEqual(self.host.stop(), 0)

    def test_stopped_client(self):
        """A laptop that sleeps: the server gives up, and tells so when the client is heard of again."""
        self.begin()
        process = self.cat()
        echo(process, "before")
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: self.away() or None, "the session is away")
        os.kill(process.pid, signal.SIGCONT)
        echo(process, "after")
        self.end(process)

    def test_host_killed(self):
        """The client learns at once that its session is no more, says so, and another one can be had."""
        self.begin()
        process = self.cat()
        echo(process, "before")
        self.host.process.kill()
        self.host.process.wait(PATIENCE)
        again = self.world.serve(servers=[SERVER | {"bind_address": f"127.0.0.1:{self.host.port}"}])
        began = time.monotonic()
        self.assertEqual(process.wait(PATIENCE), 255)
        print(f"# told after {time.monotonic() - began:.2f} s")
        said = process.stderr.read().decode()
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertIn("does not exist", said)
        process = self.cat()
        echo(process, "another")
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(again.stop(), 0)

    def test_host_restarted(self):
        """Who ends to begin anew says so: the client waits for the next host, and learns that the session is no more."""
        self.begin()
        process = self.cat()
        echo(process, "before")
        self.assertEqual(self.host.stop(), 0)
        again = self.world.serve(servers=[SERVER | {"bind_address": f"127.0.0.1:{self.host.port}"}])
        self.assertEqual(process.wait(PATIENCE), 255)
        said = process.stderr.read().decode()
        self.assertEqual(len(said.splitlines()), 1, said)
        self.assertIn("does not exist", said)
        self.assertEqual(again.stop(), 0)

    def test_goodbye(self):
        """Who ends in the dark is not waited for; who ends with a network leaves no session behind."""
        self.begin()
        process = self.cat()
        echo(process, "hello")
        process.terminate()
        process.wait(PATIENCE)
        wait_until(lambda: not self.sessions() or None, "the session is over")
        process = self.cat()
        echo(process, "hello")
        self.relay.dark = True
        wait_until(lambda: self.away() or None, "the session is away")
        process.terminate()
        process.wait(PATIENCE)
        self.assertEqual(self.host.stop(), 0)

    def test_back_pressure(self):
        """A flood into the dark: the program at the far end is held, and nothing is lost."""
        self.begin()
        size = (8 if SANITIZED else 50) << 20
        process = self.world.popen(PROGRAM, "exec", *self.options, "here", "--", "sh", "-c",
                                   f"openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt < /dev/zero 2>/dev/null | head -c {size}",
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        digest, count = hashlib.sha256(), 0
        while count < size // 10:
            piece = process.stdout.read(65536)
            digest.update(piece)
            count += len(piece)
        self.relay.dark = True
        wait_until(lambda: self.away() or None, "the session is away")
        self.relay.dark = False
        for piece in iter(lambda: process.stdout.read(65536), b""):
            digest.update(piece)
            count += len(piece)
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        wanted = subprocess.run(["sh", "-c", f"openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt < /dev/zero 2>/dev/null | head -c {size} | sha256sum"],
                                capture_output=True, check=True).stdout.decode().split()[0]
        self.assertEqual((count, digest.hexdigest()), (size, wanted))
        self.assertEqual(self.host.stop(), 0)

    def test_sftp(self):
        """A stock sftp through `proxy` survives five cuts."""
        size = (5 if SANITIZED else 200) << 20
        sshd = Sshd(self.world)
        options = self.begin(services={"sshd": {"tcp": f"127.0.0.1:{sshd.port}"}})
        data = self.world.write("big", os.urandom(size))
        batch = self.world.write("batch", f"put {data} {self.world.path('copy')}\n")
        process = self.world.popen(need("sftp"), *sshd.options([str(one) for one in options]), "-b", batch, "far",
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        copy = self.world.path("copy")
        for turn in range(5):
            wait_until(lambda: process.poll() is not None or (copy.exists() and copy.stat().st_size > turn * size // 6) or None, "it goes on")
            self.relay.dark = True
            wait_until(lambda: self.away() or None, "the session is away")
            self.relay.dark = False
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        self.assertEqual(hashlib.sha256(copy.read_bytes()).digest(), hashlib.sha256(open(data, "rb").read()).digest())
        self.assertEqual(self.host.stop(), 0)

    def test_blackout(self):
        """90 s without a network, at a round trip of 50 ms: then a key is typed, and echoed."""
        self.begin()
        self.relay.delay = 0.025
        process = self.cat()
        echo(process, "before")
        self.relay.dark = True
        wait_until(lambda: [one for one in self.away() if time.time() - one["away_since"] > BLACKOUT] or None, "it was dark for long")
        self.relay.dark = False
        began = time.monotonic()
        echo(process, "after")
        print(f"# {BLACKOUT} s of darkness, then echoed after {time.monotonic() - began:.2f} s")
        self.end(process)

    def left(self, pid):
        """What a test that failed left of its terminal."""
        try:
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        except ChildProcessError:
            pass

    def terminal(self, *options):
        """`connect` on a terminal of its own: its process, the terminal, and what it has shown so far, as a bytearray that grows."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.world.home)
            os.execvpe(PROGRAM, [PROGRAM, "connect", *options, *map(str, self.options), "here"], self.world.env)
        self.addCleanup(lambda: self.left(pid))
        seen = bytearray()

        def read():
            try:
                while True:
                    seen.extend(os.read(terminal, 4096))
            except OSError:
                pass

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self.addCleanup(lambda: (self.left(pid), reader.join(), os.close(terminal)))
        return pid, terminal, seen

    def test_take_over(self):
        """A client that is killed leaves its shell; the next one is told, and another one goes on with it."""
        self.begin()
        pid, terminal, seen = self.terminal()
        os.write(terminal, b"PS1=; word=precious; echo fo''und\n")
        wait_until(lambda: b"found" in seen or None, "the shell")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lost, = wait_until(self.away, "the session is away")
        pid, terminal, seen = self.terminal()
        wait_until(lambda: b"1 session of yours waits there" in seen or None, "it is told")
        os.write(terminal, b"exit\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        pid, terminal, seen = self.terminal("--take-over")
        os.write(terminal, b"echo sti''ll $word\n")
        wait_until(lambda: b"still precious" in seen or None, "it is the same shell")
        only, = self.sessions()
        self.assertEqual((only["id"], only["state"]), (lost["id"], "connected"))
        # One that lives is taken by its name; its client is told, and ends.
        other, terminal, seen_there = self.terminal(f"--take-over={lost['id']}")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 255)
        wait_until(lambda: b"goes on over another connection" in seen or None, "the reason")
        os.write(terminal, b"echo and aga''in $word; exit 3\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]), 3)
        wait_until(lambda: b"and again precious" in seen_there or None, "the last words")
        pid, terminal, seen = self.terminal("--take-over")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 255)
        wait_until(lambda: b"No session of yours waits" in seen or None, "the reason")
        self.assertEqual(self.host.stop(), 0)

    def test_a_command_is_taken_over(self):
        """By its name only: it has no terminal. With its errors, more of them than any window holds: a program whose errors nobody reads
        would stop."""
        self.begin()
        process = self.world.popen(PROGRAM, "exec", *self.options, "here", "--", "sh", "-c",
                                   "echo ready; read line; head -c 20000000 /dev/zero >&2; echo $line; exit 5",
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.assertEqual(read_line(process.stdout, "ready"), "ready")
        process.kill()
        process.wait(PATIENCE)
        lost, = wait_until(self.away, "the session is away")
        done = self.world.mux("connect", *self.options, "--take-over", "here")
        self.assertEqual((done.returncode, done.stdout), (255, b""))
        done = self.world.mux("connect", *self.options, f"--take-over={lost['id']}", "here", input=b"precious\n")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1], len(done.stderr)), (5, b"precious", 20_000_000))
        self.assertEqual(self.host.stop(), 0)

    def test_what_a_person_sees(self):
        """A line with seconds while away, gone when back; and an offer when the session is lost."""
        self.begin()
        pid, terminal, seen = self.terminal()
        os.write(terminal, b"PS1=; echo fo''und\n")
        wait_until(lambda: b"found" in seen or None, "the shell")
        self.relay.dark = True
        wait_until(lambda: b"reconnecting" in seen or None, "the line")
        wait_until(lambda: seen.count(b"reconnecting") > 1 or None, "it counts")
        self.relay.dark = False
        os.write(terminal, b"echo ba''ck\n")
        wait_until(lambda: b"back" in seen or None, "the echo")
        wait_until(lambda: b"\033[2K" in seen or None, "the line is cleared")
        self.host.process.kill()
        self.host.process.wait(PATIENCE)
        again = self.world.serve(servers=[SERVER | {"bind_address": f"127.0.0.1:{self.host.port}"}])
        wait_until(lambda: b"Start a new session?" in seen or None, "the offer")
        os.write(terminal, b"\n")
        os.write(terminal, b"echo ne''w\n")
        wait_until(lambda: b"new\r\n" in seen.rpartition(b"Start a new")[2].replace(b"new session", b"") or None, "the new shell")
        self.assertEqual(again.stop(), 0)
        wait_until(lambda: b"the host restarts" in seen or None, "the line that it restarts")
        again = self.world.serve(servers=[SERVER | {"bind_address": f"127.0.0.1:{self.host.port}"}])
        wait_until(lambda: seen.count(b"Start a new session?") == 2 or None, "the other offer")
        os.write(terminal, b"n\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 255)
        self.assertEqual(again.stop(), 0)


if __name__ == "__main__":
    tap.main()
