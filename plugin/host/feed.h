/* Moves bytes from a file descriptor into a stream, without threads and within one buffer: what the stream does not take is not read.
 * Both directions' other half is drain.h. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define HOST_BUFFER_SIZE 65536

typedef struct _HostFeed HostFeed;

/* Looks at what was read and appends to @out what goes on. FALSE ends the feed without closing the stream. */
typedef gboolean (*HostFeedFilter) (const guint8 *data, gsize length, GByteArray *out, gpointer user_data);
/* Called once: at the end of the file, when the stream was closed (its sending half), with @error NULL; or when reading or writing
 * failed. Not from inside a call of this header. The feed can be freed in it. */
typedef void (*HostFeedDone) (HostFeed *feed, const GError *error, gpointer user_data);

/* @fd is borrowed, and its flags stay as they are. @to must be pollable. Runs on the default context. */
HostFeed *host_feed_new (int fd, GOutputStream *to, HostFeedDone done, gpointer user_data);
void host_feed_set_filter (HostFeed *feed, HostFeedFilter filter, gpointer user_data);
void host_feed_free (HostFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostFeed, host_feed_free)

/* Reads what is there at once: one system call, never blocking on sockets; @fd is known to be readable otherwise. −1 with errno. */
gssize host_read_some (int fd, void *buffer, gsize length);

G_END_DECLS
