"""Started by somebody else: with sockets that are bound already, by systemd's word or the bus's, and once however often."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, Sandbox, processes_with, read_line, wait_until
import tap


def udp(family, address, v6only=None):
    end = socket.socket(family, socket.SOCK_DGRAM)
    if v6only is not None:
        end.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    end.bind((address, 0))
    return end


class Activated(unittest.TestCase):
    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)

    def hand_over(self, sockets, config, names=None, **environment):
        """A host that gets `sockets` as systemd hands them over: from descriptor 3 on, for its own process alone."""
        script = 'LISTEN_PID=$$ exec "$@"'
        env = self.world.env | {"LISTEN_FDS": str(len(sockets))} | environment
        if names is not None:
            env["LISTEN_FDNAMES"] = names
        high = [os.dup(one.fileno()) for one in sockets]
        order = "".join(f" {3 + number}<&{fd}" for number, fd in enumerate(high))
        log = self.world.path(f"serve-{len(self.world.logs)}.log")
        self.world.logs.append(log)
        with open(log, "wb") as errors:
            host = self.world.popen("bash", "-c", f"exec {order}; {script}" if order else script, "-", PROGRAM, "serve", "--no-bus",
                                    "--plugin", MODULE, *([] if config is None else ["--config", config]), env=env,
                                    stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, bufsize=0, pass_fds=high)
        for fd in high:
            os.close(fd)
        return host, log

    def listening(self, host):
        return read_line(host.stdout, "`listening on`").removeprefix("listening on ")

    def echo(self, address):
        done = self.world.mux("exec", *self.world.client(address), "here", "--", "echo", "there")
        self.assertEqual((done.returncode, done.stdout), (0, b"there\n"), done.stderr)

    def end(self, host):
        host.send_signal(signal.SIGTERM)
        self.assertEqual(host.wait(PATIENCE), 0)


class Sockets(Activated):
    def config(self, *addresses):
        return self.world.config("server.lua", servers=[{"bind_address": address} for address in addresses])

    def inodes(self, pid):
        """Of the sockets that a process has open."""
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        return found

    def test_a_client_wakes_the_host(self):
        """systemd-socket-activate starts the host when the client's first datagram comes, which is answered."""
        if shutil.which("systemd-socket-activate") is None:
            self.skipTest("systemd-socket-activate is not installed")
        # Its certificate, from the same PKI.
        first = self.world.serve(servers=[{"bind_address": "[::1]:0"}])
        client = self.world.client(first.addresses[0])
        done = self.world.mux("exec", *client, "here", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(first.stop(), 0)
        config = self.config(first.addresses[0])
        passed = [word for name, value in self.world.env.items() for word in ("-E", f"{name}={value}")]
        waiting = self.world.popen("systemd-socket-activate", "--datagram", "-l", first.addresses[0], *passed, PROGRAM, "serve", "--no-bus",
                                   "--plugin", MODULE, "--config", config, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.assertIn("Listening on", read_line(waiting.stderr, "Listening"))
        self.assertEqual(self.world.mux("status").returncode, 3, "a host runs before anybody asks for it")
        done = self.world.mux("exec", *client, "here", "--", "env")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(done.stdout.decode(), "(?m)^(LISTEN|NOTIFY|WATCHDOG)_", "a program believes that the sockets are for it")
        self.assertEqual(self.listening(waiting), first.addresses[0])
        self.assertEqual(self.world.mux("status").returncode, 0)
        self.end(waiting)

    def test_it_is_the_very_socket(self):
        """… for IPv6 and IPv4, with the options of a socket of its own, and after a reload that left it out for a while."""
        with udp(socket.AF_INET6, "::", 0) as end:
            port = end.getsockname()[1]
            host, log = self.hand_over([end], self.config(f"[::]:{port}"), "mux-quic.socket")
            self.assertEqual(self.listening(host), f"[::]:{port}")
            self.assertIn(os.readlink(f"/proc/self/fd/{end.fileno()}"), self.inodes(host.pid))
            self.assertEqual(end.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO), 1)
            self.assertEqual(end.getsockopt(socket.IPPROTO_IP, 8), 1, "IP_PKTINFO is not set")
            for name in ("127.0.0.1", "[::1]"):
                self.echo(f"{name}:{port}")
            for addresses in (["127.0.0.1:0"], [f"[::]:{port}"]):
                self.config(*addresses)
                host.send_signal(signal.SIGHUP)
                wait_until(lambda: f":{port}" in self.world.mux("status").stdout.decode() if addresses[0] != "127.0.0.1:0"
                           else f":{port}" not in self.world.mux("status").stdout.decode(), "the configuration is in force")
            self.echo(f"127.0.0.1:{port}")
            self.end(host)
            self.assertIn(f"nobody listens on the socket [::]:{port}", log.read_text())
            self.assertIn("mux-quic.socket", log.read_text())

    def test_two_sockets_make_a_dual_stack(self):
        with udp(socket.AF_INET6, "::", 1) as six, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four:
            port = six.getsockname()[1]
            try:
                four.bind(("0.0.0.0", port))
            except OSError as error:
                self.skipTest(f"the same port of IPv4 is taken: {error}")
            host, log = self.hand_over([four, six], self.config(f"[::]:{port}"))
            self.assertEqual({self.listening(host), self.listening(host)}, {f"[::]:{port}", f"0.0.0.0:{port}"})
            for name in ("127.0.0.1", "[::1]"):
                self.echo(f"{name}:{port}")
            self.end(host)
            self.assertNotIn("handed over", log.read_text())

    def test_ipv6_only(self):
        with udp(socket.AF_INET6, "::", 1) as six:
            port = six.getsockname()[1]
            host, log = self.hand_over([six], self.config(f"[::]:{port}"))
            self.listening(host)
            self.echo(f"[::1]:{port}")
            self.end(host)
            self.assertIn("BindIPv6Only=both", log.read_text())

    def test_nothing_configured_takes_what_there_is(self):
        with udp(socket.AF_INET6, "::", 0) as end:
            host, log = self.hand_over([end], None)
            self.assertEqual(self.listening(host), f"[::]:{end.getsockname()[1]}")
            self.end(host)
            self.assertNotIn("handed over", log.read_text())

    def test_what_does_not_fit_is_said(self):
        """A stream socket, a file, another address: each with what to do, and the rest is served."""
        with udp(socket.AF_INET, "127.0.0.1") as fits, udp(socket.AF_INET, "127.0.0.1") as other, \
                socket.socket(socket.AF_INET) as stream, open(os.devnull, "rb") as file:
            stream.bind(("127.0.0.1", 0))
            stream.listen()
            address = f"127.0.0.1:{fits.getsockname()[1]}"
            host, log = self.hand_over([stream, other, file, fits], self.config(address), "tcp:spare:file:right")
            self.assertEqual(self.listening(host), address)
            self.echo(address)
            self.end(host)
            said = log.read_text()
        self.assertRegex(said, "tcp: .*not a UDP socket.*ListenDatagram=")
        self.assertRegex(said, "spare: nobody listens on the socket 127.0.0.1.*bind_address.*ListenDatagram=")
        self.assertRegex(said, "file: ")
        self.assertNotIn("right:", said)

    def test_what_is_for_another_process_is_left_alone(self):
        with udp(socket.AF_INET, "127.0.0.1") as end:
            address = f"127.0.0.1:{end.getsockname()[1]}"
            done = self.world.run("bash", "-c", f'exec 3<&{end.fileno()}; LISTEN_PID=$PPID "$@"', "-", PROGRAM, "serve", "--no-bus",
                                  "--plugin", MODULE, "--config", self.config(address), env=self.world.env | {"LISTEN_FDS": "1"},
                                  pass_fds=[end.fileno()])
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"Cannot listen on UDP " + address.encode(), done.stderr)

    def test_words_without_sockets(self):
        for number in ("1", "0", "70", "-1", "many"):
            host, log = self.hand_over([], self.config("127.0.0.1:0"), LISTEN_FDS=number)
            self.listening(host)
            self.end(host)
            self.assertIn("LISTEN_FDS", log.read_text(), number)


