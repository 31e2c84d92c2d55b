"""The page in Cockpit, in a real browser, before real hosts: what it shows, what it does, and for whom it can be used."""

import decimal
import json
import os
import pathlib
import shutil
import sys
import unittest

import browser
from browser import start_bus, start_cockpit
from page import FOCUS, PAGE, SHOTS, SOURCE, Case
from sandbox import read_line, wait_until
import tap

BUILD = pathlib.Path(os.environ["MUX_QUIC_BUILD"])
CROWD = 4000

REASON = browser.missing()
# It comes from afar: before the network is left.
AXE, NO_AXE = ("", REASON) if REASON else browser.axe(BUILD)
REASON = REASON or browser.enter_own_network()

# A catalogue of the project, of which one message is not the page's.
GERMAN = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: de\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: data/cockpit/mux-quic/sessions.js:1
msgid "Sessions"
msgstr "Sitzungen"

#: data/cockpit/mux-quic/states.js:1
msgid "No host is running in your session"
msgstr "In Ihrer Sitzung läuft kein Host"

#: data/cockpit/mux-quic/news.js:1
msgid "$0 session changed."
msgid_plural "$0 sessions changed."
msgstr[0] "$0 Sitzung hat sich geändert."
msgstr[1] "$0 Sitzungen haben sich geändert."

