/* `mux-quic keeper`: runs a session's programs for the host. It owns their terminals, pipes and sockets, the bytes that the client has not counted,
 * and the counts. It knows nothing of QUIC or certificates, only of its messenger:
 *
 *   host → keeper  start {channel t, kind s, …} with one socket for each lane (main, then "stderr"); resize, signal, received {channel t,
 *                  lane s, count t}, close {channel t}
 *   keeper → host  started {channel t}; failed {channel t, code s, message s}; written {channel t, lane s, count t};
 *                  exited {channel t, status i, signal s}; ended {channel t}
 */
#include "host/lane.h"
#include "host/leftover.h"
#include "host/messenger.h"
#include "host/program.h"
#include "host/signals.h"
#include "host/verb.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <unistd.h>

#define MAX_LANES 2

typedef struct
{
  GMainLoop *loop;
  HostMessenger *messenger;
  GHashTable *channels; /* guint64 * → Channel */
} Keeper;

typedef struct
{
  Keeper *keeper;
  guint64 number;
  HostProgram *program;
  int sockets[MAX_LANES]; /* until there are lanes */
  HostLane *lanes[MAX_LANES];
  int status, signal;
  gboolean told_exit;
} Channel;

static void
say (Channel *channel, const char *name, GVariantDict *dict)
{
  g_variant_dict_insert (dict, "channel", "t", channel->number);
  host_messenger_send (channel->keeper->messenger, name, g_variant_dict_end (dict), NULL, 0);
}

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  for (guint i = 0; i < MAX_LANES; i++)
    {
      g_clear_pointer (&channel->lanes[i], host_lane_free);
      if (channel->sockets[i] >= 0)
        close (channel->sockets[i]);
    }
  g_clear_pointer (&channel->program, host_program_free);
  g_free (channel);
}

/* The end of a program is said when the host has its last byte. */
static void
check_end (Channel *channel)
{
  GVariantDict dict;

  /* A program may end before its start was said. */
  if (channel->told_exit || channel->lanes[0] == NULL)
    return;
  for (guint i = 0; i < MAX_LANES; i++)
    if (channel->lanes[i] != NULL && !host_lane_output_ended (channel->lanes[i]))
      return;
  if (!host_program_is_socket (channel->program) && !host_program_has_exited (channel->program))
    return;
  channel->told_exit = TRUE;
  if (host_program_is_socket (channel->program))
    return;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "status", "i", channel->status);
  if (channel->signal != 0)
    g_variant_dict_insert (&dict, "signal", "s", host_signal_name (channel->signal));
  say (channel, "exited", &dict);
}

static void
written_cb (HostLane *lane, guint64 count, gpointer data)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "lane", "s", host_lane_name (lane));
  g_variant_dict_insert (&dict, "count", "t", count);
  say (data, "written", &dict);
}

static void
input_ended_cb (HostLane *lane, gpointer data)
{
  Channel *channel = data;

  if (lane != channel->lanes[0])
    return;
  host_lane_forget_input (lane);
  host_program_end_input (channel->program);
}

static void
output_ended_cb (HostLane *lane, gpointer data)
{
  check_end (data);
}

static const HostLaneEvents lane_events = {
  .written = written_cb,
  .input_ended = input_ended_cb,
  .output_ended = output_ended_cb,
};

static void
started_cb (HostProgram *program, const GError *error, gpointer data)
{
  Channel *channel = data;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  if (error != NULL)
    {
      g_variant_dict_insert (&dict, "code", "s", "failed");
      g_variant_dict_insert (&dict, "message", "s", error->message);
      say (channel, "failed", &dict);
      g_hash_table_remove (channel->keeper->channels, &channel->number);
      return;
    }
  say (channel, "started", &dict);
  channel->lanes[0] = host_lane_new ("", channel->sockets[0], host_program_fd (program, HOST_PROGRAM_INPUT),
                                     host_program_fd (program, HOST_PROGRAM_OUTPUT), &lane_events, channel);
  channel->sockets[0] = -1;
  if (host_program_has_exited (program) && host_program_is_terminal (program))
    host_lane_program_ended (channel->lanes[0]);
  if (channel->sockets[1] < 0 || host_program_fd (program, HOST_PROGRAM_ERRORS) < 0)
    return;
  channel->lanes[1] = host_lane_new ("stderr", channel->sockets[1], -1, host_program_fd (program, HOST_PROGRAM_ERRORS),
                                     &lane_events, channel);
  channel->sockets[1] = -1;
}

