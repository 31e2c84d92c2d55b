#include "transport/domain.h"

#include "base/error.h"
#include "transport/bootstrap.h"
#include "transport/enrolment.h"
#include "transport/transport-private.h"

#include <glib/gi18n-lib.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define CLIENT_FILE "client.pem"
#define CA_FILE "ca.pem"
#define NAME_FILE "server-name"
/* A certificate that ends sooner is not worth a dial. */
#define MIN_LIFE_SECONDS 60

TransportIdentity *
transport_identity_new (PkiCredentials *credentials, GPtrArray *ca, const char *server_name)
{
  TransportIdentity *identity = g_new0 (TransportIdentity, 1);

  identity->credentials = pki_credentials_new (credentials->key, credentials->chain);
  identity->ca = ca == NULL ? NULL : g_ptr_array_ref (ca);
  identity->server_name = g_strdup (server_name);
  return identity;
}

TransportIdentity *
transport_identity_copy (const TransportIdentity *identity)
{
  TransportIdentity *copy = transport_identity_new (identity->credentials, identity->ca, identity->server_name);

  copy->stored = identity->stored;
  return copy;
}

void
transport_identity_free (TransportIdentity *identity)
{
  pki_credentials_free (identity->credentials);
  g_clear_pointer (&identity->ca, g_ptr_array_unref);
  g_free (identity->server_name);
  g_free (identity);
}

TransportDomain *
transport_domain_find (MuxTransport *transport, const char *target, GError **error)
{
  g_autoptr (TransportDomain) domain = g_new0 (TransportDomain, 1);

  domain->settings = config_settings_ref (transport->settings);
  domain->client = config_settings_find_client (transport->settings, target);
  if (domain->client == NULL)
    {
      domain->own = config_client_new_for_target (target, error);
      if (domain->own == NULL)
        return NULL;
      domain->client = domain->own;
    }
  return g_steal_pointer (&domain);
}

TransportDomain *
transport_domain_copy (const TransportDomain *domain)
{
  TransportDomain *copy = g_new0 (TransportDomain, 1);

  copy->settings = config_settings_ref (domain->settings);
  if (domain->own == NULL)
    copy->client = domain->client;
  else
    {
      /* It was made from its name once, so it can be again. */
      copy->own = config_client_new_for_target (domain->own->name, NULL);
      copy->client = copy->own;
    }
  return copy;
}

void
transport_domain_free (TransportDomain *domain)
{
  config_settings_unref (domain->settings);
  g_clear_pointer (&domain->own, config_client_free);
  g_free (domain);
}

gboolean
transport_domain_can_enrol (const TransportDomain *domain)
{
  return domain->client->pem_cert == NULL && domain->client->enroll_command != NULL;
}

/* A name that can be a directory of its own below domains/. */
static gboolean
is_plain (const char *name)
{
  return name[0] != '.' && name[0] != '\0' && strlen (name) <= 200
         && name[strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:")] == '\0';
}

static char *
directory_of (MuxTransport *transport, const TransportDomain *domain)
{
  g_autofree char *leaf = NULL;

  if (!domain->client->persist_to_disk || !is_plain (domain->client->name))
    return NULL;
  leaf = g_build_filename ("domains", domain->client->name, NULL);
  return pki_store_default_path (transport->host->application, transport->host->system_mode, leaf);
}

static gboolean
is_current (const TransportIdentity *identity)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  return pki_certificate_not_after (identity->credentials->chain->pdata[0]) > now + MIN_LIFE_SECONDS;
}

/* Reads a file that must be there; NULL without an error when it is not. */
static char *
read_text (PkiStore *store, const char *name, gsize *length, GError **error)
{
  g_autoptr (GBytes) bytes = pki_store_read (store, name, error);
  char *text;

  if (bytes == NULL)
    return NULL;
  *length = g_bytes_get_size (bytes);
  text = g_strndup (g_bytes_get_data (bytes, NULL), *length);
  gnutls_memset ((gpointer) g_bytes_get_data (bytes, NULL), 0, *length);
  return text;
}

