"""What systemd, D-Bus and firewalls are given, as it is installed, read by their own programs."""

import configparser
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

from sandbox import PROGRAM, Sandbox
import tap

SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
BUILD = os.environ["MUX_QUIC_BUILD"]
PORT = "9001"
# Of 100; what `systemd-analyze security` calls "OK" ends at 40. The rest is the network, which it is there for.
EXPOSURE = 20


class Entries(dict):
    """A unit file: section → list of (key, value)."""

    def __init__(self, path):
        super().__init__()
        for line in path.read_text().splitlines():
            if line.startswith("["):
                section = self.setdefault(line.strip("[]"), [])
            elif line and not line.startswith("#"):
                section.append(tuple(line.split("=", 1)))

    def all(self, section, key):
        return [value for name, value in self.get(section, []) if name == key]


class Installed(unittest.TestCase):
    """In a directory of its own; the program's path in it is made that of the one that was built."""

    @classmethod
    def setUpClass(cls):
        cls.world = Sandbox()
        cls.staged = cls.world.path("staged")
        done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", str(cls.staged)], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        for path in [*cls.staged.rglob("*.service"), *cls.staged.rglob("*.desktop")]:
            path.write_text(re.sub(r"/\S*/bin/mux-quic\b", PROGRAM, path.read_text()))

    @classmethod
    def tearDownClass(cls):
        cls.world.__exit__(None, None, None)

    def file(self, pattern):
        found = list(self.staged.rglob(pattern))
        self.assertEqual(len(found), 1, f"{pattern}: {found}")
        return found[0]

    def tool(self, name):
        if shutil.which(name, path=self.world.env["PATH"]) is None:
            self.skipTest(f"{name} is not installed")
        return name

    def quietly(self, *argv, **options):
        done = self.world.run(*argv, **options)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_units_are_right(self):
        self.tool("systemd-analyze")
        for mode, names in (("--user", ["mux-quic.service", "mux-quic.socket"]),
                            ("--system", ["mux-quic.service", "mux-quic.socket", "mux-quic@root.service"])):
            directory = self.world.path(f"units{mode}")
            directory.mkdir()
            for name in names:
                source = self.file(f"systemd/{mode.strip('-')}/{name.replace('@root', '@')}")
                shutil.copy(source, directory / name)
            for name in names:
                self.quietly("systemd-analyze", "verify", mode, "--man=no", directory / name)

    def test_a_wrong_unit_is_found(self):
        """… by the test above: that program says nothing of many a thing."""
        self.tool("systemd-analyze")
        broken = self.world.path("mux-quic-broken.service")
        broken.write_text(self.file("systemd/user/mux-quic.service").read_text().replace("ExecStart=", "ExecStart=/nonexistent"))
        done = self.world.run("systemd-analyze", "verify", "--user", "--man=no", broken)
        self.assertNotEqual((done.returncode, done.stdout + done.stderr), (0, b""))

    def test_the_machines_host_is_fenced_in(self):
        self.tool("systemd-analyze")
        done = self.world.run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager",
                              self.file("systemd/system/mux-quic.service"))
        said = done.stdout.decode()
        self.assertEqual(done.returncode, 0, said + done.stderr.decode())
        print("#", re.search("Overall exposure level.*", said).group(0))

    def test_shells_are_not_fenced_in(self):
        """What a service may not, its shells may not: sudo, ping, mount."""
        allowed = {"Type", "NotifyAccess", "BusName", "User", "PAMName", "WorkingDirectory", "ExecStart", "ExecReload", "Restart",
                   "RestartSec", "WatchdogSec", "LimitNOFILE"}
        for pattern in ("systemd/user/mux-quic.service", "systemd/system/mux-quic@.service"):
            self.assertEqual({key for key, _ in Entries(self.file(pattern))["Service"]} - allowed, set(), pattern)

    def test_a_failure_is_no_loop(self):
        for path in self.staged.rglob("systemd/*/*.service"):
            unit = Entries(path)
            self.assertEqual(unit.all("Service", "Restart"), ["on-failure"])
            tries, seconds = int(unit.all("Unit", "StartLimitBurst")[0]), int(unit.all("Service", "RestartSec")[0])
            self.assertEqual(unit.all("Unit", "StartLimitIntervalSec"), ["5min"])
            self.assertLess(tries * (seconds + 1), 5 * 60, f"{path}: the limit of starts is never reached")

    def test_one_port_everywhere(self):
        for path in self.staged.rglob("mux-quic.socket"):
            self.assertEqual(Entries(path).all("Socket", "ListenDatagram"), [PORT])
        ufw = configparser.ConfigParser()
        ufw.read(self.file("applications.d/mux-quic"))
        self.assertEqual(set(ufw["mux-quic"]), {"title", "description", "ports"})
        self.assertEqual(ufw["mux-quic"]["ports"], f"{PORT}/udp")
        service = self.file("services/mux-quic.xml")
        self.quietly(self.tool("xmllint"), "--noout", "--nonet", service)
        ports = [(port.get("port"), port.get("protocol")) for port in xml.etree.ElementTree.parse(service).getroot().findall("port")]
        self.assertEqual(ports, [(PORT, "udp")])
        self.assertIn(f"[::]:{PORT}", (SOURCE / "data/config.lua.example").read_text())

    def test_the_bus_knows_the_units(self):
        for services, units in (("dbus-1/services", "systemd/user"), ("dbus-1/system-services", "systemd/system")):
            entry = Entries(self.file(f"{services}/org.muxquic.Quic1.service"))
            self.assertEqual(entry.all("D-BUS Service", "Name"), ["org.muxquic.Quic1"])
            name, = entry.all("D-BUS Service", "SystemdService")
            unit = Entries(self.file(f"{units}/{name}"))
            self.assertEqual(unit.all("Service", "BusName"), entry.all("D-BUS Service", "Name"))
            self.assertEqual(unit.all("Service", "ExecStart"), entry.all("D-BUS Service", "Exec"))
            self.assertEqual(unit.all("Service", "User"), entry.all("D-BUS Service", "User"))

    def test_desktops(self):
        path = self.file("autostart/mux-quic.desktop")
        self.quietly(self.tool("desktop-file-validate"), path)
        entry = Entries(path)["Desktop Entry"]
        for pair in (("TryExec", PROGRAM), ("Exec", f"{PROGRAM} serve"), ("NoDisplay", "true"), ("X-systemd-skip", "true"),
                     ("X-GNOME-HiddenUnderSystemd", "true")):
            self.assertIn(pair, entry)
        self.assertFalse([key for key, _ in entry if "Phase" in key])

    def test_the_journals_catalogue(self):
        """Every event of the table is explained and used, and no other; journalctl can read it."""
        table = (SOURCE / "plugin/base/events.h").read_text()
        events = dict(re.findall(r'(?m)^#define BASE_EVENT_(\w+) "([0-9a-f]{32})"$', table))
        self.assertGreater(len(events), 10)
        self.assertEqual(len(set(events.values())), len(events))
        self.assertEqual(set(events), set(re.findall(r"(?m)^ \*  ([A-Z_]+)  ", table)))
        catalogue = self.file("catalog/mux-quic.catalog")
        text = catalogue.read_text()
        self.assertEqual(re.findall(r"(?m)^-- ([0-9a-f]{32})$", text), list(events.values()))
        source = "".join(path.read_text() for path in (SOURCE / "plugin").glob("*/*.c"))
        self.assertEqual([name for name in events if f"BASE_EVENT_{name}," not in source], [])
        # What it names is a field.
        self.assertEqual({name for name in re.findall("@MUX_([A-Z]+)@", text)} - set(re.findall(r'"MUX_([A-Z]+)", ', source)), set())
        self.tool("journalctl")
        root = self.world.path("catalogue")
        (root / "usr/lib/systemd/catalog").mkdir(parents=True)
        (root / "var/lib/systemd/catalog").mkdir(parents=True)
        shutil.copy(catalogue, root / "usr/lib/systemd/catalog")
        done = self.world.run("journalctl", f"--root={root}", "--update-catalog")
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = self.world.run("journalctl", f"--root={root}", "--dump-catalog").stdout.decode()
        self.assertEqual(re.findall(r"(?m)^-- ([0-9a-f]{32})$", listed), sorted(events.values()))

    @unittest.skipIf(os.getuid() != 0, "needs root")
    def test_user_and_directories(self):
        self.tool("systemd-sysusers")
        root = self.world.path("root")
        for name in ("etc", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d"):
            (root / name).mkdir(parents=True)
        for kind in ("sysusers", "tmpfiles"):
            shutil.copy(self.file(f"{kind}.d/mux-quic.conf"), root / f"usr/lib/{kind}.d")
        self.assertEqual(self.world.run("systemd-sysusers", f"--root={root}").returncode, 0)
        passwd = (root / "etc/passwd").read_text().split(":")
        self.assertEqual((passwd[0], passwd[5], passwd[6].strip()), ("mux-quic", "/", "/usr/sbin/nologin"))
        done = self.world.run("systemd-tmpfiles", "--create", f"--root={root}")
        self.assertEqual(done.returncode, 0, done.stderr)
        uid = int(passwd[2])
        for name, mode, owner in (("", 0o755, 0), ("pki", 0o700, uid), ("domains", 0o700, uid)):
            status = (root / "etc/mux-quic" / name).stat()
            self.assertEqual((status.st_mode & 0o777, status.st_uid), (mode, owner), name)
        self.assertNotIn("mux-quic", [entry.pw_name for entry in pwd.getpwall()], "the test has changed this machine")


if __name__ == "__main__":
    tap.main()
