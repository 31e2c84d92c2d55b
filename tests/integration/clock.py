"""What the wall clock does to certificates: a week of renewals, and clocks that are wrong. Only the wall clock is moved."""

import glob
import json
import os
import re
import subprocess
import sys
import time
import unittest

from sandbox import PROGRAM, SANITIZED, Sandbox, read_line, wait_until
import tap

DAY = 86400
LIFE = 7 * DAY
CLIENTS = 50
STEP = 6 * 3600
LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or [None])[0]


class Clock:
    """A wall clock for every process of a world."""

    def __init__(self, world):
        self.world = world
        self.path = world.path("clock")
        self.set(int(time.time()))
        world.env |= {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }

    def set(self, now):
        self.now = now
        fresh = self.path.with_suffix(".new")
        fresh.write_text("@" + time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + "\n")
        fresh.rename(self.path)

    def pass_by(self, seconds):
        self.set(self.now + seconds)


def status(world):
    done = world.mux("status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def issued(world):
    done = world.mux("cert", "list", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout).get("certificates", [])


def server_certificate(world):
    return next(one for one in status(world)["certificates"] if one["role"] == "server")


def echo(process, text):
    process.stdin.write(text + b"\n")
    assert read_line(process.stdout, "the echo").encode() == text


@unittest.skipIf(SANITIZED, "the library that moves the clock and the sanitizers' do not load together")
@unittest.skipIf(LIBRARY is None, "libfaketime is not installed")
class WallClock(unittest.TestCase):
    def start(self, world, number):
        """Sessions that echo lines, of as many targets with certificates of their own."""
        host = world.serve(servers=[{"bind_address": "127.0.0.1:0", "keep_alive_interval": 1}])
        # The clients are of a desktop without an agent.
        command = world.write("enrol", f"#!/bin/sh\nXDG_RUNTIME_DIR='{world.runtime}' exec '{PROGRAM}' enroll\n", 0o700)
        elsewhere = world.env | {"XDG_RUNTIME_DIR": str(world.path("elsewhere"))}
        entries = [{"name": f"c{i}", "remote_address": f"127.0.0.1:{host.port}", "enroll_command": [command],
                    "persist_to_disk": True, "keep_alive_interval": 1} for i in range(number)]
        config = world.config("clients.lua", clients=entries)
        sessions = []
        for entry in entries:
            sessions.append(world.popen(PROGRAM, "exec", "--config", config, entry["name"], "--", "cat",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=elsewhere))
        for session in sessions:
            echo(session, b"begun")
        return host, sessions

    def end(self, host, sessions):
        for session in sessions:
            echo(session, b"at the end")
            session.stdin.close()
        for session in sessions:
            self.assertEqual(session.wait(60), 0)
        self.assertEqual(host.stop(), 0)

    def kept(self, world):
        """Until when the certificate of each client is valid, as its disk has it."""
        ends = []
        for path in world.home.glob(".local/share/mux-quic/domains/*/client.pem"):
            done = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", path], capture_output=True, check=True)
            text = done.stdout.decode().strip().partition("=")[2]
            ends.append(int(time.mktime(time.strptime(text, "%b %d %H:%M:%S %Y %Z"))) - time.timezone)
        return ends

    def test_a_week(self):
        with Sandbox() as world:
            clock = Clock(world)
            begin = clock.now
            host, sessions = self.start(world, CLIENTS)
            first = server_certificate(world)["serial"]
            self.assertEqual(len(issued(world)), CLIENTS)
            spread = []
            while clock.now < begin + LIFE - STEP:
                clock.pass_by(STEP)
                before = len(issued(world))
                # Two thirds of a life, and 5 % of it: nobody is later than that.
                latest = clock.now + LIFE * (1 - 2 / 3 - 0.05) - 120
                wait_until(lambda: min(self.kept(world)) >= latest or None, "every client has renewed")
                spread.append(len(issued(world)) - before)
            self.assertEqual(len(issued(world)), 2 * CLIENTS, "one renewal each")
            self.assertGreaterEqual(sum(n > 0 for n in spread), 2, "they do not come all at once")
            self.assertNotEqual(server_certificate(world)["serial"], first)
            print(f"# {CLIENTS} clients, renewals in each step of {STEP // 3600} h: {spread}")
            self.end(host, sessions)

    def test_a_clock_that_is_set(self):
        """An hour forth and back, ten years, 1970: nobody is dropped, no CA is lost, and afterwards all is as before."""
        with Sandbox() as world:
            clock = Clock(world)
            begin = clock.now
            host, sessions = self.start(world, 3)
            authorities = [one["serial"] for one in status(world)["certificates"] if one["role"] == "ca"]
            for there in (begin + 3600, begin - 3600, begin + 3650 * DAY, begin + 365 * DAY, 86400, begin + 60):
                clock.set(there)
                for turn in range(3):
                    for session in sessions:
                        echo(session, b"at %d, %d" % (there, turn))
                    self.assertEqual(world.mux("status").returncode, 0)
            self.assertEqual([one["serial"] for one in status(world)["certificates"] if one["role"] == "ca"], authorities)
            wait_until(lambda: server_certificate(world)["not_before"] <= clock.now or None, "a certificate of these days")
            # A renewal or two each for every leap, never one after the other.
            self.assertLess(len(issued(world)), 3 * 8)
            done = world.mux("exec", "--config", world.path("clients.lua"), "c0", "--", "echo", "back")
            self.assertEqual((done.returncode, done.stdout), (0, b"back\n"), done.stderr)
            self.end(host, sessions)


if __name__ == "__main__":
    tap.main()
