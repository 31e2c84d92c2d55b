#!/usr/bin/env python3
"""The same as mux-copy.c without a compiler: the module's C contract by ctypes alone.

  ./mux-copy.py "$(pkg-config --variable=transportdir mux-plugin-1)/mux-quic.so" alice@work.example.org uname -a

Structs may grow at their end; `struct_size` tells each side how much the other one knows, so this list of members stays good. Every
function that is handed to C is kept in a variable as long as C may call it.
"""

import ctypes
import os
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int32, c_size_t, c_ssize_t, c_uint32, c_void_p

gio = ctypes.CDLL("libgio-2.0.so.0")  # and with it GLib and GObject


def glib(name, *arguments, returns=c_void_p):
    function = getattr(gio, name)
    function.argtypes, function.restype = arguments, returns
    return function


loop_run = glib("g_main_loop_run", c_void_p, returns=None)
loop_quit = glib("g_main_loop_quit", c_void_p, returns=None)
output_of = glib("g_io_stream_get_output_stream", c_void_p)
input_of = glib("g_io_stream_get_input_stream", c_void_p)
splice_async = glib("g_output_stream_splice_async", c_void_p, c_void_p, c_int, c_int, c_void_p, c_void_p, c_void_p, returns=None)
dict_new = glib("g_variant_dict_new", c_void_p)
dict_insert = glib("g_variant_dict_insert_value", c_void_p, c_char_p, c_void_p, returns=None)
dict_end = glib("g_variant_dict_end", c_void_p)
dict_unref = glib("g_variant_dict_unref", c_void_p, returns=None)
new_string = glib("g_variant_new_string", c_char_p)
new_strv = glib("g_variant_new_strv", POINTER(c_char_p), c_ssize_t)
look_up = glib("g_variant_lookup_value", c_void_p, c_char_p, c_void_p)
get_int32 = glib("g_variant_get_int32", c_void_p, returns=c_int32)
variant_unref = glib("g_variant_unref", c_void_p, returns=None)
unref = glib("g_object_unref", c_void_p, returns=None)
# Transfer full, and never blocking: g_unix_input_stream_new (fd, close_fd).
unix_input = glib("g_unix_input_stream_new", c_int, c_int)
unix_output = glib("g_unix_output_stream_new", c_int, c_int)

CLOSE_TARGET = 2  # G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET
CLOSED = 3  # MUX_SESSION_CLOSED
ABI = 1 << 16  # version 1.0

Ready = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)  # GAsyncReadyCallback


class GError(Structure):
    _fields_ = [("domain", c_uint32), ("code", c_int), ("message", c_char_p)]


class SessionOps(Structure):
    _fields_ = [("struct_size", c_size_t), ("ref", c_void_p), ("unref", CFUNCTYPE(None, c_void_p)),
                ("open_channel_async", CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, Ready, c_void_p)),
                ("open_channel_finish", CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p)),
                ("accept_channel", c_void_p), ("refuse_channel", c_void_p), ("lane", c_void_p), ("send_event", c_void_p),
                ("set_manual", c_void_p), ("confirm", c_void_p), ("renew_async", c_void_p), ("renew_finish", c_void_p),
                ("describe", c_void_p), ("describe_channel", c_void_p),
                ("close_async", CFUNCTYPE(None, c_void_p, Ready, c_void_p)), ("close_finish", c_void_p)]


class TransportOps(Structure):
    _fields_ = [("struct_size", c_size_t), ("start", c_void_p), ("stop_async", c_void_p), ("stop_finish", c_void_p),
                ("reload", c_void_p),
                ("connect_async", CFUNCTYPE(None, c_void_p, c_char_p, c_void_p, c_void_p, Ready, c_void_p)),
                ("connect_finish", CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p)),
                ("session_ops", CFUNCTYPE(POINTER(SessionOps), c_void_p))]


class Host(Structure):
    Register = CFUNCTYPE(None, c_void_p, c_char_p, POINTER(TransportOps), c_void_p)
    Unregister = CFUNCTYPE(None, c_void_p, c_void_p)
    Event = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_char_p, c_void_p)
    Changed = CFUNCTYPE(None, c_void_p, c_void_p, c_int, c_void_p)
    _fields_ = [("struct_size", c_size_t), ("abi", c_uint32), ("user_data", c_void_p), ("application", c_char_p),
                ("system_mode", c_int), ("context", c_void_p), ("config_path", c_char_p), ("bus", c_void_p),
                ("register_transport", Register), ("unregister_transport", Unregister), ("authorize", c_void_p),
                ("channel_opened", c_void_p), ("channel_event", Event), ("session_changed", Changed), ("progress", c_void_p)]


