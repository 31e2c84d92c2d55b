#include "host/loader.h"
#include "host/verb.h"

#include <glib/gi18n.h>

int
host_verb_check (int argc, char **argv)
{
  g_autofree char *plugin = NULL;
  const GOptionEntry entries[] = {
    { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, N_("the plugin's module"), N_("FILE") },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (_("[FILE]"));
  g_autoptr (HostLoader) loader = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) problems = NULL;
  guint n_warnings = 0;
  MuxHost host;
  int status;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, _("Says everything that is wrong with a configuration; nothing when it is right."));
  if (!host_parse_options (context, &argc, &argv, &status))
    return status;
  if (argc > 2)
    {
      host_complain (_("one file at a time; see %s --help"), g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  loader = host_loader_new ();
  host_loader_fill (loader, &host, NULL);
  host.config_path = argc > 1 ? argv[1] : NULL;
  if (!host_loader_load (loader, &host, plugin, &error))
    {
      host_complain ("%s", error->message);
      return HOST_EXIT_FAILURE;
    }
  problems = host_loader_ops (loader)->check (host_loader_transport (loader), host.config_path, &n_warnings);
  for (guint i = 0; problems[i] != NULL; i++)
    g_printerr ("%s\n", problems[i]);
  return g_strv_length (problems) > n_warnings ? HOST_EXIT_FAILURE : HOST_EXIT_OK;
}
