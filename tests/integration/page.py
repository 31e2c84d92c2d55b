"""A test case before the page in Cockpit: a browser that has it loaded, hosts and clients to look at, and a keyboard."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

from browser import Browser, start_bus, start_cockpit
from sandbox import MODULE, PATIENCE, PROGRAM, Sandbox, read_line, wait_until

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ["MUX_QUIC_SOURCE"])
SHOTS = pathlib.Path(os.environ["MUX_QUIC_BUILD"]) / "screenshots"
PAGE = SOURCE / "data/cockpit/mux-quic"

# Every row of a table: the text of each cell by the name of its column, and the moment behind a time.
ROWS = """
return [...document.querySelectorAll(`#${arguments[0]} tbody tr:not(.more)`)].map(row => Object.fromEntries(
  [...row.children].map(cell => [cell.className.match(/cell-(\\w+)/)[1], {
    text: cell.innerText.trim(), time: Date.parse(cell.querySelector("time")?.dateTime) / 1000}])));
"""
# What has the focus, as a person who cannot see it is told, and whether one who can see it sees it.
FOCUS = """
const here = document.activeElement;
return here === document.body ? null : {
  name: here.getAttribute("aria-label") || here.textContent.trim() || here.tagName, inDialog: !!here.closest("dialog"),
  seen: getComputedStyle(here).outlineStyle !== "none" && parseFloat(getComputedStyle(here).outlineWidth) >= 2};
"""


class Case(unittest.TestCase):
    """One browser for a class; each test has its own hosts, and begins with the page loaded anew."""

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        SHOTS.mkdir(exist_ok=True)
        cls.world = stack.enter_context(Sandbox())
        start_bus(cls.world, "session")
        cls.url = cls.make_page()
        cls.browser = stack.enter_context(Browser(cls.world))

    @classmethod
    def make_page(cls):
        return start_cockpit(cls.world, PAGE)

    def setUp(self):
        self.browser.size(1440, 900)
        self.browser.driver.get("about:blank")
        self.browser.driver.get(self.url)
        self.started = []
        self.expected = ""  # of what Cockpit itself says on the console

    def tearDown(self):
        for process in reversed(self.started):
            self.world._end(process)
        complaints = [line for line in self.browser.listen() if not self.expected or self.expected not in line]
        self.browser.complaints = []
        self.assertEqual(complaints, [], "the browser complained")

    def start(self, *argv, **options):
        process = self.world.popen(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **options)
        self.started.append(process)
        return process

    def serve(self):
        config = self.world.config("server.lua", servers=[{"bind_address": "127.0.0.1:0", "max_idle_timeout": 3}])
        host = self.start(PROGRAM, "serve", "--plugin", MODULE, "--config", config)
        self.address = read_line(host.stdout, "listening").removeprefix("listening on ")
        return host

    def client(self, device):
        options = self.world.client(self.address, name=device, file=f"{device}.lua", keep_alive_interval=1,
                                    enroll_command=[PROGRAM, "enroll", "--device", device])
        log = self.world.path(f"{device}.log")
        with open(log, "wb") as errors:
            client = self.start(PROGRAM, "exec", *options, device, "--", "cat", stderr=errors)
        client.log = log
        client.stdin.write(b"here\n")
        self.assertEqual(read_line(client.stdout, "echo"), "here")
        return client

    def ended(self, client):
        """Its exit status, when it has ended by itself."""
        return client.wait(PATIENCE)

    def crowd(self, *arguments):
        crowd = self.start(sys.executable, HERE / "crowd.py", self.system_address, *arguments)
        self.assertEqual(read_line(crowd.stdout, "the crowd"), "ready")
        return crowd

    def status(self):
        return json.loads(self.world.mux("status", "--json").stdout)

    def rows(self, table):
        return self.browser.run(ROWS, table)

    def until_text(self, text):
        self.browser.wait("document.body.innerText.includes(arguments[0])", f"the page says “{text}”", text)

    def until_rows(self, table, number):
        wait_until(lambda: len(self.rows(table)) == number, f"{number} rows of {table}")

    def tab_to(self, name):
        """By the keyboard alone; every stop on the way must be seen."""
        from selenium.webdriver.common.keys import Keys

        for _ in range(200):
            focus = self.browser.run(FOCUS)
            if focus and focus["name"].startswith(name):
                return
            self.browser.press(Keys.TAB)
            focus = self.browser.run(FOCUS)
            self.assertTrue(focus is None or focus["seen"], f"one does not see that {focus} has the focus")
        self.fail(f"no Tab leads to “{name}”")
