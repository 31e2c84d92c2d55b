/* `mux-quic cert`: the certificates that this host's CA made, and its own. */
#include "host/control-client.h"
#include "host/json.h"
#include "host/status-table.h"
#include "host/style.h"
#include "host/verb.h"

#include <glib/gi18n.h>
#include <string.h>

/* The beginning of a serial that names it, if no other begins so. */
#define PREFIX_MIN 4

static HostExit
fail (GError *error)
{
  g_autoptr (GError) owned = error;

  host_complain ("%s", owned->message);
  return HOST_EXIT_FAILURE;
}

/* aa{sv}, or NULL. */
static GVariant *
fetch_list (GDBusConnection *connection, GError **error)
{
  g_autoptr (GVariant) reply = host_control_call (connection, "ListCertificates", NULL, "(aa{sv})", error);

  return reply == NULL ? NULL : g_variant_get_child_value (reply, 0);
}

static HostExit
list (GDBusConnection *connection, char **arguments)
{
  GError *error = NULL;
  g_autoptr (GVariant) certificates = fetch_list (connection, &error);

  if (certificates == NULL)
    return fail (error);
  if (host_json_wanted ())
    {
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

      g_variant_dict_insert_value (&dict, "certificates", certificates);
      host_json_print (g_variant_dict_end (&dict));
    }
  else if (g_variant_n_children (certificates) == 0)
    g_print ("%s\n", _("No certificates were issued."));
  else
    host_status_table_print_issued (certificates);
  return HOST_EXIT_OK;
}

/* The one certificate whose serial is or begins with @text; NULL after a complaint. */
static GVariant *
find (GVariant *certificates, const char *text)
{
  g_autofree char *lower = g_ascii_strdown (text, -1);
  g_autoptr (GVariant) found = NULL;
  guint n = 0;

  for (gsize i = 0; i < g_variant_n_children (certificates); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (certificates, i);
      const char *serial = "";

      g_variant_lookup (one, "serial", "&s", &serial);
      if (strlen (lower) < PREFIX_MIN ? !g_str_equal (serial, lower) : !g_str_has_prefix (serial, lower))
        continue;
      g_clear_pointer (&found, g_variant_unref);
      found = g_steal_pointer (&one);
      n++;
    }
  if (n == 1)
    return g_steal_pointer (&found);
  if (n == 0)
    host_complain (_("no certificate has the serial “%s”; see mux-quic cert list"), text);
  else
    host_complain (ngettext ("%u certificate has a serial that begins with “%s”; give more of it",
                             "%u certificates have serials that begin with “%s”; give more of it", n),
                   n, text);
  return NULL;
}

static void
print_field (GVariant *certificate, const char *title, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (certificate, key, NULL);
  g_autofree char *text = NULL;

  if (value == NULL)
    return;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    {
      g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (g_variant_get_int64 (value));

      text = time != NULL ? g_date_time_format_iso8601 (time) : g_strdup ("?");
    }
  else
    text = g_variant_dup_string (value, NULL);
  g_print ("%s %s\n", title, text);
}

static HostExit
show_own (GDBusConnection *connection)
{
  GError *error = NULL;
  g_autoptr (GVariant) reply = host_control_call (connection, "Describe", NULL, "(a{sv})", &error);
  g_autoptr (GVariant) status = NULL;

  if (reply == NULL)
    return fail (error);
  status = g_variant_get_child_value (reply, 0);
  if (host_json_wanted ())
    {
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
      g_autoptr (GVariant) certificates = g_variant_lookup_value (status, "certificates", NULL);

      g_variant_dict_insert_value (&dict, "certificates", certificates);
      host_json_print (g_variant_dict_end (&dict));
    }
  else
    host_status_table_print_own (status);
  return HOST_EXIT_OK;
}

