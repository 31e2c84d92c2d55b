/* What was told of each session, for all connections together: the path of its object and its properties. Who
 * asks is answered from this, so that it is what the signals said. Never calls back. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _ControlSessions ControlSessions;

typedef struct
{
  MuxSession *session; /* as long as it is known */
  char *path;
  GVariant *properties; /* a{sv}: all of the interface, in its order */
} ControlSessionEntry;

ControlSessions *control_sessions_new (void);
void control_sessions_free (ControlSessions *sessions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ControlSessions, control_sessions_free)

/* Looks at @session anew. *@changed: a{sv} of the properties that have another value now, full; NULL: nothing
 * has, or the session is new (*@is_new). Borrowed. */
const ControlSessionEntry *control_sessions_update (ControlSessions *sessions, MuxSession *session,
                                                    gboolean *is_new, GVariant **changed);
/* *@path: of the object it had, full. FALSE: it had none. */
gboolean control_sessions_remove (ControlSessions *sessions, MuxSession *session, char **path);
/* NULL: there is none. */
const ControlSessionEntry *control_sessions_find (ControlSessions *sessions, const char *path);
const ControlSessionEntry *control_sessions_of (ControlSessions *sessions, MuxSession *session);

G_END_DECLS
