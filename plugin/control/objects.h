/* The objects of the D-Bus interface on one connection: the object manager, the Manager, the Listeners and
 * the Sessions. Nothing here grows with the number of sessions: those are of all connections together
 * (control/sessions.h). What may be asked there is said by control/rights.h. Made, changed and freed on the
 * host's context, which must be the thread's default then. */
#pragma once

#include "control-dbus.h"
#include "control/sessions.h"

G_BEGIN_DECLS

typedef struct _ControlObjects ControlObjects;

/* Whoever sits at the private socket and has not read for so many signals is hung up on: they would pile up here. */
#define CONTROL_OBJECTS_MAX_UNREAD 8192

/* Exports what there is on @connection (a reference is kept). @is_private: it is one of the private socket.
 * @sessions is borrowed. */
ControlObjects *control_objects_new (MuxTransport *transport, ControlSessions *sessions,
                                     GDBusConnection *connection, gboolean is_private);
void control_objects_free (ControlObjects *objects);
GDBusConnection *control_objects_connection (ControlObjects *objects);
/* Its Manager, borrowed. */
ControlManager *control_objects_manager (ControlObjects *objects);

/* Brings Manager and Listeners up to date. */
void control_objects_update (ControlObjects *objects);
/* Signals about sessions; not sent to who may not see them. @changed: a{sv}. */
void control_objects_session_added (ControlObjects *objects, const ControlSessionEntry *entry);
void control_objects_session_changed (ControlObjects *objects, const ControlSessionEntry *entry,
                                      GVariant *changed);
void control_objects_session_back (ControlObjects *objects, const ControlSessionEntry *entry, guint seconds);
void control_objects_session_removed (ControlObjects *objects, const char *path);

G_END_DECLS
