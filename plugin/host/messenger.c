#include "host/messenger.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Messages in one dispatch. */
#define ROUNDS 16
/* A side that never reads its messages is as good as gone. */
#define MAX_QUEUED 4096

typedef struct
{
  GVariant *value;
  int fds[HOST_MESSAGE_MAX_FDS];
  guint n_fds;
} Queued;

struct _HostMessenger
{
  int fd;
  guint in_source, out_source;
  GQueue queue; /* of Queued */
  HostMessageFunc func;
  HostMessengerClosed closed;
  gpointer user_data;
  gboolean *freed; /* set while messages are handed on */
};

static void
queued_free (Queued *queued)
{
  for (guint i = 0; i < queued->n_fds; i++)
    close (queued->fds[i]);
  g_variant_unref (queued->value);
  g_free (queued);
}

/* TRUE when it was sent or can never be; FALSE when the socket is full. */
static gboolean
send_now (HostMessenger *messenger, GVariant *value, const int *fds, guint n_fds)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int) * HOST_MESSAGE_MAX_FDS)];
    struct cmsghdr align;
  } control = { 0 };
  struct iovec iov = { (void *) g_variant_get_data (value), g_variant_get_size (value) };
  struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
  gssize n;

  if (n_fds > 0)
    {
      struct cmsghdr *header;

      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (sizeof (int) * n_fds);
      header = CMSG_FIRSTHDR (&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN (sizeof (int) * n_fds);
      memcpy (CMSG_DATA (header), fds, sizeof (int) * n_fds);
    }
  do
    n = sendmsg (messenger->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  /* A broken socket is noticed by reading from it. */
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS);
}

static gboolean
writable_cb (int fd, GIOCondition condition, gpointer data)
{
  HostMessenger *messenger = data;
  Queued *queued;

  while ((queued = g_queue_peek_head (&messenger->queue)) != NULL)
    {
      if (!send_now (messenger, queued->value, queued->fds, queued->n_fds))
        return G_SOURCE_CONTINUE;
      queued_free (g_queue_pop_head (&messenger->queue));
    }
  messenger->out_source = 0;
  return G_SOURCE_REMOVE;
}

gboolean
host_messenger_send (HostMessenger *messenger, const char *name, GVariant *arguments, const int *fds, guint n_fds)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (
      g_variant_new ("(s@a{sv})", name, arguments != NULL ? arguments : g_variant_new ("a{sv}", NULL)));
  Queued *queued;

  g_assert (n_fds <= HOST_MESSAGE_MAX_FDS);
  if (g_variant_get_size (value) > HOST_MESSAGE_MAX || messenger->queue.length >= MAX_QUEUED)
    return FALSE;
  if (messenger->queue.length == 0 && send_now (messenger, value, fds, n_fds))
    return TRUE;
  queued = g_new0 (Queued, 1);
  queued->value = g_steal_pointer (&value);
  for (guint i = 0; i < n_fds; i++)
    {
      queued->fds[i] = fcntl (fds[i], F_DUPFD_CLOEXEC, 3);
      if (queued->fds[i] < 0)
        {
          queued_free (queued);
          return FALSE;
        }
      queued->n_fds++;
    }
  g_queue_push_tail (&messenger->queue, queued);
  if (messenger->out_source == 0)
    messenger->out_source = g_unix_fd_add (messenger->fd, G_IO_OUT, writable_cb, messenger);
  return TRUE;
}

static void
hand_on (HostMessenger *messenger, const guint8 *data, gsize length, int *fds, guint n_fds)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);
  g_autoptr (GVariant) value
      = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE ("(sa{sv})"), bytes, FALSE));
  g_autoptr (GVariant) arguments = NULL;
  const char *name;

  if (!g_variant_is_normal_form (value))
    return;
  g_variant_get (value, "(&s@a{sv})", &name, &arguments);
  messenger->func (name, arguments, fds, n_fds, messenger->user_data);
}

static guint
take_fds (struct msghdr *message, int *fds)
{
  guint n = 0;

  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL; header = CMSG_NXTHDR (message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      {
        guint count = (guint) ((header->cmsg_len - CMSG_LEN (0)) / sizeof (int));

        for (guint i = 0; i < count; i++)
          {
            int fd;

            memcpy (&fd, CMSG_DATA (header) + i * sizeof (int), sizeof fd);
            if (n < HOST_MESSAGE_MAX_FDS)
              fds[n++] = fd;
            else
              close (fd);
          }
      }
  return n;
}

/* One packet; FALSE at the end, TRUE with *@got FALSE when there is none now. */
static gboolean
receive (HostMessenger *messenger, guint8 *buffer, gboolean *got)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int) * HOST_MESSAGE_MAX_FDS)];
    struct cmsghdr align;
  } control;
  struct iovec iov = { buffer, HOST_MESSAGE_MAX };
  struct msghdr message
      = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control };
  int fds[HOST_MESSAGE_MAX_FDS];
  gboolean freed = FALSE;
  guint n_fds;
  gssize n;

  *got = FALSE;
  do
    n = recvmsg (messenger->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK;
  if (n == 0)
    return FALSE;
  n_fds = take_fds (&message, fds);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
    {
      messenger->freed = &freed;
      hand_on (messenger, buffer, (gsize) n, fds, n_fds);
      if (!freed)
        messenger->freed = NULL;
    }
  for (guint i = 0; i < n_fds; i++)
    if (fds[i] >= 0)
      close (fds[i]);
  *got = !freed;
  return TRUE;
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer data)
{
  HostMessenger *messenger = data;
  g_autofree guint8 *buffer = g_malloc (HOST_MESSAGE_MAX);
  gboolean got = TRUE;

  for (guint i = 0; i < ROUNDS && got; i++)
    if (!receive (messenger, buffer, &got))
      {
        messenger->in_source = 0;
        messenger->closed (messenger->user_data);
        return G_SOURCE_REMOVE;
      }
  /* If it was freed meanwhile, its source is destroyed and what is returned here means nothing. */
  return G_SOURCE_CONTINUE;
}

HostMessenger *
host_messenger_new (int fd, HostMessageFunc func, HostMessengerClosed closed, gpointer user_data)
{
  HostMessenger *messenger = g_new0 (HostMessenger, 1);

  messenger->fd = fd;
  messenger->func = func;
  messenger->closed = closed;
  messenger->user_data = user_data;
  messenger->in_source = g_unix_fd_add (fd, G_IO_IN | G_IO_HUP | G_IO_ERR, readable_cb, messenger);
  return messenger;
}

void
host_messenger_free (HostMessenger *messenger)
{
  if (messenger->freed != NULL)
    *messenger->freed = TRUE;
  g_clear_handle_id (&messenger->in_source, g_source_remove);
  g_clear_handle_id (&messenger->out_source, g_source_remove);
  g_queue_clear_full (&messenger->queue, (GDestroyNotify) queued_free);
  close (messenger->fd);
  g_free (messenger);
}
