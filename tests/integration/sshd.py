"""A real OpenSSH server for the tests."""

import os
import shutil
import socket
import subprocess
import unittest

from sandbox import PROGRAM, wait_until


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise unittest.SkipTest(f"{program} is not installed")
    return path


class Sshd:
    """A real sshd with its own keys on a port of loopback."""

    def __init__(self, world, environment=()):
        """`environment`: of the programs that it starts, NAME=VALUE."""
        self.world = world
        sshd, keygen = need("sshd"), need("ssh-keygen")
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        for name in ("host", "user"):
            done = world.run(keygen, "-q", "-t", "ed25519", "-N", "", "-f", world.path(name))
            assert done.returncode == 0, done.stderr
        keys = world.write("authorized", world.path("user.pub").read_text())
        sftp = next((path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server") if os.path.exists(path)), None)
        if sftp is None:
            raise unittest.SkipTest("sftp-server is not installed")

        def start():
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            config = world.write("sshd_config", f"""
ListenAddress 127.0.0.1
Port {self.port}
HostKey {world.path('host')}
AuthorizedKeysFile {keys}
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp {sftp}
SetEnv SANDBOX={world.root}{"".join(f" {one}" for one in environment)}
""")
            log = open(world.path("sshd.log"), "ab")
            self.process = world.popen(sshd, "-D", "-e", "-f", config, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            log.close()
            wait_until(lambda: self.process.poll() is not None
                       or b"Server listening" in world.path("sshd.log").read_bytes(), "sshd listens")
            return self.process.poll() is None

        for _ in range(5):
            if start():
                break
        else:
            raise AssertionError(world.path("sshd.log").read_text())
        host_key = world.path("host.pub").read_text().split()
        self.known = world.write("known_hosts", f"far {host_key[0]} {host_key[1]}\n")

    def options(self, client):
        proxy = " ".join([PROGRAM, "proxy", *client, "--service", "sshd", "here"])
        return ["-F", "/dev/null", "-o", f"ProxyCommand={proxy}", "-o", f"UserKnownHostsFile={self.known}",
                "-o", "StrictHostKeyChecking=yes", "-o", f"IdentityFile={self.world.path('user')}", "-o", "BatchMode=yes",
                "-o", "IdentitiesOnly=yes", "-o", "HostKeyAlias=far", "-o", "LogLevel=ERROR"]
