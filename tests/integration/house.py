"""The house itself: who includes whom, what the module exports, what is installed where."""

import os
import pathlib
import re
import subprocess
import unittest

from sandbox import MODULE, Sandbox
import tap

SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
BUILD = os.environ["MUX_QUIC_BUILD"]
ORDER = ["base", "net", "pki", "config", "quic", "session", "transport", "control"]


class House(unittest.TestCase):
    def includes(self, path):
        return re.findall(r'^#\s*include\s+["<]([^">]+)[">]', path.read_text(), re.M)

    def test_a_room_includes_only_rooms_above_it(self):
        wrong, seen = [], 0
        for room in [*ORDER, "host"]:
            allowed = set(ORDER[: ORDER.index(room) + 1]) if room in ORDER else {"host"}
            for path in sorted((SOURCE / "plugin" / room).glob("*.[ch]")):
                for include in self.includes(path):
                    first = include.split("/")[0]
                    if first in {*ORDER, "host"} and "/" in include:
                        seen += 1
                        if first not in allowed:
                            wrong.append(f"{path.relative_to(SOURCE)} includes {include}")
        self.assertEqual(wrong, [])
        self.assertGreater(seen, 100)

    def test_protocol_code_touches_no_socket_clock_or_file(self):
        forbidden = re.compile(r"\b(sendmsg|recvmsg|socket|g_socket_\w+|g_get_monotonic_time|clock_gettime|g_file_\w+|lua_\w+"
                               r"|g_dbus_\w+|g_timeout_\w+|open|fopen)\s*\(")
        wrong = []
        for path in [*(SOURCE / "plugin/session").glob("*.c"), *(SOURCE / "plugin/quic").glob("*.c")]:
            if path.name != "driver.c":
                text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group(0).count("\n"), path.read_text(), flags=re.S)
                text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
                wrong += [f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
                          for number, line in enumerate(text.splitlines(), 1) if forbidden.search(line)]
        self.assertEqual(wrong, [])

    def test_public_headers_need_only_gio(self):
        for path in (SOURCE / "include/mux").glob("*.h"):
            for include in self.includes(path):
                self.assertRegex(include, r"^(gio/gio\.h|mux/\w+\.h)$", path.name)

    def test_one_exported_symbol(self):
        listing = subprocess.run(["nm", "-D", "--defined-only", MODULE], capture_output=True, text=True, check=True).stdout
        names = {line.split()[-1] for line in listing.splitlines()}
        if os.environ.get("MUX_QUIC_SANITIZED") == "1":
            names = {name for name in names if not re.match(r"_*(asan|ubsan|odr)", name)}
        self.assertEqual({name.split("@")[0] for name in names}, {"mux_plugin_query"})

    def test_no_file_is_too_long(self):
        long = [f"{path.relative_to(SOURCE)}: {count}" for path in (SOURCE / "plugin").glob("*/*.c")
                if (count := len(path.read_text().splitlines())) > 400]
        self.assertEqual(long, [])

    def test_install(self):
        with Sandbox() as world:
            staged = world.path("staged")
            done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", str(staged)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            files = {str(path.relative_to(staged)) for path in staged.rglob("*") if not path.is_dir()}
            expected = [
                r"bin/mux-quic", r"lib/(\S+/)?mux-1/transports/mux-quic\.so", r"lib/(\S+/)?pkgconfig/mux-plugin-1\.pc",
                r"include/mux-1/mux/host\.h", r"include/mux-1/mux/plugin\.h", r"include/mux-1/mux/transport\.h",
                r"share/cockpit/mux-quic/(manifest\.json|index\.html|[a-z]+\.css|[a-z]+\.js|po\.[a-zA-Z_]+\.js)",
                r"share/dbus-1/interfaces/org\.muxquic\.Quic1\.xml",
                r"share/polkit-1/actions/org\.muxquic\.quic1\.policy",
                r"share/dbus-1/system\.d/org\.muxquic\.Quic1\.conf", r"share/doc/mux-quic/config\.lua\.example",
                r"share/mux-quic/output\.schema\.json",
                r"share/bash-completion/completions/mux-quic", r"share/zsh/site-functions/_mux-quic",
                r"share/fish/vendor_completions\.d/mux-quic\.fish",
                r"lib/systemd/(user|system)/mux-quic\.(service|socket)", r"lib/systemd/system/mux-quic@\.service",
                r"lib/(sysusers|tmpfiles)\.d/mux-quic\.conf", r"lib/systemd/catalog/mux-quic\.catalog", r"share/dbus-1/(system-)?services/org\.muxquic\.Quic1\.service",
                r"lib/firewalld/services/mux-quic\.xml", r"etc/ufw/applications\.d/mux-quic", r"etc/xdg/autostart/mux-quic\.desktop",
                r"share/doc/mux-quic/examples/(mux-copy\.(c|py)|open-channel\.py)",
                r"share/doc/mux-quic/api/html/.*", r"libexec/installed-tests/mux-quic/\w+\.py",
                r"share/installed-tests/mux-quic/\w+\.test",
                *(f"share/locale/{language}/LC_MESSAGES/mux-quic\\.mo" for language in (SOURCE / "po/LINGUAS").read_text().split()),
            ]
            if pathlib.Path(BUILD, "data/man/mux-quic.1").exists():
                expected += [r"share/man/man1/mux-quic\.1", r"share/man/man5/mux-quic\.lua\.5",
                             r"share/man/man7/mux-quic-protocol\.7", r"share/man/man7/mux-quic-dbus\.7"]
            unexplained = {name for name in files if not any(re.search(f"(^|/){pattern}$", name) for pattern in expected)}
            optional = ("installed-tests", "doc/mux-quic/api")
            missing = [pattern for pattern in expected if not any(word in pattern for word in optional) and not any(re.search(f"(^|/){pattern}$", name) for name in files)]
            self.assertEqual((missing, unexplained), ([], set()))
            for path in [*staged.rglob("*.service"), *staged.rglob("mux-quic.desktop")]:
                self.assertRegex(path.read_text(), "(?m)^Exec(Start)?=/.*/bin/mux-quic serve", path)
                self.assertNotRegex(path.read_text(), "@[a-z]+@", path)


if __name__ == "__main__":
    tap.main()
