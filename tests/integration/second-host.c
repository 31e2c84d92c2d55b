/* A second host, on the ABI alone: serves an echo, dials itself through the plugin, and compares what comes back.
 * usage: second-host MODULE CONFIG TARGET; prints "echoed N bytes" and exits 0, or says what went wrong. */
#include <gmodule.h>
#include <mux/transport.h>
#include <stdlib.h>
#include <string.h>

#define TOTAL (1 << 20)

typedef struct
{
  GMainLoop *loop;
  const MuxTransportOps *ops;
  const MuxSessionOps *sessions;
  MuxTransport *transport;
  MuxSession *session;
  GBytes *data;
  int status;
} SecondHost;

static void
finish (SecondHost *self, const char *what, GError *error)
{
  if (error != NULL)
    g_printerr ("second-host: %s: %s\n", what, error->message);
  self->status = error != NULL;
  g_clear_error (&error);
  g_main_loop_quit (self->loop);
}

static void
register_transport (gpointer data, const char *name, const MuxTransportOps *ops, MuxTransport *transport)
{
  SecondHost *self = data;

  g_assert (MUX_HAS (ops, dup_setting));
  self->ops = ops;
  self->transport = transport;
  self->sessions = ops->session_ops (transport);
}

static void
unregister_transport (gpointer data, MuxTransport *transport)
{
  ((SecondHost *) data)->transport = NULL;
}

static void
echo_done_cb (GObject *output, GAsyncResult *result, gpointer channel)
{
  g_output_stream_splice_finish (G_OUTPUT_STREAM (output), result, NULL);
  g_object_unref (channel);
}

static void
channel_opened (gpointer data, MuxSession *session, GVariant *request, GIOStream *channel)
{
  SecondHost *self = data;

  self->sessions->accept_channel (session, channel);
  g_output_stream_splice_async (g_io_stream_get_output_stream (channel), g_io_stream_get_input_stream (channel),
                                G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT, NULL, echo_done_cb,
                                g_object_ref (channel));
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  SecondHost *self = data;
  GError *error = NULL;

  self->ops->stop_finish (self->transport, result, &error);
  finish (self, "stop", error);
}

static void
received_cb (GObject *memory, GAsyncResult *result, gpointer data)
{
  SecondHost *self = data;
  GError *error = NULL;
  g_autoptr (GBytes) back = NULL;

  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (memory), result, &error) < 0)
    {
      finish (self, "read", error);
      return;
    }
  back = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
  if (!g_bytes_equal (back, self->data))
    g_set_error (&error, MUX_ERROR, MUX_ERROR_FAILED, "%zu bytes came back, not the same", g_bytes_get_size (back));
  if (error != NULL)
    {
      finish (self, "echo", error);
      return;
    }
  g_print ("echoed %zu bytes\n", g_bytes_get_size (back));
  self->ops->stop_async (self->transport, stopped_cb, self);
}

static void
sent_cb (GObject *output, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (output), result, NULL, &error))
    finish (data, "write", error);
  else
    g_output_stream_close_async (G_OUTPUT_STREAM (output), G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  SecondHost *self = data;
  GError *error = NULL;
  GIOStream *channel = self->sessions->open_channel_finish (self->session, result, &error);
  g_autoptr (GOutputStream) memory = NULL;

  if (channel == NULL)
    {
      finish (self, "open", error);
      return;
    }
  memory = g_memory_output_stream_new_resizable ();
  g_object_set_data_full (G_OBJECT (memory), "channel", channel, g_object_unref);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (channel), g_bytes_get_data (self->data, NULL), TOTAL,
                                   G_PRIORITY_DEFAULT, NULL, sent_cb, self);
  g_output_stream_splice_async (memory, g_io_stream_get_input_stream (channel), G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                G_PRIORITY_DEFAULT, NULL, received_cb, self);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  SecondHost *self = data;
  GError *error = NULL;

  self->session = self->ops->connect_finish (self->transport, result, &error);
  if (self->session == NULL)
    finish (self, "connect", error);
  else
    self->sessions->open_channel_async (self->session, NULL, NULL, opened_cb, self);
}

/* The enrolment command is a child that asks us over the control socket, so the loop must run while it does. */
static void
dial (SecondHost *self, const char *target)
{
  g_autoptr (GVariant) status = g_variant_ref_sink (self->ops->describe (self->transport));
  g_autoptr (GVariant) listeners = g_variant_lookup_value (status, "listeners", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) first = g_variant_get_child_value (listeners, 0);
  const char *address = NULL;

  g_assert (g_variant_lookup (first, "address", "&s", &address));
  g_print ("serving %s\n", address);
  self->ops->connect_async (self->transport, target, NULL, NULL, connected_cb, self);
}

int
main (int argc, char **argv)
{
  SecondHost self = { 0 };
  MuxHost host = {
    .struct_size = sizeof host,
    .abi = MUX_ABI,
    .user_data = &self,
    .application = "second-host",
    .register_transport = register_transport,
    .unregister_transport = unregister_transport,
    .channel_opened = channel_opened,
  };
  MuxPluginQuery query = NULL;
  const MuxPluginDesc *plugin;
  gpointer state;
  GError *error = NULL;
  guint8 *bytes = g_malloc (TOTAL);
  GModule *module;

  g_assert (argc == 4);
  for (gsize i = 0; i < TOTAL; i++)
    bytes[i] = (guint8) (i * 2654435761u >> 13);
  self.data = g_bytes_new_take (bytes, TOTAL);
  self.loop = g_main_loop_new (NULL, FALSE);
  host.config_path = argv[2];
  module = g_module_open (argv[1], G_MODULE_BIND_LOCAL);
  if (module == NULL || !g_module_symbol (module, MUX_PLUGIN_QUERY_SYMBOL, (gpointer *) &query))
    g_error ("%s", g_module_error ());
  g_assert (query ((guint32) (MUX_ABI_MAJOR + 1) << 16) == NULL);
  plugin = query (MUX_ABI);
  g_assert (plugin != NULL && MUX_ABI_MAJOR_OF (plugin->abi) == MUX_ABI_MAJOR);
  state = plugin->activate (&host, &error);
  if (state == NULL)
    finish (&self, "activate", error);
  else
    {
      if (!self.ops->start (self.transport, &error))
        finish (&self, "start", error);
      else
        {
          dial (&self, argv[3]);
          g_main_loop_run (self.loop);
        }
      if (self.session != NULL)
        self.sessions->unref (self.session);
      plugin->deactivate (state);
    }
  g_bytes_unref (self.data);
  g_main_loop_unref (self.loop);
  return self.status;
}