class Told(Activated):
    """What systemd hears."""

    def notified(self, **environment):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(end.close)
        end.bind(str(self.world.path("notify")))
        end.settimeout(PATIENCE)
        return end, self.world.env | {"NOTIFY_SOCKET": str(self.world.path("notify"))} | environment

    def until(self, end, pattern):
        """Everything that is said until a message matches."""
        said = []
        while not said or not re.search(pattern, said[-1]):
            said.append(end.recv(4096).decode())
        return said

    def test_a_life(self):
        end, env = self.notified(WATCHDOG_USEC="200000")
        host = self.world.serve(env=env)
        ready = self.until(end, "^READY=1\n")
        self.assertEqual(len(ready), 1, ready)
        self.assertIn(f"STATUS=listening on {host.addresses[0]}; 0 sessions\n", ready[0])
        for _ in range(3):
            self.until(end, "^WATCHDOG=1$")
        client = self.world.popen(PROGRAM, "exec", *self.world.client(host), "here", "--", "cat", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0)
        self.until(end, "^STATUS=.*; 1 session\n")
        client.send_signal(signal.SIGKILL)
        client.wait(PATIENCE)
        host.process.send_signal(signal.SIGHUP)
        reload = self.until(end, "^READY=1\n")
        self.assertRegex("".join(reload), "(?s)RELOADING=1\nMONOTONIC_USEC=[0-9]+\n.*READY=1\n")
        host.process.send_signal(signal.SIGTERM)
        self.until(end, "^STOPPING=1\nSTATUS=.")
        self.assertEqual(host.process.wait(PATIENCE), 0)

    def test_the_watchdog_is_for_another_process(self):
        end, env = self.notified(WATCHDOG_USEC="20000", WATCHDOG_PID=str(os.getpid()))
        host = self.world.serve(env=env)
        self.until(end, "^READY=1\n")
        self.assertEqual(self.world.mux("status").returncode, 0)
        self.assertEqual(host.stop(), 0)
        self.assertNotIn("WATCHDOG", "".join(self.until(end, "^STOPPING=1\n")))

    def test_once(self):
        """A second host ends at once and well, and the first is as it was: its keys, its sockets, its sessions."""
        end, env = self.notified()
        host = self.world.serve()
        client = self.world.popen(PROGRAM, "exec", *self.world.client(host), "here", "--", "cat", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0)
        client.stdin.write(b"before\n")
        self.assertEqual(read_line(client.stdout, "echo"), "before")
        files = {path: path.stat().st_mtime_ns for path in (self.world.home / ".local/share/mux-quic/pki").rglob("*")}
        self.assertTrue(files)
        # With its very port, and with another.
        for number, address in enumerate((host.addresses[0], "127.0.0.1:0")):
            second = self.world.mux("serve", "--no-bus", "--plugin", MODULE, "--config",
                                    self.world.config("second.lua", servers=[{"bind_address": address}]), env=env)
            self.assertEqual((second.returncode, second.stdout), (0, b""), second.stderr)
            self.assertRegex(second.stderr.decode(), r"^mux-quic: a host of this user is already running \(.*\).*\n$")
            # To systemd it was ready, so that it does not call it a failure; and why it ended is there to read.
            self.assertRegex("".join(self.until(end, "^READY=1\n")), "^READY=1\nSTATUS=.*already running")
        client.stdin.write(b"after\n")
        self.assertEqual(read_line(client.stdout, "echo"), "after")
        self.assertEqual(files, {path: path.stat().st_mtime_ns for path in files})
        client.stdin.close()
        self.assertEqual(client.wait(PATIENCE), 0)
        self.assertEqual(host.stop(), 0)


