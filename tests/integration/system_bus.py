"""The host of the system on a system bus of its own, under the policy that is installed: who may ask what, with polkit's word and without."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import unittest

from sandbox import MODULE, PROGRAM, Sandbox, read_line, wait_until
import tap

NOBODY = 65534
SOURCE = os.environ["MUX_QUIC_SOURCE"]
POLICY = pathlib.Path(os.environ["MUX_QUIC_BUILD"], "data/org.muxquic.quic1.policy")
POLKITD = "/usr/lib/polkit-1/polkitd"
NAME = "org.muxquic.Quic1"
ROOT = "/org/muxquic/Quic1"
MANAGER = f"{ROOT}/Manager"
PROPERTIES = "org.freedesktop.DBus.Properties"


def has_user(name):
    try:
        return pwd.getpwnam(name) is not None
    except KeyError:
        return False


@unittest.skipIf(os.getuid() != 0, "needs root")
class SystemBus(unittest.TestCase):
    def setUp(self):
        for tool in ("dbus-daemon", "gdbus", "busctl", "setpriv"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        self.world = Sandbox().__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)
        self.world.root.chmod(0o755)
        self.start_bus()
        self.start_host()

    def start_bus(self):
        """The rules of a distribution's system bus, as far as they matter, and ours."""
        config = self.world.write("bus.conf", f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={self.world.path('bus')}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus"/><allow send_destination="org.freedesktop.PolicyKit1"/></policy>
<policy user="root"><allow own="org.freedesktop.PolicyKit1"/></policy>
{'<policy user="polkitd"><allow own="org.freedesktop.PolicyKit1"/></policy>' if has_user('polkitd') else ''}
<include>{SOURCE}/data/org.muxquic.Quic1.conf</include>
</busconfig>""", 0o644)
        daemon = self.world.popen("dbus-daemon", "--nofork", "--print-address=1", f"--config-file={config}",
                                  stdout=subprocess.PIPE, bufsize=0)
        self.world.env["DBUS_SYSTEM_BUS_ADDRESS"] = read_line(daemon.stdout, "the bus's address")

    def start_host(self):
        script = self.world.write("begin", f"""#!/bin/sh
set -e
mount -t tmpfs none /run
mkdir '{self.world.root}/etc'
cp -a /etc/. '{self.world.root}/etc'
mount --bind '{self.world.root}/etc' /etc
mkdir -p /etc/mux-quic
cp '{self.world.root}/config.lua' /etc/mux-quic/config.lua
echo ready
exec '{PROGRAM}' serve --system --plugin '{MODULE}'
""", 0o700)
        self.world.write("config.lua", 'return { quic_servers = {{ bind_address = "127.0.0.1:0", users = { "root" } }} }\n')
        log = self.world.path("serve.log")
        self.world.logs.append(log)
        with open(log, "wb") as errors:
            self.host = self.world.popen("unshare", "-m", script, stdout=subprocess.PIPE, stderr=errors, bufsize=0)
        if self.host.stdout.readline() != b"ready\n":
            raise unittest.SkipTest("no mount namespace is to be had here")
        self.address = read_line(self.host.stdout, "`listening on`").removeprefix("listening on ")
        wait_until(lambda: self.call("org.freedesktop.DBus.Peer.Ping").returncode == 0, "the name is owned")

    def start_polkit(self, allowed=()):
        """python-dbusmock's: it says yes to the actions in @allowed."""
        if subprocess.run(["/usr/bin/python3", "-c", "import dbusmock"], capture_output=True, check=False).returncode != 0:
            self.skipTest("python3-dbusmock is not installed")
        log = self.world.path("polkit.log")
        with open(log, "wb") as output:
            self.world.popen("/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "polkitd", stdout=output,
                             stderr=subprocess.STDOUT)
        mock = ["gdbus", "call", "--system", "--dest", "org.freedesktop.PolicyKit1", "--object-path",
                "/org/freedesktop/PolicyKit1/Authority", "--method"]
        # The mock's own interface is not one that the policy lets be spoken to by others than root.
        wait_until(lambda: self.world.run(*mock, "org.freedesktop.DBus.Mock.SetAllowed",
                                          str(list(allowed))).returncode == 0, "polkit answers")
        return mock

    def start_real_polkit(self, rule):
        """polkit's own daemon, with the installed policy and one rule of an administrator's."""
        if not os.access(POLKITD, os.X_OK) or not has_user("polkitd"):
            self.skipTest("polkitd is not installed")
        self.world.write("50-test.rules", rule, 0o644)
        script = self.world.write("polkit", f"""#!/bin/sh
set -e
mount -t tmpfs none /usr/share/polkit-1/actions
cp '{POLICY}' /usr/share/polkit-1/actions/
mount -t tmpfs none /etc/polkit-1
mkdir -p /etc/polkit-1/rules.d
cp '{self.world.path("50-test.rules")}' /etc/polkit-1/rules.d/
chmod -R a+rX /etc/polkit-1 /usr/share/polkit-1/actions
# Criticals of its own, as that of version 126 where /etc/polkit-1/actions is missing, are not ours to die of.
exec env -u G_DEBUG {POLKITD} --no-debug
""", 0o700)
        log = self.world.path("polkit.log")
        self.world.logs.append(log)
        with open(log, "wb") as output:
            self.world.popen("unshare", "-m", script, stdout=output, stderr=subprocess.STDOUT)
        wait_until(lambda: b"true" in self.world.run("gdbus", "call", "--system", "--dest", "org.freedesktop.DBus", "--object-path", "/", "--method",
                                                     "org.freedesktop.DBus.NameHasOwner", "org.freedesktop.PolicyKit1").stdout,
                   "polkitd owns its name")

    def become(self, user):
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user is not None else []

    def call(self, method, *arguments, path=MANAGER, user=None):
        return self.world.run(*self.become(user), "gdbus", "call", "--system", "--dest", NAME, "--object-path", path, "--method",
                              method, *arguments)

    def said(self, *arguments, **options):
        done = self.call(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def refused(self, *arguments, **options):
        done = self.call(*arguments, **options)
        self.assertNotEqual(done.returncode, 0, done.stdout.decode())
        self.assertIn(b"AccessDenied", done.stderr)
        return done.stderr

    def connect(self):
        """A session of root's, that stays."""
        config = self.world.config("client.lua", clients=[{
            "name": "here", "remote_address": self.address, "persist_to_disk": False,
            "enroll_command": ["nsenter", "-t", str(self.host.pid), "-m", PROGRAM, "enroll", "--system", "--user", "root"]}])
        client = self.world.popen(PROGRAM, "exec", "--plugin", MODULE, "--config", config, "here", "--", "cat",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        client.stdin.write(b"here\n")
        self.assertEqual(read_line(client.stdout, "echo"), "here")
        tree = self.said("org.freedesktop.DBus.ObjectManager.GetManagedObjects", path=ROOT)
        return client, re.search(r"/org/muxquic/Quic1/Session/\w+", tree).group(0)

    def open_to_all(self, user):
        """What needs no right."""
        self.assertIn("'sessions': <uint32 1>", self.said(f"{NAME}.Manager.GetStats", user=user))
        self.assertIn("LogLevel", self.said(f"{PROPERTIES}.GetAll", f"{NAME}.Manager", user=user))
        self.assertIn(self.address, self.said(f"{PROPERTIES}.GetAll", f"{NAME}.Listener", path=f"{ROOT}/Listener/0", user=user))
        self.assertIn("GetStats", self.said("org.freedesktop.DBus.Introspectable.Introspect", user=user))

    LOOKS = ("Manager.Describe",), ("Manager.ListSessions", "0", "0"), ("Manager.ListCertificates",)
    CHANGES = ("Manager.Reload",), ("Manager.RenewCertificate",), ("Manager.RotateAuthority",), ("Manager.Revoke", "00")

    def every_look(self, check, path, user):
        for method, *arguments in self.LOOKS:
            check(f"{NAME}.{method}", *arguments, user=user)
        check(f"{PROPERTIES}.Get", f"{NAME}.Session", "Peer", path=path, user=user)
        check(f"{PROPERTIES}.GetAll", f"{NAME}.Session", path=path, user=user)
        check(f"{NAME}.Session.Describe", path=path, user=user)

    def every_change(self, check, path, user):
        for method, *arguments in self.CHANGES[:3]:
            check(f"{NAME}.{method}", *arguments, user=user)
        check(f"{PROPERTIES}.Set", f"{NAME}.Manager", "LogLevel", "<'info'>", user=user)

    def sessions_in_tree(self, user):
        return self.said("org.freedesktop.DBus.ObjectManager.GetManagedObjects", path=ROOT, user=user).count("/Session/")

    def keys_stay(self, user):
        for method, *arguments in (("Generate", "", ""), ("Enroll", "", "", ""), ("LookUpCredentials", "x"),
                                   ("StoreCredentials", "x", "{}"), ("OpenChannel", "x", "{}")):
            # Nobody is asked whether it may be, because it never may.
            self.assertIn(b"private socket only", self.refused(f"{NAME}.Manager.{method}", *arguments, user=user))

    def test_without_polkit(self):
        client, path = self.connect()
        for user in (None, NOBODY):
            self.open_to_all(user)
            self.keys_stay(user)
        # Root needs nobody's word.
        self.every_look(self.said, path, None)
        self.every_change(self.said, path, None)
        self.assertEqual(self.sessions_in_tree(None), 1)
        # Nobody else gets past a door whose keeper is not there.
        self.every_look(self.refused, path, NOBODY)
        self.every_change(self.refused, path, NOBODY)
        self.refused(f"{NAME}.Session.Disconnect", path=path, user=NOBODY)
        self.assertEqual(self.sessions_in_tree(NOBODY), 0)
        self.assertIsNone(client.poll())

    def test_polkit_says_no(self):
        self.start_polkit()
        _, path = self.connect()
        self.open_to_all(NOBODY)
        self.every_look(self.refused, path, NOBODY)
        self.every_change(self.refused, path, NOBODY)
        self.assertEqual(self.sessions_in_tree(NOBODY), 0)

    def test_polkit_lets_look(self):
        self.start_polkit(["org.muxquic.quic1.inspect"])
        _, path = self.connect()
        self.every_look(self.said, path, NOBODY)
        self.every_change(self.refused, path, NOBODY)
        self.refused(f"{NAME}.Session.Disconnect", path=path, user=NOBODY)
        self.assertEqual(self.sessions_in_tree(NOBODY), 1)
        self.keys_stay(NOBODY)

    def test_polkit_lets_manage(self):
        self.start_polkit(["org.muxquic.quic1.inspect", "org.muxquic.quic1.manage"])
        client, path = self.connect()
        self.every_change(self.said, path, NOBODY)
        self.keys_stay(NOBODY)
        self.said(f"{NAME}.Session.Disconnect", path=path, user=NOBODY)
        self.assertEqual(client.wait(60), 255)

    def test_the_policy_under_polkitd(self):
        """What no rule allows takes an administrator, whom nobody asks here; and who may change may look."""
        self.start_real_polkit("""polkit.addRule(function(action, subject) {
            if (action.id == "org.muxquic.quic1.inspect" && subject.user == "nobody") return polkit.Result.YES;
        });""")
        _, path = self.connect()
        self.every_look(self.said, path, NOBODY)
        done = self.call(f"{NAME}.Manager.Reload", user=NOBODY)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"InteractiveAuthorizationRequired", done.stderr)

    def test_signals_about_sessions_are_roots(self):
        """Both listen; when root has heard of the session, all that was sent has been sent to both."""
        monitors = []
        for user in (None, NOBODY):
            monitor = self.world.popen(*self.become(user), "gdbus", "monitor", "--system", "--dest", NAME, stdout=subprocess.PIPE,
                                       bufsize=0)
            while "owned by" not in read_line(monitor.stdout, "monitoring"):
                pass
            monitors.append(monitor)
        _, path = self.connect()
        self.said(f"{NAME}.Session.Disconnect", path=path)
        while "InterfacesRemoved" not in read_line(monitors[0].stdout, "a signal for root"):
            pass
        # A signal that is for everybody comes after all of them.
        self.said(f"{NAME}.Manager.RenewCertificate")
        heard = []
        while not heard or "CertificateRenewed" not in heard[-1]:
            heard.append(read_line(monitors[1].stdout, "the signal for everybody"))
        self.assertEqual([line for line in heard if "Session" in line], [])

    def test_busctl(self):
        """systemd's own tool reads what is introspected, and writes the property."""
        _, path = self.connect()
        done = self.world.run("busctl", "--system", "--no-pager", "introspect", NAME, path)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        for word in (".Disconnect", ".Renew", ".BytesIn", ".Reconnected"):
            self.assertIn(word, done.stdout.decode())
        for words, expected in ((("get-property", NAME, MANAGER, f"{NAME}.Manager", "Sessions"), "u 1"),
                                (("set-property", NAME, MANAGER, f"{NAME}.Manager", "LogLevel", "s", "debug"), ""),
                                (("get-property", NAME, MANAGER, f"{NAME}.Manager", "LogLevel"), 's "debug"')):
            wait_until(lambda: (done := self.world.run("busctl", "--system", *words)).returncode == 0
                       and done.stdout.decode().strip() == expected, " ".join(words))


if __name__ == "__main__":
    tap.main()
