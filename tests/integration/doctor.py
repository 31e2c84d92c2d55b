"""`mux-quic doctor` before things that are really broken: it finds exactly that, and what it says to do helps."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from clock import DAY, LIBRARY, Clock
from files import Workshop
from networks import Networks
from sandbox import MODULE, PROGRAM, SANITIZED, Sandbox, free_udp_port, read_line
import tap

LEVELS = ["ok", "note", "warning", "error"]


SERVER = {"bind_address": "127.0.0.1:0"}


class Doctor(unittest.TestCase):
    """What the tests share."""

    def options(self, world, host):
        """Of a configuration of both sides, as one machine of one user has it."""
        entry = {"name": "here", "remote_address": f"127.0.0.1:{host.port}", "enroll_command": [PROGRAM, "enroll"], "persist_to_disk": True}
        return ["--plugin", MODULE, "--config", world.config("both.lua", servers=[SERVER], clients=[entry])]

    def examine(self, world, *arguments, prefix=(), env=None):
        """The findings, checked for their form, and the exit status against them."""
        done = world.run(*prefix, PROGRAM, "doctor", "--json", *arguments, **({"env": env} if env else {}))
        said = json.loads(done.stdout)
        self.assertEqual(said["schema"], 1)
        self.assertEqual(set(said), {"schema", "errors", "warnings", "findings"})
        for finding in said["findings"]:
            self.assertLessEqual(set(finding), {"level", "check", "found", "remedy"})
            self.assertIn(finding["level"], LEVELS)
            self.assertRegex(finding["check"], r"^[a-z]+$")
            if finding["level"] in ("warning", "error"):
                self.assertTrue(finding["remedy"], finding)
        for level in ("error", "warning"):
            self.assertEqual(said[f"{level}s"], sum(one["level"] == level for one in said["findings"]))
        self.assertEqual(done.returncode, 1 if said["errors"] else 0, done.stderr)
        return said["findings"]

    def only_error(self, findings, check):
        """The remedy and the words of the one error there is."""
        errors = [one for one in findings if one["level"] == "error"]
        self.assertEqual([one["check"] for one in errors], [check], errors)
        return errors[0]["remedy"], errors[0]["found"]

    def level(self, findings, check):
        return [one["level"] for one in findings if one["check"] == check]

    def healthy(self, findings):
        self.assertEqual([one for one in findings if one["level"] == "error"], [])


class Here(Doctor):
    def test_nothing_is_wrong(self):
        with Sandbox() as world:
            options = world.client("127.0.0.1:9")
            self.healthy(self.examine(world, *options))
            host = world.serve()
            options = self.options(world, host)
            findings = self.examine(world, "--plugin", MODULE)
            self.healthy(findings)
            for check in ("host", "files", "config", "pki", "ca", "certificate", "names", "buffers", "offload"):
                self.assertIn("ok", self.level(findings, check), check)
            before = sorted(path.name for path in (world.home / ".local/share/mux-quic/pki").rglob("*"))
            findings = self.examine(world, *options, "here")
            self.healthy(findings)
            self.assertEqual(self.level(findings, "credentials"), ["note"], "it does not enrol")
            self.assertEqual(self.level(findings, "reach"), ["ok"])
            self.assertEqual(self.level(findings, "handshake"), [])
            self.assertEqual(sorted(path.name for path in (world.home / ".local/share/mux-quic/pki").rglob("*")), before)
            self.assertEqual(world.mux("exec", *options, "here", "--", "true").returncode, 0)
            findings = self.examine(world, *options, "here")
            self.healthy(findings)
            for check in ("reach", "mtu", "handshake", "names", "session"):
                self.assertIn("ok", self.level(findings, check), check)
            self.assertEqual(host.stop(), 0)
            self.assertIn("note", self.level(self.examine(world), "host"))

    def test_what_a_person_reads(self):
        with Sandbox() as world:
            port = free_udp_port()
            done = world.mux("doctor", "--plugin", MODULE, f"127.0.0.1:{port}")
            self.assertEqual(done.returncode, 1, done.stderr)
            lines = done.stdout.decode().splitlines()
            self.assertRegex(lines[-1], r"^1 error, \d+ warnings?$")
            self.assertEqual(lines[-2], "")
            for number, line in enumerate(lines[:-2]):
                self.assertRegex(line, r"^((ok|note|warning|error): [a-z]+: \S|    \S)", line)
                if line.startswith("error: "):
                    self.assertIn("nobody listens", line)
                    self.assertTrue(lines[number + 1].startswith("    start the host there"), lines[number + 1])
            self.assertNotIn("\x1b", done.stdout.decode())

    def test_by_another_file(self):
        """The host serves by one file, and another one is looked at: their names are not compared, unless it is the host's own."""
        with Sandbox() as world:
            host = world.serve()
            other = world.config("other.lua", servers=[SERVER | {"extra_san": ["elsewhere.example"]}])
            self.assertEqual(self.level(self.examine(world, "--plugin", MODULE, "--config", other), "names"), [])
            self.assertEqual(self.level(self.examine(world, "--plugin", MODULE), "names"), ["ok"])
            pathlib.Path(other).replace(world.path("server.lua"))
            findings = self.examine(world, "--plugin", MODULE)
            found, = [one for one in findings if one["check"] == "names"]
            self.assertIn("elsewhere.example", found["found"])
            self.assertEqual(found["level"], "warning")
            self.assertEqual(host.stop(), 0)

    def test_configuration(self):
        with Sandbox() as world:
            config = world.write("bad.lua", "return {\n  quic_servers = { {\n    bind_adress = 'localhost:9001',\n  } },\n}\n")
            remedy, found = self.only_error_of_many(self.examine(world, "--plugin", MODULE, "--config", config))
            self.assertIn(f"{config}:", found)
            self.assertIn("mux-quic.lua", remedy)

    def only_error_of_many(self, findings):
        errors = [one for one in findings if one["level"] == "error"]
        self.assertEqual({one["check"] for one in errors}, {"config"}, errors)
        return errors[0]["remedy"], errors[0]["found"]

    def command(self, remedy):
        """What stands behind `run:`."""
        return remedy.partition("run: ")[2]

    def test_permissions(self):
        with Sandbox() as world:
            host = world.serve()
            options = self.options(world, host)
            self.assertEqual(host.stop(), 0)
            pki = world.home / ".local/share/mux-quic/pki"
            for path, mode in ((pki, 0o755), (pki / "ca-key.pem", 0o644), (pki / "issued", 0o750)):
                if not path.exists():
                    path.mkdir(mode=0o700)
                path.chmod(mode)
                remedy, found = self.only_error(self.examine(world, *options), "pki")
                self.assertIn(str(path), found)
                self.assertEqual(world.run("sh", "-c", self.command(remedy)).returncode, 0, remedy)
                self.healthy(self.examine(world, *options))

    def test_owner(self):
        if os.getuid() != 0:
            self.skipTest("only root can give a file away")
        with Sandbox() as world:
            host = world.serve()
            options = self.options(world, host)
            self.assertEqual(host.stop(), 0)
            seed = world.home / ".local/share/mux-quic/pki/seed"
            os.chown(seed, 12345, 12345)
            remedy, found = self.only_error(self.examine(world, *options), "pki")
            self.assertIn("belongs to user 12345", found)
            self.assertEqual(world.run("sh", "-c", self.command(remedy)).returncode, 0, remedy)
            self.healthy(self.examine(world, *options))

    def test_socket(self):
        with Sandbox() as world:
            host = world.serve()
            control = world.runtime / "mux-quic/control"
            control.chmod(0o666)
            remedy, found = self.only_error(self.examine(world, "--config", world.path("server.lua"), "--plugin", MODULE), "socket")
            self.assertIn(str(control), found)
            self.assertEqual(world.run("sh", "-c", remedy).returncode, 0, remedy)
            self.healthy(self.examine(world, "--config", world.path("server.lua"), "--plugin", MODULE))
            self.assertEqual(host.stop(), 0)

    def test_key_of_another(self):
        with Sandbox() as world:
            shop = Workshop(world, "mine")
            key, certificate = shop.issue("server", "the server", "serverAuth", ["DNS:localhost"])
            other, _ = shop.issue("other", "another", "serverAuth", ["DNS:localhost"])
            config = world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0", "pem_private_key": other, "pem_cert": certificate}])
            remedy, found = self.only_error(self.examine(world, "--config", config, "--plugin", MODULE), "certificate")
            self.assertIn(other, found)
            config = world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0", "pem_private_key": key, "pem_cert": certificate}])
            self.healthy(self.examine(world, "--config", config, "--plugin", MODULE))

    def test_no_ssh(self):
        with Sandbox() as world:
            world.path("bin").mkdir()
            env = world.env | {"PATH": str(world.path("bin"))}
            findings = self.examine(world, "--plugin", MODULE, "alice@127.0.0.1:1", env=env)
            errors = {one["check"]: one for one in findings if one["level"] == "error"}
            # The host's name is known all the same.
            self.assertEqual(set(errors), {"enrolment", "reach"}, errors)
            self.assertIn("openssh-client", errors["enrolment"]["remedy"])

    def test_limits(self):
        """What the kernel gives a program that may not take more."""
        with Sandbox() as world:
            findings = self.examine(world, "--plugin", MODULE, prefix=["prlimit", "--nofile=256:256"])
            found, = [one for one in findings if one["check"] == "files"]
            self.assertEqual(found["level"], "warning")
            self.assertIn("256 files", found["found"])
            self.assertIn("LimitNOFILE", found["remedy"])
            prefix = ["setpriv", "--bounding-set=-net_admin"] if os.getuid() == 0 else []
            found, = [one for one in self.examine(world, "--plugin", MODULE, prefix=prefix) if one["check"] == "buffers"]
            for name, wanted in (("rmem_max", 7 << 20), ("wmem_max", 2 << 20)):
                limit = int(pathlib.Path("/proc/sys/net/core", name).read_text())
                self.assertEqual(f"net.core.{name}={wanted}" in found.get("remedy", ""), limit < wanted)
                self.assertEqual(f"{name} allows {limit // 1024} KiB of {wanted // 1024}" in found["found"], limit < wanted)

    @unittest.skipIf(SANITIZED, "the library that moves the clock and the sanitizers' do not load together")
    @unittest.skipIf(LIBRARY is None, "libfaketime is not installed")
    def test_clock(self):
        """The host keeps the true time; the one who looks lives later, or earlier."""
        with Sandbox() as world:
            host = world.serve()
            options = self.options(world, host)
            true = dict(world.env)
            clock = Clock(world)
            for there, check, fix in ((8 * DAY, "certificate", "mux-quic cert renew"), (-30 * DAY, "clock", "set-ntp")):
                clock.set(int(time.time()) + there)
                findings = self.examine(world, *options)
                errors = [one for one in findings if one["level"] == "error"]
                self.assertEqual({one["check"] for one in errors}, {check}, errors)
                for one in errors:
                    self.assertIn(fix, one["remedy"])
            world.env = true
            self.healthy(self.examine(world, *options))
            self.assertEqual(host.stop(), 0)