class Desktop(Activated):
    """What a login brings: the bus's activation, the autostart entry, somebody's hand; one host of them all."""

    def setUp(self):
        super().setUp()
        if shutil.which("dbus-daemon") is None or shutil.which("gdbus") is None:
            self.skipTest("dbus-daemon or gdbus is not installed")
        self.world.config("home/.config/mux-quic/config.lua", servers=[{"bind_address": "127.0.0.1:0"}])
        services = self.world.path("services")
        services.mkdir()
        self.built("data/dbus/org.muxquic.Quic1.service", services / "org.muxquic.Quic1.service")
        config = self.world.write("bus.conf", f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={self.world.path('bus')}</listen><servicedir>{services}</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>""")
        daemon = self.world.popen("dbus-daemon", "--nofork", "--print-address=1", f"--config-file={config}", stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, bufsize=0)
        self.world.env["DBUS_SESSION_BUS_ADDRESS"] = read_line(daemon.stdout, "the bus's address")

    def built(self, name, path):
        """A file of the build, with the program that was built."""
        text = pathlib.Path(os.environ["MUX_QUIC_BUILD"], name).read_text()
        path.write_text(re.sub(r"/\S*/bin/mux-quic\b", PROGRAM, text))
        return path

    def hosts(self):
        return [pid for pid, command in processes_with(str(self.world.root)) if command.startswith(PROGRAM + " serve")]

    def call(self, method):
        return self.world.run("gdbus", "call", "--session", "--dest", "org.muxquic.Quic1", "--object-path", "/org/muxquic/Quic1/Manager",
                              "--method", method)

    def end_hosts(self):
        pids = self.hosts()
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not self.hosts(), "the host has ended")

    def test_the_bus_starts_it(self):
        self.assertEqual(self.hosts(), [])
        done = self.call("org.muxquic.Quic1.Manager.Describe")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"'listeners': <[{", done.stdout)
        first = self.hosts()
        self.assertEqual(len(first), 1)
        self.assertEqual(self.call("org.freedesktop.DBus.Peer.Ping").returncode, 0)
        self.assertEqual(self.hosts(), first)
        self.end_hosts()

    def test_once_however_it_is_launched(self):
        entry = self.built("data/mux-quic.desktop", self.world.path("mux-quic.desktop"))
        words = re.search("(?m)^Exec=(.*)$", entry.read_text()).group(1).split()
        launched = [self.world.popen(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) for _ in range(5)]
        self.assertEqual(self.call("org.muxquic.Quic1.Manager.Describe").returncode, 0)
        wait_until(lambda: len(self.hosts()) == 1, "all but one have ended")
        self.assertEqual(self.call("org.muxquic.Quic1.Manager.Describe").returncode, 0)
        for process in launched:
            if process.poll() is not None:
                self.assertEqual(process.returncode, 0)
                self.assertIn(b"already running", process.stderr.read())
        self.end_hosts()
        self.assertEqual([process.wait(PATIENCE) for process in launched], [0] * len(launched))


class Held(Activated):
    """A domain with connect_automatically, at a host that serves nobody."""

    def sessions(self):
        status = self.world.mux("status", "--json")
        return [] if status.returncode != 0 else [(one["state"], one["direction"]) for one in json.loads(status.stdout)["sessions"]]

    def test_it_is_there_and_comes_back(self):
        with Sandbox() as there:
            far = there.serve()
            environment = [f"{name}={value}" for name, value in there.env.items()]
            fields = {"enroll_command": ["env", "-i", *environment, PROGRAM, "enroll"]}
            client = self.world.client(far, **fields)
            done = self.world.mux("exec", *client, "here", "--", "echo", "enrolled")
            self.assertEqual(done.stdout, b"enrolled\n", done.stderr)
            # No more enrolments.
            fields = {"enroll_command": ["false"], "connect_automatically": True}
            client = self.world.client(far, **fields)
            log = self.world.path("serve-held.log")
            self.world.logs.append(log)
            with open(log, "wb") as errors:
                host = self.world.popen(PROGRAM, "serve", "--no-bus", *client, stdout=subprocess.PIPE, stderr=errors, bufsize=0)
            self.assertEqual(read_line(host.stdout, "the first line"), "listening nowhere")
            done = self.world.mux("enroll", "--generate")
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"none of the users of any quic_servers entry", done.stderr)
            wait_until(lambda: self.sessions() == [("connected", "out")], "the domain is connected")
            wait_until(lambda: "connected" in there.mux("status").stdout.decode(), "the other side has it too")
            self.assertEqual(far.stop(), 0)
            wait_until(lambda: self.sessions() != [("connected", "out")], "it is noticed")
            far = there.serve(servers=[{"bind_address": far.addresses[0]}])
            wait_until(lambda: self.sessions() == [("connected", "out")], "the domain is connected again")
            self.end(host)
            self.assertEqual(far.stop(), 0)


if __name__ == "__main__":
    tap.main()
