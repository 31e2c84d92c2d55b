/* `mux-quic exec`: a command on another machine, its three streams apart, its exit status. */
#include "host/client.h"
#include "host/environment.h"
#include "host/verb.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  HostFeed *feed;
  HostDrain *out, *errors;
  GIOStream *error_lane;
  HostClient *client;
  guint interrupts;
} Exec;

static void
progress_cb (HostDrain *drain, guint64 count, gpointer data)
{
  Exec *exec = data;

  host_client_confirm (exec->client, drain == exec->errors ? exec->error_lane : host_client_channel (exec->client), count);
}

static void
drained_cb (HostDrain *drain, const GError *error, gboolean writing, gpointer data)
{
  Exec *exec = data;

  if (error != NULL && writing)
    {
      /* As for a local program whose reader is gone. */
      host_client_quit (exec->client, 128 + SIGPIPE, NULL);
      return;
    }
  /* A service on a terminal has no lane for errors: that one is reset. What else ends it ends the channel too, which says so. */
  if (error != NULL && drain != exec->errors)
    {
      host_client_quit_lost (exec->client, error->message);
      return;
    }
  host_client_release (exec->client);
}

static void
fed_cb (HostFeed *feed, const GError *error, gpointer data)
{
  if (error != NULL)
    g_debug ("standard input: %s", error->message);
}

static gboolean
send_signal (Exec *exec, const char *name)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", name);
  host_client_send_event (exec->client, "signal", g_variant_dict_end (&dict));
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupt_cb (gpointer data)
{
  Exec *exec = data;

  /* A program that catches it, or a network that is dead, must not hold a person here. */
  if (exec->interrupts++ > 0 || host_client_channel (exec->client) == NULL)
    host_client_quit (exec->client, 128 + SIGINT, NULL);
  else
    send_signal (exec, "INT");
  return G_SOURCE_CONTINUE;
}

static gboolean
terminate_cb (gpointer data)
{
  host_client_quit (((Exec *) data)->client, 128 + SIGTERM, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
hang_up_cb (gpointer data)
{
  host_client_quit (((Exec *) data)->client, 128 + SIGHUP, NULL);
  return G_SOURCE_CONTINUE;
}

static void
opened (HostClient *client, gpointer data)
{
  Exec *exec = data;
  GIOStream *channel = host_client_channel (client);

  host_client_hold (client);
  exec->out = host_drain_new (g_io_stream_get_input_stream (channel), STDOUT_FILENO, progress_cb, drained_cb, exec);
  exec->error_lane = host_client_lane (client, "stderr");
  if (exec->error_lane != NULL)
    {
      host_client_hold (client);
      exec->errors = host_drain_new (g_io_stream_get_input_stream (exec->error_lane), STDERR_FILENO, progress_cb,
                                     drained_cb, exec);
    }
  exec->feed = host_feed_new (STDIN_FILENO, g_io_stream_get_output_stream (channel), fed_cb, exec);
}

static void
ending (HostClient *client, gpointer data)
{
  Exec *exec = data;

  g_clear_pointer (&exec->feed, host_feed_free);
  g_clear_pointer (&exec->out, host_drain_free);
  g_clear_pointer (&exec->errors, host_drain_free);
}

static const HostClientEvents events = { .opened = opened, .ending = ending };

static int
execute (const char *target, char **command)
{
  Exec exec = { 0 };
  GVariantDict request;
  guint sources[3];
  int status;

  exec.client = host_client_new (&events, &exec, &status);
  if (exec.client == NULL)
    return status;
  g_variant_dict_init (&request, NULL);
  g_variant_dict_insert_value (&request, "argv", g_variant_new_strv ((const char *const *) command, -1));
  g_variant_dict_insert (&request, "service", "s", "exec");
  g_variant_dict_insert_value (&request, "environment", host_environment_words ());
  host_client_set_wait_exit (exec.client);
  sources[0] = g_unix_signal_add (SIGINT, interrupt_cb, &exec);
  sources[1] = g_unix_signal_add (SIGTERM, terminate_cb, &exec);
  sources[2] = g_unix_signal_add (SIGHUP, hang_up_cb, &exec);
  status = host_client_run (exec.client, target, g_variant_dict_end (&request));
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  host_client_free (exec.client);
  return status;
}

static char *login;

static const GOptionEntry options[] = {
  { "login", 'l', 0, G_OPTION_ARG_STRING, &login, N_("user name, as rsync gives it to its remote shell"), N_("USER") },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  g_autofree char *target = NULL;
  int first = 2;

  if (argc > 2 && g_str_equal (argv[2], "--"))
    first = 3;
  if (argc <= first)
    {
      host_complain (_("a TARGET and a command are needed; see %s --help"), g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  for (int i = first; i < argc; i++)
    if (!g_utf8_validate (argv[i], -1, NULL))
      {
        host_complain (_("argument %d is not UTF-8"), i - first + 1);
        return HOST_EXIT_USAGE;
      }
  target = login != NULL && strchr (argv[1], '@') == NULL ? g_strdup_printf ("%s@%s", login, argv[1]) : g_strdup (argv[1]);
  return execute (target, argv + first);
}

const HostVerb host_verb_exec = {
  .name = "exec",
  .arguments = N_("TARGET [--] COMMAND…"),
  .summary = N_("run a command there"),
  .description = N_("Runs a command on another machine: its input, output, errors and exit status are those of this one."),
  .options = { host_client_options, options },
  .words = HOST_WORDS_TARGET,
  .max_arguments = -1,
  .options_first = TRUE,
  .run = run,
};