class There(Doctor):
    def test_names(self):
        with Sandbox() as world:
            shop = Workshop(world, "mine")
            key, certificate = shop.issue("server", "the server", "serverAuth", ["DNS:elsewhere.example"])
            user = world.run("id", "-un").stdout.decode().strip()
            client_key, client_certificate = shop.issue("client", user, "clientAuth")
            host = world.serve(servers=[{"bind_address": "127.0.0.1:0", "pem_private_key": key, "pem_cert": certificate, "pem_ca": shop.ca}])
            own = {"pem_private_key": client_key, "pem_cert": client_certificate, "pem_ca": shop.ca, "enroll_command": None}
            own = {name: value for name, value in own.items() if value is not None}
            entry = {"name": "here", "remote_address": f"127.0.0.1:{host.port}"} | own
            options = ["--plugin", MODULE, "--config", world.config("client.lua", clients=[entry])]
            remedy, found = self.only_error(self.examine(world, *options, "here"), "names")
            self.assertIn("for elsewhere.example, not for 127.0.0.1", found)
            self.assertIn("extra_san", remedy)
            shop.issue("server", "the server", "serverAuth", ["IP:127.0.0.1"])
            self.assertEqual(host.stop(), 0)
            host = world.serve(servers=[{"bind_address": f"127.0.0.1:{host.port}", "pem_private_key": key, "pem_cert": certificate, "pem_ca": shop.ca}])
            self.healthy(self.examine(world, *options, "here"))
            stranger = Workshop(world, "other")
            entry |= {"pem_ca": stranger.ca}
            options = ["--plugin", MODULE, "--config", world.config("client.lua", clients=[entry])]
            remedy, found = self.only_error(self.examine(world, *options, "here"), "handshake")
            self.assertIn("CA", found)
            self.assertIn("pem_ca", remedy)
            self.assertEqual(host.stop(), 0)

    def test_nobody(self):
        with Sandbox() as world:
            options = world.client(f"127.0.0.1:{free_udp_port()}")
            remedy, found = self.only_error(self.examine(world, *options, "here"), "reach")
            self.assertIn("nobody listens", found)
            self.assertIn("mux-quic serve", remedy)
            remedy, found = self.only_error(self.examine(world, "--plugin", MODULE, "nobody.invalid:1"), "name")
            self.assertIn("nobody.invalid", found)


