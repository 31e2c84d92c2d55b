"""Cockpit and a headless Chromium, in a private world and in a network of their own.

`cockpit-ws --local-session` lets in whoever reaches its port, and a browser under test listens for its driver: so the test runs in a
network namespace that has nothing but a loopback, which nobody else can reach. It is left out where there is none to be had.
"""

import base64
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import zipfile

from sandbox import PATIENCE, read_line, wait_until

WS = "/usr/lib/cockpit/cockpit-ws"
MARK = "MUX_QUIC_OWN_NETWORK"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"]


def missing():
    """What this machine lacks, in words, or an empty string."""
    for program, package in ((WS, "cockpit-ws"), ("cockpit-bridge", "cockpit-bridge"), ("chromium", "chromium"),
                             ("chromedriver", "chromium-driver"), ("dbus-daemon", "dbus-daemon"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            return f"{package} is not installed"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "python3-selenium is not installed"
    return ""


def enter_own_network():
    """Begins the test program anew in a network namespace with a loopback; comes back only there, or with the reason why not."""
    if os.environ.get(MARK) != "1":
        unshare = ["unshare", "--net", *([] if os.getuid() == 0 else ["--map-root-user"])]
        probe = subprocess.run([*unshare, "true"], capture_output=True, check=False)
        if probe.returncode:
            return "no network namespace is to be had here: " + probe.stderr.decode().strip()
        os.environ[MARK] = "1"
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sh22x", b"lo", 0))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", struct.unpack_from("h", flags, 16)[0] | IFF_UP))
    return ""


def axe(build):
    """The checker of web pages, axe-core, as a file in `build`: fetched once, as a wheel that contains it. Its path, or "" and why."""
    file = build / "axe.min.js"
    with open(build / "axe.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists() or os.environ.get(MARK) == "1":
            return (str(file), "") if file.exists() else ("", os.environ.get("MUX_QUIC_NO_AXE", "axe-core cannot be had"))
        with tempfile.TemporaryDirectory() as scratch:
            for command in ([sys.executable, "-m", "venv", f"{scratch}/venv"],
                            [f"{scratch}/venv/bin/python", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                             f"--dest={scratch}/wheel", "axe-playwright-python >= 0.1.5"]):
                done = subprocess.run(command, capture_output=True, check=False)
                if done.returncode:
                    reason = "axe-core cannot be had: " + (done.stderr.decode().strip().splitlines() or ["?"])[-1]
                    os.environ["MUX_QUIC_NO_AXE"] = reason
                    return "", reason
            wheel, = pathlib.Path(scratch, "wheel").iterdir()
            with zipfile.ZipFile(wheel) as archive:
                file.write_bytes(archive.read("axe_playwright_python/axe.min.js"))
    return str(file), ""


def start_bus(world, kind):
    """A message bus of `kind` ("session" or "system") for `world`; both are as permissive as a session's own. It starts what the
    directory `services` there names."""
    config = world.write(f"{kind}.conf", f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={world.path(kind)}</listen>
<servicedir>{world.path('services')}</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>""")
    daemon = world.popen("dbus-daemon", "--nofork", "--print-address=1", f"--config-file={config}", stdout=subprocess.PIPE, bufsize=0)
    address = read_line(daemon.stdout, "the bus's address")
    world.env[f"DBUS_{kind.upper()}_BUS_ADDRESS"] = address
    return address


def start_cockpit(world, page):
    """Cockpit with the package `page` (a directory) among its own; the address of that page."""
    package = world.path("share/cockpit", page.name)
    shutil.copytree(page, package)
    # Else the bridge starts an agent, and leaves it behind.
    world.env["SSH_AUTH_SOCK"] = str(world.path("no-agent"))
    world.env["XDG_DATA_DIRS"] = f"{world.path('share')}:/usr/local/share:/usr/share"
    log = world.path("cockpit.log")
    world.logs.append(log)
    with socket.socket() as listener, open(log, "wb") as errors:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        # The descriptor is handed over as systemd would do it.
        world.popen("/bin/sh", "-c", f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&{listener.fileno()}', "sh", WS,
                    "--no-tls", f"--local-session={shutil.which('cockpit-bridge')}", pass_fds=[listener.fileno()],
                    stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/cockpit/@localhost/{page.name}/index.html"


class Browser:
    """A Chromium of its own, driven by WebDriver. Whatever it complains of on its console is kept in `complaints`."""

    def __init__(self, world, language="en-us"):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in [*FLAGS, f"--user-data-dir={world.path('chromium')}", f"--lang={language}"]:
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"), env=world.env))
        self.driver.set_script_timeout(PATIENCE)
        self.complaints = []

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.listen()
        self.driver.quit()

    def listen(self):
        self.complaints += [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")
                            if entry["level"] in ("SEVERE", "WARNING")]
        return self.complaints

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script, what, *arguments):
        """Until the script is true; what it returned."""
        return wait_until(lambda: self.run("return (" + script + ")", *arguments), what)

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def style(self, theme):
        """Chooses light or dark as Cockpit's own menu does."""
        self.run("window.localStorage.setItem('shell:style', arguments[0]);"
                 "window.dispatchEvent(new CustomEvent('cockpit-style', {detail: {style: arguments[0]}}))", theme)

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def screenshot(self, path, whole=True):
        """Of the whole page, however long, or of what is in the window."""
        if whole:
            height = self.run("return Math.ceil(document.documentElement.getBoundingClientRect().height)")
            self.size(self.run("return window.innerWidth"), max(height, 400))
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))
        print(f"# screenshot: {path}")
