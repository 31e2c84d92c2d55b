"""The status objects, on a real session bus of their own and on the private socket."""

import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, SANITIZED, Sandbox, read_line, wait_until
import tap


class Bus(unittest.TestCase):
    def start_bus(self, world):
        if shutil.which("dbus-daemon") is None or shutil.which("gdbus") is None:
            self.skipTest("dbus-daemon or gdbus is not installed")
        config = world.write("bus.conf", f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={world.path('bus')}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>""")
        daemon = world.popen("dbus-daemon", "--nofork", "--print-address=1", f"--config-file={config}",
                             stdout=subprocess.PIPE, bufsize=0)
        world.env["DBUS_SESSION_BUS_ADDRESS"] = read_line(daemon.stdout, "the bus's address")

    def serve(self, world):
        config = world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0"}])
        log = world.path("bus-serve.log")
        world.logs.append(log)
        with open(log, "wb") as errors:
            process = world.popen(PROGRAM, "serve", "--plugin", MODULE, "--config", config, stdout=subprocess.PIPE,
                                  stdin=subprocess.DEVNULL, stderr=errors, bufsize=0)
        return process, read_line(process.stdout, "listening").removeprefix("listening on ")

    def gdbus(self, world, *argv):
        done = world.run("gdbus", *argv)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def test_objects_on_the_bus(self):
        with Sandbox() as world:
            self.start_bus(world)
            process, address = self.serve(world)
            name = ["--session", "--dest", "org.muxquic.Quic1"]
            wait_until(lambda: world.run("gdbus", "call", *name, "--object-path", "/org/muxquic/Quic1/Manager", "--method",
                                         "org.freedesktop.DBus.Peer.Ping").returncode == 0, "the name is owned")
            tree = self.gdbus(world, "call", *name, "--object-path", "/org/muxquic/Quic1", "--method",
                              "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
            for word in ("org.muxquic.Quic1.Manager", "org.muxquic.Quic1.Listener", address):
                self.assertIn(word, tree)
            xml = self.gdbus(world, "introspect", *name, "--object-path", "/org/muxquic/Quic1/Manager", "--xml")
            self.assertIn('<method name="Describe">', xml)
            done = world.run("gdbus", "call", *name, "--object-path", "/org/muxquic/Quic1/Manager", "--method",
                             "org.muxquic.Quic1.Manager.Generate", "", "")
            self.assertNotEqual(done.returncode, 0, "keys are handed out on a bus")
            self.assertIn(b"AccessDenied", done.stderr)

            client = world.popen(PROGRAM, "exec", *world.client(address), "here", "--", "cat", stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, bufsize=0)
            client.stdin.write(b"here\n")
            self.assertEqual(read_line(client.stdout, "echo"), "here")
            tree = self.gdbus(world, "call", *name, "--object-path", "/org/muxquic/Quic1", "--method",
                              "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
            path = re.search(r"/org/muxquic/Quic1/Session/\w+", tree)
            self.assertTrue(path, tree)
            self.gdbus(world, "call", *name, "--object-path", path.group(0), "--method", "org.muxquic.Quic1.Session.Disconnect")
            self.assertEqual(client.wait(PATIENCE), 255)
            wait_until(lambda: path.group(0) not in self.gdbus(
                world, "call", *name, "--object-path", "/org/muxquic/Quic1", "--method",
                "org.freedesktop.DBus.ObjectManager.GetManagedObjects"), "the session's object is gone")

    def set_level(self, world, level):
        self.gdbus(world, "call", "--session", "--dest", "org.muxquic.Quic1", "--object-path", "/org/muxquic/Quic1/Manager", "--method",
                   "org.freedesktop.DBus.Properties.Set", "org.muxquic.Quic1.Manager", "LogLevel", f"<'{level}'>")

    def reload(self, world):
        self.gdbus(world, "call", "--session", "--dest", "org.muxquic.Quic1", "--object-path", "/org/muxquic/Quic1/Manager", "--method",
                   "org.muxquic.Quic1.Manager.Reload")

    def test_log_level(self):
        with Sandbox() as world:
            self.start_bus(world)
            process, address = self.serve(world)
            log = world.path("bus-serve.log")
            wait_until(lambda: world.run("gdbus", "call", "--session", "--dest", "org.muxquic.Quic1", "--object-path",
                                         "/org/muxquic/Quic1/Manager", "--method",
                                         "org.freedesktop.DBus.Peer.Ping").returncode == 0, "the name is owned")
            client = world.client(address)
            counts = []
            for level in ("message", "debug", "error"):
                self.set_level(world, level)
                before = len(log.read_text())
                self.assertEqual(world.mux("exec", *client, "here", "--", "true").returncode, 0)
                self.reload(world)
                counts.append(log.read_text()[before:])
            said = "The configuration was read again"
            self.assertEqual([said in text for text in counts], [True, True, False], counts)
            self.assertEqual(["DEBUG" in text for text in counts], [False, True, False], counts)
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
            self.assertEqual(process.stdout.read(), b"", "the log is on standard output")

    def test_status_is_the_same_data(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.popen(PROGRAM, "exec", *world.client(host), "here", "--", "cat", stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, bufsize=0)
            client.stdin.write(b"here\n")
            read_line(client.stdout, "echo")
            done = world.mux("status", "--json")
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            status = json.loads(done.stdout)
            self.assertEqual(status["schema"], 1)
            self.assertEqual([listener["address"] for listener in status["listeners"]], host.addresses)
            self.assertEqual([(session["state"], session["direction"]) for session in status["sessions"]], [("connected", "in")])
            session = status["sessions"][0]
            self.assertEqual(len(session["id"]), 32)
            self.assertGreater(session["rtt"], 0)
            self.assertEqual([channel["service"] for channel in session["channels"]], ["exec"])
            self.assertTrue(status["certificates"])
            for verb in (["status"], []):
                table = world.mux(*verb)
                self.assertEqual(table.returncode, 0, table.stderr)
                self.assertIn(host.addresses[0], table.stdout.decode())
                self.assertIn("connected", table.stdout.decode())

    def test_private_socket(self):
        with Sandbox() as world:
            host = world.serve()
            path = world.runtime / "mux-quic/control"
            self.assertTrue(stat.S_ISSOCK(path.stat().st_mode))
            self.assertEqual(path.parent.stat().st_mode & 0o777, 0o700)
            # A second host of the same user says that there is one, and does not disturb it.
            second = world.mux("serve", "--no-bus", "--plugin", MODULE, "--config",
                               world.config("second.lua", servers=[{"bind_address": "127.0.0.1:0"}]))
            self.assertEqual(second.returncode, 0)
            self.assertIn(b"already", second.stderr)
            self.assertEqual(world.mux("status").returncode, 0)
            idle = []
            for _ in range(200):
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(str(path))
                idle.append(connection)
            self.assertEqual(world.mux("status").returncode, 0, "idle connections keep the owner out")
            for connection in idle:
                connection.close()
            self.assertEqual(host.stop(), 0)
            self.assertFalse(path.exists())

    def test_a_crowd(self):
        """Many at once, more than a host serves at once: everybody has an answer."""
        with Sandbox() as world:
            world.serve()
            for _ in range(2 if SANITIZED else 12):
                crowd = [world.popen(PROGRAM, "status", "--json", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(60)]
                said = [one.communicate(timeout=PATIENCE)[1] for one in crowd]
                self.assertEqual([(one.returncode, text) for one, text in zip(crowd, said) if one.returncode != 0], [])

    def test_enrolment_block(self):
        with Sandbox() as world:
            world.serve()
            done = world.mux("enroll", "--generate", "--device", "tablet")
            self.assertEqual(done.returncode, 0, done.stderr)
            lines = done.stdout.decode().splitlines()
            self.assertEqual(lines[0], "-----BEGIN MUX-QUIC ENROLMENT-----")
            self.assertEqual(lines[-1], "-----END MUX-QUIC ENROLMENT-----")
            done = world.mux("enroll", input=b"this is no request")
            self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_enroll_starts_a_host(self):
        with Sandbox() as world:
            config = world.config("home/.config/mux-quic/config.lua", servers=[{"bind_address": "127.0.0.1:0"}])
            self.assertTrue(config)
            done = world.mux("enroll", "--generate")
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            status = world.mux("status", "--json")
            self.assertEqual(status.returncode, 0)
            pids = [pid for pid, command in __import__("sandbox").processes_with(str(world.root)) if " serve" in command]
            self.assertEqual(len(pids), 1)
            os.kill(pids[0], 15)
            wait_until(lambda: not pathlib.Path(f"/proc/{pids[0]}").exists(), "the started host ended")


if __name__ == "__main__":
    tap.main()
