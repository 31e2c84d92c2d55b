#include "host/control-client.h"
#include "host/status-table.h"
#include "host/verb.h"

#include <glib/gi18n.h>

int
host_verb_status (int argc, char **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &json, N_("print JSON"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (NULL);
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) described = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, host_control_entries (), NULL);
  if (!host_parse_options (context, &argc, &argv, &status))
    return status;
  connection = host_control_connect (&error);
  if (connection == NULL)
    {
      host_complain ("%s", error->message);
      return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? HOST_EXIT_NO_HOST : HOST_EXIT_FAILURE;
    }
  reply = host_control_call (connection, "Describe", NULL, "(a{sv})", &error);
  if (reply == NULL)
    {
      host_complain ("%s", error->message);
      return HOST_EXIT_FAILURE;
    }
  g_variant_get (reply, "(@a{sv})", &described);
  if (json)
    host_print_json (described);
  else
    host_status_table_print (described);
  return HOST_EXIT_OK;
}
