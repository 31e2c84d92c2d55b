"""A client that moves from one network to another, in network namespaces of its own."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, SANITIZED, Sandbox, read_line, wait_until
import tap


class Networks:
    """Two machines, `here` and `there`, joined by two cables. `there` is 10.99.0.1 and fd99::1 by either."""

    def __init__(self):
        self.here, self.there = f"mq{os.getpid()}h", f"mq{os.getpid()}t"
        self.hosts = pathlib.Path("/etc/netns", self.here)

    def __enter__(self):
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            raise unittest.SkipTest(f"no network namespaces are to be had here: {error}") from None
        return self

    def __exit__(self, *what):
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(self.hosts, ignore_errors=True)

    def ip(self, where, *words):
        subprocess.run(["ip", "-n", where, *words], check=True, capture_output=True)

    def inside(self, where, *argv):
        return ["ip", "netns", "exec", where, *(str(word) for word in argv)]

    def _make(self):
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            self.ip(name, "link", "set", "lo", "up")
        self.hosts.mkdir(parents=True)
        self.hosts.joinpath("hosts").write_text("127.0.0.1 localhost\n10.99.0.1 far.test\nfd99::1 far.test\n")
        self.ip(self.there, "addr", "add", "10.99.0.1/32", "dev", "lo")
        self.ip(self.there, "addr", "add", "fd99::1/128", "dev", "lo", "nodad")
        for number in (1, 2):
            self.ip(self.here, "link", "add", f"c{number}", "type", "veth", "peer", "name", f"c{number}", "netns", self.there)
            self.plug_in(number, self.there, 1)
            self.plug_in(number)

    def plug_in(self, number, where=None, last=2):
        where = where or self.here
        self.ip(where, "addr", "add", f"10.99.{number}.{last}/24", "dev", f"c{number}")
        self.ip(where, "addr", "add", f"fd99:{number}::{last}/64", "dev", f"c{number}", "nodad")
        self.ip(where, "link", "set", f"c{number}", "up")

    def go_by(self, number, family="-4"):
        """The route over there goes by that cable."""
        gateway = f"10.99.{number}.1" if family == "-4" else f"fd99:{number}::1"
        target = "10.99.0.1" if family == "-4" else "fd99::1"
        self.ip(self.here, family, "route", "replace", target, "via", gateway)


@unittest.skipIf(os.getuid() != 0, "needs root")
class Move(unittest.TestCase):
    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.net = Networks().__enter__()
        self.addCleanup(self.net.__exit__)
        config = self.world.config("server.lua", servers=[{"bind_address": "[::]:0", "extra_san": ["far.test"], "max_idle_timeout": 3}])
        self.host = self.world.popen(*self.net.inside(self.net.there, PROGRAM, "serve", "--no-bus", "--plugin", MODULE, "--config", config),
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, bufsize=0)
        self.port = read_line(self.host.stdout, "`listening on`").rpartition(":")[2]

    def client(self, name, **more):
        options = self.world.client(f"{name}:{self.port}", max_idle_timeout=3, keep_alive_interval=1, **more)
        return self.world.popen(*self.net.inside(self.net.here, PROGRAM, "exec", *options, "here", "--", "cat"),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def echo(self, process, text):
        process.stdin.write(text.encode() + b"\n")
        self.assertEqual(read_line(process.stdout, "the echo"), text)

    def session(self):
        done = self.world.mux("status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        only, = json.loads(done.stdout)["sessions"]
        return only

    def end(self, process):
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        self.host.terminate()
        self.assertEqual(self.host.wait(PATIENCE), 0)

    def wait_for_path(self, number):
        wait_until(lambda: f"10.99.{number}.2" in self.session()["peer"] or None, f"the path is the one by cable {number}")
        return self.session()

    def test_another_network(self):
        """The connection follows the client, whose old network is gone: it has another address, and nothing is dialled."""
        self.net.go_by(1)
        process = self.client("10.99.0.1")
        self.echo(process, "by the first")
        self.assertIn("10.99.1.2", self.session()["peer"])
        for turn, number in enumerate((2, 1, 2)):
            self.net.go_by(number)
            self.net.ip(self.net.here, "link", "set", f"c{3 - number}", "down")
            self.net.ip(self.net.here, "addr", "flush", "dev", f"c{3 - number}")
            self.echo(process, f"by {number}")
            only = self.wait_for_path(number)
            self.assertEqual((only["aways"], only["migrations"]), (0, turn + 1))
            self.net.plug_in(3 - number)
        self.end(process)

    def test_better_network(self):
        """Both networks work: the connection goes over without a pause, with bytes on their way."""
        self.net.go_by(1)
        pieces = [os.urandom((1 if SANITIZED else 10) << 20) for _ in range(3)]
        back = self.world.path("back")
        options = self.world.client(f"10.99.0.1:{self.port}", max_idle_timeout=3, keep_alive_interval=1)
        process = self.world.popen(*self.net.inside(self.net.here, PROGRAM, "exec", *options, "here", "--", "cat"),
                                   stdin=subprocess.PIPE, stdout=open(back, "wb"), stderr=subprocess.PIPE)
        for turn, number in enumerate((2, 1, 2)):
            writer = threading.Thread(target=process.stdin.write, args=(pieces[turn],))
            writer.start()
            wait_until(lambda: back.stat().st_size > sum(len(one) for one in pieces[:turn]) or None, "it goes on")
            self.net.go_by(number)
            # A route that takes another's place is not told to everybody; a new one is.
            self.net.ip(self.net.here, "route", "add", f"10.99.7{turn}.0/24", "via", f"10.99.{number}.1")
            only = self.wait_for_path(number)
            self.assertEqual((only["aways"], only["migrations"]), (0, turn + 1))
            writer.join(PATIENCE)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0, process.stderr.read())
        self.assertEqual(hashlib.sha256(back.read_bytes()).digest(), hashlib.sha256(b"".join(pieces)).digest())
        self.host.terminate()
        self.assertEqual(self.host.wait(PATIENCE), 0)

    def test_kept_path(self):
        """Whoever wants one path keeps it while it works, whatever the routes say."""
        self.net.go_by(1)
        process = self.client("10.99.0.1", enable_migration=False)
        self.echo(process, "hello")
        self.net.go_by(2)
        self.net.ip(self.net.here, "route", "add", "10.99.72.0/24", "via", "10.99.2.1")
        self.net.ip(self.net.there, "route", "replace", "10.99.1.2", "via", "10.99.2.2")
        for turn in range(3):
            self.echo(process, f"still {turn}")
            self.assertIn("10.99.1.2", self.session()["peer"])
        self.assertEqual(self.session()["migrations"], 0)
        self.end(process)

    def test_another_family(self):
        """The name has an address of both families; the one that was used works no more."""
        self.net.go_by(1)
        self.net.go_by(1, "-6")
        process = self.client("far.test")
        self.echo(process, "hello")
        family = "-6" if "fd99" in self.session()["peer"] else "-4"
        gone, other = ("fd99::1", "10.99") if family == "-6" else ("10.99.0.1", "fd99")
        self.net.ip(self.net.here, family, "route", "replace", "unreachable", gone)
        self.echo(process, "by the other family")
        self.assertIn(other, self.session()["peer"])
        self.end(process)

    def test_no_network(self):
        """Pulled altogether, and plugged in somewhere else."""
        self.net.go_by(1)
        process = self.client("10.99.0.1")
        self.echo(process, "hello")
        self.net.ip(self.net.here, "link", "set", "c1", "down")
        wait_until(lambda: self.session()["state"] == "away" or None, "the session is away")
        self.net.go_by(2)
        self.echo(process, "somewhere else")
        self.assertIn("10.99.2.2", self.session()["peer"])
        self.end(process)


if __name__ == "__main__":
    tap.main()
