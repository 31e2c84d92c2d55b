"""A private world for one test: directories, configuration, hosts and clients of mux-quic, and the proof that nothing is left.

Every wait is for an event (a line, an end of file, an exit) or for a condition that is looked at again and again until a deadline
that only a hang reaches; no test asserts how long something took.
"""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAM = os.environ["MUX_QUIC"]
MODULE = os.environ["MUX_QUIC_MODULE"]
SANITIZED = os.environ.get("MUX_QUIC_SANITIZED") == "1"
# What only a hang reaches; sanitizers and a busy machine are slow.
PATIENCE = int(os.environ.get("MUX_QUIC_PATIENCE", "180"))


def wait_until(condition, what, patience=PATIENCE):
    """Looks at `condition` until it holds; returns what it returned."""
    poller = select.poll()
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"gave up waiting until {what}")
        poller.poll(20)


def read_line(stream, what):
    """The next line of a binary pipe, waiting for it."""
    ready, _, _ = select.select([stream], [], [], PATIENCE)
    if not ready:
        raise AssertionError(f"gave up waiting for {what}")
    line = stream.readline()
    if not line:
        raise AssertionError(f"end of file instead of {what}")
    return line.decode().rstrip("\n")


def descendants(pid):
    """Processes below `pid`, itself not included."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                stat = pathlib.Path("/proc", entry, "stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def processes_with(text):
    """Living processes whose environment holds `text` (a sandbox's own directory)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if text.encode() in pathlib.Path("/proc", entry, "environ").read_bytes():
                    state = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[0]
                    if state != "Z":
                        command = pathlib.Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ")
                        found.append((int(entry), command.decode(errors="replace").strip()))
    return found


def peak_memory(pid):
    """The peak resident set of a process, in bytes."""
    for line in pathlib.Path("/proc", str(pid), "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmHWM for {pid}")


def lua(value):
    """A Lua literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(lua(item) for item in value) + "}"
    return "{" + ", ".join(f"[{lua(key)}] = {lua(item)}" for key, item in value.items()) + "}"


class Unknown(int):
    """An exit status that nobody can tell: no comparison with it fails."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return True

    __hash__ = int.__hash__


def is_broken_scan(report):
    """Whether the leak scanner of GCC 12 has crashed itself, as it does now and then when a pooled thread ends at the same time."""
    return "LeakSanitizer has encountered a fatal error" in report and "detected memory leaks" not in report


class Program(subprocess.Popen):
    """A program whose sanitizers report into files of the sandbox. An exit status that a broken scan has spoilt is not known."""

    def __init__(self, sandbox, argv, **options):
        self.sandbox = sandbox
        super().__init__(argv, **options)

    def wait(self, timeout=None):
        status = super().wait(timeout)
        if status == 99 and any(is_broken_scan(one) for one in self.sandbox.reports(self.pid)):
            print("# the leak scan of a program crashed and is left out, its exit status with it")
            return Unknown(status)
        return status


class Host:
    """A running `mux-quic serve`."""

    def __init__(self, sandbox, process, addresses, log):
        self.sandbox = sandbox
        self.log = log
        self.process = process
        self.addresses = addresses
        self.port = int(addresses[0].rpartition(":")[2])

    @property
    def pid(self):
        return self.process.pid

    def keepers(self):
        return descendants(self.pid)

    def stop(self):
        """SIGTERM; the exit status, which is 0 for a clean end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status


class Sandbox:
    """Use as a context manager. `world.host` names the configuration directory of the host, `client` that of the clients: they
    share one HOME, as on one machine of one user."""

    def __init__(self):
        # Unix socket paths are short.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="mq-", dir="/tmp"))
        self.home = self.root / "home"
        self.runtime = self.root / "run"
        for directory in (self.home, self.runtime, self.root / "tmp"):
            directory.mkdir(mode=0o700)
        keep = {name: os.environ[name] for name in os.environ if name.startswith(("ASAN_", "UBSAN_", "LSAN_", "LD_"))}
        self.env = keep | {
            "PATH": os.path.dirname(PROGRAM) + ":" + os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin",
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
            "G_DEBUG": "fatal-criticals",
        }
        for name in ("USER", "LOGNAME"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        if "ASAN_OPTIONS" in self.env:
            self.env["ASAN_OPTIONS"] += f":log_path={self.root}/sanitizer"
        self.processes = []
        self.logs = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        try:
            for process in reversed(self.processes):
                self._end(process)
            left = wait_until(lambda: [] or [None] if not processes_with(str(self.root)) else None, "nothing runs any more", 20)
            assert left == [None]
        except AssertionError:
            left = processes_with(str(self.root))
            for pid, _ in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if kind is None:
                raise AssertionError(f"left running: {left}") from None
        finally:
            for log in self.logs:
                for line in log.read_text(errors="replace").splitlines():
                    print(f"# {log.name}: {line}")
            wrong = [one for one in self.reports() if not is_broken_scan(one)]
            shutil.rmtree(self.root, ignore_errors=True)
        if wrong:
            raise AssertionError("\n".join(wrong)) from value

    def reports(self, pid="*"):
        """What the sanitizers said of the programs that ran here."""
        return [path.read_text(errors="replace") for path in sorted(self.root.glob(f"sanitizer.{pid}"))]

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(PATIENCE)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def path(self, *parts):
        return self.root.joinpath(*parts)

    def write(self, name, text, mode=0o600):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        path.chmod(mode)
        return str(path)

    def config(self, name, servers=(), clients=(), services=None):
        text = "local config = {}\n"
        text += f"config.quic_servers = {lua(list(servers))}\n"
        text += f"config.quic_clients = {lua(list(clients))}\n"
        if services is not None:
            text += f"config.mux_services = {lua(services)}\n"
        return self.write(name, text + "return config\n")

    def popen(self, *argv, **options):
        options.setdefault("env", self.env)
        options.setdefault("cwd", self.home)
        process = Program(self, [str(word) for word in argv], **options)
        self.processes.append(process)
        return process

    def run(self, *argv, **options):
        """Runs to its end; stdout and stderr as bytes in the result."""
        options.setdefault("env", self.env)
        options.setdefault("cwd", self.home)
        given = options.pop("input", None)
        timeout = options.pop("timeout", PATIENCE)
        options.setdefault("stdin", subprocess.DEVNULL if given is None else subprocess.PIPE)
        with Program(self, [str(word) for word in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
            try:
                out, said = process.communicate(given, timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.wait(), out, said)

    def mux(self, *argv, **options):
        return self.run(PROGRAM, *argv, **options)

    def serve(self, *arguments, servers=({"bind_address": "127.0.0.1:0"},), services=None, sockets=1, **options):
        """Starts a host and waits until it listens."""
        config = self.config("server.lua", servers=servers, services=services)
        log = self.path(f"serve-{len(self.logs)}.log")
        self.logs.append(log)
        with open(log, "wb") as errors:
            process = self.popen(PROGRAM, "serve", "--no-bus", "--plugin", MODULE, "--config", config, *arguments,
                                 stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=errors, bufsize=0, **options)
        addresses = []
        for _ in range(sockets):
            line = read_line(process.stdout, "`listening on`")
            assert line.startswith("listening on "), line
            addresses.append(line.removeprefix("listening on "))
        return Host(self, process, addresses, log)

    def client(self, host, name="here", file="client.lua", **fields):
        """Writes a client configuration for `host` and returns the options that name it."""
        entry = {
            "name": name,
            "remote_address": f"127.0.0.1:{host.port}" if isinstance(host, Host) else host,
            "enroll_command": [PROGRAM, "enroll"],
            "persist_to_disk": True,
        } | fields
        return ["--plugin", MODULE, "--config", self.config(file, clients=[entry])]


def free_udp_port():
    """A UDP port that was free a moment ago; whoever uses it must be ready to try again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
