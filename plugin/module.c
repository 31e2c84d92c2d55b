/* The module's one exported symbol, and the wiring of its rooms. */
#include "control/control.h"
#include "mux-quic-config.h"

#include <glib/gi18n-lib.h>
#include <gmodule.h>
#include <mux/transport.h>

typedef struct
{
  const MuxHost *host;
  MuxTransport *transport;
  Control *control;
} Plugin;

static gpointer
activate (const MuxHost *host, GError **error)
{
  Plugin *plugin;

  if (MUX_ABI_MAJOR_OF (host->abi) != MUX_ABI_MAJOR || !MUX_HAS (host, progress) || host->application == NULL
      || host->register_transport == NULL)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED,
                   _("The host is of another ABI, or names no application"));
      return NULL;
    }
  plugin = g_new0 (Plugin, 1);
  plugin->host = host;
  plugin->transport = transport_new (host);
  plugin->control = control_new (plugin->transport);
  host->register_transport (host->user_data, "quic", &transport_ops, plugin->transport);
  return plugin;
}

static void
deactivate (gpointer data)
{
  Plugin *plugin = data;

  if (plugin->host->unregister_transport != NULL)
    plugin->host->unregister_transport (plugin->host->user_data, plugin->transport);
  control_free (plugin->control);
  transport_free (plugin->transport);
  g_free (plugin);
}

static MuxPluginDesc description = {
  .struct_size = sizeof description,
  .abi = MUX_ABI,
  .name = "mux-quic",
  .version = PACKAGE_VERSION,
  .activate = activate,
  .deactivate = deactivate,
};

G_MODULE_EXPORT const MuxPluginDesc *mux_plugin_query (guint32 host_abi);

const MuxPluginDesc *
mux_plugin_query (guint32 host_abi)
{
  description.description = _("QUIC transport for terminal multiplexers");
  return MUX_ABI_MAJOR_OF (host_abi) == MUX_ABI_MAJOR ? &description : NULL;
}
