"""Hosts of other people: what they compile and run against an installed tree, in C, in C++, in Python, and over D-Bus."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from relay import Relay
from sandbox import MODULE, PATIENCE, PROGRAM, SANITIZED, Sandbox, read_line, wait_until
import tap

SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
BUILD = os.environ["MUX_QUIC_BUILD"]
OLDER_PLUGIN = os.environ["MUX_QUIC_OLDER_PLUGIN"]
EXAMPLES = SOURCE / "data/examples"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
IDLE = 2
# What the wrapped program says of itself when it reads all it is given, writes it back, and ends.
TALK = ["sh", "-c", "cat; echo to-stderr >&2; exit 7"]


def have_gi():
    return subprocess.run(["/usr/bin/python3", "-c", "import gi; gi.require_version('Gio', '2.0')"], capture_output=True,
                          check=False).returncode == 0


class Installed:
    """An installed tree, below a directory of its own, as pkg-config sees it."""

    def __init__(self, world):
        self.root = world.path("staged")
        done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", str(self.root)],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.pc = next(self.root.rglob("mux-plugin-1.pc"))
        self.configured = re.search(r"^prefix=(.*)$", self.pc.read_text(), re.M)[1]
        self.prefix = f"{self.root}{self.configured}"
        self.pc.write_text(self.pc.read_text().replace(f"prefix={self.configured}\n", f"prefix={self.prefix}\n"))

    def pkg_config(self, *arguments):
        done = subprocess.run(["pkg-config", *arguments], capture_output=True, text=True, check=False,
                              env=os.environ | {"PKG_CONFIG_PATH": str(self.pc.parent)})
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    @property
    def module(self):
        directory, = self.pkg_config("--variable=transportdir", "mux-plugin-1")
        return f"{directory}/mux-quic.so"


class Compiling(unittest.TestCase):
    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.installed = Installed(self.world)

    def compile(self, compiler, *arguments):
        flags = [word.replace("-I", "-isystem") if "glib-2.0" in word else word
                 for word in self.installed.pkg_config("--cflags", "mux-plugin-1")]
        done = subprocess.run([*compiler, *STRICT, *flags, *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_every_header_stands_alone(self):
        """In C of three ages and in C++ of two, without a warning."""
        headers = sorted(path.name for path in pathlib.Path(self.installed.prefix, "include/mux-1/mux").glob("*.h"))
        self.assertEqual(headers, ["host.h", "plugin.h", "transport.h"])
        for header in headers:
            body = f"#include <mux/{header}>\nint use (const MuxPluginDesc *desc);\n"
            body += "int use (const MuxPluginDesc *desc) { return MUX_HAS (desc, deactivate); }\n"
            for suffix, compilers in ((".c", [["cc", f"-std={age}"] for age in ("gnu11", "gnu17", "gnu2x")]),
                                      (".cpp", [["c++", f"-std={age}"] for age in ("c++14", "c++20")])):
                source = self.world.write(f"{header}{suffix}", body)
                for compiler in compilers:
                    with self.subTest(header=header, compiler=compiler):
                        self.compile(compiler, "-fsyntax-only", source)

    def test_pkg_config(self):
        self.assertEqual(self.installed.pkg_config("--modversion", "mux-plugin-1"),
                         [re.search(r"version: '(.*)'", (SOURCE / "meson.build").read_text())[1]])
        self.assertEqual(self.installed.pkg_config("--print-requires", "mux-plugin-1")[0], "gio-2.0")
        self.assertIn(f"-I{self.installed.prefix}/include/mux-1", self.installed.pkg_config("--cflags", "mux-plugin-1"))
        self.assertTrue(pathlib.Path(self.installed.module).exists())

    def test_example_in_c(self):
        installed = self.installed
        program = self.world.path("mux-copy")
        source = pathlib.Path(installed.prefix, "share/doc/mux-quic/examples/mux-copy.c")
        sanitizers = ["-fsanitize=address,undefined"] if SANITIZED else []
        self.compile(["cc", "-g"], "-Wno-unused-parameter", *sanitizers, source, "-o", program,
                     *installed.pkg_config("--libs", "mux-plugin-1", "gmodule-2.0", "gio-unix-2.0"),
                     *[word.replace("-I", "-isystem") for word in installed.pkg_config("--cflags", "gio-unix-2.0")])
        check_copy(self, self.world, [program, installed.module])


def check_copy(test, world, argv):
    """Bytes there and back, the end of them, an exit status; and what is said when nobody is there."""
    host = world.serve()
    world.client(host, file="home/.config/mux-quic/config.lua")
    data = os.urandom(200_000 if SANITIZED else 5_000_000)
    done = world.run(*argv, "here", *TALK, input=data)
    test.assertEqual((done.returncode, hashlib.sha256(done.stdout).digest()), (7, hashlib.sha256(data).digest()), done.stderr)
    done = world.run(*argv, "here", "echo", "it's “quoted”")
    test.assertEqual((done.returncode, done.stdout.decode()), (0, "it's “quoted”\n"), done.stderr)
    test.assertEqual(host.stop(), 0)
    world.client("127.0.0.1:9", file="home/.config/mux-quic/config.lua", enroll_command=["false"], persist_to_disk=False)
    done = world.run(*argv, "here", "true")
    test.assertNotEqual((done.returncode, done.stderr), (0, b""))


class Documentation(unittest.TestCase):
    """Every member, value and macro of include/mux has its comment."""

    def setUp(self):
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)

    def doxygen(self, headers):
        if shutil.which("doxygen") is None:
            self.skipTest("doxygen is not installed")
        text = (SOURCE / "data/api/Doxyfile.in").read_text()
        for name, value in (("version", "0"), ("headers", headers), ("output", self.world.path("api")),
                            ("filter", SOURCE / "data/api/comments.sed")):
            text = text.replace(f"@{name}@", str(value))
        return self.world.run("doxygen", self.world.write("Doxyfile", text))

    def test_complete(self):
        done = self.doxygen(SOURCE / "include/mux")
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        pages = {path.name for path in self.world.path("api/html").glob("struct*.html")}
        self.assertLessEqual({"struct__MuxHost.html", "structMuxPluginDesc.html", "struct__MuxTransportOps.html",
                              "struct__MuxSessionOps.html"}, pages)

    def test_what_is_missing_is_named(self):
        copy = self.world.path("mux")
        shutil.copytree(SOURCE / "include/mux", copy)
        for path, before, addition in (("host.h", "  /* Whether the peer, whose", "  int nameless;\n\n"),
                                       ("plugin.h", "/* Its name in the module", "#define MUX_NAMELESS 1\n")):
            text = (copy / path).read_text()
            self.assertIn(before, text)
            (copy / path).write_text(text.replace(before, addition + before))
        done = self.doxygen(copy)
        self.assertNotEqual(done.returncode, 0)
        missing = [line for line in done.stderr.decode().splitlines() if "is not documented" in line]
        self.assertEqual((len(missing), "nameless" in done.stderr.decode(), "MUX_NAMELESS" in done.stderr.decode()), (2, True, True),
                         done.stderr)


class InstalledTests(unittest.TestCase):
    """What -Dinstalled_tests=true installs is run once as a distribution would, from where it was installed."""

    def test_run(self):
        runner = shutil.which("gnome-desktop-testing-runner")
        if runner is None:
            self.skipTest("gnome-desktop-testing-runner is not installed")
        with Sandbox() as world:
            installed = Installed(world)
            tests = sorted(installed.root.rglob("installed-tests/mux-quic/*.test"))
            if not tests:
                self.skipTest("the build is without -Dinstalled_tests=true")
            if installed.configured == "/usr" or installed.configured == "/":
                self.skipTest("the prefix is the system's own")
            # The tree is put where it belongs, for this run alone.
            script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
            space = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", script, "sh"]
            if world.run(*space, installed.prefix, installed.configured, "true").returncode != 0:
                self.skipTest("no mount namespace can be made here")
            done = world.run(*space, installed.prefix, installed.configured, runner, "-d", f"{installed.configured}/share", "--tap",
                             "-t", "1200", "mux-quic", timeout=1800)
            said = done.stdout.decode()
            self.assertEqual(done.returncode, 0, said + done.stderr.decode())
            for path in tests:
                self.assertRegex(said, rf"(?m)^ok .*mux-quic/{path.name}")


@unittest.skipIf(SANITIZED, "a sanitized module cannot be loaded into a Python that is not")
class Ctypes(unittest.TestCase):
    def test_example(self):
        with Sandbox() as world:
            check_copy(self, world, ["/usr/bin/python3", EXAMPLES / "mux-copy.py", MODULE])


class Older(unittest.TestCase):
    def test_program_with_a_plugin_of_version_1_0(self):
        """The program of today asks an older plugin for nothing that that has not."""
        with Sandbox() as world:
            options = ["--plugin", OLDER_PLUGIN]
            process = world.popen(PROGRAM, "serve", "--no-bus", *options, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, bufsize=0)
            self.assertEqual(read_line(process.stdout, "listening"), "listening on nowhere")
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(PATIENCE), 0)
            done = world.mux("check", *options, world.write("config.lua", "a problem"))
            self.assertEqual((done.returncode >= 0, "config.lua" in (done.stdout + done.stderr).decode()), (True, True), done)
            done = world.mux("exec", *options, "somewhere", "--", "true")
            self.assertEqual(done.returncode, 255)
            self.assertIn(b"nobody is at somewhere", done.stderr)


@unittest.skipUnless(have_gi(), "python3-gi is not installed")
class OverDBus(unittest.TestCase):
    """Two hosts of two users on one machine: one serves, the other, on its private socket, passes channels on."""

    def setUp(self):
        self.far = Sandbox().__enter__()
        self.addCleanup(self.far.__exit__, None, None, None)
        self.near = Sandbox().__enter__()
        self.addCleanup(self.near.__exit__, None, None, None)
        self.host = self.far.serve(servers=[{"bind_address": "127.0.0.1:0", "max_idle_timeout": IDLE, "keep_alive_interval": 0.5}])
        self.relay = Relay(self.host.port).__enter__()
        self.addCleanup(self.relay.__exit__)
        enroll = self.far.write("enroll", f"#!/bin/sh\nexport XDG_RUNTIME_DIR={self.far.runtime}\nexec {PROGRAM} enroll\n", 0o700)
        config = self.near.config("agent.lua", servers=[{"bind_address": "127.0.0.1:0"}],
                                  clients=[{"name": "there", "remote_address": f"127.0.0.1:{self.relay.port}",
                                            "enroll_command": [enroll], "max_idle_timeout": IDLE, "keep_alive_interval": 0.5}])
        self.config = config
        # No module is loaded there: the sanitizers' library of the programs is not wanted.
        self.example = ["/usr/bin/python3", EXAMPLES / "open-channel.py", "there"]

    def start(self, *options):
        log = self.near.path("agent.log")
        self.near.logs.append(log)
        with open(log, "wb") as errors:
            self.agent = self.near.popen(PROGRAM, "serve", *options, "--plugin", MODULE, "--config", self.config,
                                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=errors, bufsize=0)
        read_line(self.agent.stdout, "listening")

    def start_private(self):
        self.start("--no-bus")
        self.near.env["MUX_QUIC_ADDRESS"] = f"unix:path={self.near.runtime}/mux-quic/control"

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.agent.pid}/fd"))

    def test_on_a_bus(self):
        if shutil.which("dbus-daemon") is None or shutil.which("gdbus") is None:
            self.skipTest("dbus-daemon or gdbus is not installed")
        config = self.near.write("bus.conf", f"<busconfig><type>session</type><listen>unix:path={self.near.path('bus')}</listen>"
                                 "<policy context='default'><allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/>"
                                 "<allow own='*'/></policy></busconfig>")
        daemon = self.near.popen("dbus-daemon", "--nofork", "--print-address=1", f"--config-file={config}", stdout=subprocess.PIPE,
                                 bufsize=0)
        self.near.env["DBUS_SESSION_BUS_ADDRESS"] = read_line(daemon.stdout, "the bus's address")
        self.start()
        self.assertEqual(self.near.run("gdbus", "wait", "--session", "org.muxquic.Quic1").returncode, 0)
        done = self.near.run(*self.example, *TALK, input=b"by the bus")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, b"by the bus", b"to-stderr\n"))

    def test_example(self):
        self.start_private()
        self.assertEqual(self.near.run(*self.example, "true").returncode, 0)
        before = self.descriptors()
        data = os.urandom(200_000 if SANITIZED else 5_000_000)
        done = self.near.run(*self.example, *TALK, input=data)
        self.assertEqual((done.returncode, hashlib.sha256(done.stdout).digest(), done.stderr),
                         (7, hashlib.sha256(data).digest(), b"to-stderr\n"))
        done = self.near.run(*self.example, "sh", "-c", "kill -TERM $$")
        self.assertEqual(done.returncode, 128 + signal.SIGTERM, done.stderr)
        done = self.near.run(*self.example, "/no/such/program")
        self.assertNotEqual((done.returncode, done.stderr), (0, b""))
        wait_until(lambda: self.descriptors() <= before or None, f"the agent is back at its {before} descriptors")

    def test_away(self):
        """Nothing is lost while the network is, and nothing must be asked for anew."""
        self.start_private()
        process = self.near.popen(*self.example, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        process.stdin.write(b"before\n")
        self.assertEqual(read_line(process.stdout, "the echo"), "before")
        self.relay.dark = True
        wait_until(lambda: b'"away"' in self.near.mux("status", "--json").stdout or None, "the session is away")
        process.stdin.write(b"in the dark\n")
        self.relay.dark = False
        self.assertEqual(read_line(process.stdout, "what was written in the dark"), "in the dark")
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_killed_caller(self):
        """A caller that dies takes its program with it, and leaves nothing at the agent; what it had written arrived."""
        self.start_private()
        self.assertEqual(self.near.run(*self.example, "true").returncode, 0)
        before = self.descriptors()
        file = self.far.path("file")
        process = self.near.popen(*self.example, "sh", "-c", f"echo ready; read line; echo $line > {file}.new; mv {file}.new {file}; "
                                  "exec sleep 100000", stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.assertEqual(read_line(process.stdout, "ready"), "ready")
        sleeps = lambda: [pid for pid in self.host.keepers() if b"sleep" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        process.stdin.write(b"last words\n")
        wait_until(lambda: file.exists() or None, "the line is there")
        self.assertEqual(file.read_text(), "last words\n")
        wait_until(lambda: sleeps() or None, "it sleeps")
        process.kill()
        process.wait(PATIENCE)
        wait_until(lambda: not sleeps() or None, "the program ends with its caller")
        wait_until(lambda: self.descriptors() <= before or None, f"the agent is back at its {before} descriptors")


if __name__ == "__main__":
    tap.main()
