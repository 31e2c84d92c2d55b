"""aioquic, a QUIC implementation in Python, as a client without ALPN, as WezTerm's QUIC fork is one."""

import fcntl
import json
import os
import pathlib
import re
import socketserver
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from sandbox import PATIENCE, SANITIZED, Sandbox
import tap

VENV = pathlib.Path(os.environ["MUX_QUIC_VENV"])
ALERT = 0x100  # CRYPTO_ERROR, RFC 9001 section 4.8
# More than a keeper keeps for a reader that does not count (10 MiB).
MEGABYTES = 12 if SANITIZED else 24


def venv_python():
    """The python of a virtual environment with aioquic, made at the first run."""
    python = VENV / "bin/python"
    ready = VENV / "ready"
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with open(VENV.parent / f"{VENV.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            for command in ([sys.executable, "-m", "venv", str(VENV)],
                            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "aioquic >= 1.2, < 2"]):
                done = subprocess.run(command, capture_output=True, check=False)
                if done.returncode:
                    raise unittest.SkipTest("aioquic cannot be had: " + (done.stderr.decode().strip().splitlines() or ["?"])[-1])
            ready.touch()
    return python


class Echo(socketserver.ThreadingTCPServer):
    """Echoes, and counts what it was given."""

    daemon_threads = True

    def __init__(self):
        self.received = 0
        super().__init__(("127.0.0.1", 0), None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        while data := request.recv(65536):
            self.received += len(data)
            request.sendall(data)


class Foreign(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = venv_python()

    def credentials(self, world, name):
        """`mux-quic creds --pem` taken apart: client chain, client key, CA."""
        done = world.mux("creds", "--pem")
        self.assertEqual(done.returncode, 0, done.stderr)
        blocks = re.findall(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n", done.stdout.decode(), re.S)
        texts = [match.group(0) for match in re.finditer(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n",
                                                         done.stdout.decode(), re.S)]
        self.assertEqual(blocks, ["PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"])
        return (world.write(f"{name}-cert.pem", texts[1]), world.write(f"{name}-key.pem", texts[0]),
                world.write(f"{name}-ca.pem", texts[2]))

    def run_client(self, world, host, ca, *options):
        done = world.run(self.python, pathlib.Path(__file__).with_name("aioquic_client.py"), str(host.port), ca,
                         "--bytes", str(MEGABYTES << 20), *options)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def test_echo_and_refusals(self):
        echo = Echo()
        with Sandbox() as world, Sandbox() as other:
            host = world.serve(servers=[{"bind_address": "127.0.0.1:0", "raw_service": "echo"}],
                               services={"echo": {"tcp": f"127.0.0.1:{echo.server_address[1]}"}})
            certificate, key, ca = self.credentials(world, "mine")
            answer = self.run_client(world, host, ca, "--cert", certificate, key)
            self.assertEqual((answer["received"], answer["equal"]), (MEGABYTES << 20, True), answer)
            self.assertEqual(echo.received, MEGABYTES << 20)

            stranger = other.serve()
            foreign_certificate, foreign_key, _ = self.credentials(other, "foreign")
            refusals = {
                "no certificate": ([], 116),
                "another CA's": (["--cert", foreign_certificate, foreign_key], 48),
                "wrong ALPN": (["--cert", certificate, key, "--alpn", "h3"], 120),
            }
            for name, (options, alert) in refusals.items():
                with self.subTest(name):
                    answer = self.run_client(world, host, ca, *options)
                    self.assertEqual(answer.get("error"), ALERT + alert, answer)
                    self.assertEqual((answer["received"], answer["delivered"]), (0, 0))
                    self.assertEqual(echo.received, MEGABYTES << 20, "bytes were delivered")
            answer = self.run_client(world, host, ca, "--cert", certificate, key)
            self.assertTrue(answer["equal"], "a good client after the bad ones")
            self.assertEqual((stranger.stop(), host.stop()), (0, 0))
        echo.shutdown()
        echo.server_close()


if __name__ == "__main__":
    tap.main()
