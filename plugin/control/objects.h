/* The objects of the D-Bus interface on one connection: an object manager with the Manager, the Listeners and
 * the Sessions. Each connection has its own, because a GDBusObjectManagerServer does not share its objects.
 * What may be asked there is said by control/rights.h. Made, changed and freed on the host's context, which must be the thread's default then. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _ControlObjects ControlObjects;

/* Exports what there is on @connection (a reference is kept). @is_private: it is one of the private socket. */
ControlObjects *control_objects_new (MuxTransport *transport, GDBusConnection *connection,
                                     gboolean is_private);
void control_objects_free (ControlObjects *objects);
GDBusConnection *control_objects_connection (ControlObjects *objects);

void control_objects_update_listeners (ControlObjects *objects);
/* Adds the session's object, or brings its properties up to date. */
void control_objects_update_session (ControlObjects *objects, MuxSession *session);
void control_objects_remove_session (ControlObjects *objects, MuxSession *session);

G_END_DECLS
