/* Messages between host and keeper: a SOCK_SEQPACKET socket whose packets are a GVariant (sa{sv}) in normal form, with file descriptors beside
 * it. Both sides of a connection use this. Never blocks: what the socket does not take is queued. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define HOST_MESSAGE_MAX ((gsize) 128 * 1024)
#define HOST_MESSAGE_MAX_FDS 4

typedef struct _HostMessenger HostMessenger;

/* @fds: the callee owns what it takes by setting the element to −1; the rest is closed. */
typedef void (*HostMessageFunc) (const char *name, GVariant *arguments, int *fds, guint n_fds, gpointer user_data);
/* The other side is gone, or sent what is no message. Once; the messenger can be freed in it. */
typedef void (*HostMessengerClosed) (gpointer user_data);

/* Owns @fd. Runs on the default context. */
HostMessenger *host_messenger_new (int fd, HostMessageFunc func, HostMessengerClosed closed, gpointer user_data);
void host_messenger_free (HostMessenger *messenger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostMessenger, host_messenger_free)

/* @arguments: a{sv}, floating consumed, NULL = empty. @fds are borrowed (duplicated when queued). FALSE when the message is too long. */
gboolean host_messenger_send (HostMessenger *messenger, const char *name, GVariant *arguments, const int *fds,
                              guint n_fds);

G_END_DECLS