static void
exited_cb (HostProgram *program, int status, int number, gpointer data)
{
  Channel *channel = data;

  channel->status = status;
  channel->signal = number;
  /* Somebody in the background may hold the terminal open for ever; pipes are waited for, as ssh does. */
  if (host_program_is_terminal (program) && channel->lanes[0] != NULL)
    host_lane_program_ended (channel->lanes[0]);
  check_end (channel);
}

static void
start_channel (Keeper *keeper, guint64 number, GVariant *arguments, int *fds, guint n_fds)
{
  Channel *channel = g_new0 (Channel, 1);

  channel->keeper = keeper;
  channel->number = number;
  for (guint i = 0; i < MAX_LANES; i++)
    {
      channel->sockets[i] = -1;
      if (i < n_fds)
        {
          channel->sockets[i] = fds[i];
          fds[i] = -1;
        }
    }
  g_hash_table_insert (keeper->channels, &channel->number, channel);
  channel->program = host_program_new (arguments, started_cb, exited_cb, channel);
}

static HostLane *
find_lane (Channel *channel, GVariant *arguments)
{
  const char *name = "";

  g_variant_lookup (arguments, "lane", "&s", &name);
  for (guint i = 0; i < MAX_LANES; i++)
    if (channel->lanes[i] != NULL && g_str_equal (host_lane_name (channel->lanes[i]), name))
      return channel->lanes[i];
  return NULL;
}

static void
message_cb (const char *name, GVariant *arguments, int *fds, guint n_fds, gpointer data)
{
  Keeper *keeper = data;
  guint64 number = 0, received = 0;
  guint rows = 0, columns = 0;
  const char *signal_name = NULL;
  Channel *channel;
  HostLane *lane;

  if (!g_variant_lookup (arguments, "channel", "t", &number))
    return;
  channel = g_hash_table_lookup (keeper->channels, &number);
  if (g_str_equal (name, "start") && channel == NULL && n_fds > 0)
    start_channel (keeper, number, arguments, fds, n_fds);
  else if (channel == NULL)
    return;
  else if (g_str_equal (name, "resize") && g_variant_lookup (arguments, "rows", "u", &rows)
           && g_variant_lookup (arguments, "columns", "u", &columns))
    host_program_resize (channel->program, rows, columns);
  else if (g_str_equal (name, "signal") && g_variant_lookup (arguments, "name", "&s", &signal_name))
    host_program_signal (channel->program, signal_name);
  else if (g_str_equal (name, "received") && g_variant_lookup (arguments, "count", "t", &received)
           && (lane = find_lane (channel, arguments)) != NULL)
    host_lane_received (lane, received);
  else if (g_str_equal (name, "close"))
    g_hash_table_remove (keeper->channels, &number);
}

static void
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
}

/* Without its host the session is over: what runs is told so. */
static void
closed_cb (gpointer data)
{
  Keeper *keeper = data;

  g_hash_table_remove_all (keeper->channels);
  if (!host_leftover_wait (quit_cb, keeper->loop))
    g_main_loop_quit (keeper->loop);
}

static gint fd = -1;

static const GOptionEntry options[] = {
  { "fd", 0, 0, G_OPTION_ARG_INT, &fd, N_("descriptor of the socket to the host"), N_("N") },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  Keeper keeper = { 0 };

  if (fd < 3)
    {
      host_complain (_("the keeper is started by the host, not by hand"));
      return HOST_EXIT_USAGE;
    }
  signal (SIGPIPE, SIG_IGN);
  /* Signals of a terminal that the host was started in are for the host. */
  setsid ();
  keeper.loop = g_main_loop_new (NULL, FALSE);
  keeper.channels = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, channel_free);
  keeper.messenger = host_messenger_new (fd, message_cb, closed_cb, &keeper);
  g_main_loop_run (keeper.loop);
  host_messenger_free (keeper.messenger);
  g_hash_table_unref (keeper.channels);
  g_main_loop_unref (keeper.loop);
  return HOST_EXIT_OK;
}

const HostVerb host_verb_keeper = {
  .name = "keeper",
  .description = N_("Runs the programs of a session. The host starts it."),
  .options = { options },
  .run = run,
};
