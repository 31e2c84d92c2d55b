/* `mux-quic connect`: a terminal on another machine. */
#include "host/client.h"
#include "host/environment.h"
#include "host/escape.h"
#include "host/terminal.h"
#include "host/verb.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static char *taken; /* --take-over */

typedef struct
{
  HostClient *client;
  HostFeed *feed;
  HostDrain *drain;
  HostDrain *errors; /* of a program without a terminal that was taken over; NULL */
  GIOStream *error_lane;
  HostEscape escape;
  gboolean raw;
} Connect;

static void
progress_cb (HostDrain *drain, guint64 count, gpointer data)
{
  Connect *self = data;

  host_client_confirm (self->client, drain == self->errors ? self->error_lane : host_client_channel (self->client), count);
}

static void
drained_cb (HostDrain *drain, const GError *error, gboolean writing, gpointer data)
{
  Connect *self = data;

  if (error == NULL)
    host_client_release (self->client);
  else if (writing)
    host_client_quit (self->client, HOST_EXIT_FAILURE, error->message);
  else
    host_client_quit_lost (self->client, error->message);
}

/* What goes wrong there goes wrong with the channel too, and is said of it. */
static void
errors_drained_cb (HostDrain *drain, const GError *error, gboolean writing, gpointer data)
{
  Connect *self = data;

  host_client_release (self->client);
}

/* Of an `exec` whose client died: what it says there must be read, or it waits for ever. */
static void
read_errors (Connect *self)
{
  self->error_lane = host_client_lane (self->client, "stderr");
  if (self->error_lane == NULL)
    return;
  host_client_hold (self->client);
  self->errors = host_drain_new (g_io_stream_get_input_stream (self->error_lane), STDERR_FILENO, progress_cb,
                                 errors_drained_cb, self);
}

static void
fed_cb (HostFeed *feed, const GError *error, gpointer data)
{
  if (error != NULL)
    g_debug ("standard input: %s", error->message);
}

static void
send_size (Connect *self)
{
  guint rows, columns;
  GVariantDict dict;

  if (!host_terminal_size (STDIN_FILENO, &rows, &columns))
    return;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "rows", "u", rows);
  g_variant_dict_insert (&dict, "columns", "u", columns);
  host_client_send_event (self->client, "resize", g_variant_dict_end (&dict));
}

/* Programs draw their screen again when its size changes. */
static void
redraw (HostClient *client, gpointer data)
{
  Connect *self = data;
  guint rows, columns;
  GVariantDict dict;

  if (!self->raw || !host_terminal_size (STDIN_FILENO, &rows, &columns) || rows < 2)
    return;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "rows", "u", rows - 1);
  g_variant_dict_insert (&dict, "columns", "u", columns);
  host_client_send_event (self->client, "resize", g_variant_dict_end (&dict));
  send_size (self);
}

