/* Where those who come to the private socket say who they are. Whoever says nothing costs a descriptor and no
 * more; who speaks waits for one of CONTROL_SOCKET_MAX_CONNECTIONS places, authenticates in a thread of
 * GIO's, and is passed on as a GDBusConnection. Of the places root and the host's own user always find some:
 * what others have is limited, each and together. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _ControlReception ControlReception;

/* Connections and authentications at once; more stand in line. */
#define CONTROL_SOCKET_MAX_CONNECTIONS 16
/* Of those: of one user who is neither root nor the host's own, and of all of them. */
#define CONTROL_SOCKET_OF_STRANGER 4
#define CONTROL_SOCKET_STRANGERS 12
/* For the first word, and for the rest. */
#define CONTROL_SOCKET_GREETING_MS 5000

/* @connection: transfer full; its messages are not processed yet. */
typedef void (*ControlReceptionFunc) (GDBusConnection *connection, gpointer user_data);

/* @everybody: any user is welcome; else the own and root. */
ControlReception *control_reception_new (gboolean everybody, GMainContext *context, ControlReceptionFunc func,
                                         gpointer user_data);
/* Whoever is still there is hung up on. Connections that were passed on stay. */
void control_reception_free (ControlReception *reception);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlReception, control_reception_free)

/* Somebody came. */
void control_reception_take (ControlReception *reception, GSocketConnection *stream);
/* A connection that was passed on is gone: its place is free. */
void control_reception_left (ControlReception *reception, GDBusConnection *connection);

G_END_DECLS
