#include "host/keeper-link.h"

#include "host/drain.h"
#include "host/feed.h"
#include "host/messenger.h"
#include "host/service.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LANES 2
#define KEEPER_FD 3

typedef struct
{
  GIOStream *stream;
  int fd;
  HostFeed *feed;   /* keeper → client */
  HostDrain *drain; /* client → keeper */
  gboolean feed_done, drain_done;
} Lane;

typedef struct
{
  HostKeeperLink *link;
  guint64 number;
  GIOStream *stream;
  Lane lanes[MAX_LANES];
  gboolean started;
  GVariant *exited; /* until the last bytes are with the session */
} Channel;

struct _HostKeeperLink
{
  const MuxSessionOps *ops;
  MuxSession *session;
  HostMessenger *messenger;
  GHashTable *channels; /* guint64 * → Channel */
  guint64 last;
};

static const char *const lane_names[MAX_LANES] = { "", "stderr" };

static void
lane_clear (Lane *lane)
{
  g_clear_pointer (&lane->feed, host_feed_free);
  g_clear_pointer (&lane->drain, host_drain_free);
  g_clear_object (&lane->stream);
  if (lane->fd >= 0)
    close (lane->fd);
  lane->fd = -1;
}

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  for (guint i = 0; i < MAX_LANES; i++)
    lane_clear (&channel->lanes[i]);
  g_clear_pointer (&channel->exited, g_variant_unref);
  g_object_unref (channel->stream);
  g_free (channel);
}

static void
say (HostKeeperLink *link, guint64 number, const char *name, GVariant *details)
{
  GVariantDict dict;

  if (link->messenger == NULL)
    return;
  g_variant_dict_init (&dict, details);
  g_variant_dict_insert (&dict, "channel", "t", number);
  host_messenger_send (link->messenger, name, g_variant_dict_end (&dict), NULL, 0);
}

static void
say_exit_when_done (Channel *channel)
{
  HostKeeperLink *link = channel->link;

  if (channel->exited == NULL)
    return;
  for (guint i = 0; i < MAX_LANES; i++)
    if (channel->lanes[i].stream != NULL && !channel->lanes[i].feed_done)
      return;
  link->ops->send_event (link->session, channel->stream, "exited", channel->exited);
  g_clear_pointer (&channel->exited, g_variant_unref);
}

static Lane *
lane_of (Channel *channel, gpointer pump)
{
  for (guint i = 0; i < MAX_LANES; i++)
    if (channel->lanes[i].feed == pump || channel->lanes[i].drain == pump)
      return &channel->lanes[i];
  g_assert_not_reached ();
}

static void
feed_done_cb (HostFeed *feed, const GError *error, gpointer data)
{
  Channel *channel = data;
  Lane *lane = lane_of (channel, feed);

  g_clear_pointer (&lane->feed, host_feed_free);
  lane->feed_done = TRUE;
  say_exit_when_done (channel);
}

static void
drain_done_cb (HostDrain *drain, const GError *error, gboolean writing, gpointer data)
{
  Channel *channel = data;
  Lane *lane = lane_of (channel, drain);

  g_clear_pointer (&lane->drain, host_drain_free);
  lane->drain_done = TRUE;
  /* A client that is gone takes its program with it; one that said all leaves it running. */
  if (error != NULL && !writing)
    say (channel->link, channel->number, "close", NULL);
  else
    shutdown (lane->fd, SHUT_WR);
}

static void
start_copying (Channel *channel)
{
  HostKeeperLink *link = channel->link;

  link->ops->accept_channel (link->session, channel->stream);
  link->ops->set_manual (link->session, channel->stream);
  for (guint i = 0; i < MAX_LANES; i++)
    {
      Lane *lane = &channel->lanes[i];

      if (lane->fd < 0)
        continue;
      if (i > 0)
        {
          lane->stream = link->ops->lane (link->session, channel->stream, lane_names[i], NULL);
          if (lane->stream == NULL)
            {
              lane_clear (lane);
              continue;
            }
          link->ops->set_manual (link->session, lane->stream);
        }
      else
        lane->stream = g_object_ref (channel->stream);
      lane->feed = host_feed_new (lane->fd, g_io_stream_get_output_stream (lane->stream), feed_done_cb, channel);
      lane->drain
          = host_drain_new (g_io_stream_get_input_stream (lane->stream), lane->fd, NULL, drain_done_cb, channel);
    }
}