/* What is stored under @path; NULL without an error when there is nothing whole. */
static TransportIdentity *
load_stored (const char *path, GError **error)
{
  g_autoptr (PkiStore) store = NULL;
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (GPtrArray) ca = NULL;
  g_autofree char *ca_pem = NULL;
  g_autofree char *name = NULL;
  TransportIdentity *identity;
  gsize length = 0, ca_length = 0, name_length = 0;
  char *client;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  store = pki_store_open (path, error);
  if (store == NULL)
    return NULL;
  client = read_text (store, CLIENT_FILE, &length, error);
  if (client == NULL)
    return NULL;
  credentials = pki_credentials_from_pem (client, length, path, error);
  pki_key_pem_free (client);
  if (credentials == NULL)
    return NULL;
  ca_pem = read_text (store, CA_FILE, &ca_length, error);
  if (ca_pem == NULL)
    return NULL;
  ca = pki_certificate_list_from_pem (ca_pem, ca_length, path, error);
  if (ca == NULL)
    return NULL;
  name = read_text (store, NAME_FILE, &name_length, NULL);
  identity = transport_identity_new (credentials, ca, name == NULL || *name == '\0' ? NULL : g_strstrip (name));
  identity->stored = TRUE;
  return identity;
}

gboolean
transport_domain_keep (MuxTransport *transport, const TransportDomain *domain, const TransportIdentity *identity,
                       GError **error)
{
  g_autofree char *path = directory_of (transport, domain);
  g_autoptr (PkiStore) store = NULL;
  TransportIdentity *kept = transport_identity_copy (identity);
  g_autofree char *ca = NULL;
  char *client;
  gboolean good;

  kept->stored = TRUE;
  g_hash_table_replace (transport->identities, g_strdup (domain->client->name), kept);
  if (path == NULL || identity->ca == NULL)
    return TRUE;
  store = pki_store_open (path, error);
  if (store == NULL)
    return FALSE;
  client = pki_credentials_to_pem (identity->credentials, error);
  if (client == NULL)
    return FALSE;
  ca = pki_certificate_list_to_pem (identity->ca);
  /* The credentials last: a reader that finds them finds all. */
  good = pki_store_write (store, CA_FILE, ca, strlen (ca), error)
         && pki_store_write (store, NAME_FILE, identity->server_name == NULL ? "" : identity->server_name,
                             identity->server_name == NULL ? 0 : strlen (identity->server_name), error)
         && pki_store_write (store, CLIENT_FILE, client, strlen (client), error);
  pki_key_pem_free (client);
  return good;
}

PkiTrust *
transport_domain_trust (const TransportDomain *domain, const TransportIdentity *identity, GError **error)
{
  const ConfigClient *client = domain->client;
  g_autoptr (PkiTrust) trust = pki_trust_new ();

  if (client->pem_ca != NULL)
    {
      if (!pki_trust_add_path (trust, client->pem_ca, error))
        return NULL;
    }
  else if (identity->ca != NULL && !pki_trust_add (trust, identity->ca, client->name, error))
    return NULL;
  for (guint i = 0; client->pem_root_certs[i] != NULL; i++)
    if (!pki_trust_add_path (trust, client->pem_root_certs[i], error))
      return NULL;
  if (pki_trust_size (trust) == 0)
    {
      base_error_set (error, MUX_ERROR_PKI, _("%s: no CA to trust; set pem_ca or pem_root_certs"), client->name);
      return NULL;
    }
  return g_steal_pointer (&trust);
}

typedef struct
{
  MuxTransport *transport;
  TransportDomain *domain;
  PkiKey *key;
} Identification;

static void
identification_free (gpointer data)
{
  Identification *identification = data;

  transport_domain_free (identification->domain);
  g_clear_pointer (&identification->key, pki_key_unref);
  g_free (identification);
}

