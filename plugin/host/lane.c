#include "host/lane.h"

#include "host/feed.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Output that the host has not taken yet: enough to keep it busy. */
#define AHEAD_MAX ((gsize) 128 * 1024)

struct _HostLane
{
  char *name;
  int socket, input, output;
  const HostLaneEvents *events;
  gpointer user_data;

  /* Program → host. */
  GQueue kept;       /* of GBytes: [begin, end) */
  guint64 begin, sent, end;
  gsize sent_offset; /* in that chunk */
  GList *sent_link;
  gboolean output_eof, output_done, program_ended;
  guint output_watch, socket_out_watch;

  /* Host → program. */
  guint8 *buffer;
  gsize next, left;
  guint64 written, told;
  gboolean input_eof, input_done;
  guint socket_in_watch, input_watch, count_timer;
};

static void pull (HostLane *lane);
static void push (HostLane *lane);

static gboolean
output_ready_cb (int fd, GIOCondition condition, gpointer data)
{
  HostLane *lane = data;

  lane->output_watch = 0;
  pull (lane);
  return G_SOURCE_REMOVE;
}

static gboolean
socket_writable_cb (int fd, GIOCondition condition, gpointer data)
{
  HostLane *lane = data;

  lane->socket_out_watch = 0;
  push (lane);
  return G_SOURCE_REMOVE;
}

static void
end_output (HostLane *lane)
{
  if (lane->output_done || !lane->output_eof || lane->sent < lane->end)
    return;
  lane->output_done = TRUE;
  shutdown (lane->socket, SHUT_WR);
  lane->events->output_ended (lane, lane->user_data);
}

static gboolean
output_again_cb (gpointer data)
{
  HostLane *lane = data;

  lane->output_watch = 0;
  pull (lane);
  return G_SOURCE_REMOVE;
}

/* Once the program has ended nobody makes a terminal readable again: it is read until it has nothing. */
static void
watch_output (HostLane *lane)
{
  lane->output_watch = lane->program_ended
                           ? g_idle_add_full (G_PRIORITY_DEFAULT, output_again_cb, lane, NULL)
                           : g_unix_fd_add (lane->output, G_IO_IN | G_IO_HUP | G_IO_ERR, output_ready_cb, lane);
}

/* Reads from the program what may be kept. */
static void
pull (HostLane *lane)
{
  guint8 *buffer;
  gssize n;

  if (lane->output_eof || lane->output_watch != 0 || lane->end - lane->begin >= HOST_LANE_KEPT_MAX
      || lane->end - lane->sent >= AHEAD_MAX)
    return;
  buffer = g_malloc (HOST_BUFFER_SIZE);
  n = host_read_some (lane->output, buffer, HOST_BUFFER_SIZE);
  if (n > 0)
    {
      /* Small reads are many: they are not to hold a large buffer each. */
      GBytes *bytes = g_bytes_new_take (n < HOST_BUFFER_SIZE / 2 ? g_realloc (buffer, (gsize) n) : buffer, (gsize) n);

      g_queue_push_tail (&lane->kept, bytes);
      if (lane->sent_link == NULL)
        lane->sent_link = lane->kept.tail;
      lane->end += (guint64) n;
      watch_output (lane);
      push (lane);
      return;
    }
  g_free (buffer);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !lane->program_ended)
    {
      watch_output (lane);
      return;
    }
  /* The end of the file; EIO is that of a terminal whose other side is closed. */
  lane->output_eof = TRUE;
  end_output (lane);
}