static void
message_cb (const char *name, GVariant *arguments, int *fds, guint n_fds, gpointer data)
{
  HostKeeperLink *link = data;
  const char *code = "failed", *message = "", *lane = "";
  guint64 number = 0, count = 0;
  Channel *channel;

  g_variant_lookup (arguments, "channel", "t", &number);
  channel = g_hash_table_lookup (link->channels, &number);
  if (channel == NULL)
    return;
  if (g_str_equal (name, "started") && !channel->started)
    {
      channel->started = TRUE;
      start_copying (channel);
    }
  else if (g_str_equal (name, "failed") && !channel->started)
    {
      g_variant_lookup (arguments, "code", "&s", &code);
      g_variant_lookup (arguments, "message", "&s", &message);
      link->ops->refuse_channel (link->session, channel->stream, code, message);
      g_hash_table_remove (link->channels, &number);
    }
  else if (g_str_equal (name, "written") && g_variant_lookup (arguments, "count", "t", &count)
           && g_variant_lookup (arguments, "lane", "&s", &lane))
    {
      for (guint i = 0; i < MAX_LANES; i++)
        if (g_str_equal (lane_names[i], lane) && channel->lanes[i].stream != NULL)
          link->ops->confirm (link->session, channel->lanes[i].stream, count);
    }
  else if (g_str_equal (name, "exited"))
    {
      g_clear_pointer (&channel->exited, g_variant_unref);
      channel->exited = g_variant_ref (arguments);
      say_exit_when_done (channel);
    }
}

static void
closed_cb (gpointer data)
{
  HostKeeperLink *link = data;
  GHashTableIter iter;
  gpointer value;

  g_clear_pointer (&link->messenger, host_messenger_free);
  g_message ("a keeper ended unexpectedly; its session has lost its programs");
  g_hash_table_iter_init (&iter, link->channels);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Channel *channel = value;

      if (!channel->started)
        link->ops->refuse_channel (link->session, channel->stream, "failed", "the keeper of the session ended");
    }
  g_hash_table_remove_all (link->channels);
}

static void
reaped_cb (GPid pid, int status, gpointer data)
{
  g_spawn_close_pid (pid);
}

HostKeeperLink *
host_keeper_link_new (const MuxSessionOps *ops, MuxSession *session, GError **error)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", error);
  g_autofree char *option = g_strdup_printf ("--fd=%d", KEEPER_FD);
  const char *argv[] = { self, "keeper", option, NULL };
  HostKeeperLink *link;
  int ends[2];
  int target = KEEPER_FD;
  gboolean good;
  GPid pid;

  if (self == NULL)
    return NULL;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("cannot make a socket for a keeper: %s"),
                   g_strerror (saved));
      return NULL;
    }
  good = g_spawn_async_with_pipes_and_fds ("/", argv, NULL,
                                           G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, -1, -1,
                                           -1, &ends[1], &target, 1, &pid, NULL, NULL, NULL, error);
  close (ends[1]);
  if (!good)
    {
      close (ends[0]);
      g_prefix_error (error, "%s", _("cannot start a keeper: "));
      return NULL;
    }
  g_child_watch_add (pid, reaped_cb, NULL);
  link = g_new0 (HostKeeperLink, 1);
  link->ops = ops;
  link->session = session;
  link->channels = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, channel_free);
  link->messenger = host_messenger_new (ends[0], message_cb, closed_cb, link);
  return link;
}

void
host_keeper_link_free (HostKeeperLink *link)
{
  g_clear_pointer (&link->messenger, host_messenger_free);
  g_hash_table_unref (link->channels);
  g_free (link);
}

static gboolean
make_sockets (Channel *channel, guint n, int *theirs)
{
  for (guint i = 0; i < n; i++)
    {
      int ends[2];

      if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return FALSE;
      channel->lanes[i].fd = ends[0];
      theirs[i] = ends[1];
    }
  return TRUE;
}

void
host_keeper_link_start (HostKeeperLink *link, GIOStream *stream, GVariant *start)
{
  guint n = host_service_has_errors (start) ? 2 : 1;
  int theirs[MAX_LANES] = { -1, -1 };
  Channel *channel = g_new0 (Channel, 1);
  gboolean good;
  GVariantDict dict;

  channel->link = link;
  channel->number = ++link->last;
  channel->stream = g_object_ref (stream);
  channel->lanes[0].fd = channel->lanes[1].fd = -1;
  good = link->messenger != NULL && make_sockets (channel, n, theirs);
  if (good)
    {
      g_variant_dict_init (&dict, start);
      g_variant_dict_insert (&dict, "channel", "t", channel->number);
      good = host_messenger_send (link->messenger, "start", g_variant_dict_end (&dict), theirs, n);
    }
  for (guint i = 0; i < MAX_LANES; i++)
    if (theirs[i] >= 0)
      close (theirs[i]);
  if (good)
    {
      g_hash_table_insert (link->channels, &channel->number, channel);
      return;
    }
  link->ops->refuse_channel (link->session, stream, "failed", "the host cannot start anything now");
  channel_free (channel);
}

static Channel *
find (HostKeeperLink *link, GIOStream *stream)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, link->channels);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Channel *) value)->stream == stream)
      return value;
  return NULL;
}

void
host_keeper_link_event (HostKeeperLink *link, GIOStream *stream, const char *event, GVariant *details)
{
  Channel *channel = find (link, stream);

  if (channel == NULL)
    return;
  say (link, channel->number, g_str_equal (event, "closed") ? "close" : event, details);
  if (g_str_equal (event, "closed"))
    g_hash_table_remove (link->channels, &channel->number);
}
