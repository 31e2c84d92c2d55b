#!/usr/bin/env python3
"""A command on another machine by way of the running host (`mux-quic serve`), without its module: D-Bus and a descriptor.

  ./open-channel.py alice@work.example.org uname -a

Any language with D-Bus can do this, also from inside a sandbox. The bus is the session's; $MUX_QUIC_ADDRESS names another address, such
as unix:path=$XDG_RUNTIME_DIR/mux-quic/control, the host's private socket.
"""

import os
import signal
import socket
import sys
import threading

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.muxquic.Quic1"
MANAGER = "/org/muxquic/Quic1/Manager"
FOR_EVER = GLib.MAXINT32


def connect():
    """The connection, and the host's name there; a private socket has no names."""
    address = os.environ.get("MUX_QUIC_ADDRESS")
    if address is None:
        return Gio.bus_get_sync(Gio.BusType.SESSION), NAME
    return Gio.DBusConnection.new_for_address_sync(address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None), None


def copy(source, sink):
    while data := os.read(source, 65536):
        while data:
            data = data[os.write(sink, data):]


def send(stream):
    """Standard input, then its end: a half-close, which the program over there reads as end of file."""
    try:
        copy(0, stream.fileno())
        stream.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # nobody reads it any more


def main(target, command):
    bus, name = connect()
    loop = GLib.MainLoop()
    status = 255

    def signalled(_bus, _sender, _path, _interface, event, arguments):
        nonlocal status
        if event == "Exited":
            code, killed_by = arguments.unpack()
            status = 128 + signal.Signals[f"SIG{killed_by}"] if killed_by else code
        elif event == "Closed" and arguments.unpack()[1]:
            print("open-channel.py:", arguments.unpack()[1], file=sys.stderr)
        loop.quit()

    # Before the call: a short command may have ended when its reply is read.
    bus.signal_subscribe(name, NAME + ".Channel", None, None, None, Gio.DBusSignalFlags.NONE, signalled)
    request = {"service": GLib.Variant("s", "exec"), "argv": GLib.Variant("as", command), "lanes": GLib.Variant("as", ["stderr"])}
    try:
        reply, descriptors = bus.call_with_unix_fd_list_sync(
            name, MANAGER, NAME + ".Manager", "OpenChannel", GLib.Variant("(sa{sv})", (target, request)),
            GLib.VariantType("(oha{sh})"), Gio.DBusCallFlags.NONE, FOR_EVER, None, None)
    except GLib.Error as error:
        Gio.DBusError.strip_remote_error(error)
        sys.exit(f"open-channel.py: {error.message}")
    _path, stream, lanes = reply.unpack()
    stream = socket.socket(fileno=descriptors.get(stream))
    errors = descriptors.get(lanes["stderr"])

    threading.Thread(target=send, args=(stream,), daemon=True).start()
    readers = [threading.Thread(target=copy, args=pair) for pair in ((stream.fileno(), 1), (errors, 2))]
    for reader in readers:
        reader.start()
    loop.run()
    for reader in readers:
        reader.join()
    return status


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: open-channel.py TARGET COMMAND [ARGUMENT...]")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
