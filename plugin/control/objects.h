/* The objects of the D-Bus interface, exported on any number of connections: one set of skeletons, one object manager for each connection. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _ControlObjects ControlObjects;

ControlObjects *control_objects_new (MuxTransport *transport);
/* Unexports from every connection first. */
void control_objects_free (ControlObjects *objects);

/* @private: calls on this connection may enrol. */
void control_objects_export (ControlObjects *objects, GDBusConnection *connection, gboolean is_private);
void control_objects_unexport (ControlObjects *objects, GDBusConnection *connection);

void control_objects_update_listeners (ControlObjects *objects);
/* Adds the session's object, or brings its properties up to date. */
void control_objects_update_session (ControlObjects *objects, MuxSession *session);
void control_objects_remove_session (ControlObjects *objects, MuxSession *session);

G_END_DECLS
