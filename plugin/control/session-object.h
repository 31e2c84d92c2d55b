/* org.muxquic.Quic1.Session on one connection: a subtree in which an object is there as soon as its session
 * is, and costs nothing before somebody asks for it. */
#pragma once

#include "control/rights.h"
#include "control/sessions.h"

G_BEGIN_DECLS

#define CONTROL_SESSION_INTERFACE "org.muxquic.Quic1.Session"

typedef struct _ControlSessionTree ControlSessionTree;

/* On the thread's default context. What is under way when it is freed is answered with an error. NULL: it
 * cannot be exported there, which is logged. */
ControlSessionTree *control_session_tree_new (GDBusConnection *connection, ControlRights rights,
                                              MuxTransport *transport, ControlSessions *sessions);
void control_session_tree_free (ControlSessionTree *tree);

G_END_DECLS
