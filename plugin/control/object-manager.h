/* org.freedesktop.DBus.ObjectManager at the root, on one connection. GDBusObjectManagerServer would keep an
 * object for each session and connection, and answer with all of them at once: with ten thousand sessions
 * that is megabytes, made in one go. Here the answer ends with CONTROL_SESSIONS_LISTED sessions;
 * Manager.ListSessions has the rest, and what comes and goes is always signalled. */
#pragma once

#include "control/rights.h"
#include "control/sessions.h"

G_BEGIN_DECLS

typedef struct _ControlObjectManager ControlObjectManager;

/* @skeletons: of GDBusInterfaceSkeleton: the objects that are exported by themselves; borrowed. On the
 * thread's default context. NULL: it cannot be exported there, which is logged. */
ControlObjectManager *control_object_manager_new (GDBusConnection *connection, ControlRights rights,
                                                  MuxTransport *transport, ControlSessions *sessions,
                                                  GPtrArray *skeletons);
void control_object_manager_free (ControlObjectManager *manager);

/* The signals. @properties: a{sv}. */
void control_object_manager_added (ControlObjectManager *manager, const char *path, const char *interface,
                                   GVariant *properties);
void control_object_manager_removed (ControlObjectManager *manager, const char *path, const char *interface);

G_END_DECLS
