/* What a person waits for, in one line on standard error, from the first second on. It is drawn again each
 * second, and wiped out when the waiting is over; but not while a program that we started (ssh) may be asking
 * something on the same terminal: then it is a line of its own, at once, so that one knows why it asks.
 * Nothing is said where standard error is no terminal. One at a time; ticks in the default main context. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _HostProgress HostProgress;

HostProgress *host_progress_new (const char *message);
void host_progress_free (HostProgress *progress);
/* Something else is waited for now. */
void host_progress_set (HostProgress *progress, const char *message);

/* Runs the default main context until *@done, with @message for whoever looks on. */
void host_progress_wait (const gboolean *done, const char *message);

/* The line as it is drawn, no wider than @columns (0: any). */
char *host_progress_compose (const char *message, guint seconds, guint columns);

G_END_DECLS
