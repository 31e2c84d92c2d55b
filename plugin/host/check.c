#include "host/json.h"
#include "host/loader.h"
#include "host/verb.h"

#include <glib/gi18n.h>

static char *plugin;

static const GOptionEntry options[] = {
  { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, N_("the plugin's module"), N_("FILE") },
  G_OPTION_ENTRY_NULL,
};

/* "FILE:LINE: text"; of a file that cannot be read there is no line. */
static GVariant *
split_problem (const char *text, gboolean warning)
{
  /* The names of files need not be UTF-8. */
  g_autofree char *problem = g_utf8_make_valid (text, -1);
  g_autoptr (GRegex) regex = g_regex_new ("^(.+?):([0-9]+): (.*)$", G_REGEX_DOTALL, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "severity", "s", warning ? "warning" : "error");
  if (g_regex_match (regex, problem, 0, &match))
    {
      g_autofree char *file = g_match_info_fetch (match, 1);
      g_autofree char *line = g_match_info_fetch (match, 2);
      g_autofree char *message = g_match_info_fetch (match, 3);

      g_variant_dict_insert (&dict, "file", "s", file);
      g_variant_dict_insert (&dict, "line", "t", g_ascii_strtoull (line, NULL, 10));
      g_variant_dict_insert (&dict, "message", "s", message);
    }
  else
    g_variant_dict_insert (&dict, "message", "s", problem);
  return g_variant_dict_end (&dict);
}

static void
print_json (char **problems, guint n_warnings)
{
  GVariantBuilder list;
  GVariantDict dict;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; problems[i] != NULL; i++)
    g_variant_builder_add_value (&list, split_problem (problems[i], i < n_warnings));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "problems", g_variant_builder_end (&list));
  host_json_print (g_variant_dict_end (&dict));
}

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
  if (host_json_wanted ())
    print_json (problems, n_warnings);
  else
    for (guint i = 0; problems[i] != NULL; i++)
      g_printerr ("%s\n", problems[i]);
  return g_strv_length (problems) > n_warnings ? HOST_EXIT_FAILURE : HOST_EXIT_OK;
}

const HostVerb host_verb_check = {
  .name = "check",
  .arguments = N_("[FILE]"),
  .summary = N_("what is wrong with a configuration"),
  .description = N_("Says everything that is wrong with a configuration; nothing when it is right."),
  .options = { host_json_options, options },
  .words = HOST_WORDS_FILE,
  .max_arguments = 1,
  .run = run,
};
