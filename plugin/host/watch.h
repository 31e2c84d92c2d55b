/* `mux-quic status --watch`: the status as it changes. On a terminal a live table, elsewhere a line for each
 * change, with --json an object on each line. Goes on when the host goes away and comes back. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Until the person ends it, or a signal does. Returns the exit status. */
int host_watch_run (gboolean json);

G_END_DECLS
