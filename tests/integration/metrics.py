"""`metrics`, read by the parsers that monitoring systems use, and `log-level`."""

import contextlib
import os
import re
import socket
import stat
import subprocess
import threading
import unittest

import bus
from sandbox import MODULE, PATIENCE, PROGRAM, Sandbox, free_udp_port, read_line, wait_until
import tap

try:
    from prometheus_client import parser
    from prometheus_client.openmetrics import parser as openmetrics
except ImportError:
    openmetrics = None


def families(text):
    return {family.name: family for family in openmetrics.text_string_to_metric_families(text)}


def value(found, name):
    samples = found[f"mux_quic_{name}"].samples
    assert len(samples) == 1, samples
    return samples[0].value


@unittest.skipIf(openmetrics is None, "python3-prometheus-client is not installed")
class Metrics(unittest.TestCase):
    def ask(self, world):
        done = world.mux("metrics")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def test_what_the_host_counts(self):
        with Sandbox() as world:
            host = world.serve()
            text = self.ask(world)
            before = families(text)
            self.assertEqual(value(before, "up"), 1)
            self.assertEqual(value(before, "sessions"), 0)
            self.assertEqual(value(before, "sessions_started"), 0)
            version = world.mux("--version").stdout.decode().split()[1]
            self.assertEqual(before["mux_quic_build_info"].samples[0].labels, {"version": version})
            for family in before.values():
                self.assertIn(family.type, ("gauge", "counter"), family.name)
                self.assertTrue(family.documentation.endswith("."), family.name)
                self.assertEqual(family.unit, next((unit for unit in ("seconds", "bytes") if family.name.endswith(unit)), ""))
                suffix = "_total" if family.type == "counter" else ""
                self.assertEqual([sample.name for sample in family.samples], [family.name + suffix])
            client = world.popen(PROGRAM, "exec", *world.client(host), "here", "--", "cat", stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, bufsize=0)
            client.stdin.write(b"here\n")
            read_line(client.stdout, "echo")
            during = families(self.ask(world))
            self.assertEqual([value(during, name) for name in ("connections", "sessions", "channels", "sessions_started",
                                                               "handshakes_completed", "certificates_issued")], [1] * 6)
            payload = os.urandom(300_000)
            writer = threading.Thread(target=client.stdin.write, args=(payload,))
            writer.start()
            got = b""
            while len(got) < len(payload):
                got += os.read(client.stdout.fileno(), 65536)
            writer.join()
            self.assertEqual(got, payload)
            client.stdin.close()
            self.assertEqual(client.wait(PATIENCE), 0)
            after = wait_until(lambda: (now := families(self.ask(world))) and value(now, "sessions") == 0 and now, "the session ended")
            for name in ("received_bytes", "sent_bytes"):
                self.assertGreater(value(after, name), value(before, name) + len(payload))
            for name, family in during.items():
                if family.type == "counter":
                    self.assertGreaterEqual(after[name].samples[0].value, family.samples[0].value, name)

    def test_nothing_that_the_host_counts_is_left_out(self):
        with Sandbox() as world:
            bus.Bus.start_bus(self, world)
            bus.Bus.serve(self, world)
            call = ("gdbus", "call", "--session", "--dest", "org.muxquic.Quic1", "--object-path", "/org/muxquic/Quic1/Manager",
                    "--method", "org.muxquic.Quic1.Manager.GetStats")
            done = wait_until(lambda: (done := world.run(*call)).returncode == 0 and done, "the host is on the bus")
            counted = re.findall(r"'(\w+)': <", done.stdout.decode())
            self.assertGreater(len(counted), 20)
            # And these two are of the command itself.
            self.assertEqual(len(families(self.ask(world))), len(counted) + 2)

    def test_older_readers_understand_it_too(self):
        with Sandbox() as world:
            world.serve()
            text = self.ask(world)
            self.assertTrue(text.endswith("\n# EOF\n"))
            samples = [sample for family in parser.text_string_to_metric_families(text) for sample in family.samples]
            self.assertEqual(len(samples), len(families(text)))
            # node_exporter refuses a file with a type that it does not know.
            self.assertEqual(set(re.findall(r"^# TYPE \S+ (\S+)$", text, re.M)), {"gauge", "counter"})

    def test_textfile(self):
        with Sandbox() as world:
            host = world.serve()
            directory = world.path("collector")
            directory.mkdir()
            file = directory / "mux-quic.prom"

            def write():
                return world.mux("metrics", "--textfile", file)

            done = write()
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
            self.assertEqual(value(families(file.read_text()), "up"), 1)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o644)
            # Replaced, not written into: who has it open reads the old one to its end.
            with open(file, encoding="ascii") as reader:
                inode = file.stat().st_ino
                self.assertEqual(write().returncode, 0)
                self.assertNotEqual(file.stat().st_ino, inode)
                self.assertTrue(reader.read().endswith("# EOF\n"))
            self.assertEqual([path.name for path in directory.iterdir()], [file.name])
            # A host that is gone does not go on looking alive.
            self.assertEqual(host.stop(), 0)
            done = write()
            self.assertEqual(done.returncode, 3)
            self.assertEqual({name: value(families(file.read_text()), "up") for name in families(file.read_text())}, {"mux_quic_up": 0})
            done = world.mux("metrics", "--textfile", world.path("nowhere/mux-quic.prom"))
            self.assertEqual(done.returncode, 3)
            world.serve()
            done = world.mux("metrics", "--textfile", world.path("nowhere/mux-quic.prom"))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"nowhere", done.stderr)


