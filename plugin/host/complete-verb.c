/* `mux-quic complete -- WORDS…`: for the completion of shells. A line for each word that may come next,
 * "WORD<tab>DESCRIPTION"; and ":files" with what stays before their names, if those may come too. Says
 * nothing else and never takes long: somebody sits at a prompt. */
#include "host/complete.h"
#include "host/control-client.h"
#include "host/loader.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_SECONDS 3

static char *config, *plugin;

/* Of the command line that is completed; the rest of it is no matter here. */
static const GOptionEntry known_options[] = {
  { "config", 'c', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &config, NULL, NULL },
  { "plugin", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &plugin, NULL, NULL },
  G_OPTION_ENTRY_NULL,
};

/* A setting of the configuration; NULL. */
static GVariant *
dup_setting (const char *name)
{
  HostLoader *loader = host_loader_new ();
  GVariant *value = NULL;
  MuxHost host;

  host_loader_fill (loader, &host, NULL);
  host.config_path = config;
  if (host_loader_load (loader, &host, plugin, NULL))
    value = host_loader_ops (loader)->dup_setting (host_loader_transport (loader), name);
  host_loader_free (loader);
  return value;
}

/* Calls @add for each entry of quic_clients. */
static void
for_each_client (void (*add) (GVariant *client, GPtrArray *candidates), GPtrArray *candidates)
{
  g_autoptr (GVariant) clients = dup_setting ("quic_clients");

  if (clients == NULL || !g_variant_is_of_type (clients, G_VARIANT_TYPE ("av")))
    return;
  for (gsize i = 0; i < g_variant_n_children (clients); i++)
    {
      g_autoptr (GVariant) boxed = g_variant_get_child_value (clients, i);
      g_autoptr (GVariant) client = g_variant_get_variant (boxed);

      if (g_variant_is_of_type (client, G_VARIANT_TYPE_VARDICT))
        add (client, candidates);
    }
}

static void
add_target (GVariant *client, GPtrArray *candidates)
{
  const char *name, *address = NULL;

  g_variant_lookup (client, "remote_address", "&s", &address);
  if (g_variant_lookup (client, "name", "&s", &name))
    host_candidate_add (candidates, name, address);
}

static void
add_clients_service (GVariant *client, GPtrArray *candidates)
{
  const char *name = NULL, *service;

  g_variant_lookup (client, "name", "&s", &name);
  if (g_variant_lookup (client, "service", "&s", &service))
    host_candidate_add (candidates, service, name);
}

/* Those that every server has, and those that the configuration names; what another machine offers is known
 * there. */
static void
add_services (GPtrArray *candidates)
{
  g_autoptr (GVariant) services = dup_setting ("mux_services");
  GVariantIter iter;
  const char *name;

  host_candidate_add (candidates, "shell", _ ("a login shell"));
  host_candidate_add (candidates, "exec", _ ("a command"));
  for_each_client (add_clients_service, candidates);
  if (services == NULL || !g_variant_is_of_type (services, G_VARIANT_TYPE_VARDICT))
    return;
  g_variant_iter_init (&iter, services);
  while (g_variant_iter_next (&iter, "{&sv}", &name, NULL))
    host_candidate_add (candidates, name, NULL);
}

static void
add_serials (GPtrArray *candidates)
{
  g_autoptr (GDBusConnection) connection = host_control_connect (NULL);
  g_autoptr (GVariant) reply
      = connection == NULL ? NULL
                           : host_control_call (connection, "ListCertificates", NULL, "(aa{sv})", NULL);
  g_autoptr (GVariant) list = reply == NULL ? NULL : g_variant_get_child_value (reply, 0);

  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (list, i);
      const char *serial, *user = "", *device = "";
      g_autofree char *holder = NULL;

      g_variant_lookup (one, "user", "&s", &user);
      g_variant_lookup (one, "device", "&s", &device);
      holder = *device != '\0' ? g_strdup_printf ("%s/%s", user, device) : g_strdup (user);
      if (g_variant_lookup (one, "serial", "&s", &serial))
        host_candidate_add (candidates, serial, holder);
    }
}

static void
sources (HostWords kind, GPtrArray *candidates, gpointer data)
{
  if (kind == HOST_WORDS_TARGET)
    for_each_client (add_target, candidates);
  else if (kind == HOST_WORDS_SERVICE)
    add_services (candidates);
  else if (kind == HOST_WORDS_SERIAL)
    add_serials (candidates);
}

static void
give_up (int number)
{
  _exit (HOST_EXIT_FAILURE);
}

static void
read_known_options (char **words)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) copy = g_strdupv (words);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) arguments = NULL;

  g_strv_builder_add (builder, "mux-quic");
  g_strv_builder_addv (builder, (const char **)copy);
  arguments = g_strv_builder_end (builder);
  g_option_context_add_main_entries (context, known_options, NULL);
  g_option_context_add_main_entries (context, host_control_options, NULL);
  g_option_context_set_ignore_unknown_options (context, TRUE);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_parse_strv (context, &arguments, NULL);
}

/* One line each, whatever was in it; in the configuration's own bytes, whatever the locale is. */
static void
print_candidate (const HostCandidate *candidate)
{
  g_autofree char *word = host_make_harmless (candidate->word);
  g_autofree char *description = host_make_harmless (candidate->description);

  if (*word != '\0' && *word != ':' && strchr (word, '\n') == NULL)
    printf ("%s\t%s\n", word, g_strdelimit (description, "\n", ' '));
}

static int
run (int argc, char **argv)
{
  g_auto (GStrv) words = g_strdupv (argv + 1);
  g_autoptr (HostCompletion) completion = NULL;
  gboolean value_only = host_complete_join (words);

  signal (SIGALRM, give_up);
  alarm (PATIENCE_SECONDS);
  read_known_options (words);
  completion = host_complete (host_verbs, (const char *const *)words, value_only, sources, NULL);
  for (guint i = 0; i < completion->candidates->len; i++)
    print_candidate (completion->candidates->pdata[i]);
  if (completion->files != NULL)
    printf (":files%s\n", completion->files);
  return HOST_EXIT_OK;
}

const HostVerb host_verb_complete = {
  .name = "complete",
  .arguments = N_ ("-- WORD…"),
  .description = N_ ("Tells the completion of shells what may follow on a command line of mux-quic."),
  .max_arguments = -1,
  .options_first = TRUE,
  .run = run,
};
