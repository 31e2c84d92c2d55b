/* Certificates that a person supplied for what is served here, and how this machine's clients get theirs. */
#include "transport/diagnose-private.h"

#include <glib/gi18n-lib.h>

/* A CA that is in date for @path (a file or directory) to be of use; says what is wrong otherwise. */
static void
examine_roots (TransportExamination *examination, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (GPtrArray) list = NULL;
  guint before = transport_diagnosis_size (examination->findings);

  if (!pki_trust_add_path (trust, path, &error)
      || (list = pki_certificate_list_load_any (path, &error)) == NULL)
    {
      transport_diagnosis_add_error (examination->findings, "trust", TRANSPORT_FINDING_ERROR, error,
                                     _("correct the path, or put a PEM file of CA certificates there"));
      return;
    }
  for (guint i = 0; i < list->len; i++)
    transport_examine_dates (examination, "trust", list->pdata[i], path,
                             _("replace it with one that is in date"));
  if (transport_diagnosis_size (examination->findings) == before)
    transport_diagnosis_add (
        examination->findings, "trust", TRANSPORT_FINDING_OK, NULL,
        g_dngettext (GETTEXT_PACKAGE, "%s holds %u CA, in date", "%s holds %u CAs, in date", list->len), path,
        list->len);
}

/* A person's own key and certificate, to be shown for @purpose. NULL when they cannot be used. */
static PkiCertificate *
examine_pair (TransportExamination *examination, const char *key, const char *path, const char *purpose)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiCredentials) credentials = pki_credentials_load (key, path, &error);
  PkiCertificate *leaf;

  if (credentials == NULL)
    {
      transport_diagnosis_add_error (examination->findings, "certificate", TRANSPORT_FINDING_ERROR, error,
                                     _("put a key and the certificate for it there, both as PEM"));
      return NULL;
    }
  leaf = credentials->chain->pdata[0];
  if (!pki_certificate_has_purpose (leaf, purpose))
    transport_diagnosis_add (examination->findings, "certificate", TRANSPORT_FINDING_ERROR,
                             _("have one issued with that extended key usage"),
                             g_str_equal (purpose, GNUTLS_KP_TLS_WWW_SERVER)
                                 ? _("%s is not for a server (extended key usage serverAuth)")
                                 : _("%s is not for a client (extended key usage clientAuth)"),
                             path);
  else if (transport_examine_dates (examination, "certificate", leaf, path,
                                    _("replace it with one that is in date")))
    {
      g_autofree char *ends = transport_examine_date (pki_certificate_not_after (leaf));

      transport_diagnosis_add (examination->findings, "certificate", TRANSPORT_FINDING_OK, NULL,
                               _("%s fits its key and is valid until %s"), path, ends);
    }
  return pki_certificate_ref (leaf);
}

static void
examine_own_names (TransportExamination *examination, PkiCertificate *leaf, const char *path)
{
  const char *const *names = pki_certificate_names (leaf);
  g_autofree char *list = g_strjoinv (", ", (char **)names);

  if (*names == NULL)
    transport_diagnosis_add (examination->findings, "names", TRANSPORT_FINDING_ERROR,
                             _("have one issued that holds this machine's name as a subject alternative "
                                "name; a common name does not count"),
                             _("%s holds no name that a client could verify"), path);
  else
    transport_diagnosis_add (examination->findings, "names", TRANSPORT_FINDING_OK, NULL,
                             _("%s is for %s: clients have to dial one of these names"), path, list);
}

void
transport_examine_server_files (TransportExamination *examination)
{
  const ConfigSettings *settings = examination->transport->settings;

  for (guint i = 0; i < config_settings_n_servers (settings); i++)
    {
      const ConfigServer *server = config_settings_server (settings, i);
      g_autoptr (PkiCertificate) leaf = NULL;

      if (!transport_server_pki_is_generated (server))
        leaf
            = examine_pair (examination, server->pem_private_key, server->pem_cert, GNUTLS_KP_TLS_WWW_SERVER);
      if (leaf != NULL)
        examine_own_names (examination, leaf, server->pem_cert);
      if (server->pem_ca != NULL)
        examine_roots (examination, server->pem_ca);
      for (char **path = server->pem_root_certs; *path != NULL; path++)
        examine_roots (examination, *path);
    }
}

/* Where @client gets its certificate from, when it has none of its own. */
static void
examine_enrolment (TransportExamination *examination, const ConfigClient *client)
{
  const char *program = client->enroll_command != NULL ? client->enroll_command[0] : NULL;
  g_autofree char *found = program != NULL ? g_find_program_in_path (program) : NULL;

  if (program == NULL)
    transport_diagnosis_add (examination->findings, "enrolment", TRANSPORT_FINDING_ERROR,
                             _("set bootstrap_via_ssh or enroll_command, or pem_cert, pem_private_key and "
                                "pem_ca, in its entry of quic_clients"),
                             _("%s has no certificate and no way to get one"), client->name);
  else if (found == NULL)
    transport_diagnosis_add (examination->findings, "enrolment", TRANSPORT_FINDING_ERROR,
                             g_str_equal (program, "ssh") ? _("install it: sudo apt install openssh-client")
                                                          : _("install it, or correct enroll_command"),
                             _("%s gets its certificate by “%s”, which is not there"), client->name,
                             program);
  else
    transport_diagnosis_add (examination->findings, "enrolment", TRANSPORT_FINDING_OK, NULL,
                             _("%s gets its certificate by %s"), client->name, found);
}

static void
examine_client (TransportExamination *examination, const ConfigClient *client)
{
  g_autoptr (PkiCertificate) leaf = NULL;

  if (client->pem_cert != NULL)
    leaf = examine_pair (examination, client->pem_private_key, client->pem_cert, GNUTLS_KP_TLS_WWW_CLIENT);
  else
    examine_enrolment (examination, client);
  if (client->pem_ca != NULL)
    examine_roots (examination, client->pem_ca);
  for (char **path = client->pem_root_certs; *path != NULL; path++)
    examine_roots (examination, *path);
}

void
transport_examine_clients (TransportExamination *examination)
{
  const ConfigSettings *settings = examination->transport->settings;
  g_autoptr (ConfigClient) own = NULL;

  if (examination->target != NULL)
    {
      const ConfigClient *client = config_settings_find_client (settings, examination->target);

      if (client == NULL)
        client = own = config_client_new_for_target (examination->target, NULL);
      /* That it is no target at all is found on the way. */
      if (client != NULL)
        examine_client (examination, client);
      return;
    }
  for (guint i = 0; i < config_settings_n_clients (settings); i++)
    examine_client (examination, config_settings_client (settings, i));
}