static gboolean
resized_cb (gpointer data)
{
  send_size (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
signal_cb (gpointer data)
{
  Connect *self = data;

  host_client_quit (self->client, HOST_EXIT_TRANSPORT, NULL);
  return G_SOURCE_CONTINUE;
}

static void
print_help (void)
{
  g_printerr ("\r\n%s\r\n  ~.   %s\r\n  ~^Z  %s\r\n  ~?   %s\r\n  ~~   %s\r\n", _("At the beginning of a line:"), _("end mux-quic"),
              _("suspend mux-quic"), _("this list"), _("send ~"));
}

/* Stops as a program in front does, and goes on with the terminal as it is then. */
static void
suspend (Connect *self)
{
  host_terminal_restore ();
  kill (0, SIGSTOP);
  if (self->raw)
    host_terminal_make_raw (STDIN_FILENO);
  send_size (self);
}

static gboolean
filter_cb (const guint8 *data, gsize length, GByteArray *out, gpointer user_data)
{
  Connect *self = user_data;

  while (length > 0)
    {
      gsize used;

      switch (host_escape_filter (&self->escape, data, length, out, &used))
        {
        case HOST_ESCAPE_END:
          host_client_quit (self->client, HOST_EXIT_TRANSPORT, NULL);
          return FALSE;
        case HOST_ESCAPE_HELP:
          print_help ();
          break;
        case HOST_ESCAPE_SUSPEND:
          suspend (self);
          break;
        case HOST_ESCAPE_NONE:
        default:
          break;
        }
      data += used;
      length -= used;
    }
  return TRUE;
}

/* Before the shell's first prompt is here. */
static void
say_who_waits (Connect *self)
{
  guint n = taken == NULL && isatty (STDERR_FILENO) ? host_client_n_waiting (self->client) : 0;

  if (n > 0)
    {
      g_autofree char *text = g_strdup_printf (
          ngettext ("mux-quic: %u session of yours waits there for its client; connect --take-over goes on with it",
                    "mux-quic: %u sessions of yours wait there for their clients; connect --take-over goes on with the last one", n),
          n);

      g_printerr ("%s\r\n", text);
    }
}

static void
opened (HostClient *client, gpointer data)
{
  Connect *self = data;
  GIOStream *channel = host_client_channel (client);

  self->raw = isatty (STDIN_FILENO) && host_terminal_make_raw (STDIN_FILENO);
  host_client_set_painted (client, self->raw);
  host_client_hold (client);
  self->drain
      = host_drain_new (g_io_stream_get_input_stream (channel), STDOUT_FILENO, progress_cb, drained_cb, self);
  self->feed = host_feed_new (STDIN_FILENO, g_io_stream_get_output_stream (channel), fed_cb, self);
  if (self->raw)
    host_feed_set_filter (self->feed, filter_cb, self);
  if (taken != NULL && host_client_runs_command (client))
    read_errors (self);
  say_who_waits (self);
  /* It may have changed while we dialled. */
  if (taken != NULL)
    redraw (client, self);
  else
    send_size (self);
}

static void
ending (HostClient *client, gpointer data)
{
  Connect *self = data;

  g_clear_pointer (&self->feed, host_feed_free);
  g_clear_pointer (&self->drain, host_drain_free);
  g_clear_pointer (&self->errors, host_drain_free);
  host_client_set_painted (client, FALSE);
  host_terminal_restore ();
}

static const HostClientEvents events = { .opened = opened, .ending = ending, .redraw = redraw };

static GVariant *
make_request (void)
{
  const char *term = g_getenv ("TERM");
  guint rows = 24, columns = 80;
  GVariantDict request;

  host_terminal_size (STDIN_FILENO, &rows, &columns);
  g_variant_dict_init (&request, NULL);
  g_variant_dict_insert (&request, "term", "s", term != NULL && g_utf8_validate (term, -1, NULL) ? term : "dumb");
  g_variant_dict_insert (&request, "rows", "u", rows);
  g_variant_dict_insert (&request, "columns", "u", columns);
  g_variant_dict_insert_value (&request, "environment", host_environment_words ());
  return g_variant_dict_end (&request);
}

/* The session was lost for good: whether the person wants another one. */
static gboolean
asks_for_another (HostClient *client)
{
  char answer[16] = "";

  if (!host_client_is_gone (client) || !isatty (STDIN_FILENO) || !isatty (STDERR_FILENO))
    return FALSE;
  g_printerr ("%s ", _("Start a new session? [Y/n]"));
  return fgets (answer, sizeof answer, stdin) != NULL && (answer[0] == '\n' || g_ascii_tolower (answer[0]) == 'y');
}

static int
connect_once (const char *target, gboolean *again)
{
  Connect self = { 0 };
  guint sources[4];
  int status;

  host_escape_init (&self.escape);
  self.client = host_client_new (&events, &self, &status);
  *again = FALSE;
  if (self.client == NULL)
    return status;
  host_client_set_wait_exit (self.client);
  if (taken != NULL)
    host_client_take_over (self.client, taken);
  sources[0] = g_unix_signal_add (SIGINT, signal_cb, &self);
  sources[1] = g_unix_signal_add (SIGTERM, signal_cb, &self);
  sources[2] = g_unix_signal_add (SIGHUP, signal_cb, &self);
  sources[3] = g_unix_signal_add (SIGWINCH, resized_cb, &self);
  status = host_client_run (self.client, target, make_request ());
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  *again = asks_for_another (self.client);
  host_client_free (self.client);
  return status;
}

static int
run (int argc, char **argv)
{
  gboolean again = TRUE;
  int status = HOST_EXIT_OK;

  if (argc != 2)
    {
      host_complain (_("one TARGET is needed; see %s --help"), g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  while (again)
    {
      status = connect_once (argv[1], &again);
      g_clear_pointer (&taken, g_free); /* another one is a new one */
    }
  return status;
}

static gboolean
take_over_cb (const char *name, const char *value, gpointer data, GError **error)
{
  g_free (taken);
  taken = g_strdup (value != NULL ? value : "");
  return TRUE;
}

static const GOptionEntry options[] = {
  { "take-over", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, (gpointer) take_over_cb,
    N_("go on with a session of yours whose client is gone (the last, or this one)"), N_("SESSION") },
  G_OPTION_ENTRY_NULL,
};

const HostVerb host_verb_connect = {
  .name = "connect",
  .arguments = N_("TARGET"),
  .summary = N_("a terminal on another machine"),
  .description = N_("Opens a terminal on another machine. Enter ~ . ends it, Enter ~ ? lists the escapes."),
  .options = { options, host_client_options },
  .words = HOST_WORDS_TARGET,
  .max_arguments = 1,
  .run = run,
};
