/* `mux-quic doctor`: what is wrong on this machine and, with a target, on the way there. */
#include "host/doctor.h"

#include "host/control-client.h"
#include "host/json.h"
#include "host/loader.h"
#include "host/progress.h"
#include "host/style.h"
#include "host/verb.h"

#include <glib/gi18n.h>
#include <unistd.h>

static char *config, *plugin;

static const GOptionEntry options[] = {
  { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config, N_("configuration file"), N_("FILE") },
  { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, N_("the plugin's module"), N_("FILE") },
  G_OPTION_ENTRY_NULL,
};

static const struct
{
  const char *level;
  const char *label; /* N_() */
  HostStyle style;
} levels[] = {
  { "ok", N_("ok"), HOST_STYLE_GOOD },
  { "note", N_("note"), HOST_STYLE_PLAIN },
  { "warning", N_("warning"), HOST_STYLE_WARNING },
  { "error", N_("error"), HOST_STYLE_BAD },
};

static guint
count (GPtrArray *findings, const char *level)
{
  guint n = 0;

  for (guint i = 0; i < findings->len; i++)
    {
      const char *one = "";

      g_variant_lookup (findings->pdata[i], "level", "&s", &one);
      n += g_str_equal (one, level);
    }
  return n;
}

/* On one line, whatever it is made of. */
static char *
one_line (const char *text)
{
  return g_strdelimit (host_make_harmless (text), "\n", ' ');
}

static void
print_level (const char *level)
{
  gboolean colors = host_style_enabled (STDOUT_FILENO);

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (levels[i].level, level))
      g_print ("%s%s%s", host_style_begin (levels[i].style, colors), _(levels[i].label),
               host_style_end (levels[i].style, colors));
}

static void
print_finding (GVariant *finding)
{
  const char *level = "", *check = "", *found = "", *remedy = NULL;
  g_autofree char *line = NULL;

  g_variant_lookup (finding, "level", "&s", &level);
  g_variant_lookup (finding, "check", "&s", &check);
  g_variant_lookup (finding, "found", "&s", &found);
  g_variant_lookup (finding, "remedy", "&s", &remedy);
  line = one_line (found);
  print_level (level);
  g_print (": %s: %s\n", check, line);
  if (remedy != NULL)
    {
      g_autofree char *fix = one_line (remedy);

      g_print ("    %s\n", fix);
    }
}

static void
print_findings (GPtrArray *findings)
{
  guint errors = count (findings, "error"), warnings = count (findings, "warning");
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  for (guint i = 0; i < findings->len; i++)
    print_finding (findings->pdata[i]);
  first = g_strdup_printf (ngettext ("%u error", "%u errors", errors), errors);
  second = g_strdup_printf (ngettext ("%u warning", "%u warnings", warnings), warnings);
  g_print ("\n%s, %s\n", first, second);
}

static void
print_json (GPtrArray *findings)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "errors", "u", count (findings, "error"));
  g_variant_dict_insert (&dict, "warnings", "u", count (findings, "warning"));
  g_variant_dict_insert_value (
      &dict, "findings",
      g_variant_new_array (G_VARIANT_TYPE_VARDICT, (GVariant **)findings->pdata, findings->len));
  host_json_print (g_variant_dict_end (&dict));
}

/* The plugin's half */

typedef struct
{
  GMainLoop *loop;
  GAsyncResult *result;
} Waiting;

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;

  waiting->result = g_object_ref (result);
  g_main_loop_quit (waiting->loop);
}

/* An address that does not answer takes some seconds. */
static void
progress (gpointer loader, const char *message)
{
  host_progress_set (host_loader_user_data (loader), message);
}

static GVariant *
diagnose (HostLoader *loader, const char *target, const HostDoctorHost *here, GError **error)
{
  const MuxTransportOps *ops = host_loader_ops (loader);
  MuxTransport *transport = host_loader_transport (loader);
  Waiting waiting = { .loop = g_main_loop_new (NULL, FALSE) };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  GVariant *found;

  g_variant_dict_insert (&dict, "running", "b", here->running);
  g_variant_dict_insert (&dict, "taken", "b", here->running || host_doctor_is_awaited ());
  if (here->config != NULL)
    g_variant_dict_insert (&dict, "config", "s", here->config);
  ops->diagnose_async (transport, target, g_variant_dict_end (&dict), NULL, found_cb, &waiting);
  g_main_loop_run (waiting.loop);
  g_main_loop_unref (waiting.loop);
  found = ops->diagnose_finish (transport, waiting.result, error);
  g_object_unref (waiting.result);
  return found;
}

static void
examine_plugin (GPtrArray *findings, const char *target, const HostDoctorHost *here)
{
  HostProgress *shown = host_progress_new (_("looking"));
  g_autoptr (HostLoader) loader = host_loader_new ();
  g_autoptr (GVariant) found = NULL;
  g_autoptr (GError) error = NULL;
  MuxHost host;

  host_loader_fill (loader, &host, shown);
  host.application = host_control_application ();
  host.system_mode = host_control_is_system ();
  host.config_path = config;
  host.progress = progress;
  if (!host_loader_load (loader, &host, plugin, &error))
    host_doctor_add (findings, "error", "plugin", _("install the program and its plugin together"), "%s",
                     error->message);
  else if (!MUX_HAS (host_loader_ops (loader), diagnose_finish))
    host_doctor_add (findings, "error", "plugin", _("install the program and its plugin together"),
                     _("the plugin is older than this program and cannot look at anything"));
  else if ((found = diagnose (loader, target, here, &error)) == NULL)
    host_doctor_add (findings, "error", "plugin", NULL, "%s", error->message);
  host.progress = NULL;
  host_progress_free (shown);
  for (gsize i = 0; found != NULL && i < g_variant_n_children (found); i++)
    g_ptr_array_add (findings, g_variant_get_child_value (found, i));
}

static int
run (int argc, char **argv)
{
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  HostDoctorHost here;

  host_doctor_host (findings, &here);
  host_doctor_files (findings, here.pid);
  host_doctor_service (findings, here.running);
  /* Who asks for no file and no target means the host as it runs. */
  if (config == NULL && argc == 1 && here.config != NULL && *here.config != '\0')
    config = g_strdup (here.config);
  host_doctor_see_as_host (findings);
  examine_plugin (findings, argc > 1 ? argv[1] : NULL, &here);
  host_doctor_host_clear (&here);
  if (host_json_wanted ())
    print_json (findings);
  else
    print_findings (findings);
  return count (findings, "error") == 0 ? HOST_EXIT_OK : HOST_EXIT_FAILURE;
}

const HostVerb host_verb_doctor = {
  .name = "doctor",
  .arguments = N_("[TARGET]"),
  .summary = N_("what is wrong here, or on the way there, and the fix"),
  .description
  = N_("Finds what is wrong on this machine and, with TARGET, on the way there, and says what to do. Changes nothing."),
  .options = { options, host_json_options, host_style_options, host_control_options },
  .words = HOST_WORDS_TARGET,
  .max_arguments = 1,
  .run = run,
};
