/* A host in one page: loads the module, dials a target, opens a channel and copies bytes, as `ssh TARGET
 * COMMAND` would.
 *
 *   cc mux-copy.c $(pkg-config --cflags --libs mux-plugin-1 gmodule-2.0 gio-unix-2.0) -o mux-copy
 *   ./mux-copy "$(pkg-config --variable=transportdir mux-plugin-1)/mux-quic.so" alice@work.example.org uname
 * -a
 *
 * Everything happens on one GMainContext, here the default one; no thread is needed. */
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <gmodule.h>
#include <mux/transport.h>

static GMainLoop *loop;
static const MuxTransportOps *ops; /* what the plugin registered */
static MuxTransport *transport;
static const MuxSessionOps *sessions;
static MuxSession *session;
static GIOStream *channel;
static gboolean exited, drained;
static int status = 255;

static void
fail (const char *what, const GError *error)
{
  g_printerr ("mux-copy: %s: %s\n", what, error->message);
  g_main_loop_quit (loop);
}

/* What a plugin says to its host. */

static void
register_transport (gpointer data, const char *name, const MuxTransportOps *its_ops,
                    MuxTransport *its_transport)
{
  ops = its_ops;
  transport = its_transport;
  sessions = ops->session_ops (transport);
}

static void
unregister_transport (gpointer data, MuxTransport *its_transport)
{
  transport = NULL;
}

static void
channel_event (gpointer data, MuxSession *of, GIOStream *stream, const char *event, GVariant *details)
{
  gint32 code;

  if (g_str_equal (event, "exited") && g_variant_lookup (details, "status", "i", &code))
    status = code;
  else if (!g_str_equal (event, "closed")) /* without an exit status: not all services are programs */
    return;
  exited = TRUE;
  if (drained)
    g_main_loop_quit (loop);
}

static void
session_changed (gpointer data, MuxSession *of, MuxSessionState state, const GError *error)
{
  /* While it is AWAY the plugin dials again by itself; nothing is lost, reading and writing just wait. */
  if (state != MUX_SESSION_CLOSED)
    return;
  if (error != NULL)
    fail ("the session", error);
  g_main_loop_quit (loop);
}

/* Dial, open, copy: each ends in the next. */

static void
drained_cb (GObject *output, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  drained = TRUE;
  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (output), result, &error) < 0)
    fail ("reading", error);
  else if (exited)
    g_main_loop_quit (loop);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  g_autoptr (GOutputStream) output = g_unix_output_stream_new (1, FALSE);

  channel = sessions->open_channel_finish (session, result, &error);
  if (channel == NULL)
    {
      fail ("opening a channel", error);
      return;
    }
  /* Closing the channel's output is a half-close: the program reads end of file, and goes on writing. */
  g_output_stream_splice_async (g_io_stream_get_output_stream (channel), input,
                                G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_output_stream_splice_async (output, g_io_stream_get_input_stream (channel), G_OUTPUT_STREAM_SPLICE_NONE,
                                G_PRIORITY_DEFAULT, NULL, drained_cb, NULL);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer command)
{
  g_autoptr (GError) error = NULL;
  GVariantDict request;

  session = ops->connect_finish (transport, result, &error);
  if (session == NULL)
    {
      fail ("connecting", error);
      return;
    }
  g_variant_dict_init (&request, NULL);
  g_variant_dict_insert (&request, "service", "s", "exec");
  g_variant_dict_insert (&request, "argv", "^as", command);
  sessions->open_channel_async (session, g_variant_dict_end (&request), NULL, opened_cb, NULL);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_main_loop_quit (loop);
}

int
main (int argc, char **argv)
{
  MuxHost host = { .struct_size = sizeof host, .abi = MUX_ABI, .application = "mux-quic" };
  g_autoptr (GError) error = NULL;
  const MuxPluginDesc *plugin;
  MuxPluginQuery query;
  GModule *module;
  gpointer state;

  if (argc < 4)
    {
      g_printerr ("usage: mux-copy MODULE TARGET COMMAND [ARGUMENT...]\n");
      return 2;
    }
  host.register_transport = register_transport;
  host.unregister_transport = unregister_transport;
  host.channel_event = channel_event;
  host.session_changed = session_changed;
  module = g_module_open (argv[1], G_MODULE_BIND_LOCAL);
  if (module == NULL || !g_module_symbol (module, MUX_PLUGIN_QUERY_SYMBOL, (gpointer *)&query))
    g_error ("%s", g_module_error ());
  plugin = query (MUX_ABI);
  if (plugin == NULL)
    g_error ("%s is of another version", argv[1]);
  loop = g_main_loop_new (NULL, FALSE);
  state = plugin->activate (&host, &error);
  if (state == NULL)
    g_error ("%s", error->message);
  ops->connect_async (transport, argv[2], NULL, NULL, connected_cb, argv + 3);
  g_main_loop_run (loop);
  g_clear_object (&channel);
  if (session != NULL)
    {
      /* Say goodbye, or the other side keeps the session for us. */
      sessions->close_async (session, closed_cb, NULL);
      g_main_loop_run (loop);
      sessions->unref (session);
    }
  plugin->deactivate (state);
  g_main_loop_unref (loop);
  return status;
}
