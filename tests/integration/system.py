"""The host of the system: its PKI in /etc, its socket in /run, certificates for every user, and nothing more for any but root."""

import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import unittest

from sandbox import MODULE, PATIENCE, PROGRAM, SANITIZED, Sandbox, processes_with, read_line, wait_until
import tap

NOBODY = 65534
NAMELESS = 54321
UNITS = pathlib.Path(os.environ["MUX_QUIC_SOURCE"], "data/systemd")


@unittest.skipIf(os.getuid() != 0, "needs root")
class System(unittest.TestCase):
    """All in a mount namespace of its own, with a copy of /etc and an empty /run."""

    PREPARE, BECOME = "", ""
    USERS = '"root", "nobody"'

    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.world.root.chmod(0o755)
        script = self.world.write("begin", f"""#!/bin/sh
set -e
mount -t tmpfs none /run
mkdir '{self.world.root}/etc'
cp -a /etc/. '{self.world.root}/etc'
mount --bind '{self.world.root}/etc' /etc
mkdir -p /etc/mux-quic
install -m 0644 '{self.world.root}/config.lua' /etc/mux-quic/config.lua
TRACE='{self.world.root}/trace'
{self.PREPARE}
echo ready
exec {self.BECOME} '{PROGRAM}' serve --system --no-bus --plugin '{MODULE}'
""", 0o700)
        self.world.write("config.lua",
                         f'return {{ quic_servers = {{{{ bind_address = "127.0.0.1:0", users = {{ {self.USERS} }} }}}} }}\n')
        log = open(self.world.path("serve.log"), "wb")
        self.world.logs.append(self.world.path("serve.log"))
        self.addCleanup(log.close)
        self.host = self.world.popen("unshare", "-m", script, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        if self.host.stdout.readline() != b"ready\n":
            raise unittest.SkipTest("no mount namespace is to be had here")
        self.address = read_line(self.host.stdout, "`listening on`").removeprefix("listening on ")

    def inside(self, *argv, user=None, **options):
        become = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        return self.world.run("nsenter", "-t", str(self.host.pid), "-m", *become, *argv, **options)

    def mux(self, *argv, user=None, **options):
        return self.inside(PROGRAM, *argv, user=user, **options)

    def test_places(self):
        for path, mode in (("/etc/mux-quic/pki", 0o700), ("/etc/mux-quic/pki/ca-key.pem", 0o600), ("/run/mux-quic", 0o755),
                           ("/run/mux-quic/control", 0o666)):
            done = self.inside("stat", "-c", "%a", path)
            self.assertEqual(done.stdout.decode().strip(), f"{mode:o}", path)
        done = self.mux("status", "--system", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["pki"], "/etc/mux-quic/pki")
        self.host.terminate()
        self.assertEqual(self.host.wait(30), 0)

    def test_who_may_what(self):
        if self.inside("test", "-x", PROGRAM, user=NOBODY).returncode != 0:
            self.skipTest("nobody cannot run a program of this directory")
        mine = self.mux("enroll", "--system", "--generate", user=NOBODY)
        self.assertEqual(mine.returncode, 0, mine.stderr)
        self.assertIn(b"BEGIN MUX-QUIC ENROLMENT", mine.stdout)
        refusals = {
            ("enroll", "--system", "--generate", "--user", "root"): b"for itself only",
            ("status", "--system"): b"Only root",
            ("cert", "list", "--system"): b"Only root",
            ("cert", "rotate-ca", "--system"): b"Only root",
            ("cert", "renew", "--system"): b"Only root",
        }
        for words, reason in refusals.items():
            done = self.mux(*words, user=NOBODY)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(reason, done.stderr, words)
        for words in (("enroll", "--system", "--generate", "--user", "nobody"), ("status", "--system"), ("cert", "renew", "--system")):
            done = self.mux(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = self.mux("cert", "list", "--system", "--json")
        users = sorted(one["user"] for one in json.loads(done.stdout)["certificates"])
        self.assertEqual(users, ["nobody", "nobody"])

    def test_its_doctor(self):
        """Root asks, and finds nothing wrong with whose things are."""
        done = self.mux("doctor", "--system", "--json", "--plugin", MODULE)
        findings = [(one["level"], one["check"], one["found"]) for one in json.loads(done.stdout)["findings"]]
        self.assertIn("host", [check for level, check, _ in findings if level == "ok"], findings)
        self.assertEqual([one for one in findings if one[0] == "error"], [])

    def test_who_has_no_name_gets_nothing(self):
        """… and surely not what the host's own user would get."""
        if self.inside("test", "-x", PROGRAM, user=NAMELESS).returncode != 0:
            self.skipTest("others cannot run a program of this directory")
        for words in ((), ("--user", "root"), ("--user", "nobody")):
            done = self.mux("enroll", "--system", "--generate", *words, user=NAMELESS)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(b"has no name", done.stderr)
        done = self.mux("cert", "list", "--system", "--json")
        self.assertEqual(json.loads(done.stdout)["certificates"], [])

    def test_a_certificate_is_the_callers(self):
        """… and not the host's user's, who is nobody's identity here."""
        done = self.mux("enroll", "--system", "--generate")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.mux("cert", "list", "--system", "--json")
        self.assertEqual([one["user"] for one in json.loads(done.stdout)["certificates"]], ["root"])

    def test_it_starts_nothing_for_others(self):
        """What it started would run as root."""
        for user, status in (("root", 0), ("nobody", 1)):
            config = self.world.config(f"{user}.lua", clients=[{
                "name": "here", "remote_address": self.address, "persist_to_disk": False,
                "enroll_command": [PROGRAM, "enroll", "--system", "--user", user]}])
            done = self.mux("exec", "--config", config, "here", "--", "id", "-un")
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual(done.stdout, b"root\n" if status == 0 else b"")
        self.assertIn(b"starts nothing for nobody", done.stderr)


def listed(unit, key):
    """What a unit says of @key, in one list."""
    return " ".join(re.findall(f"(?m)^{key}=(.*)$", unit)).split()


@unittest.skipIf(os.getuid() != 0, "needs root")
class Unit(System):
    """The same as its unit runs it: as a user of its own that sysusers.d made, with the directories of tmpfiles.d and no right of root."""

    # What the unit's RuntimeDirectory= does.
    PREPARE = f"""systemd-sysusers '{UNITS}/mux-quic.sysusers' >&2
systemd-tmpfiles --create '{UNITS}/mux-quic.tmpfiles'
install -d -o mux-quic -g mux-quic -m 0755 /run/mux-quic
install -m 0666 /dev/null \"$TRACE\""""
    BECOME = ("setpriv --reuid=mux-quic --regid=mux-quic --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "
              "strace -D -f -qq -o \"$TRACE\"")
    USERS = '"root", "nobody", "mux-quic"'

    def setUp(self):
        for tool in ("systemd-sysusers", "systemd-tmpfiles", "setpriv", "strace"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        if SANITIZED:
            self.skipTest("the leak scan cannot run under strace")
        super().setUp()

    def test_places(self):
        for path, mode, owner in (("/etc/mux-quic/pki", "700", "mux-quic"), ("/etc/mux-quic/pki/ca-key.pem", "600", "mux-quic"),
                                  ("/run/mux-quic", "755", "mux-quic"), ("/run/mux-quic/control", "666", "mux-quic"),
                                  ("/etc/mux-quic", "755", "root")):
            self.assertEqual(self.inside("stat", "-c", "%a %U", path).stdout.decode().split(), [mode, owner], path)

    def test_it_starts_nothing_for_others(self):
        """Not even for root, and least of all for its own user, who may read the keys."""
        for user in ("root", "nobody", "mux-quic"):
            config = self.world.config(f"{user}.lua", clients=[{
                "name": "here", "remote_address": self.address, "persist_to_disk": False,
                "enroll_command": [PROGRAM, "enroll", "--system", "--user", user]}])
            done = self.mux("exec", "--config", config, "here", "--", "id", "-un")
            self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
            self.assertIn(f"starts nothing for {user}".encode(), done.stderr)

    def test_it_keeps_within_its_fence(self):
        """Every system call of a life is one that the unit allows, every socket of a family that it allows, and no memory is made
        executable."""
        unit = (UNITS / "system/mux-quic.service.in").read_text()
        for words in (("enroll", "--system", "--generate", "--user", "nobody"), ("cert", "renew", "--system"), ("status", "--system"),
                      ("cert", "rotate-ca", "--system")):
            done = self.mux(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.test_it_starts_nothing_for_others()
        self.host.send_signal(signal.SIGHUP)
        self.host.send_signal(signal.SIGTERM)
        self.assertEqual(self.host.wait(PATIENCE), 0)
        wait_until(lambda: not processes_with(str(self.world.root)), "strace has written all")
        trace = self.world.path("trace").read_text()
        calls = set(re.findall(r"(?m)^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", trace))
        self.assertGreater(len(calls), 30)
        groups = [group for group in listed(unit, "SystemCallFilter")]
        self.assertEqual(groups, ["@system-service", "~@privileged"])
        allowed = self.filter("@system-service") - self.filter("@privileged")
        self.assertEqual(calls - allowed, set())
        families = set(re.findall(r"(?m)^\d+ +socket(?:pair)?\((\w+)", trace))
        self.assertEqual(families - set(listed(unit, "RestrictAddressFamilies")), set())
        self.assertRegex(trace, "socket\\(AF_INET, SOCK_DGRAM")
        self.assertEqual(re.findall(r"(?m)^\d+ +mprotect\(.*PROT_EXEC.*|^\d+ +mmap\(.*PROT_WRITE\|PROT_EXEC.*", trace), [])

    def filter(self, group):
        """The calls of a group of systemd's."""
        done = self.world.run("systemd-analyze", "syscall-filter", "--no-pager", group)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = set()
        for word in re.findall(r"(?m)^    ([@\w-]+)", done.stdout.decode()):
            names |= self.filter(word) if word.startswith("@") else {word}
        return names


@unittest.skipIf(os.getuid() != 0, "needs root")
class Stranger(unittest.TestCase):
    """Another user of the machine, at the socket of a user's own host."""

    TALK = """if True:
        import socket, sys
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(60)
        try:
            end.connect(sys.argv[1])
        except OSError as error:
            sys.exit(error.strerror)
        uid = b"%d" % __import__("os").getuid()
        end.sendall(b"\\0AUTH EXTERNAL " + uid.hex().encode() + b"\\r\\n")
        answer = end.recv(100)
        sys.exit(answer.decode() or "closed")
    """

    def test_user_mode(self):
        with Sandbox() as world:
            host = world.serve()
            control = world.runtime / "mux-quic" / "control"

            def talk(*become):
                return world.run(*become, "/usr/bin/python3", "-c", self.TALK, control).stderr.decode().strip()

            stranger = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
            if world.run(*stranger, "/usr/bin/python3", "-c", "pass", cwd="/").returncode != 0:
                self.skipTest("another user cannot run Python here")
            self.assertEqual(talk(*stranger), "Permission denied")
            self.assertTrue(talk().startswith("OK "))
            # Even where somebody opened every door.
            for path in (world.root, world.runtime, control.parent):
                path.chmod(0o755)
            control.chmod(0o666)
            self.assertRegex(talk(*stranger), "^(closed|REJECTED.*|Connection reset by peer)$")
            self.assertEqual(world.mux("status").returncode, 0)
            self.assertEqual(host.stop(), 0)


if __name__ == "__main__":
    tap.main()