#: plugin/host/status-table.c:1
msgid "valid"
msgstr "gültig"
"""


def in_tenths(value):
    """As the page rounds."""
    return str(decimal.Decimal(repr(value)).quantize(decimal.Decimal("0.1"), decimal.ROUND_HALF_UP))


@unittest.skipIf(REASON, REASON)
class Page(Case):
    """What the page shows, and what it does."""

    @classmethod
    def make_page(cls):
        cls.system_address = start_bus(cls.world, "system")
        return super().make_page()

    def test_host_comes_and_goes(self):
        started = self.world.path("started")
        self.world.write("services/org.muxquic.Quic1.service",
                         f"[D-BUS Service]\nName=org.muxquic.Quic1\nExec={shutil.which('touch')} {started}\n")
        self.until_text("No host is running in your session")
        self.until_text("systemctl --user enable --now mux-quic")
        for style in ("dark", "light"):
            self.browser.style(style)
            self.no_barriers(f"no host, {style}")
        host = self.serve()
        self.until_rows("listeners", 1)
        self.until_text("Nobody is connected.")
        host.kill()
        self.until_text("No host is running in your session")
        self.serve()
        self.until_rows("listeners", 1)
        self.assertEqual(self.rows("listeners")[0]["address"]["text"], self.address)
        self.assertFalse(started.exists(), "looking at a host starts one")

    def test_numbers_are_those_of_status(self):
        self.serve()
        self.client("laptop")
        lost = self.client("phone")
        self.until_rows("sessions", 2)
        self.until_rows("issued", 2)
        status = self.status()
        listener, = status["listeners"]
        # A host tells of its counters once in a while only.
        wait_until(lambda: self.rows("listeners")[0]["connections"]["text"] == str(listener["connections"]), "connections are counted")
        shown, = self.rows("listeners")
        self.assertEqual((shown["address"]["text"], shown["bind"]["text"], shown["expires"]["time"]),
                         (listener["address"], listener["bind_address"], listener["certificate_expires"]))

        sessions = {session["device"]: session for session in status["sessions"]}
        rows = {row["device"]["text"]: row for row in self.rows("sessions")}
        self.assertEqual(rows.keys(), sessions.keys())
        for device, row in rows.items():
            session = sessions[device]
            self.assertEqual((row["user"]["text"], row["state"]["text"], row["path"]["text"], row["since"]["time"]),
                             (session["user"], "connected", f"from {session['peer']}", session["since"]))
            wait_until(lambda: self.same_measure(device), f"round trip and loss of {device} are those of status")

        shown = {row["device"]["text"]: row for row in self.rows("issued")}
        for device, session in sessions.items():
            self.assertEqual((shown[device]["serial"]["text"], shown[device]["state"]["text"]), (session["serial"], "valid"))
            # It may have been fetched before, and is fetched again because somebody came.
            wait_until(lambda: any(row["seen"]["text"].endswith(f"from {session['peer']}") for row in self.rows("issued")),
                       f"it shows where {device} was seen last")
        own = {certificate["serial"]: certificate["not_after"] for certificate in status["certificates"]}
        wait_until(lambda: {row["serial"]["text"]: row["expires"]["time"] for row in self.rows("own")} == own,
                   "the host's certificates are those of status")

        lost.kill()
        self.until_text("away ")
        away = next(session for session in self.status()["sessions"] if session["state"] == "away")
        title = self.browser.wait("document.querySelector('[data-kind=away] [title^=away]')?.title", "it says since when")
        self.assertEqual(title, self.browser.run("return 'away since ' + new Intl.DateTimeFormat('en', {dateStyle: 'medium', "
                                                 "timeStyle: 'short'}).format(arguments[0] * 1000)", away["away_since"]))

    def same_measure(self, device):
        session = next(session for session in self.status()["sessions"] if session["device"] == device)
        row = next(row for row in self.rows("sessions") if row["device"]["text"] == device)
        return (row["rtt"]["text"], row["lost"]["text"]) == (f"{in_tenths(session['rtt'])} ms", str(session["lost"]))

    def test_by_keyboard_alone(self):
        from selenium.webdriver.common.keys import Keys

        self.serve()
        laptop, phone = self.client("laptop"), self.client("phone")
        self.until_rows("sessions", 2)
        self.until_rows("issued", 2)
        user = self.status()["sessions"][0]["user"]
        self.tab_to(f"Disconnect: {user} on laptop")
        self.browser.press(Keys.ENTER)
        self.until_text(f"Disconnect {user} on laptop?")
        for key in (Keys.TAB, Keys.TAB, Keys.TAB, Keys.TAB):
            focus = self.browser.run(FOCUS)
            self.assertTrue(focus is None or focus["inDialog"], f"the focus left the dialog for {focus}")
            self.browser.press(key)
        self.browser.press(Keys.ESCAPE)
        self.browser.wait("!document.querySelector('dialog')", "Escape closed the dialog")
        self.assertEqual(self.browser.run(FOCUS)["name"], f"Disconnect: {user} on laptop", "the focus did not come back")
        self.assertIsNone(laptop.poll())

        self.browser.press(Keys.ENTER)
        self.until_text(f"Disconnect {user} on laptop?")
        self.assertEqual(self.browser.run(FOCUS)["name"], "Cancel", "the safe answer is not the first")
        self.browser.press(Keys.TAB, Keys.ENTER)
        self.assertEqual(self.ended(laptop), 255)
        self.until_rows("sessions", 1)
        self.assertTrue(self.browser.run(FOCUS)["name"].startswith("Sessions"), "the focus is lost")
        self.browser.wait("document.getElementById('news').textContent.includes('laptop has ended')", "it is said aloud")

        serial = next(row["serial"]["text"] for row in self.rows("issued") if row["device"]["text"] == "phone")
        self.tab_to(f"Revoke: {user} on phone")
        self.browser.press(Keys.ENTER)
        for text in (f"Revoke the certificate of {user} on phone?", serial, "1 session ends at once", "must enrol again"):
            self.until_text(text)
        for style in ("dark", "light"):
            self.browser.style(style)
            self.no_barriers(f"a question, {style}")
        self.browser.screenshot(SHOTS / "cockpit-question.png", whole=False)
        self.browser.press(Keys.TAB, Keys.SPACE)
        self.assertEqual(self.ended(phone), 255)
        self.until_rows("issued", 1)
        listed = [line for line in self.world.mux("cert", "list").stdout.decode().splitlines() if serial in line]
        self.assertEqual(len(listed), 1)
        self.assertIn("revoked", listed[0])
        self.browser.run("const list = document.querySelector('#issued select'); list.value = '1';"
                         "list.dispatchEvent(new Event('change'))")
        self.until_rows("issued", 2)
        self.assertEqual({row["device"]["text"]: row["state"]["text"] for row in self.rows("issued")},
                         {"laptop": "valid", "phone": "revoked"})

    def test_thousands_of_sessions(self):
        from selenium.webdriver.common.keys import Keys

        crowd = self.crowd(str(CROWD))
        self.until_text(f"1–25 of {CROWD:,}")
        self.assertEqual(len(self.rows("sessions")), 25)
        self.tell(crowd, "away 3")
        self.browser.wait("document.querySelectorAll('#sessions [data-kind=away]').length === 1", "a signal is followed")
        self.tell(crowd, "leave 4")
        self.until_text(f"1–25 of {CROWD - 1:,}")
        self.tab_to("Next")
        self.browser.press(Keys.ENTER)
        self.until_text(f"26–50 of {CROWD - 1:,}")
        self.only_what_is_seen_is_asked(crowd)
        self.browser.screenshot(SHOTS / "cockpit-crowd.png")
        self.tab_to("Filter: Sessions")
        self.browser.press("device1234")
        self.until_rows("sessions", 1)
        self.until_text("192.0.2.219:2258")
        self.tab_to("Disconnect: user70 on device1234")
        self.browser.press(Keys.ENTER)
        self.until_text("Disconnect user70 on device1234?")
        self.browser.press(Keys.TAB, Keys.ENTER)
        self.until_text("This is for administrators only")
        self.browser.press(Keys.ESCAPE)
        self.browser.wait("!document.querySelector('dialog')", "Escape closed the dialog")

    def tell(self, crowd, line):
        crowd.stdin.write(line.encode() + b"\n")

    def asked(self, crowd):
        self.tell(crowd, "asked")
        return json.loads(read_line(crowd.stdout, "what was asked"))

    def periods(self, number):
        """Lets so many seconds pass in the page; how many it were."""
        return self.browser.driver.execute_async_script(
            "const done = arguments[1], begin = performance.now(); let left = arguments[0];"
            "const timer = setInterval(() => --left || (clearInterval(timer), done((performance.now() - begin) / 1000)), 1000)", number)

    def only_what_is_seen_is_asked(self, crowd):
        shown = set(self.browser.run("return [...document.querySelectorAll('#sessions tbody tr')].map(row => row.dataset.key)"))
        wait_until(lambda: set(self.asked(crowd)) == shown, "those of the page, and no others, are asked")
        seconds = self.periods(3)
        asked = self.asked(crowd)
        self.assertEqual(set(asked), shown)
        self.assertLessEqual(max(asked.values()), seconds + 2)
        hide = ("Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});"
                "document.dispatchEvent(new Event('visibilitychange'))")
        self.browser.run(hide, True)
        self.asked(crowd)
        # What was under way may still come in; then there is silence.
        self.periods(1)
        self.asked(crowd)
        self.periods(2)
        self.assertEqual(self.asked(crowd), {}, "a page that nobody sees asks")
        self.browser.run(hide, False)
        wait_until(lambda: len(self.asked(crowd)) == 25, "it asks again")

    def test_sessions_in_pages(self):
        self.crowd("300", "--paged")
        self.until_text("1–25 of 300")
        self.tab_to("Filter: Sessions")
        self.browser.press("device299")
        self.until_rows("sessions", 1)
        self.browser.wait("document.querySelector('#sessions .cell-rtt').innerText.includes('ms')", "it is described")

    def test_who_may_not_look(self):
        self.browser.driver.get(self.url + "#/system")
        self.until_text("No host of the system is running")
        crowd = self.crowd("1", "--deny")
        self.until_text("Administrative access is needed")
        self.world._end(crowd)
        self.until_text("No host of the system is running")
        self.crowd("3", "--hidden")
        self.until_text("Who is connected is shown to administrators only: This is for administrators only")

    def test_looks_for_everybody(self):
        self.serve()
        self.client("laptop")
        self.client("phone").kill()
        self.until_rows("issued", 2)
        self.until_text("away ")
        self.browser.run("document.querySelector('.opener').click()")
        self.until_text("Changes of path")
        for style in ("light", "dark"):
            self.browser.style(style)
            for width in (1440, 900, 320):
                self.browser.size(width, 900)
                self.browser.wait("window.innerWidth === arguments[0]", "the window has its size", width)
                self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width, f"too wide for {width}")
                self.browser.screenshot(SHOTS / f"cockpit-{style}-{width}.png")
                self.no_barriers(f"{style}, {width} pixels wide")
        if not AXE:
            self.skipTest(NO_AXE)

    def no_barriers(self, where):
        """What axe knows of the rules of WCAG 2.2 AA, the contrast of every text among them, is kept."""
        if not AXE:
            return
        self.browser.run(pathlib.Path(AXE).read_text(encoding="utf-8"))
        found = self.browser.driver.execute_async_script(
            "const done = arguments[0]; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],"
            "rules: {'color-contrast': {enabled: true}}}).then(done, error => done({error: String(error)}))")
        self.assertNotIn("error", found)
        self.assertIn("color-contrast", [rule["id"] for rule in found["passes"]])
        self.assertEqual([(rule["id"], node["html"], node.get("failureSummary")) for rule in found["violations"]
                          for node in rule["nodes"]], [], where)


@unittest.skipIf(REASON, REASON)
class Elsewhere(Case):
    """Another language, and a machine whose system bus comes later."""

    @classmethod
    def make_page(cls):
        page = cls.world.path("page/mux-quic")
        shutil.copytree(PAGE, page)
        po = cls.world.write("po/de.po", GERMAN)
        done = cls.world.run(sys.executable, SOURCE / "data/cockpit/catalogue.py", po, page / "po.de.js")
        assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
        cls.world.env["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={cls.world.path('system')}"
        return start_cockpit(cls.world, page)

    def test_bus_comes_later(self):
        from selenium.webdriver.common.keys import Keys

        self.expected = "No such file or directory"
        self.browser.driver.get(self.url + "#/system")
        self.until_text("The system bus cannot be reached")
        start_bus(self.world, "system")
        self.tab_to("Try again")
        self.browser.press(Keys.ENTER)
        self.until_text("No host of the system is running")

    def test_speaks_another_language(self):
        self.browser.driver.add_cookie({"name": "CockpitLang", "value": "de"})
        self.addCleanup(self.browser.driver.delete_all_cookies)
        self.browser.driver.get(self.url)
        self.until_text("In Ihrer Sitzung läuft kein Host")
        self.serve()
        self.client("laptop")
        self.until_text("Sitzungen")
        self.assertEqual(self.browser.run("return document.documentElement.lang"), "de")
        self.assertEqual([self.browser.run("return cockpit.ngettext('$0 session changed.', '$0 sessions changed.', arguments[0])", n)
                          for n in (1, 2)], ["$0 Sitzung hat sich geändert.", "$0 Sitzungen haben sich geändert."])
        self.assertEqual(self.browser.run("return cockpit.gettext('valid')"), "valid", "what is not the page's was taken")


if __name__ == "__main__":
    tap.main()
