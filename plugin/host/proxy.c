/* `mux-quic proxy`: bytes between standard input and output and a service. Input and output may be the same socket. */
#include "host/client.h"
#include "host/verb.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  HostFeed *feed;
  HostDrain *drain;
} Proxy;

static void
progress_cb (HostDrain *drain, guint64 count, gpointer client)
{
  host_client_confirm (client, host_client_channel (client), count);
}

/* The service says no more. What we may still have to say it does not hear: a service that half-closes and goes on listening is none that
 * people use through a proxy, and waiting for an input that nobody ends would keep ssh from ending. */
static void
drained_cb (HostDrain *drain, const GError *error, gboolean writing, gpointer client)
{
  if (error == NULL)
    {
      shutdown (STDOUT_FILENO, SHUT_WR);
      host_client_quit (client, HOST_EXIT_OK, NULL);
    }
  else if (writing)
    host_client_quit (client, HOST_EXIT_FAILURE, NULL); /* nobody reads any more, nobody to tell */
  else
    host_client_quit_lost (client, error->message);
}

static void
fed_cb (HostFeed *feed, const GError *error, gpointer client)
{
  /* The end of the input is passed on; the service answers what it still has, and its end is ours. */
  if (error != NULL)
    g_debug ("standard input: %s", error->message);
}

static void
opened (HostClient *client, gpointer data)
{
  Proxy *proxy = data;
  GIOStream *channel = host_client_channel (client);

  host_client_hold (client);
  proxy->feed = host_feed_new (STDIN_FILENO, g_io_stream_get_output_stream (channel), fed_cb, client);
  proxy->drain
      = host_drain_new (g_io_stream_get_input_stream (channel), STDOUT_FILENO, progress_cb, drained_cb, client);
}

static void
ending (HostClient *client, gpointer data)
{
  Proxy *proxy = data;

  g_clear_pointer (&proxy->feed, host_feed_free);
  g_clear_pointer (&proxy->drain, host_drain_free);
}

static const HostClientEvents events = { .opened = opened, .ending = ending };

/* As ssh ends its ProxyCommand. Without a goodbye the other side would keep the session and its program for this client, who cannot come
 * back: its input and output are gone. */
static gboolean
interrupt_cb (gpointer client)
{
  host_client_quit (client, 128 + SIGINT, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
terminate_cb (gpointer client)
{
  host_client_quit (client, 128 + SIGTERM, NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
hang_up_cb (gpointer client)
{
  host_client_quit (client, 128 + SIGHUP, NULL);
  return G_SOURCE_CONTINUE;
}

static int
run (int argc, char **argv)
{
  HostClient *client;
  Proxy proxy = { 0 };
  guint sources[3];
  int status;

  if (argc != 2)
    {
      host_complain (_("one TARGET is needed; see %s --help"), g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  client = host_client_new (&events, &proxy, &status);
  if (client == NULL)
    return status;
  sources[0] = g_unix_signal_add (SIGINT, interrupt_cb, client);
  sources[1] = g_unix_signal_add (SIGTERM, terminate_cb, client);
  sources[2] = g_unix_signal_add (SIGHUP, hang_up_cb, client);
  status = host_client_run (client, argv[1], g_variant_new ("a{sv}", NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  host_client_free (client);
  return status;
}

const HostVerb host_verb_proxy = {
  .name = "proxy",
  .arguments = N_("TARGET"),
  .summary = N_("standard input and output to a service there"),
  .description = N_("Carries bytes between standard input and output and a service of another machine."),
  .options = { host_client_options },
  .words = HOST_WORDS_TARGET,
  .max_arguments = 1,
  .run = run,
};