class PluginDesc(Structure):
    _fields_ = [("struct_size", c_size_t), ("abi", c_uint32), ("name", c_char_p), ("version", c_char_p), ("description", c_char_p),
                ("activate", CFUNCTYPE(c_void_p, POINTER(Host), c_void_p)), ("deactivate", CFUNCTYPE(None, c_void_p))]


class Copy:
    """One command at one target."""

    def __init__(self, module, target, command):
        self.loop = glib("g_main_loop_new", c_void_p, c_int)(None, 0)
        self.target, self.command = target, command
        self.ops = self.transport = self.sessions = self.session = self.channel = None
        self.exited = self.drained = False
        self.status = 255
        self.callbacks = [Ready(self.connected), Ready(self.opened), Ready(self.read_out), Ready(lambda *_: loop_quit(self.loop))]
        self.host = Host(ctypes.sizeof(Host), ABI, application=b"mux-quic", register_transport=Host.Register(self.register),
                         unregister_transport=Host.Unregister(lambda *_: None), channel_event=Host.Event(self.event),
                         session_changed=Host.Changed(self.changed))
        query = ctypes.CDLL(module).mux_plugin_query
        query.argtypes, query.restype = [c_uint32], POINTER(PluginDesc)
        description = query(ABI)
        if not description:
            sys.exit(f"{module} is of another version")
        self.plugin = description.contents

    def finish(self, function, of, result):
        """The result of an asynchronous call; or says what is wrong, and ends."""
        error = POINTER(GError)()
        value = function(of, result, byref(error))
        if not value:
            print("mux-copy.py:", error.contents.message.decode(), file=sys.stderr)
            loop_quit(self.loop)
        return value

    def register(self, _data, _name, ops, transport):
        self.ops, self.transport = ops.contents, transport
        self.sessions = self.ops.session_ops(transport).contents

    def event(self, _data, _session, _channel, event, details):
        if event == b"exited":
            status = look_up(details, b"status", None)
            self.status, self.exited = get_int32(status), True
            variant_unref(status)
        elif event == b"closed":  # without an exit status: not all services are programs
            self.exited = True
        self.end_if_done()

    def changed(self, _data, _session, state, _error):
        if state == CLOSED:
            loop_quit(self.loop)

    def connected(self, _source, result, _data):
        self.session = self.finish(self.ops.connect_finish, self.transport, result)
        if self.session:
            words = [os.fsencode(word) for word in self.command]
            request = dict_new(None)
            dict_insert(request, b"service", new_string(b"exec"))
            dict_insert(request, b"argv", new_strv((c_char_p * len(words))(*words), len(words)))
            self.sessions.open_channel_async(self.session, dict_end(request), None, self.callbacks[1], None)
            dict_unref(request)

    def opened(self, _source, result, _data):
        self.channel = self.finish(self.sessions.open_channel_finish, self.session, result)
        if self.channel:
            splice_async(output_of(self.channel), unix_input(0, 0), CLOSE_TARGET, 0, None, None, None)
            splice_async(unix_output(1, 0), input_of(self.channel), 0, 0, None, self.callbacks[2], None)

    def read_out(self, _source, _result, _data):
        self.drained = True
        self.end_if_done()

    def end_if_done(self):
        if self.exited and self.drained:
            loop_quit(self.loop)

    def run(self):
        error = POINTER(GError)()
        state = self.plugin.activate(byref(self.host), byref(error))
        if not state:
            sys.exit(error.contents.message.decode())
        self.ops.connect_async(self.transport, self.target.encode(), None, None, self.callbacks[0], None)
        loop_run(self.loop)
        if self.channel:
            unref(self.channel)
        if self.session:
            self.sessions.close_async(self.session, self.callbacks[3], None)
            loop_run(self.loop)
            self.sessions.unref(self.session)
        self.plugin.deactivate(state)
        return self.status


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: mux-copy.py MODULE TARGET COMMAND [ARGUMENT...]")
    sys.exit(Copy(sys.argv[1], sys.argv[2], sys.argv[3:]).run())
