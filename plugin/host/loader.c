#include "host/loader.h"

#include "mux-quic-config.h"

#include <glib/gi18n.h>
#include <gmodule.h>
#include <string.h>

#define FILE_NAME "mux-quic." G_MODULE_SUFFIX

struct _HostLoader
{
  gpointer user_data;
  const MuxPluginDesc *plugin;
  gpointer state; /* of the activated plugin */
  const MuxTransportOps *ops;
  MuxTransport *transport;
};

HostLoader *
host_loader_new (void)
{
  return g_new0 (HostLoader, 1);
}

static void
register_transport (gpointer data, const char *name, const MuxTransportOps *ops, MuxTransport *transport)
{
  HostLoader *loader = data;

  loader->ops = ops;
  loader->transport = transport;
}

static void
unregister_transport (gpointer data, MuxTransport *transport)
{
  HostLoader *loader = data;

  loader->ops = NULL;
  loader->transport = NULL;
}

void
host_loader_fill (HostLoader *loader, MuxHost *host, gpointer user_data)
{
  loader->user_data = user_data;
  *host = (MuxHost){
    .struct_size = sizeof *host,
    .abi = MUX_ABI,
    .user_data = loader,
    .application = "mux-quic",
    .register_transport = register_transport,
    .unregister_transport = unregister_transport,
  };
}

gpointer
host_loader_user_data (gpointer loader)
{
  return ((HostLoader *) loader)->user_data;
}

/* From the build directory the program runs beside its own module, not an installed one. */
static char *
find_module (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *directory = self == NULL ? NULL : g_path_get_dirname (self);
  g_autofree char *beside = directory == NULL ? NULL : g_build_filename (directory, "..", FILE_NAME, NULL);

  if (beside != NULL && g_file_test (beside, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer (&beside);
  return g_build_filename (TRANSPORT_DIR, FILE_NAME, NULL);
}

gboolean
host_loader_load (HostLoader *loader, const MuxHost *host, const char *path, GError **error)
{
  g_autofree char *found = path != NULL ? g_strdup (path) : find_module ();
  MuxPluginQuery query = NULL;
  GModule *module = g_module_open (found, G_MODULE_BIND_LOCAL);

  if (module == NULL || !g_module_symbol (module, MUX_PLUGIN_QUERY_SYMBOL, (gpointer *) &query) || query == NULL)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("cannot load the plugin %s: %s"), found, g_module_error ());
      return FALSE;
    }
  loader->plugin = query (MUX_ABI);
  if (loader->plugin == NULL || MUX_ABI_MAJOR_OF (loader->plugin->abi) != MUX_ABI_MAJOR)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("the plugin %s is of another version; install both together"), found);
      return FALSE;
    }
  loader->state = loader->plugin->activate (host, error);
  if (loader->state == NULL)
    return FALSE;
  if (loader->transport == NULL)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("the plugin %s registered no transport"), found);
      return FALSE;
    }
  return TRUE;
}

void
host_loader_free (HostLoader *loader)
{
  if (loader->state != NULL)
    loader->plugin->deactivate (loader->state);
  g_free (loader);
}

const MuxTransportOps *
host_loader_ops (HostLoader *loader)
{
  return loader->ops;
}

MuxTransport *
host_loader_transport (HostLoader *loader)
{
  return loader->transport;
}

const MuxSessionOps *
host_loader_session_ops (HostLoader *loader)
{
  return loader->ops->session_ops (loader->transport);
}
