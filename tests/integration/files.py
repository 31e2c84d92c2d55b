"""Certificates as other programs see them: what is generated, read by openssl; and files that a person made with openssl."""

import datetime
import json
import os
import re
import signal
import socket
import subprocess
import unittest

from sandbox import PROGRAM, Sandbox, wait_until
import tap


class Workshop:
    """A CA of somebody's own, made by openssl."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.key, self.ca = self.path("key"), self.path("ca")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.ca,
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        os.chmod(self.key, 0o600)

    def path(self, kind):
        return str(self.world.path(f"{self.name}-{kind}.pem"))

    def openssl(self, *argv):
        done = self.world.run("openssl", *argv)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def issue(self, kind, common_name, purpose, names=()):
        key, request, certificate = self.path(f"{kind}-key"), self.path(f"{kind}-request"), self.path(kind)
        self.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}", "-keyout", key, "-out", request)
        os.chmod(key, 0o600)
        extensions = f"extendedKeyUsage={purpose}\nkeyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n"
        if names:
            extensions += f"subjectAltName={','.join(names)}\n"
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.key, "-days", "7",
                     "-extfile", self.world.write(f"{self.name}-{kind}.ext", extensions), "-out", certificate)
        return key, certificate


def show(world, text):
    done = world.run("openssl", "x509", "-noout", "-text", input=text.encode())
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def life(text):
    """(begin, end) of what openssl printed."""
    return [datetime.datetime.strptime(re.search(rf"{what}\s*: (.*) GMT", text)[1], "%b %d %H:%M:%S %Y")
            for what in ("Not Before", "Not After ?")]


class Generated(unittest.TestCase):
    def test_what_is_generated(self):
        with Sandbox() as world:
            host = world.serve(servers=[{"bind_address": "127.0.0.1:0", "certificate_lifetime_days": 3, "extra_san": ["mux.example", "192.0.2.7"]}])
            for _ in range(20):
                self.assertEqual(world.mux("creds", "--pem").returncode, 0)
            pki = world.home / ".local/share/mux-quic/pki"
            ca, server = show(world, (pki / "ca.pem").read_text()), show(world, (pki / "server.pem").read_text())
            clients = [path.read_text() for path in (pki / "issued").iterdir()]
            for text in (server, *(show(world, one) for one in clients)):
                begin, end = life(text)
                self.assertEqual(end - begin, datetime.timedelta(days=3, minutes=1))
                self.assertIn("prime256v1", text)
                self.assertRegex(text, r"Key Usage: critical\s+Digital Signature\n")
                self.assertRegex(text, r"Basic Constraints: critical\s+CA:FALSE")
                self.assertIn("Authority Key Identifier", text)
            self.assertRegex(ca, r"CA:TRUE, pathlen:0")
            self.assertRegex(ca, r"Key Usage: critical\s+Certificate Sign, CRL Sign")
            begin, end = life(ca)
            self.assertEqual((end - begin).days, 3650)

            self.assertRegex(server, r"Extended Key Usage:\s+TLS Web Server Authentication\n")
            self.assertRegex(server, r"Subject:\s*\n", "server names stand in the SAN alone")
            for name in (f"DNS:{socket.gethostname().lower()}", "DNS:localhost", "IP Address:127.0.0.1", "DNS:mux.example", "IP Address:192.0.2.7"):
                self.assertIn(name, server)
            fqdn = socket.getfqdn().lower()
            if "." in fqdn and fqdn != "localhost.localdomain" and not fqdn.endswith(".arpa"):
                self.assertIn(f"DNS:{fqdn}", server)
            for text in clients:
                self.assertRegex(show(world, text), r"Extended Key Usage:\s+TLS Web Client Authentication\n")

            serials = {re.search(r"Serial Number:\s*([0-9a-f:]+)", show(world, one))[1].replace(":", "") for one in clients}
            self.assertEqual(len(serials), len(clients))
            self.assertEqual({len(one) for one in serials}, {32})
            ones = sum(bin(int(one, 16)).count("1") for one in serials) / len(serials)
            self.assertTrue(50 < ones < 78, f"of 128 bits {ones} are set on the average: is that chance?")

            for number, (purpose, text) in enumerate([("sslserver", (pki / "server.pem").read_text()), ("sslclient", clients[0])]):
                leaf = world.write(f"leaf-{number}.pem", text)
                for reader in (("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", pki / "ca.pem", leaf),
                               ("certtool", "--verify", "--load-ca-certificate", pki / "ca.pem", "--infile", leaf)):
                    done = world.run(*reader)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(host.stop(), 0)


class Supplied(unittest.TestCase):
    def set_up(self, world):
        self.mine, self.other = Workshop(world, "mine"), Workshop(world, "other")
        key, certificate = self.mine.issue("server", "the server", "serverAuth", ["DNS:localhost", "IP:127.0.0.1"])
        self.server = {"bind_address": "127.0.0.1:0", "pem_private_key": key, "pem_cert": certificate, "pem_ca": self.mine.ca}
        key, certificate = self.mine.issue("client", self.user(), "clientAuth")
        self.client = {"enroll_command": [], "persist_to_disk": False, "pem_private_key": key, "pem_cert": certificate,
                       "pem_ca": self.mine.ca}

    @staticmethod
    def user():
        return subprocess.run(["id", "-un"], capture_output=True, check=True, text=True).stdout.strip()

    def execute(self, world, host, **more):
        options = world.client(host, **{name: value for name, value in (self.client | more).items() if value is not None})
        return world.mux("exec", *options, "here", "--", "echo", "hello")

    def good(self, done):
        self.assertEqual((done.returncode, done.stdout), (0, b"hello\n"), done.stderr.decode())

    def test_files(self):
        with Sandbox() as world:
            self.set_up(world)
            host = world.serve(servers=[self.server])
            self.good(self.execute(world, host))
            roots = world.path("roots")
            roots.mkdir()
            self.assertEqual(self.execute(world, host, pem_ca=None).returncode, 1, "nothing to verify the server with")
            (roots / "a.pem").write_text(open(self.other.ca).read())
            self.assertEqual(self.execute(world, host, pem_ca=None, pem_root_certs=[str(roots)]).returncode, 255)
            (roots / "b.crt").write_text(open(self.mine.ca).read())
            self.good(self.execute(world, host, pem_ca=None, pem_root_certs=[str(roots)]))
            self.good(self.execute(world, host, pem_ca=self.other.ca, pem_root_certs=[self.mine.ca]))
            self.assertFalse((world.home / ".local/share/mux-quic/pki/ca.pem").exists(), "no CA that nobody needs")
            self.assertEqual(world.mux("cert", "list").returncode, 1)
            self.assertEqual(host.stop(), 0)

    def test_names(self):
        with Sandbox() as world:
            self.set_up(world)
            key, certificate = self.mine.issue("elsewhere", "other name", "serverAuth", ["DNS:elsewhere.example"])
            host = world.serve(servers=[self.server | {"pem_private_key": key, "pem_cert": certificate}])
            done = self.execute(world, host)
            self.assertEqual(done.returncode, 255)
            self.assertIn(b"elsewhere.example", done.stderr)
            done = self.execute(world, host, accept_invalid_hostnames=True)
            self.good(done)
            self.assertIn(b"not verified", done.stderr, "it is said")
            done = self.execute(world, host, accept_invalid_hostnames=True, pem_ca=self.other.ca)
            self.assertEqual(done.returncode, 255, "the chain is verified all the same")
            self.good(self.execute(world, host, accept_invalid_hostnames=True, expected_cn="other name"))
            done = self.execute(world, host, accept_invalid_hostnames=True, expected_cn="another name")
            self.assertEqual(done.returncode, 255)
            self.assertIn(b"expected_cn", done.stderr)
            self.assertEqual(host.stop(), 0)

    def test_strangers(self):
        with Sandbox() as world:
            self.set_up(world)
            host = world.serve(servers=[self.server])
            key, certificate = self.other.issue("client", self.user(), "clientAuth")
            self.assertEqual(self.execute(world, host, pem_private_key=key, pem_cert=certificate).returncode, 255)
            key, certificate = self.mine.issue("wrong", self.user(), "serverAuth")
            self.assertEqual(self.execute(world, host, pem_private_key=key, pem_cert=certificate).returncode, 255)
            key, certificate = self.mine.issue("somebody", "somebody-else", "clientAuth")
            done = self.execute(world, host, pem_private_key=key, pem_cert=certificate)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"somebody-else", done.stderr)
            self.good(self.execute(world, host))
            self.assertEqual(host.stop(), 0)

    def test_read_again(self):
        """New files in the place of the old ones are in force after SIGHUP; broken ones are not, and nobody is dropped."""
        with Sandbox() as world:
            self.set_up(world)
            host = world.serve(servers=[self.server])

            def serial():
                return json.loads(world.mux("status", "--json").stdout)["certificates"][0]["serial"]

            first = serial()
            self.mine.issue("server", "the server", "serverAuth", ["DNS:localhost", "IP:127.0.0.1"])
            self.good(self.execute(world, host))
            os.kill(host.pid, signal.SIGHUP)
            wait_until(lambda: serial() != first or None, "the new certificate")
            self.good(self.execute(world, host))
            second = serial()
            world.write("mine-server.pem", "nothing of the kind\n")
            os.kill(host.pid, signal.SIGHUP)
            wait_until(lambda: b"mine-server.pem" in host.log.read_bytes() or None, "the complaint")
            self.assertEqual(serial(), second)
            self.good(self.execute(world, host))
            self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    tap.main()
