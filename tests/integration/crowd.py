#!/usr/bin/env python3
"""What a host with very many sessions looks like on a bus: it shows as many as it is told, and keeps account of what it is asked.

usage: crowd.py ADDRESS COUNT [--deny | --paged | --hidden]
  ADDRESS   of the bus
  --deny    speaks with nobody
  --paged   shows a few sessions as objects, and the rest by ListSessions
  --hidden  keeps sessions to itself

Says `ready` when it has the name. Commands, a line each on standard input:
  asked      prints how often each session was described since it was asked last, as JSON
  away N     session N goes away
  leave N    session N ends
"""

import json
import math
import sys
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.muxquic.Quic1"
ROOT = "/org/muxquic/Quic1"
NOW = int(time.time())
DAY = 86400
LISTED = 128


def session_path(number):
    return f"{ROOT}/Session/{number:032x}"


def properties(number):
    return {
        "Id": GLib.Variant("s", f"{number:032x}"),
        "State": GLib.Variant("s", "connected"),
        "Direction": GLib.Variant("s", "in"),
        "User": GLib.Variant("s", f"user{number % 97}"),
        "Device": GLib.Variant("s", f"device{number}"),
        "Peer": GLib.Variant("s", f"192.0.2.{number % 254 + 1}:{1024 + number}"),
        "Since": GLib.Variant("x", NOW - 61 * number),
        "Channels": GLib.Variant("u", 1),
    }


class Crowd:
    def __init__(self, connection, count, mode):
        self.connection = connection
        self.sessions = {session_path(number): properties(number) for number in range(count)}
        self.asked = {}
        self.turns = {}
        self.mode = mode
        connection.add_filter(self.filter)

    def objects(self):
        manager = {"Version": GLib.Variant("s", "0.1.0"), "Started": GLib.Variant("x", NOW),
                   "ConfigPath": GLib.Variant("s", ""), "PkiPath": GLib.Variant("s", "/nowhere")}
        listener = {"Address": GLib.Variant("s", "[::]:9001"), "BindAddress": GLib.Variant("s", "[::]:9001"),
                    "Connections": GLib.Variant("u", len(self.sessions)), "CertificateExpires": GLib.Variant("x", NOW + 5 * DAY)}
        found = {f"{ROOT}/Manager": {f"{NAME}.Manager": manager}, f"{ROOT}/Listener/0": {f"{NAME}.Listener": listener}}
        sessions = list(self.sessions.items())
        if self.mode in ("--paged", "--hidden"):
            manager["Sessions"] = GLib.Variant("u", len(sessions))
            sessions = sessions[:LISTED] if self.mode == "--paged" else []
        return found | {path: {f"{NAME}.Session": values} for path, values in sessions}

    def list_sessions(self, after, number):
        page = list(self.sessions.values())[after:after + number]
        following = after + len(page)
        described = [{key.lower(): value for key, value in session.items()} for session in page]
        return GLib.Variant("(aa{sv}t)", (described, following if following < len(self.sessions) else 0))

    def describe(self, path):
        self.asked[path] = self.asked.get(path, 0) + 1
        turn = self.turns[path] = self.turns.get(path, 0) + 1
        wave = math.sin(turn / 3 + int(path[-4:], 16))
        details = {"rtt": GLib.Variant("d", 25 + 14 * wave), "lost": GLib.Variant("t", turn // 5),
                   "bytes_in": GLib.Variant("t", 1234567), "bytes_out": GLib.Variant("t", 7654321)}
        return GLib.Variant("(a{sv})", (self.sessions[path] | details,))

    def answer(self, path, interface, member, arguments):
        if member == "GetManagedObjects":
            return GLib.Variant("(a{oa{sa{sv}}})", (self.objects(),))
        if member == "ListSessions" and self.mode == "--paged":
            return self.list_sessions(*arguments.unpack())
        if member == "ListCertificates":
            return GLib.Variant("(aa{sv})", ([],))
        if member == "Describe" and interface == f"{NAME}.Manager":
            return GLib.Variant("(a{sv})", ({},))
        if member == "Describe" and path in self.sessions:
            return self.describe(path)
        return None

    def filter(self, connection, message, incoming):
        """Runs in GDBus's own thread; the loop's thread only emits."""
        if not incoming or message.get_message_type() != Gio.DBusMessageType.METHOD_CALL:
            return message
        value = None
        if self.mode != "--deny":
            value = self.answer(message.get_path(), message.get_interface(), message.get_member(), message.get_body())
        if value is None:
            reply = message.new_method_error_literal("org.freedesktop.DBus.Error.AccessDenied", "This is for administrators only")
        else:
            reply = message.new_method_reply()
            reply.set_body(value)
        connection.send_message(reply, Gio.DBusSendMessageFlags.NONE)
        return None

    def away(self, number):
        path = session_path(number)
        self.sessions[path]["State"] = GLib.Variant("s", "away")
        self.connection.emit_signal(None, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", GLib.Variant(
            "(sa{sv}as)", (f"{NAME}.Session", {"State": GLib.Variant("s", "away")}, [])))

    def leave(self, number):
        path = session_path(number)
        del self.sessions[path]
        self.connection.emit_signal(None, ROOT, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
                                    GLib.Variant("(oas)", (path, [f"{NAME}.Session"])))

    def obey(self, line):
        word, *numbers = line.split()
        if word == "asked":
            asked, self.asked = self.asked, {}
            print(json.dumps(asked), flush=True)
        else:
            {"away": self.away, "leave": self.leave}[word](int(numbers[0]))


def main():
    address, count, *modes = sys.argv[1:]
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    crowd = Crowd(connection, int(count), "".join(modes))
    loop = GLib.MainLoop()

    def heard(source, condition):
        line = sys.stdin.readline()
        if line:
            crowd.obey(line)
            return True
        loop.quit()
        return False

    GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, heard)
    connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                         GLib.Variant("(su)", (NAME, 4)), None, Gio.DBusCallFlags.NONE, -1, None)
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
