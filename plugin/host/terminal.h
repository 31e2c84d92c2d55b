/* The person's terminal: raw while the remote one is shown, a screen of our own while a live table is, and as it was before on every way out. One in
 * a process. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes the terminal on @fd raw. FALSE when it is none, or refuses. */
gboolean host_terminal_make_raw (int fd);
/* Shows an empty screen instead of what is there, without a cursor, on which long lines are cut. */
void host_terminal_open_screen (int fd);
/* Puts it back; safe at any time and in a signal handler, does nothing when nothing was changed. */
void host_terminal_restore (void);
/* The size of the terminal on @fd; FALSE when it has none. */
gboolean host_terminal_size (int fd, guint *rows, guint *columns);

G_END_DECLS
