/* A host of version 1.0 loads the module of today and serves by it; behind its MuxHost there is nothing.
 * usage: older-host --tap MODULE by way of MUX_QUIC_MODULE. */
#include <glib/gstdio.h>
#include <gmodule.h>
#include <mux/transport.h>

#include "unit/abi/edge.h"
#include "unit/abi/layout.h"

typedef struct
{
  const MuxTransportOps *ops;
  MuxTransport *transport;
  guint progress;
  GAsyncResult *result;
} Older;

static void
register_transport (gpointer data, const char *name, const MuxTransportOps *ops, MuxTransport *transport)
{
  Older *older = data;

  g_assert_cmpstr (name, ==, "quic");
  older->ops = ops;
  older->transport = transport;
}

static void
unregister_transport (gpointer data, MuxTransport *transport)
{
  ((Older *)data)->transport = NULL;
}

static void
progress (gpointer data, const char *message)
{
  ((Older *)data)->progress++;
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ((Older *)data)->result = g_object_ref (result);
}

static void
wait_for_result (Older *older)
{
  while (older->result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
go_round (Older *older)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) described = NULL;
  g_auto (GStrv) problems = NULL;
  guint n_warnings;

  older->ops->start (older->transport, &error);
  g_assert_no_error (error);
  described = older->ops->describe (older->transport);
  g_assert_true (g_variant_lookup (described, "listeners", "aa{sv}", NULL));
  older->ops->reload (older->transport, &error);
  g_assert_no_error (error);
  problems = older->ops->check (older->transport, NULL, &n_warnings);
  g_assert_cmpuint (g_strv_length (problems), ==, 0);
  /* Nobody is there: it says what it does, and then why it failed. */
  older->ops->connect_async (older->transport, "nobody", NULL, NULL, done_cb, older);
  wait_for_result (older);
  g_assert_null (older->ops->connect_finish (older->transport, older->result, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_ENROLMENT);
  g_assert_cmpuint (older->progress, >, 0);
  g_clear_object (&older->result);
  g_clear_error (&error);
  older->ops->stop_async (older->transport, done_cb, older);
  wait_for_result (older);
  older->ops->stop_finish (older->transport, older->result, &error);
  g_assert_no_error (error);
  g_clear_object (&older->result);
}

static void
test_serves (void)
{
  Older older = { 0 };
  MuxHost *host = abi_at_edge (ABI_HOST_SIZE);
  g_autofree char *config = g_build_filename (g_getenv ("HOME"), "config.lua", NULL);
  g_autoptr (GError) error = NULL;
  MuxPluginQuery query = NULL;
  const MuxPluginDesc *plugin;
  GModule *module;
  gpointer state;

  g_assert_true (g_file_set_contents (
      config,
      "return {quic_servers = {{bind_address = '127.0.0.1:0'}}, quic_clients = {{name = 'nobody',"
      " remote_address = '127.0.0.1:9', enroll_command = {'false'}}}}",
      -1, &error));
  host->struct_size = ABI_HOST_SIZE;
  host->abi = ABI_1_0;
  host->user_data = &older;
  host->application = "older-host";
  host->config_path = config;
  host->register_transport = register_transport;
  host->unregister_transport = unregister_transport;
  host->progress = progress;
  module = g_module_open (g_getenv ("MUX_QUIC_MODULE"), G_MODULE_BIND_LOCAL);
  if (module == NULL || !g_module_symbol (module, MUX_PLUGIN_QUERY_SYMBOL, (gpointer *)&query))
    g_error ("%s", g_module_error ());
  plugin = query (ABI_1_0);
  g_assert_nonnull (plugin);
  state = plugin->activate (host, &error);
  g_assert_no_error (error);
  g_assert_true (MUX_HAS (older.ops, dup_setting));
  go_round (&older);
  plugin->deactivate (state);
  g_assert_null (older.transport);
}

/* A host that is too old to have what the module needs is told so. */
static void
test_too_short (void)
{
  MuxHost *host = abi_at_edge (ABI_HOST_SIZE);
  g_autoptr (GError) error = NULL;
  MuxPluginQuery query = NULL;
  GModule *module = g_module_open (g_getenv ("MUX_QUIC_MODULE"), G_MODULE_BIND_LOCAL);

  g_assert_true (module != NULL && g_module_symbol (module, MUX_PLUGIN_QUERY_SYMBOL, (gpointer *)&query));
  g_assert_null (query (0x20000u));
  host->struct_size = ABI_HOST_SIZE - sizeof (gpointer);
  host->abi = ABI_1_0;
  host->application = "older-host";
  host->register_transport = register_transport;
  g_assert_null (query (ABI_1_0)->activate (host, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_FAILED);
}

int
main (int argc, char **argv)
{
  g_autofree char *home = g_dir_make_tmp ("mux-quic-abi-XXXXXX", NULL);
  const char *const remove[] = { "rm", "-rf", "--", home, NULL };
  int status;

  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("XDG_CONFIG_HOME", home, TRUE);
  g_setenv ("XDG_RUNTIME_DIR", home, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/abi/older-host/serves", test_serves);
  g_test_add_func ("/abi/older-host/too-short", test_too_short);
  status = g_test_run ();
  g_spawn_sync (NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  return status;
}
