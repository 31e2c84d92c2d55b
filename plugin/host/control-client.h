/* Asks the running host over its private socket. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Options every verb that asks a host has: --system and --application. */
extern const GOptionEntry host_control_options[];

/* What they say: "mux-quic" unless it was named, … */
const char *host_control_application (void);
gboolean host_control_is_system (void);
/* … and where its socket is; free with g_free (). */
char *host_control_path (void);

/* The host's one Manager. */
#define HOST_CONTROL_MANAGER_PATH "/org/muxquic/Quic1/Manager"
#define HOST_CONTROL_MANAGER_INTERFACE "org.muxquic.Quic1.Manager"

/* A connection to the host's private socket; NULL with G_IO_ERROR_NOT_FOUND when none runs, G_IO_ERROR_TIMED_OUT when it does not answer. Runs the
 * default main context meanwhile. */
GDBusConnection *host_control_connect (GError **error);
/* The same without waiting. */
void host_control_connect_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GDBusConnection *host_control_connect_finish (GAsyncResult *result, GError **error);
/* Starts the user's systemd unit, or without one a detached `mux-quic serve`, and waits until it answers. */
GDBusConnection *host_control_start (GError **error);
/* Calls a method of the Manager. NULL with the host's own words. Runs the default main context meanwhile. */
GVariant *host_control_call (GDBusConnection *connection, const char *method, GVariant *arguments,
                             const char *reply_type, GError **error);
/* The value of a property of the Manager, of D-Bus type @type; and another one (floating consumed). */
GVariant *host_control_get (GDBusConnection *connection, const char *property, const char *type, GError **error);
gboolean host_control_set (GDBusConnection *connection, const char *property, GVariant *value, GError **error);

G_END_DECLS