/* Puts the answer and our key together; they must belong together, or another key was certified. */
static TransportIdentity *
accept_enrolment (Identification *identification, GVariant *enrolment, GError **error)
{
  const char *certificate = NULL, *ca_pem = NULL;
  g_autofree const char **names = NULL;
  g_autofree char *pem = NULL;
  g_autoptr (GPtrArray) ca = NULL;
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (TransportIdentity) identity = NULL;
  const char *origin = _("the enrolment");
  char *key;

  g_variant_lookup (enrolment, "certificate", "&s", &certificate);
  g_variant_lookup (enrolment, "ca", "&s", &ca_pem);
  g_variant_lookup (enrolment, "names", "^a&s", &names);
  key = pki_key_to_pem (identification->key, error);
  if (key == NULL)
    return NULL;
  pem = g_strconcat (certificate, key, NULL);
  pki_key_pem_free (key);
  credentials = pki_credentials_from_pem (pem, strlen (pem), origin, error);
  gnutls_memset (pem, 0, strlen (pem));
  if (credentials == NULL)
    return NULL;
  ca = pki_certificate_list_from_pem (ca_pem, strlen (ca_pem), origin, error);
  if (ca == NULL)
    return NULL;
  identity = transport_identity_new (credentials, ca, names == NULL ? NULL : names[0]);
  if (!is_current (identity))
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, _("the enrolment's certificate is not valid now; compare the clocks of both machines"));
      return NULL;
    }
  if (!transport_domain_keep (identification->transport, identification->domain, identity, error))
    return NULL;
  return g_steal_pointer (&identity);
}

static void
enrolled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Identification *identification = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) enrolment = transport_bootstrap_finish (result, &error);
  TransportIdentity *identity = NULL;

  if (enrolment != NULL)
    identity = accept_enrolment (identification, enrolment, &error);
  if (identity == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, identity, (GDestroyNotify) transport_identity_free);
}

static void
enrol (GTask *task)
{
  Identification *identification = g_task_get_task_data (task);
  MuxTransport *transport = identification->transport;
  const ConfigClient *client = identification->domain->client;
  g_autofree char *request = NULL;
  GError *error = NULL;

  if (client->enroll_command == NULL)
    {
      g_task_return_new_error (task, MUX_ERROR, MUX_ERROR_ENROLMENT,
                               _("%s: no certificate, and no way to get one; set bootstrap_via_ssh or enroll_command, or pem_cert, pem_private_key and pem_ca"),
                               client->name);
      g_object_unref (task);
      return;
    }
  identification->key = pki_key_generate (&error);
  if (identification->key != NULL)
    request = pki_key_request (identification->key, g_get_user_name (), &error);
  if (request == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  if (transport->host->progress != NULL)
    {
      g_autofree char *text = g_strdup_printf (_("asking for a certificate: %s"), client->enroll_command[0]);

      transport->host->progress (transport->host->user_data, text);
    }
  transport_bootstrap_async ((const char *const *) client->enroll_command, request, TRANSPORT_BOOTSTRAP_TIMEOUT_MS,
                             transport->context, g_task_get_cancellable (task), enrolled_cb, task);
}

/* What is at hand without asking anybody; NULL without an error when there is nothing. */
static TransportIdentity *
at_hand (MuxTransport *transport, const TransportDomain *domain, GError **error)
{
  const TransportIdentity *known = g_hash_table_lookup (transport->identities, domain->client->name);
  g_autofree char *path = directory_of (transport, domain);
  TransportIdentity *identity = NULL;

  if (known != NULL && is_current (known))
    return transport_identity_copy (known);
  if (path != NULL)
    identity = load_stored (path, error);
  if (identity != NULL && !is_current (identity))
    g_clear_pointer (&identity, transport_identity_free);
  return identity;
}

void
transport_domain_identify_async (MuxTransport *transport, const TransportDomain *domain, gboolean fresh,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Identification *identification = g_new0 (Identification, 1);
  const ConfigClient *client = domain->client;
  TransportIdentity *identity = NULL;
  GError *error = NULL;

  g_task_set_source_tag (task, transport_domain_identify_async);
  identification->transport = transport;
  identification->domain = transport_domain_copy (domain);
  g_task_set_task_data (task, identification, identification_free);
  if (client->pem_cert != NULL)
    {
      g_autoptr (PkiCredentials) credentials
          = pki_credentials_load (client->pem_private_key, client->pem_cert, &error);

      if (credentials != NULL)
        identity = transport_identity_new (credentials, NULL, NULL);
    }
  else if (!fresh)
    identity = at_hand (transport, domain, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (identity != NULL)
    g_task_return_pointer (task, identity, (GDestroyNotify) transport_identity_free);
  else
    {
      enrol (task);
      return;
    }
  g_object_unref (task);
}

TransportIdentity *
transport_domain_identify_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
