#include "host/feed.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct _HostFeed
{
  int fd;
  GOutputStream *to;
  GSource *source; /* the one thing waited for */
  gboolean reading; /* what is waited for is input */
  guint8 buffer[HOST_BUFFER_SIZE];
  GByteArray *filtered; /* NULL without a filter */
  const guint8 *next;   /* to be written */
  gsize left;
  HostFeedFilter filter;
  gpointer filter_data;
  HostFeedDone done;
  gpointer user_data;
};

static gboolean ready_cb (HostFeed *feed);

gssize
host_read_some (int fd, void *buffer, gsize length)
{
  gssize n;

  do
    {
      n = recv (fd, buffer, length, MSG_DONTWAIT);
      if (n < 0 && errno == ENOTSOCK)
        n = read (fd, buffer, length);
    }
  while (n < 0 && errno == EINTR);
  return n;
}

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
unwatch (HostFeed *feed)
{
  if (feed->source == NULL)
    return;
  g_source_destroy (feed->source);
  g_clear_pointer (&feed->source, g_source_unref);
}

static void
watch (HostFeed *feed, GSource *source, GSourceFunc func)
{
  unwatch (feed);
  feed->source = source;
  g_source_set_callback (source, func, feed, NULL);
  g_source_attach (source, NULL);
}

static void
watch_input (HostFeed *feed)
{
  feed->reading = TRUE;
  watch (feed, g_unix_fd_source_new (feed->fd, G_IO_IN | G_IO_HUP | G_IO_ERR), G_SOURCE_FUNC (fd_ready_cb));
}

static void
watch_output (HostFeed *feed)
{
  feed->reading = FALSE;
  watch (feed, g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (feed->to), NULL),
         G_SOURCE_FUNC (stream_ready_cb));
}

static void
finish (HostFeed *feed, const GError *error)
{
  unwatch (feed);
  feed->done (feed, error, feed->user_data);
}

/* FALSE when it ended or must wait; TRUE when everything was written. */
static gboolean
flush (HostFeed *feed)
{
  while (feed->left > 0)
    {
      g_autoptr (GError) error = NULL;
      gssize n = g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (feed->to), feed->next, feed->left,
                                                             NULL, &error);

      if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          watch_output (feed);
          return FALSE;
        }
      if (n < 0)
        {
          finish (feed, error);
          return FALSE;
        }
      feed->next += n;
      feed->left -= (gsize) n;
    }
  return TRUE;
}

static gboolean
take (HostFeed *feed, gsize length)
{
  if (feed->filter == NULL)
    {
      feed->next = feed->buffer;
      feed->left = length;
      return TRUE;
    }
  g_byte_array_set_size (feed->filtered, 0);
  if (!feed->filter (feed->buffer, length, feed->filtered, feed->filter_data))
    return FALSE;
  feed->next = feed->filtered->data;
  feed->left = feed->filtered->len;
  return TRUE;
}

/* One buffer in a dispatch: only then is the descriptor known to be readable, and other sources have their turn. */
static gboolean
ready_cb (HostFeed *feed)
{
  g_autoptr (GError) error = NULL;
  gssize n;

  if (!flush (feed))
    return G_SOURCE_REMOVE;
  n = feed->reading ? host_read_some (feed->fd, feed->buffer, sizeof feed->buffer) : -1;
  if (n == 0)
    {
      g_output_stream_close (feed->to, NULL, &error);
      finish (feed, error);
      return G_SOURCE_REMOVE;
    }
  if (n < 0 && feed->reading && errno != EAGAIN && errno != EWOULDBLOCK)
    {
      g_set_error_literal (&error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
      finish (feed, error);
      return G_SOURCE_REMOVE;
    }
  /* A filter that says the end may have freed us. */
  if (n > 0 && (!take (feed, (gsize) n) || !flush (feed)))
    return G_SOURCE_REMOVE;
  watch_input (feed);
  return G_SOURCE_REMOVE;
}

HostFeed *
host_feed_new (int fd, GOutputStream *to, HostFeedDone done, gpointer user_data)
{
  HostFeed *feed = g_new (HostFeed, 1);

  /* The buffer stays as it is: zeroing 64 KiB for each channel is work for nothing. */
  memset (feed, 0, G_STRUCT_OFFSET (HostFeed, buffer));
  memset (&feed->filtered, 0, sizeof *feed - G_STRUCT_OFFSET (HostFeed, filtered));
  feed->fd = fd;
  feed->to = g_object_ref (to);
  feed->done = done;
  feed->user_data = user_data;
  watch_input (feed);
  return feed;
}

void
host_feed_set_filter (HostFeed *feed, HostFeedFilter filter, gpointer user_data)
{
  feed->filter = filter;
  feed->filter_data = user_data;
  if (feed->filtered == NULL)
    feed->filtered = g_byte_array_new ();
}

void
host_feed_free (HostFeed *feed)
{
  unwatch (feed);
  g_object_unref (feed->to);
  g_clear_pointer (&feed->filtered, g_byte_array_unref);
  g_free (feed);
}
