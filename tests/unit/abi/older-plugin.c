/* A plugin of version 1.0, for the program of today: behind its operations there is nothing. It serves
 * nowhere and connects to nobody. */
#include <gmodule.h>
#include <mux/transport.h>

#include "unit/abi/edge.h"
#include "unit/abi/layout.h"

static gboolean
start (MuxTransport *transport, GError **error)
{
  return TRUE;
}

static void
stop_async (MuxTransport *transport, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
reload (MuxTransport *transport, GError **error)
{
  return TRUE;
}

static void
connect_async (MuxTransport *transport, const char *target, GVariant *options, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_return_new_error (task, MUX_ERROR, MUX_ERROR_UNREACHABLE, "nobody is at %s", target);
}

static MuxSession *
connect_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static const MuxSessionOps *
session_ops (MuxTransport *transport)
{
  MuxSessionOps *ops = abi_at_edge (ABI_SESSION_OPS_SIZE);

  ops->struct_size = ABI_SESSION_OPS_SIZE;
  return ops;
}

static GVariant *
describe (MuxTransport *transport)
{
  return g_variant_ref_sink (
      g_variant_new_parsed ("{'version': <'1.0'>, 'listeners': <[{'address': <'nowhere'>}]>}"));
}

static char **
check (MuxTransport *transport, const char *path, guint *n_warnings)
{
  *n_warnings = 0;
  return g_strsplit (path, "\n", 0);
}

static GVariant *
dup_setting (MuxTransport *transport, const char *name)
{
  return NULL;
}

static gpointer
activate (const MuxHost *host, GError **error)
{
  MuxTransportOps *ops = abi_at_edge (ABI_TRANSPORT_OPS_SIZE);

  ops->struct_size = ABI_TRANSPORT_OPS_SIZE;
  ops->start = start;
  ops->stop_async = stop_async;
  ops->stop_finish = stop_finish;
  ops->reload = reload;
  ops->connect_async = connect_async;
  ops->connect_finish = connect_finish;
  ops->session_ops = session_ops;
  ops->describe = describe;
  ops->check = check;
  ops->dup_setting = dup_setting;
  host->register_transport (host->user_data, "older", ops, (MuxTransport *)ops);
  return ops;
}

static void
deactivate (gpointer plugin)
{
}

static const MuxPluginDesc description = {
  .struct_size = sizeof description,
  .abi = ABI_1_0,
  .name = "older-plugin",
  .version = "1.0",
  .description = "A plugin of version 1.0",
  .activate = activate,
  .deactivate = deactivate,
};

G_MODULE_EXPORT const MuxPluginDesc *mux_plugin_query (guint32 host_abi);

const MuxPluginDesc *
mux_plugin_query (guint32 host_abi)
{
  return &description;
}
