/* The one line that `systemctl status` shows: where it listens, and how many sessions there are. It is said
 * at most once a second, however many come and go. */
#pragma once

#include "host/notify.h"

#include <mux/host.h>

G_BEGIN_DECLS

typedef struct _HostStatusLine HostStatusLine;

/* Ten thousand sessions may come at once, so no list of theirs is ever asked for. */
HostStatusLine *host_status_line_new (HostNotify *notify);
void host_status_line_free (HostStatusLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostStatusLine, host_status_line_free)

/* As MuxHost.session_changed () tells. @session is only counted. */
void host_status_line_session (HostStatusLine *line, gconstpointer session, MuxSessionState state);
/* aa{sv} as of MuxTransportOps.describe (): its "address" s. */
void host_status_line_listeners (HostStatusLine *line, GVariant *listeners);
/* Free with g_free (). */
char *host_status_line_text (HostStatusLine *line);

G_END_DECLS
