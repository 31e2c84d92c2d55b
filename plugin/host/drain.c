#include "host/drain.h"

#include "host/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Buffers moved in one dispatch, so that other sources have their turn. */
#define ROUNDS 8

typedef enum
{
  WRITE_SOCKET,   /* send with MSG_DONTWAIT */
  WRITE_REOPENED, /* an open file of our own, non-blocking */
  WRITE_PLAIN,    /* a regular file: never blocks for long */
  WRITE_PIECES,   /* poll, then no more than a pipe is sure to take */
} WriteMode;

struct _HostDrain
{
  GInputStream *from;
  int fd;
  int own_fd; /* WRITE_REOPENED; -1 else */
  WriteMode mode;
  GSource *source;
  gsize next, left; /* in buffer */
  guint64 count;
  HostDrainProgress progress;
  HostDrainDone done;
  gpointer user_data;
  guint8 buffer[HOST_BUFFER_SIZE];
};

static gboolean ready_cb (HostDrain *drain);

static gboolean
fd_ready_cb (int fd, GIOCondition condition, gpointer data)
{
  return ready_cb (data);
}

static gboolean
stream_ready_cb (GObject *stream, gpointer data)
{
  return ready_cb (data);
}

static void
unwatch (HostDrain *drain)
{
  if (drain->source == NULL)
    return;
  g_source_destroy (drain->source);
  g_clear_pointer (&drain->source, g_source_unref);
}

static void
watch (HostDrain *drain, GSource *source, GSourceFunc func)
{
  unwatch (drain);
  drain->source = source;
  g_source_set_callback (source, func, drain, NULL);
  g_source_attach (source, NULL);
}

static void
watch_input (HostDrain *drain)
{
  watch (drain, g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (drain->from), NULL),
         G_SOURCE_FUNC (stream_ready_cb));
}

static void
watch_output (HostDrain *drain)
{
  watch (drain, g_unix_fd_source_new (drain->fd, G_IO_OUT | G_IO_ERR | G_IO_HUP), G_SOURCE_FUNC (fd_ready_cb));
}

static void
finish (HostDrain *drain, const GError *error, gboolean writing)
{
  unwatch (drain);
  /* Whoever reads sees the end when the caller closes its descriptor, not when it frees us. */
  if (drain->own_fd >= 0)
    close (drain->own_fd);
  drain->own_fd = -1;
  drain->done (drain, error, writing, drain->user_data);
}

static gssize
write_some (HostDrain *drain, const guint8 *data, gsize length)
{
  struct pollfd one = { .fd = drain->fd, .events = POLLOUT };
  gssize n;

  do
    switch (drain->mode)
      {
      case WRITE_SOCKET:
        n = send (drain->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
      case WRITE_REOPENED:
        n = write (drain->own_fd, data, length);
        break;
      case WRITE_PLAIN:
        n = write (drain->fd, data, length);
        break;
      case WRITE_PIECES:
      default:
        if (poll (&one, 1, 0) <= 0)
          {
            errno = EAGAIN;
            return -1;
          }
        n = write (drain->fd, data, MIN (length, PIPE_BUF));
        break;
      }
  while (n < 0 && errno == EINTR);
  return n;
}

/* FALSE when it ended or must wait. */
static gboolean
flush (HostDrain *drain)
{
  guint64 before = drain->count;
  gssize n = 0;
  int saved = 0;

  while (drain->left > 0)
    {
      n = write_some (drain, drain->buffer + drain->next, drain->left);
      if (n < 0)
        break;
      drain->next += (gsize) n;
      drain->left -= (gsize) n;
      drain->count += (guint64) n;
    }
  saved = errno;
  if (drain->count > before && drain->progress != NULL)
    drain->progress (drain, drain->count, drain->user_data);
  if (drain->left == 0)
    return TRUE;
  if (saved == EAGAIN || saved == EWOULDBLOCK)
    watch_output (drain);
  else
    {
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, g_io_error_from_errno (saved), g_strerror (saved));

      finish (drain, error, TRUE);
    }
  return FALSE;
}

static gboolean
ready_cb (HostDrain *drain)
{
  for (guint round = 0; round < ROUNDS; round++)
    {
      g_autoptr (GError) error = NULL;
      gssize n;

      if (!flush (drain))
        return G_SOURCE_REMOVE;
      n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (drain->from), drain->buffer,
                                                    sizeof drain->buffer, NULL, &error);
      if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;
      if (n <= 0)
        {
          finish (drain, error, FALSE);
          return G_SOURCE_REMOVE;
        }
      drain->next = 0;
      drain->left = (gsize) n;
    }
  if (flush (drain))
    watch_input (drain);
  return G_SOURCE_REMOVE;
}

/* A pipe or terminal can be opened anew, with flags that are ours alone; a socket need not be, a file never blocks. */
static void
choose_mode (HostDrain *drain)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", drain->fd);
  struct stat status;

  drain->own_fd = -1;
  drain->mode = WRITE_PIECES;
  if (fstat (drain->fd, &status) != 0)
    return;
  if (S_ISSOCK (status.st_mode))
    drain->mode = WRITE_SOCKET;
  else if (S_ISREG (status.st_mode))
    drain->mode = WRITE_PLAIN;
  else
    {
      drain->own_fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
      if (drain->own_fd >= 0)
        drain->mode = WRITE_REOPENED;
    }
}

HostDrain *
host_drain_new (GInputStream *from, int fd, HostDrainProgress progress, HostDrainDone done, gpointer user_data)
{
  HostDrain *drain = g_new (HostDrain, 1);

  memset (drain, 0, G_STRUCT_OFFSET (HostDrain, buffer));
  drain->from = g_object_ref (from);
  drain->fd = fd;
  drain->progress = progress;
  drain->done = done;
  drain->user_data = user_data;
  choose_mode (drain);
  watch_input (drain);
  return drain;
}

void
host_drain_free (HostDrain *drain)
{
  unwatch (drain);
  g_object_unref (drain->from);
  if (drain->own_fd >= 0)
    close (drain->own_fd);
  g_free (drain);
}