static HostExit
show (GDBusConnection *connection, char **arguments)
{
  GError *error = NULL;
  g_autoptr (GVariant) certificates = NULL;
  g_autoptr (GVariant) certificate = NULL;
  const char *pem = "";

  if (*arguments == NULL)
    return show_own (connection);
  certificates = fetch_list (connection, &error);
  if (certificates == NULL)
    return fail (error);
  certificate = find (certificates, *arguments);
  if (certificate == NULL)
    return HOST_EXIT_NO_HOST;
  if (host_json_wanted ())
    {
      host_json_print (certificate);
      return HOST_EXIT_OK;
    }
  print_field (certificate, _("Serial:   "), "serial");
  print_field (certificate, _("User:     "), "user");
  print_field (certificate, _("Device:   "), "device");
  print_field (certificate, _("Issued:   "), "issued");
  print_field (certificate, _("Until:    "), "expires");
  print_field (certificate, _("Revoked:  "), "revoked");
  print_field (certificate, _("Last seen:"), "seen");
  print_field (certificate, _("From:     "), "address");
  print_field (certificate, _("Renews:   "), "renews");
  g_variant_lookup (certificate, "certificate", "&s", &pem);
  g_print ("%s", pem);
  return HOST_EXIT_OK;
}

static HostExit
revoke_serials (GDBusConnection *connection, char **arguments)
{
  GError *error = NULL;
  g_autoptr (GVariant) certificates = fetch_list (connection, &error);

  if (certificates == NULL)
    return fail (error);
  for (; *arguments != NULL; arguments++)
    {
      g_autoptr (GVariant) certificate = find (certificates, *arguments);
      g_autoptr (GVariant) reply = NULL;
      const char *serial = "";

      if (certificate == NULL)
        return HOST_EXIT_NO_HOST;
      g_variant_lookup (certificate, "serial", "&s", &serial);
      reply = host_control_call (connection, "Revoke", g_variant_new ("(s)", serial), "()", &error);
      if (reply == NULL)
        return fail (error);
      g_print (_("revoked %s\n"), serial);
    }
  return HOST_EXIT_OK;
}

static HostExit
renew (GDBusConnection *connection, char **arguments)
{
  GError *error = NULL;
  g_autoptr (GVariant) reply = host_control_call (connection, "RenewCertificate", NULL, "()", &error);

  return reply == NULL ? fail (error) : show_own (connection);
}

static HostExit
rotate (GDBusConnection *connection, char **arguments)
{
  GError *error = NULL;
  g_autoptr (GVariant) reply = host_control_call (connection, "RotateAuthority", NULL, "()", &error);

  return reply == NULL ? fail (error) : show_own (connection);
}

static const HostChoice actions[] = {
  { "list", NULL, N_("the certificates of clients"), HOST_WORDS_NONE },
  { "show", N_("[SERIAL]"), N_("one of them, or the host's own"), HOST_WORDS_SERIAL },
  { "renew", NULL, N_("replace the host's own certificate now"), HOST_WORDS_NONE },
  { "revoke", N_("SERIAL…"), N_("end it, its renewals and its sessions"), HOST_WORDS_SERIAL },
  { "rotate-ca", NULL, N_("make a new CA; the old one is trusted until everybody has the new one"), HOST_WORDS_NONE },
  { NULL },
};

/* In the order of @actions. */
static const struct
{
  int min, max; /* arguments */
  HostExit (*run) (GDBusConnection *connection, char **arguments);
} doings[] = {
  { 0, 0, list }, { 0, 1, show }, { 0, 0, renew }, { 1, 64, revoke_serials }, { 0, 0, rotate },
};

static int
run (int argc, char **argv)
{
  const HostChoice *action = argc > 1 ? host_choice_find (actions, argv[1]) : NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  G_STATIC_ASSERT (G_N_ELEMENTS (doings) == G_N_ELEMENTS (actions) - 1);
  if (action == NULL || argc - 2 < doings[action - actions].min || argc - 2 > doings[action - actions].max)
    {
      host_complain (_("one of list, show, renew, revoke SERIAL or rotate-ca is needed; see %s --help"), g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  connection = host_control_connect (&error);
  if (connection == NULL)
    {
      host_complain ("%s", error->message);
      return host_exit_for_error (error);
    }
  return doings[action - actions].run (connection, argv + 2);
}

const HostVerb host_verb_cert = {
  .name = "cert",
  .arguments = N_("ACTION"),
  .summary = N_("the certificates of this host"),
  .description = N_("The certificates that this host's CA made, and its own. ACTION is one of:"),
  .options = { host_json_options, host_style_options, host_control_options },
  .choices = actions,
  .max_arguments = -1,
  .run = run,
};
