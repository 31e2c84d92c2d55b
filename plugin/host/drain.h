/* Moves bytes from a stream to a file descriptor, without threads, within one buffer, and never blocking, whatever is behind the descriptor: a
 * reader that stops stops us, and the loop goes on. The descriptor's flags, which others may share, stay as they are. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _HostDrain HostDrain;

/* So many bytes in all have reached the descriptor. May be NULL. */
typedef void (*HostDrainProgress) (HostDrain *drain, guint64 count, gpointer user_data);
/* Called once: at the end of the stream, when all is written, with @error NULL; or when reading or writing failed (then
 * @writing tells which). The drain can be freed in it. Not from inside a call of this header. */
typedef void (*HostDrainDone) (HostDrain *drain, const GError *error, gboolean writing, gpointer user_data);

/* @fd is borrowed. @from must be pollable. Runs on the default context. */
HostDrain *host_drain_new (GInputStream *from, int fd, HostDrainProgress progress, HostDrainDone done,
                           gpointer user_data);
void host_drain_free (HostDrain *drain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostDrain, host_drain_free)

G_END_DECLS
