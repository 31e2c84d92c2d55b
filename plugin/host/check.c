#include "host/loader.h"
#include "host/verb.h"

#include <glib/gi18n.h>

static char *plugin;

static const GOptionEntry options[] = {
  { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, N_("the plugin's module"), N_("FILE") },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  g_autoptr (HostLoader) loader = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) problems = NULL;
  guint n_warnings = 0;
  MuxHost host;

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

const HostVerb host_verb_check = {
  .name = "check",
  .arguments = N_("[FILE]"),
  .summary = N_("what is wrong with a configuration"),
  .description = N_("Says everything that is wrong with a configuration; nothing when it is right."),
  .options = { options },
  .words = HOST_WORDS_FILE,
  .max_arguments = 1,
  .run = run,
};
