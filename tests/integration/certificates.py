"""The life of certificates: kept by an agent, listed, revoked, renewed, and a CA that is rotated under running clients."""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, Sandbox, read_line, wait_until
import tap

WORLDS = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME", "TMPDIR")


class Pair:
    """A server's world and a client's, which reaches the server only by an enrolment command that counts how often it ran."""

    def __enter__(self):
        self.server, self.client = Sandbox().__enter__(), Sandbox().__enter__()
        self.enrolments = self.client.path("enrolments")
        environment = " ".join(f"{name}='{self.server.env[name]}'" for name in WORLDS)
        self.command = self.client.write(
            "enrol", f"#!/bin/sh\necho x >> '{self.enrolments}'\n{environment} exec '{PROGRAM}' enroll --device desk\n", 0o700)
        return self

    def __exit__(self, *what):
        try:
            self.client.__exit__(*what)
        finally:
            self.server.__exit__(*what)

    def count(self):
        return len(self.enrolments.read_text().splitlines()) if self.enrolments.exists() else 0

    def options(self, host, **fields):
        return self.client.client(host, **({"enroll_command": [self.command], "persist_to_disk": False} | fields))

    def execute(self, options, *argv, **more):
        return self.client.mux("exec", *options, "here", "--", *(argv or ("true",)), **more)

    def session(self, options):
        """A running `exec` that echoes lines."""
        process = self.client.popen(PROGRAM, "exec", *options, "here", "--", "cat", stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.echo(process, b"hello")
        return process

    def echo(self, process, text):
        process.stdin.write(text + b"\n")
        assert read_line(process.stdout, "the echo").encode() == text

    def listed(self, state=lambda one: True):
        done = self.server.mux("cert", "list", "--json")
        assert done.returncode == 0, done.stderr
        return [one for one in json.loads(done.stdout).get("certificates", []) if state(one)]


def kept(world):
    """What the agent of `world` keeps for its clients."""
    done = world.mux("status", "--json")
    assert done.returncode == 0, done.stderr
    return [one for one in json.loads(done.stdout)["certificates"] if one["role"] == "client"]


def openssl(world, *argv, **options):
    done = world.run("openssl", *argv, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


class Certificates(unittest.TestCase):
    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def test_agent(self):
        """The host of the client's desktop keeps the certificate from one command to the next; without one each enrols."""
        with Pair() as pair:
            host = pair.server.serve()
            options = pair.options(host)
            self.good(pair.execute(options))
            self.good(pair.execute(options))
            self.assertEqual(pair.count(), 2, "nobody keeps it")
            agent = pair.client.serve()
            self.good(pair.execute(options))
            self.good(pair.execute(options))
            self.assertEqual(pair.count(), 3)
            self.assertEqual([one["target"] for one in kept(pair.client)], ["here"])
            for path in pair.client.home.rglob("*"):
                self.assertNotIn("domains", path.parts, "nothing of it is on the disk")
            # A server that was set up anew: what the agent keeps does not serve, and one enrols again without a word.
            self.assertEqual(host.stop(), 0)
            subprocess.run(["rm", "-r", str(pair.server.home / ".local/share/mux-quic/pki")], check=True)
            host = pair.server.serve()
            options = pair.options(host)
            self.good(pair.execute(options))
            self.good(pair.execute(options))
            self.assertEqual(pair.count(), 4)
            self.assertEqual((agent.stop(), host.stop()), (0, 0))

    def test_a_stuck_agent_holds_nobody_up(self):
        with Pair() as pair:
            host = pair.server.serve()
            agent = pair.client.serve()
            options = pair.options(host)
            os.kill(agent.pid, signal.SIGSTOP)
            try:
                self.good(pair.execute(options))
            finally:
                os.kill(agent.pid, signal.SIGCONT)
            self.assertEqual(pair.count(), 1)
            self.assertEqual((agent.stop(), host.stop()), (0, 0))

    def test_list_and_revoke(self):
        with Pair() as pair:
            host = pair.server.serve()
            options = pair.options(host, persist_to_disk=True)
            other = pair.options(host, persist_to_disk=True, name="there", file="there.lua")
            session = pair.session(options)
            self.good(pair.client.mux("exec", *other, "there", "--", "true"))
            pem = pair.client.home / ".local/share/mux-quic/domains/here/client.pem"
            serial = openssl(pair.client, "x509", "-noout", "-serial", "-in", pem).strip().partition("=")[2].lower()
            mine, = pair.listed(lambda one: one["serial"] == serial)
            self.assertEqual(len(pair.listed()), 2)
            self.assertEqual(mine["device"], "desk")
            self.assertIn("seen", mine)
            self.assertTrue(mine["address"].startswith("127.0.0.1:"))
            self.assertGreater(mine["expires"], mine["issued"])
            shown = self.good(pair.server.mux("cert", "show", mine["serial"][:8]))
            text = openssl(pair.server, "x509", "-noout", "-text", input=shown.encode())
            self.assertIn("TLS Web Client Authentication", text)
            self.assertEqual(pair.server.mux("cert", "revoke", "0123456789").returncode, 3)

            begin = time.monotonic()
            self.good(pair.server.mux("cert", "revoke", mine["serial"]))
            self.assertEqual(session.wait(PATIENCE), 255)
            print(f"# a live session ended {(time.monotonic() - begin) * 1000:.0f} ms after `cert revoke` began")
            self.assertIn(b"revoked", session.stderr.read())
            crl = openssl(pair.server, "crl", "-noout", "-text", "-in",
                          pair.server.home / ".local/share/mux-quic/pki/crl.pem")
            self.assertIn(mine["serial"].upper(), crl)
            # Nothing it kept lets it in again: it has to enrol, which here it may.
            no_way = pair.options(host, persist_to_disk=True, enroll_command=["false"], file="no-way.lua")
            done = pair.execute(no_way)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.good(pair.client.mux("exec", *other, "there", "--", "true"))
            self.assertEqual(host.stop(), 0)
            host = pair.server.serve()
            self.assertEqual([one["serial"] for one in pair.listed(lambda one: "revoked" in one)], [mine["serial"]])
            self.assertEqual(host.stop(), 0)

    def test_rotate_the_ca(self):
        """Clients of before come in during the overlap without a new enrolment, and learn the new CA by renewing."""
        with Pair() as pair:
            host = pair.server.serve()
            options = pair.options(host, persist_to_disk=True)
            session = pair.session(options)
            self.good(pair.server.mux("cert", "rotate-ca"))
            pair.echo(session, b"still here")
            self.good(pair.execute(options))
            self.assertEqual(pair.count(), 1)
            again = pair.server.mux("cert", "rotate-ca")
            self.assertEqual(again.returncode, 1)
            self.assertIn(b"still needed", again.stderr)
            # The agent of the client renews at a person's word; what it then knows is the new CA.
            pki = pair.server.home / ".local/share/mux-quic/pki"
            bundle = (pki / "ca.pem").read_text()
            self.assertEqual(bundle.count("BEGIN CERTIFICATE"), 2)
            self.assertEqual(host.stop(), 0)
            host = pair.server.serve(servers=[{"bind_address": f"127.0.0.1:{host.port}"}])
            self.good(pair.execute(options))
            self.assertEqual(pair.count(), 1)
            self.assertEqual(host.stop(), 0)

    def test_renew_the_server(self):
        with Pair() as pair:
            host = pair.server.serve()
            options = pair.options(host)
            session = pair.session(options)
            before = pair.server.mux("cert", "show").stdout
            self.good(pair.server.mux("cert", "renew"))
            self.assertNotEqual(before, pair.server.mux("cert", "show").stdout)
            pair.echo(session, b"still here")
            self.good(pair.execute(options))
            session.stdin.close()
            self.assertEqual(session.wait(PATIENCE), 0)
            self.assertEqual(host.stop(), 0)

    def test_usage(self):
        with Sandbox() as world:
            self.assertEqual(world.mux("cert", "list").returncode, 3)
            for words in ((), ("frobnicate",), ("revoke",), ("list", "more"), ("rotate-ca", "x")):
                self.assertEqual(world.mux("cert", *words).returncode, 2, words)
            self.assertIn(b"rotate-ca", world.mux("cert", "--help").stdout)


if __name__ == "__main__":
    tap.main()
