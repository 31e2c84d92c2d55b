/* The person's terminal: raw while the remote one is shown, as it was before on every way out. One in a process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes the terminal on @fd raw. FALSE when it is none, or refuses. */
gboolean host_terminal_make_raw (int fd);
/* Puts it back; safe at any time and in a signal handler, does nothing when it is not raw. */
void host_terminal_restore (void);
/* The size of the terminal on @fd; FALSE when it has none. */
gboolean host_terminal_size (int fd, guint *rows, guint *columns);

G_END_DECLS
