#include "host/control-client.h"
#include "host/verb.h"

#include <glib/gi18n.h>

static gboolean pem;
static char *user;

static const GOptionEntry options[] = {
  { "pem", 0, 0, G_OPTION_ARG_NONE, &pem, N_("print client key, client certificate and CA as PEM"), NULL },
  { "user", 'u', 0, G_OPTION_ARG_STRING, &user, N_("identity to issue for (default: the host's user)"), N_("NAME") },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) enrolment = NULL;
  g_autoptr (GError) error = NULL;
  const char *key = "", *certificate = "", *ca = "";

  if (!pem)
    {
      host_complain (_("say in which form: mux-quic creds --pem"));
      return HOST_EXIT_USAGE;
    }
  connection = host_control_connect (&error);
  if (connection == NULL)
    {
      host_complain ("%s", error->message);
      return host_exit_for_error (error);
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

const HostVerb host_verb_creds = {
  .name = "creds",
  .arguments = N_("--pem"),
  .summary = N_("a client certificate and its key as PEM"),
  .description = N_("Prints a new client key and certificate of the running host, and its CA, for other QUIC clients."),
  .options = { options, host_control_options },
  .run = run,
};
