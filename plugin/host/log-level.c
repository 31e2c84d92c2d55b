/* `mux-quic log-level`: how much the running host writes to its log. */
#include "host/control-client.h"
#include "host/json.h"
#include "host/verb.h"

#include <glib/gi18n.h>

static const HostChoice levels[] = {
  { "error", NULL, N_ ("only what failed"), HOST_WORDS_NONE },
  { "warning", NULL, N_ ("and what may fail"), HOST_WORDS_NONE },
  { "message", NULL, N_ ("and what a person wants to know; so it begins"), HOST_WORDS_NONE },
  { "info", NULL, N_ ("and what happens"), HOST_WORDS_NONE },
  { "debug", NULL, N_ ("and how"), HOST_WORDS_NONE },
  { NULL },
};

static gboolean
show (GDBusConnection *connection, GError **error)
{
  g_autoptr (GVariant) value = host_control_get (connection, "LogLevel", "s", error);
  GVariantDict dict;

  if (value == NULL)
    return FALSE;
  if (*g_variant_get_string (value, NULL) == '\0')
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           _ ("this host keeps its log's level to itself"));
      return FALSE;
    }
  if (!host_json_wanted ())
    {
      g_print ("%s\n", g_variant_get_string (value, NULL));
      return TRUE;
    }
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, "level", value);
  host_json_print (g_variant_dict_end (&dict));
  return TRUE;
}

static int
run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = host_control_connect (&error);

  if (connection != NULL && argc > 1)
    host_control_set (connection, "LogLevel", g_variant_new_string (argv[1]), &error);
  else if (connection != NULL)
    show (connection, &error);
  if (error == NULL)
    return HOST_EXIT_OK;
  host_complain ("%s", error->message);
  return host_exit_for_error (error);
}

const HostVerb host_verb_log_level = {
  .name = "log-level",
  .arguments = N_ ("[LEVEL]"),
  .summary = N_ ("how much the host logs"),
  .description = N_ (
      "Shows the level of the running host's log, or sets it for as long as the host runs. LEVEL is one of:"),
  .options = { host_json_options, host_control_options },
  .choices = levels,
  .max_arguments = 1,
  .run = run,
};