/* Gives the host what it takes. */
static void
push (HostLane *lane)
{
  while (lane->sent_link != NULL && lane->socket_out_watch == 0)
    {
      gsize length;
      const guint8 *data = g_bytes_get_data (lane->sent_link->data, &length);
      gssize n = send (lane->socket, data + lane->sent_offset, length - lane->sent_offset, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        {
          lane->socket_out_watch
              = g_unix_fd_add (lane->socket, G_IO_OUT | G_IO_HUP | G_IO_ERR, socket_writable_cb, lane);
          return;
        }
      if (n < 0)
        {
          /* The host does not want it any more: the program's output goes nowhere. */
          lane->output_eof = TRUE;
          lane->sent = lane->end;
          lane->sent_link = NULL;
          break;
        }
      lane->sent += (guint64) n;
      lane->sent_offset += (gsize) n;
      if (lane->sent_offset == length)
        {
          lane->sent_link = lane->sent_link->next;
          lane->sent_offset = 0;
        }
    }
  if (lane->output_eof)
    end_output (lane);
  else
    pull (lane);
}

void
host_lane_received (HostLane *lane, guint64 count)
{
  GBytes *first;

  /* A count above what was sent is nobody's; it frees nothing. */
  while (count <= lane->sent && (first = g_queue_peek_head (&lane->kept)) != NULL && lane->kept.head != lane->sent_link
         && lane->begin + g_bytes_get_size (first) <= count)
    {
      lane->begin += g_bytes_get_size (first);
      g_bytes_unref (g_queue_pop_head (&lane->kept));
    }
  pull (lane);
}

void
host_lane_program_ended (HostLane *lane)
{
  lane->program_ended = TRUE;
  g_clear_handle_id (&lane->output_watch, g_source_remove);
  pull (lane);
}

static gboolean
count_cb (gpointer data)
{
  HostLane *lane = data;

  lane->count_timer = 0;
  lane->told = lane->written;
  lane->events->written (lane, lane->written, lane->user_data);
  return G_SOURCE_REMOVE;
}

static void
count (HostLane *lane)
{
  if (lane->written == lane->told)
    return;
  if (lane->written - lane->told >= HOST_LANE_COUNT_STEP || lane->input_done)
    {
      g_clear_handle_id (&lane->count_timer, g_source_remove);
      count_cb (lane);
    }
  else if (lane->count_timer == 0)
    lane->count_timer = g_timeout_add (HOST_LANE_COUNT_MS, count_cb, lane);
}

static void take (HostLane *lane);

static gboolean
socket_readable_cb (int fd, GIOCondition condition, gpointer data)
{
  HostLane *lane = data;

  lane->socket_in_watch = 0;
  take (lane);
  return G_SOURCE_REMOVE;
}

static gboolean
input_writable_cb (int fd, GIOCondition condition, gpointer data)
{
  HostLane *lane = data;

  lane->input_watch = 0;
  take (lane);
  return G_SOURCE_REMOVE;
}

/* FALSE when the program takes no more now. What it does not want at all is dropped, and counts as given. */
static gboolean
give (HostLane *lane)
{
  while (lane->left > 0)
    {
      gssize n = lane->input < 0 ? (gssize) lane->left : write (lane->input, lane->buffer + lane->next, lane->left);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        {
          lane->input_watch = g_unix_fd_add (lane->input, G_IO_OUT | G_IO_HUP | G_IO_ERR, input_writable_cb, lane);
          return FALSE;
        }
      if (n < 0)
        {
          lane->input = -1;
          continue;
        }
      lane->next += (gsize) n;
      lane->left -= (gsize) n;
      lane->written += (guint64) n;
    }
  return TRUE;
}

/* Takes one buffer from the host and gives it to the program. */
static void
take (HostLane *lane)
{
  gssize n;

  if (lane->input_done || lane->input_watch != 0)
    return;
  if (give (lane) && !lane->input_eof)
    {
      n = recv (lane->socket, lane->buffer, HOST_BUFFER_SIZE, MSG_DONTWAIT);
      if (n > 0)
        {
          lane->next = 0;
          lane->left = (gsize) n;
          give (lane);
        }
      else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        lane->input_eof = TRUE;
    }
  if (lane->input_eof && lane->left == 0)
    {
      lane->input_done = TRUE;
      count (lane);
      lane->events->input_ended (lane, lane->user_data);
      return;
    }
  count (lane);
  if (lane->input_watch == 0 && lane->socket_in_watch == 0)
    lane->socket_in_watch = g_unix_fd_add (lane->socket, G_IO_IN | G_IO_HUP | G_IO_ERR, socket_readable_cb, lane);
}

void
host_lane_forget_input (HostLane *lane)
{
  g_clear_handle_id (&lane->input_watch, g_source_remove);
  lane->input = -1;
}

const char *
host_lane_name (const HostLane *lane)
{
  return lane->name;
}

gboolean
host_lane_output_ended (const HostLane *lane)
{
  return lane->output_done;
}

HostLane *
host_lane_new (const char *name, int socket, int input, int output, const HostLaneEvents *events, gpointer user_data)
{
  HostLane *lane = g_new0 (HostLane, 1);

  lane->name = g_strdup (name);
  lane->socket = socket;
  lane->input = input;
  lane->output = output;
  lane->events = events;
  lane->user_data = user_data;
  lane->buffer = g_malloc (HOST_BUFFER_SIZE);
  lane->socket_in_watch = g_unix_fd_add (socket, G_IO_IN | G_IO_HUP | G_IO_ERR, socket_readable_cb, lane);
  watch_output (lane);
  return lane;
}

void
host_lane_free (HostLane *lane)
{
  g_clear_handle_id (&lane->output_watch, g_source_remove);
  g_clear_handle_id (&lane->socket_out_watch, g_source_remove);
  g_clear_handle_id (&lane->socket_in_watch, g_source_remove);
  g_clear_handle_id (&lane->input_watch, g_source_remove);
  g_clear_handle_id (&lane->count_timer, g_source_remove);
  g_queue_clear_full (&lane->kept, (GDestroyNotify) g_bytes_unref);
  close (lane->socket);
  g_free (lane->buffer);
  g_free (lane->name);
  g_free (lane);
}