@unittest.skipIf(os.getuid() != 0, "needs root")
@unittest.skipIf(shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, "nft is not installed")
class Between(Doctor):
    """A firewall or a narrow link between two machines."""

    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.net = Networks().__enter__()
        self.addCleanup(self.net.__exit__)
        self.net.go_by(1)
        config = self.world.config("server.lua", servers=[{"bind_address": "[::]:0"}])
        self.host = self.world.popen(*self.net.inside(self.net.there, PROGRAM, "serve", "--no-bus", "--plugin", MODULE, "--config", config),
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, bufsize=0)
        self.port = read_line(self.host.stdout, "`listening on`").rpartition(":")[2]
        self.target = f"10.99.0.1:{self.port}"
        self.options = self.world.client(self.target)

    def look(self, target="here"):
        return self.examine(self.world, *self.options, target, prefix=self.net.inside(self.net.here))

    def there(self, where, *argv):
        done = self.world.run(*self.net.inside(where, *argv))
        if done.returncode != 0 and argv[0] == "nft":
            self.skipTest(f"no nftables here: {done.stderr.decode().strip()}")
        self.assertEqual(done.returncode, 0, done.stderr)

    def rules(self, where, text):
        self.there(where, "nft", text)

    def test_dropped(self):
        """… and the rule that it names, typed in as it stands, lets it in."""
        self.healthy(self.look())
        self.rules(self.net.there, "add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }")
        remedy, found = self.only_error(self.look(), "reach")
        self.assertIn(f"{self.target} does not answer by UDP", found)
        for program in ("ufw allow", "firewall-cmd", "nft add rule"):
            self.assertIn(program, remedy)
        rule = re.search(r"sudo nft (add rule [a-z ]+ dport \d+ accept)", remedy)[1]
        self.assertIn(self.port, rule)
        self.rules(self.net.there, rule)
        self.healthy(self.look())

    def test_rejected(self):
        self.rules(self.net.there, "add table inet filter; add chain inet filter input { type filter hook input priority 0; }; "
                                   f"add rule inet filter input udp dport {self.port} reject with icmpx type admin-prohibited")
        remedy, found = self.only_error(self.look(), "reach")
        self.assertIn("the firewall of", found)
        self.assertIn(f"ufw allow {self.port}/udp", remedy)

    def test_own_firewall(self):
        self.rules(self.net.here, "add table inet filter; add chain inet filter output { type filter hook output priority 0; }; "
                                  f"add rule inet filter output udp dport {self.port} drop")
        remedy, found = self.only_error(self.look(), "reach")
        self.assertIn("a firewall of this machine", found)
        self.assertIn(f"output udp dport {self.port} accept", remedy)

    def test_no_route(self):
        self.net.ip(self.net.here, "route", "del", "10.99.0.1")
        remedy, found = self.only_error(self.look(), "reach")
        self.assertIn(f"no way to {self.target}", found)
        self.assertIn("ip route", remedy)

    def test_mtu(self):
        findings = self.look()
        self.assertEqual(self.level(findings, "mtu"), ["ok"])
        for mtu, level, words in ((1400, "note", "takes 1400 bytes"), (1100, "error", "takes 1100 bytes at a time, and QUIC")):
            self.net.ip(self.net.here, "link", "set", "c1", "mtu", str(mtu))
            found, = [one for one in self.look() if one["check"] == "mtu"]
            self.assertEqual(found["level"], level)
            self.assertIn(words, found["found"])
        device = re.search(r"sudo (ip link set dev DEVICE mtu \d+)", found["remedy"])[1].replace("DEVICE", "c1")
        self.there(self.net.here, *device.split())
        self.healthy(self.look())
        # A link that takes less than this end of it believes, and says nothing.
        self.net.ip(self.net.here, "link", "set", "c1", "mtu", "1500")
        self.net.ip(self.net.there, "link", "set", "c1", "mtu", "1400")
        found, = [one for one in self.look() if one["check"] == "mtu"]
        self.assertEqual(found["level"], "note")
        self.assertIn("1452 bytes do not get to", found["found"])

    def test_one_family_of_two(self):
        """Who is reached by one address is reached; the other one is worth a warning."""
        self.net.go_by(1, "-6")
        self.rules(self.net.there, "add table inet filter; add chain inet filter input { type filter hook input priority 0; }; "
                                   f"add rule inet filter input ip6 daddr fd99::1 udp dport {self.port} drop")
        self.options = self.world.client(f"far.test:{self.port}")
        findings = self.look()
        self.healthy(findings)
        self.assertEqual(sorted(self.level(findings, "reach")), ["ok", "warning"])


if __name__ == "__main__":
    tap.main()
