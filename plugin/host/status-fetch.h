/* The whole status of a host. One reply holds the first sessions only, where there are many; the rest is
 * asked for in pages. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

void host_status_fetch_async (GDBusConnection *connection, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
/* a{sv} of Manager.Describe with all sessions, transfer full; NULL with the host's own words. */
GVariant *host_status_fetch_finish (GAsyncResult *result, GError **error);
/* The same, waiting: runs the default main context meanwhile. */
GVariant *host_status_fetch (GDBusConnection *connection, GError **error);

G_END_DECLS
