/* Asks the running host over its private socket. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Options every verb that asks a host has: --system and --application. */
extern const GOptionEntry host_control_options[];

/* A connection to the host's private socket; NULL with G_IO_ERROR_NOT_FOUND when none runs. */
GDBusConnection *host_control_connect (GError **error);
/* Starts the user's systemd unit, or without one a detached `mux-quic serve`, and waits until it answers. */
GDBusConnection *host_control_start (GError **error);
/* Calls a method of the Manager. NULL with the host's own words. */
GVariant *host_control_call (GDBusConnection *connection, const char *method, GVariant *arguments,
                             const char *reply_type, GError **error);

G_END_DECLS
