"""What the journal gets of a host that systemd runs: messages with their numbers and fields (plugin/base/events.h), natively."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, Sandbox, read_line
import tap

SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
EVENTS = dict(re.findall(r'(?m)^#define BASE_EVENT_(\w+) "([0-9a-f]{32})"$', (SOURCE / "plugin/base/events.h").read_text()))

# In a mount namespace with a /run of its own it is the journal, and runs the host with standard error connected to it; each message is a
# line of JSON on its standard output.
JOURNAL = """if True:
    import json, os, select, socket, subprocess, sys
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    os.makedirs("/run/systemd/journal")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("/run/systemd/journal/stdout")
    listener.listen()
    native = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    native.bind("/run/systemd/journal/socket")
    errors = socket.socket(socket.AF_UNIX)
    errors.connect("/run/systemd/journal/stdout")
    host = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=errors.fileno(), stdout=subprocess.PIPE)
    errors.close()
    print(host.pid, flush=True)
    print(host.stdout.readline().decode().strip(), flush=True)

    def fields(data):
        found = {}
        while data:
            key, _, data = data.partition(b"\\n")
            if b"=" in key:
                key, _, value = key.partition(b"=")
            else:
                length = int.from_bytes(data[:8], "little")
                value, data = data[8:8 + length], data[8 + length + 1:]
            found[key.decode()] = value.decode()
        return found

    end, _ = listener.accept()
    while True:
        ready, _, _ = select.select([native, end], [], [])
        if native in ready:
            print(json.dumps(fields(native.recv(65536))), flush=True)
        elif end in ready and not end.recv(65536):
            break
    sys.exit(host.wait())
"""


@unittest.skipIf(os.getuid() != 0, "needs root")
class Journal(unittest.TestCase):
    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        config = self.world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0", "max_idle_timeout": 1}])
        if self.world.run("unshare", "-m", "mount", "-t", "tmpfs", "none", "/run").returncode != 0:
            self.skipTest("no mount namespace is to be had here")
        self.journal = self.world.popen("unshare", "-m", "/usr/bin/python3", "-c", JOURNAL, PROGRAM, "serve", "--no-bus", "--plugin",
                                        MODULE, "--config", config, stdout=subprocess.PIPE, bufsize=0)
        self.host = int(read_line(self.journal.stdout, "the host's pid"))
        self.addCleanup(self.end_host)
        self.address = read_line(self.journal.stdout, "`listening on`").removeprefix("listening on ")
        self.seen = []

    def end_host(self):
        if self.journal.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.host, signal.SIGTERM)

    def expect(self, event, **fields):
        """Waits for it; what came before is kept."""
        while True:
            message = json.loads(read_line(self.journal.stdout, event))
            self.seen.append(message)
            if message.get("MESSAGE_ID") == EVENTS[event]:
                break
        self.assertEqual(message["GLIB_DOMAIN"], "mux-quic")
        for name, value in fields.items():
            self.assertEqual(message[f"MUX_{name}"], value, (event, name))
        return message

    def run_client(self, status, **fields):
        done = self.world.mux("exec", *self.world.client(self.address, **fields), "here", "--", "true")
        self.assertEqual(done.returncode, status, done.stderr)

    def test_a_life(self):
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.expect("LISTENER_OPENED", LISTENER=self.address, BIND="127.0.0.1:0")
        self.run_client(0)
        serial = self.expect("CERTIFICATE_ISSUED", USER=user)["MUX_SERIAL"]
        session = self.expect("SESSION_OPENED", USER=user, SERIAL=serial, DIRECTION="in")["MUX_SESSION"]
        closed = self.expect("SESSION_CLOSED", SESSION=session, REASON="")
        self.assertRegex(closed["MUX_PEER"], "^127.0.0.1:[0-9]+$")

        client = self.world.popen(PROGRAM, "exec", *self.world.client(self.address), "here", "--", "cat", stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0)
        client.stdin.write(b"here\n")
        read_line(client.stdout, "echo")
        session = self.expect("SESSION_OPENED", SERIAL=serial)["MUX_SESSION"]
        client.send_signal(signal.SIGKILL)
        client.wait(PATIENCE)
        self.assertTrue(self.expect("SESSION_AWAY", SESSION=session, SERIAL=serial)["MUX_REASON"])

        self.assertEqual(self.world.mux("cert", "renew").returncode, 0)
        self.assertNotEqual(self.expect("CERTIFICATE_RENEWED", BIND="127.0.0.1:0")["MUX_RENEWS"], "")
        self.assertEqual(self.world.mux("cert", "revoke", serial).returncode, 0)
        self.expect("CERTIFICATE_REVOKED", SERIAL=serial)
        self.assertIn("revoked", self.expect("SESSION_CLOSED", SESSION=session)["MUX_REASON"])
        # Refused in TLS, before anybody knows who it is.
        self.run_client(1, enroll_command=["false"])
        refused = self.expect("PEER_REFUSED", USER="")
        self.assertRegex(refused["MUX_PEER"], "^127.0.0.1:[0-9]+$")
        self.assertTrue(refused["MUX_REASON"])
        self.assertEqual(self.world.mux("cert", "rotate-ca").returncode, 0)
        self.expect("AUTHORITY_ROTATED")
        os.kill(self.host, signal.SIGHUP)
        self.expect("CONFIGURATION_READ", CONFIG=str(self.world.path("server.lua")))
        os.kill(self.host, signal.SIGTERM)
        self.expect("LISTENER_CLOSED", LISTENER=self.address)
        self.assertEqual(self.journal.wait(PATIENCE), 0)
        self.assertNotIn("PRIVATE", json.dumps(self.seen))


if __name__ == "__main__":
    tap.main()
