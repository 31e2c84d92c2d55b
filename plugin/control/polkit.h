/* Whether somebody on the system bus may do what only some may. Root and the host's own user may; for others
 * polkit decides. Where there is none, nobody else may. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define CONTROL_POLKIT_MANAGE "org.muxquic.quic1.manage"
#define CONTROL_POLKIT_INSPECT "org.muxquic.quic1.inspect"

/* @sender: a unique name on @bus. @interactive: polkit may ask a person, which may take as long as that
 * takes. */
void control_polkit_check_async (GDBusConnection *bus, const char *sender, const char *action,
                                 gboolean interactive, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
/* G_DBUS_ERROR_ACCESS_DENIED; G_DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED when a person who is asked
 * could allow it; G_IO_ERROR_CANCELLED. */
gboolean control_polkit_check_finish (GAsyncResult *result, GError **error);

G_END_DECLS