class LogLevel(unittest.TestCase):
    def test_it_changes_what_the_host_logs(self):
        with Sandbox() as world:
            host = world.serve()

            def ask(*words):
                done = world.mux("log-level", *words)
                self.assertEqual((done.returncode, done.stderr), (0, b""), words)
                return done.stdout

            def said():
                return host.log.read_text(errors="replace").count("came to nothing")

            def babble():
                """Something that the host notes as info; it is noted when the connection is closed."""
                with socket.socket(socket.AF_UNIX) as end:
                    end.connect(str(world.runtime / "mux-quic/control"))
                    end.sendall(b"no D-Bus\r\n")
                    end.settimeout(PATIENCE)
                    with contextlib.suppress(ConnectionResetError):
                        while end.recv(4096):
                            pass

            self.assertEqual(ask(), b"message\n")
            babble()
            self.assertEqual(ask("info"), b"")
            self.assertEqual(ask(), b"info\n")
            self.assertEqual(said(), 0)
            babble()
            wait_until(lambda: said() == 1, "the log has more")
            ask("debug")
            babble()
            wait_until(lambda: said() == 2, "the log has that too")
            ask("error")
            babble()
            self.assertEqual(ask(), b"error\n")
            self.assertEqual(host.stop(), 0)
            self.assertEqual(said(), 2)

    def test_a_host_that_keeps_it_to_itself(self):
        """Of a host with nothing but the oldest members of the contract; it lives while it dials itself, so it is asked meanwhile."""
        with Sandbox() as world:
            asked = world.path("asked")
            mux = f"{PROGRAM} log-level --application second-host"
            enroll = world.write("enroll", f"#!/bin/sh\nexec 3>&1\n{{ {mux}; echo $?; {mux} debug; echo $?; {mux} --json; echo $?; }} >{asked} 2>&1\n"
                                 f"exec {PROGRAM} enroll --application second-host >&3\n", 0o700)
            for _ in range(5):
                port = free_udp_port()
                config = world.config("second.lua", servers=[{"bind_address": f"127.0.0.1:{port}"}],
                                      clients=[{"name": "self", "remote_address": f"127.0.0.1:{port}", "enroll_command": [enroll]}])
                done = world.run(os.environ["MUX_QUIC_SECOND_HOST"], MODULE, config, "self")
                if b"in use" not in done.stderr:
                    break
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            said = asked.read_text().splitlines()
            self.assertEqual(said[1::2], ["1", "1", "1"], said)
            self.assertEqual(len(said), 6, said)
            for line in said[0::2]:
                self.assertIn("this host", line.lower())


if __name__ == "__main__":
    tap.main()
