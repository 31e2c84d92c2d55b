/* The private socket: D-Bus without a bus, for the same user only (and root), or for everybody on this machine; its connections see the
 * same objects. GDBusServer would do but for its manners with strangers: it gives every connection a thread
 * at once, and all the time in the world. So the socket is a GSocketService, and its connections are
 * GDBusConnections that authenticate as GDBusServer's do (control/reception.h). */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ControlSocket ControlSocket;

/* A connection is there, or is gone; @connection is borrowed. */
typedef void (*ControlSocketFunc) (GDBusConnection *connection, gboolean there, gpointer user_data);

/* Makes the directory of @path (0700, with @everybody 0755: any user may connect then) and listens. A stale socket is replaced, that of a living host is
 * MUX_ERROR_RUNNING. */
ControlSocket *control_socket_new (const char *path, gboolean everybody, GMainContext *context, ControlSocketFunc func,
                                   gpointer user_data, GError **error);
/* Closes every connection and removes the socket. */
void control_socket_free (ControlSocket *socket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlSocket, control_socket_free)

G_END_DECLS
