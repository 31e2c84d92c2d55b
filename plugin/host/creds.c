#include "host/control-client.h"
#include "host/verb.h"

#include <glib/gi18n.h>

int
host_verb_creds (int argc, char **argv)
{
  gboolean pem = FALSE;
  g_autofree char *user = NULL;
  const GOptionEntry entries[] = {
    { "pem", 0, 0, G_OPTION_ARG_NONE, &pem, N_("print client key, client certificate and CA as PEM"), NULL },
    { "user", 'u', 0, G_OPTION_ARG_STRING, &user, N_("identity to issue for (default: the host's user)"), N_("NAME") },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (NULL);
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) enrolment = NULL;
  g_autoptr (GError) error = NULL;
  const char *key = "", *certificate = "", *ca = "";
  int status;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, host_control_entries (), NULL);
  if (!host_parse_options (context, &argc, &argv, &status))
    return status;
  if (!pem)
    {
      host_complain (_("say in which form: mux-quic creds --pem"));
      return HOST_EXIT_USAGE;
    }
  connection = host_control_connect (&error);
  if (connection == NULL)
    {
      host_complain ("%s", error->message);
      return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ? HOST_EXIT_NO_HOST : HOST_EXIT_FAILURE;
    }
  reply = host_control_call (connection, "Generate", g_variant_new ("(ss)", user != NULL ? user : "", ""), "(a{sv})",
                             &error);
  if (reply == NULL)
    {
      host_complain ("%s", error->message);
      return HOST_EXIT_FAILURE;
    }
  g_variant_get (reply, "(@a{sv})", &enrolment);
  g_variant_lookup (enrolment, "key", "&s", &key);
  g_variant_lookup (enrolment, "certificate", "&s", &certificate);
  g_variant_lookup (enrolment, "ca", "&s", &ca);
  g_print ("%s%s%s", key, certificate, ca);
  return HOST_EXIT_OK;
}
