"""Bad input: one clear message that names the cause, exit 1 or 2, and nothing lost."""

import os
import pathlib
import socket
import subprocess
import unittest

from sandbox import MODULE, PROGRAM, Host, Sandbox
import tap


class BadInput(unittest.TestCase):
    def fails(self, done, *words, status=(1,)):
        text = done.stderr.decode() + done.stdout.decode()
        self.assertIn(done.returncode, status, text)
        for word in words:
            self.assertIn(word, text)
        lines = [line for line in done.stderr.decode().splitlines() if line]
        self.assertTrue(lines, "no message")
        self.assertLess(len(lines), 8, text)
        for ugly in ("CRITICAL", "assertion", "Segmentation", "Sanitizer"):
            self.assertNotIn(ugly, text)

    def serve(self, world, servers, **more):
        config = world.config("bad.lua", servers=servers, **more)
        return world.mux("serve", "--no-bus", "--plugin", MODULE, "--config", config)

    def pair(self, world, name):
        """A key and a self-signed certificate by openssl."""
        key, certificate = world.path(f"{name}.key"), world.path(f"{name}.pem")
        done = world.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                         "-subj", f"/CN={name}", "-days", "2", "-keyout", key, "-out", certificate)
        self.assertEqual(done.returncode, 0, done.stderr)
        key.chmod(0o600)
        return str(key), str(certificate)

    def test_missing_pem(self):
        with Sandbox() as world:
            key, _ = self.pair(world, "one")
            gone = str(world.path("gone.pem"))
            done = self.serve(world, [{"bind_address": "127.0.0.1:0", "pem_private_key": key, "pem_cert": gone}])
            self.fails(done, gone)

    def test_malformed_pem(self):
        with Sandbox() as world:
            key, _ = self.pair(world, "one")
            broken = world.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            done = self.serve(world, [{"bind_address": "127.0.0.1:0", "pem_private_key": key, "pem_cert": broken}])
            self.fails(done, broken)
            done = self.serve(world, [{"bind_address": "127.0.0.1:0", "pem_ca": broken}])
            self.fails(done, broken)

    def test_key_that_does_not_match(self):
        with Sandbox() as world:
            key, _ = self.pair(world, "one")
            _, certificate = self.pair(world, "two")
            done = self.serve(world, [{"bind_address": "127.0.0.1:0", "pem_private_key": key, "pem_cert": certificate}])
            self.fails(done, key, certificate)

    def pki(self, world):
        return world.home / ".local/share/mux-quic/pki"

    def test_pki_directory_that_others_can_read(self):
        with Sandbox() as world:
            world.serve().stop()
            before = (self.pki(world) / "ca.pem").read_bytes()
            self.pki(world).chmod(0o755)
            done = self.serve(world, [{"bind_address": "127.0.0.1:0"}])
            self.fails(done, str(self.pki(world)), "chmod")
            self.pki(world).chmod(0o700)
            world.serve().stop()
            self.assertEqual((self.pki(world) / "ca.pem").read_bytes(), before)

    def test_pki_directory_of_another(self):
        if os.getuid() != 0:
            self.skipTest("only root can give a directory away")
        with Sandbox() as world:
            world.serve().stop()
            os.chown(self.pki(world), 65534, 65534)
            done = self.serve(world, [{"bind_address": "127.0.0.1:0"}])
            self.fails(done, str(self.pki(world)), "chown")

    def test_key_that_others_can_read(self):
        with Sandbox() as world:
            world.serve().stop()
            (self.pki(world) / "ca-key.pem").chmod(0o644)
            done = self.serve(world, [{"bind_address": "127.0.0.1:0"}])
            self.fails(done, "ca-key.pem", "chmod")

    def test_address_in_use(self):
        with Sandbox() as world, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{other.getsockname()[1]}"
            self.fails(self.serve(world, [{"bind_address": address}]), address)

    def test_name_that_does_not_resolve(self):
        with Sandbox() as world:
            done = self.serve(world, [{"bind_address": "no-such-host.invalid:0"}])
            self.fails(done, "no-such-host.invalid")
            host = world.serve()
            done = world.mux("exec", *world.client("no-such-host.invalid:9001"), "here", "--", "true")
            self.fails(done, "no-such-host.invalid", status=(255,))
            self.assertEqual(host.stop(), 0)

    def test_unknown_service(self):
        with Sandbox() as world:
            host = world.serve()
            done = world.mux("proxy", *world.client(host), "--service", "no-such-service", "here")
            self.fails(done, "no-such-service", "shell")
            self.assertEqual(host.stop(), 0)

    def test_service_that_refuses(self):
        with Sandbox() as world, socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{closed.getsockname()[1]}"
            host = world.serve(services={"dead": {"tcp": address}})
            done = world.mux("proxy", *world.client(host), "--service", "dead", "here")
            self.fails(done, address)

    def test_nobody_listens(self):
        with Sandbox() as world:
            host = world.serve()
            client = world.client(host)
            self.assertEqual(world.mux("exec", *client, "here", "--", "true").returncode, 0)
            host.stop()
            done = world.mux("exec", *client, "here", "--", "true")
            self.fails(done, f"127.0.0.1:{host.port}", status=(255,))

    def test_no_host(self):
        with Sandbox() as world:
            self.fails(world.mux("status"), status=(3,))

    def test_usage(self):
        with Sandbox() as world:
            self.fails(world.mux("conect"), "conect", "connect", status=(2,))
            self.fails(world.mux("serve", "--nonsense"), "--nonsense", status=(2,))
            self.fails(world.mux("exec"), status=(2,))
            done = world.mux("--help")
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            for verb in ("serve", "connect", "exec", "proxy", "enroll", "creds", "status", "check"):
                self.assertIn(verb, done.stdout.decode())

    def test_configurations(self):
        with Sandbox() as world:
            directory = world.path("directory")
            directory.mkdir()
            fifo = world.path("fifo")
            os.mkfifo(fifo)
            cases = {
                "directory": (str(directory), "directory"),
                "missing": (str(world.path("missing.lua")), "missing.lua"),
                "fifo": (str(fifo), "fifo"),
                "empty": (world.write("empty.lua", ""), "empty.lua"),
                "binary": (world.write("binary.lua", os.urandom(300) + b"\0\x1bLua"), "binary.lua"),
                "bytecode": (world.write("bytecode.lua", b"\x1bLuaS\0\x19\x93\r\n\x1a\n" + bytes(200)), "bytecode.lua"),
                "loop": (world.write("loop.lua", "while true do end\n"), "loop.lua"),
                "syntax": (world.write("syntax.lua", "return {\n  quic_servers = {{ bind_address = }},\n}\n"), "syntax.lua:2"),
                "name": (world.write("name.lua", "return {\n  quic_servers = {{\n    bind_adress = 'x:1',\n  }},\n}\n"),
                         "name.lua:3"),
                "range": (world.write("range.lua", "return { quic_servers = {{ bind_address = '[::]:9001',\n"
                                                   "  certificate_lifetime_days = 0 }} }\n"), "range.lua:2"),
            }
            for name, (path, word) in cases.items():
                with self.subTest(name):
                    done = world.mux("check", "--plugin", MODULE, path)
                    self.fails(done, word)
                    done = world.mux("serve", "--no-bus", "--plugin", MODULE, "--config", path)
                    self.fails(done, word)
            self.assertIn("bind_address", world.mux("check", "--plugin", MODULE, cases["name"][0]).stderr.decode()
                          + world.mux("check", "--plugin", MODULE, cases["name"][0]).stdout.decode())

    def test_check_says_all_at_once_and_nothing_when_right(self):
        with Sandbox() as world:
            bad = world.write("bad.lua", "return { quic_servers = {\n  { bind_address = 'nonsense' },\n"
                                         "  { bind_address = '[::]:9001', retry = 'sometimes' },\n  {},\n} }\n")
            done = world.mux("check", "--plugin", MODULE, bad)
            text = (done.stdout + done.stderr).decode()
            self.assertEqual(done.returncode, 1)
            for line in ("bad.lua:2", "bad.lua:3", "bad.lua:4"):
                self.assertIn(line, text)
            example = pathlib.Path(os.environ["MUX_QUIC_SOURCE"], "data/config.lua.example")
            done = world.mux("check", "--plugin", MODULE, example)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))


if __name__ == "__main__":
    tap.main()
