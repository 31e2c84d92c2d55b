"""A machine that wakes up looks at its paths at once: logind says so, here python-dbusmock's."""

import json
import shutil
import subprocess
import time
import unittest

from sandbox import PROGRAM, Sandbox, read_line, wait_until
import tap

LOGIND = ["gdbus", "call", "--system", "--dest", "org.freedesktop.login1", "--object-path", "/org/freedesktop/login1", "--method"]


class Wake(unittest.TestCase):
    def start_logind(self, world):
        for tool in ("dbus-daemon", "gdbus"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        if subprocess.run(["/usr/bin/python3", "-c", "import dbusmock"], capture_output=True, check=False).returncode != 0:
            self.skipTest("python3-dbusmock is not installed")
        config = world.write("bus.conf", f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={world.path('bus')}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>""")
        daemon = world.popen("dbus-daemon", "--nofork", "--print-address=1", f"--config-file={config}",
                             stdout=subprocess.PIPE, bufsize=0)
        world.env["DBUS_SYSTEM_BUS_ADDRESS"] = read_line(daemon.stdout, "the bus's address")
        with open(world.path("logind.log"), "wb") as output:
            world.popen("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "logind", stdout=output,
                        stderr=subprocess.STDOUT)
        wait_until(lambda: world.run(*LOGIND, "org.freedesktop.DBus.Peer.Ping").returncode == 0, "logind answers")

    def prepare_for_sleep(self, world, asleep):
        done = world.run(*LOGIND, "org.freedesktop.DBus.Mock.EmitSignal", "org.freedesktop.login1.Manager", "PrepareForSleep",
                         "b", f"[<{str(asleep).lower()}>]")
        self.assertEqual(done.returncode, 0, done.stderr)

    def datagrams(self, world):
        """What came to the host."""
        done = world.mux("status", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["listeners"][0]["datagrams_in"]

    def quiet(self, world):
        """The count, once nothing has come for a while: what probes the path's MTU has ended."""
        seen = [self.datagrams(world), time.monotonic()]

        def still():
            now = self.datagrams(world)
            if now != seen[0]:
                seen[:] = [now, time.monotonic()]
            return time.monotonic() - seen[1] > 3

        wait_until(still, "nothing comes any more")
        return seen[0]

    def test_wake(self):
        with Sandbox() as world:
            self.start_logind(world)
            # Nothing is sent for minutes by itself.
            host = world.serve(servers=[{"bind_address": "127.0.0.1:0", "max_idle_timeout": 1200}])
            client = world.popen(PROGRAM, "exec", *world.client(host, max_idle_timeout=1200), "here", "--", "cat",
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            client.stdin.write(b"here\n")
            self.assertEqual(read_line(client.stdout, "echo"), "here")
            before = self.quiet(world)
            self.prepare_for_sleep(world, True)
            self.assertEqual(self.quiet(world), before, "it says something before the machine sleeps")
            self.prepare_for_sleep(world, False)
            wait_until(lambda: self.datagrams(world) > before, "the path is looked at")
            client.stdin.close()
            self.assertEqual(client.wait(60), 0)


if __name__ == "__main__":
    tap.main()
