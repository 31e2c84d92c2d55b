#include "pki/authority.h"

#include "pki/failure.h"
#include "pki/issue.h"

#include <gnutls/abstract.h>
#include <string.h>

struct _PkiAuthority
{
  gatomicrefcount references;
  PkiStore *store;
  PkiKey *key;
  GPtrArray *bundle; /* of PkiCertificate, newest first; the first is that of @key */
};

#define CA_FILE "ca.pem"
#define CA_KEY_FILE "ca-key.pem"
#define SERVER_FILE "server.pem"
#define REQUEST_MAX ((gsize) 16384)

static void
wipe_bytes (GBytes *bytes)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  gnutls_memset ((gpointer) data, 0, length);
  g_bytes_unref (bytes);
}

static gboolean
is_key_of (const PkiKey *key, const PkiCertificate *certificate)
{
  guint8 a[64], b[64];
  size_t a_size = sizeof a, b_size = sizeof b;

  return gnutls_x509_privkey_get_key_id (pki_key_native (key), GNUTLS_KEYID_USE_SHA256, a, &a_size) >= 0
         && gnutls_x509_crt_get_key_id (pki_certificate_native (certificate), GNUTLS_KEYID_USE_SHA256, b, &b_size) >= 0
         && a_size == b_size && memcmp (a, b, a_size) == 0;
}

/* The key is written first: a key without a certificate is an interrupted beginning and is begun again, a certificate
 * without its key is somebody's trust and is never overwritten. */
static gboolean
create (PkiAuthority *authority, GError **error)
{
  g_autofree char *name = g_strdup_printf ("mux-quic CA of %s", g_get_host_name ());
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *certificate_pem = NULL;
  char *key_pem;
  gboolean good;

  /* A CN holds 64 characters at most (RFC 5280 appendix A). */
  if (strlen (name) > 64)
    name[64] = '\0';
  authority->key = pki_key_generate (error);
  if (authority->key == NULL)
    return FALSE;
  certificate = pki_issue_ca (authority->key, name, PKI_CA_LIFETIME_DAYS, error);
  if (certificate == NULL)
    return FALSE;
  key_pem = pki_key_to_pem (authority->key, error);
  if (key_pem == NULL)
    return FALSE;
  good = pki_store_write (authority->store, CA_KEY_FILE, key_pem, strlen (key_pem), error);
  pki_key_pem_free (key_pem);
  certificate_pem = pki_certificate_to_pem (certificate);
  if (!good || !pki_store_write (authority->store, CA_FILE, certificate_pem, strlen (certificate_pem), error))
    return FALSE;
  authority->bundle = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  g_ptr_array_add (authority->bundle, g_steal_pointer (&certificate));
  return TRUE;
}

static gboolean
load (PkiAuthority *authority, GBytes *certificate, GBytes *key, GError **error)
{
  const char *path = pki_store_path (authority->store);
  g_autofree char *origin = g_build_filename (path, CA_FILE, NULL);

  authority->bundle = pki_certificate_list_from_pem (g_bytes_get_data (certificate, NULL),
                                                     g_bytes_get_size (certificate), origin, error);
  if (authority->bundle == NULL)
    return FALSE;
  authority->key = pki_key_from_pem (g_bytes_get_data (key, NULL), g_bytes_get_size (key), error);
  if (authority->key == NULL)
    {
      g_prefix_error (error, "%s/" CA_KEY_FILE ": ", path);
      return FALSE;
    }
  if (!is_key_of (authority->key, authority->bundle->pdata[0]))
    return base_error_set (error, MUX_ERROR_PKI,
                           "%s/" CA_KEY_FILE " does not belong to the first certificate of %s; restore both from one backup",
                           path, origin);
  for (guint i = 0; i < authority->bundle->len; i++)
    if (!pki_certificate_is_ca (authority->bundle->pdata[i]))
      return base_error_set (error, MUX_ERROR_PKI, "%s holds a certificate that is no CA", origin);
  return TRUE;
}

static gboolean
open_locked (PkiAuthority *authority, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) certificate = pki_store_read (authority->store, CA_FILE, &local_error);
  GBytes *key = NULL;
  gboolean good = FALSE;

  if (local_error == NULL)
    key = pki_store_read (authority->store, CA_KEY_FILE, &local_error);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (certificate == NULL)
    good = create (authority, error);
  else if (key == NULL)
    base_error_set (error, MUX_ERROR_PKI, "%s has " CA_FILE " but not its key " CA_KEY_FILE
                    "; restore the key, or move the directory away to begin with a new CA",
                    pki_store_path (authority->store));
  else
    good = load (authority, certificate, key, error);
  if (key != NULL)
    wipe_bytes (key);
  return good;
}

PkiAuthority *
pki_authority_open (PkiStore *store, GError **error)
{
  g_autoptr (PkiAuthority) authority = g_new0 (PkiAuthority, 1);
  gboolean good;

  g_atomic_ref_count_init (&authority->references);
  authority->store = pki_store_ref (store);
  if (!pki_store_lock (store, 10000, error))
    return NULL;
  good = open_locked (authority, error);
  pki_store_unlock (store);
  return good ? g_steal_pointer (&authority) : NULL;
}

PkiAuthority *
pki_authority_ref (PkiAuthority *authority)
{
  g_atomic_ref_count_inc (&authority->references);
  return authority;
}

void
pki_authority_unref (PkiAuthority *authority)
{
  if (!g_atomic_ref_count_dec (&authority->references))
    return;
  g_clear_pointer (&authority->key, pki_key_unref);
  g_clear_pointer (&authority->bundle, g_ptr_array_unref);
  pki_store_unref (authority->store);
  g_free (authority);
}

GPtrArray *
pki_authority_bundle (PkiAuthority *authority)
{
  return authority->bundle;
}

PkiStore *
pki_authority_store (PkiAuthority *authority)
{
  return authority->store;
}

static gboolean
has_purpose (PkiCertificate *certificate, const char *wanted)
{
  for (unsigned int i = 0;; i++)
    {
      char oid[128];
      size_t size = sizeof oid;
      unsigned int critical;

      if (gnutls_x509_crt_get_key_purpose_oid (pki_certificate_native (certificate), i, oid, &size, &critical) < 0)
        return FALSE;
      if (g_str_equal (oid, wanted))
        return TRUE;
    }
}

/* Whether the stored server certificate still serves: of this CA, for these names, not soon to be renewed. */
static gboolean
still_good (PkiAuthority *authority, PkiCertificate *leaf, const char *const *names)
{
  PkiCertificate *ca = authority->bundle->pdata[0];
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (now < pki_certificate_not_before (leaf) || now >= pki_certificate_renew_at (leaf)
      || !has_purpose (leaf, GNUTLS_KP_TLS_WWW_SERVER))
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    if (!g_strv_contains (pki_certificate_names (leaf), names[i]))
      return FALSE;
  return gnutls_x509_crt_check_issuer (pki_certificate_native (leaf), pki_certificate_native (ca)) == 1;
}

/* Makes *@public_key, to be freed with gnutls_pubkey_deinit (). */
static gboolean
public_key_of (const PkiKey *key, gnutls_pubkey_t *public_key, GError **error)
{
  gnutls_privkey_t private_key;
  int code = gnutls_privkey_init (&private_key);

  if (code < 0)
    return pki_failure (error, code, "cannot take the public half of a key");
  code = gnutls_privkey_import_x509 (private_key, pki_key_native (key), 0);
  if (code >= 0)
    code = gnutls_pubkey_init (public_key);
  if (code >= 0 && (code = gnutls_pubkey_import_privkey (*public_key, private_key, 0, 0)) < 0)
    gnutls_pubkey_deinit (*public_key);
  gnutls_privkey_deinit (private_key);
  return code >= 0 ? TRUE : pki_failure (error, code, "cannot take the public half of a key");
}

static PkiCredentials *
issue_server (PkiAuthority *authority, const char *const *names, guint lifetime_days, GError **error)
{
  g_autoptr (PkiKey) key = pki_key_generate (error);
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  g_autoptr (PkiCredentials) credentials = NULL;
  gnutls_pubkey_t public_key;
  PkiCertificate *leaf = NULL;
  char *pem;
  gboolean good;

  if (key == NULL || !public_key_of (key, &public_key, error))
    return NULL;
  leaf = pki_issue_leaf (public_key, authority->bundle->pdata[0], authority->key, GNUTLS_KP_TLS_WWW_SERVER, NULL, names,
                         lifetime_days, error);
  gnutls_pubkey_deinit (public_key);
  if (leaf == NULL)
    return NULL;
  g_ptr_array_add (chain, leaf);
  credentials = pki_credentials_new (key, chain);
  pem = pki_credentials_to_pem (credentials, error);
  if (pem == NULL)
    return NULL;
  good = pki_store_write (authority->store, SERVER_FILE, pem, strlen (pem), error);
  pki_key_pem_free (pem);
  return good ? g_steal_pointer (&credentials) : NULL;
}

PkiCredentials *
pki_authority_server_credentials (PkiAuthority *authority, const char *const *names, guint lifetime_days,
                                  GError **error)
{
  g_autofree char *origin = g_build_filename (pki_store_path (authority->store), SERVER_FILE, NULL);
  g_autoptr (GError) local_error = NULL;
  GBytes *stored;
  PkiCredentials *credentials = NULL;

  if (!pki_store_lock (authority->store, 10000, error))
    return NULL;
  stored = pki_store_read (authority->store, SERVER_FILE, &local_error);
  if (stored != NULL)
    {
      /* One that cannot be read is replaced: nothing is lost with it. */
      credentials
          = pki_credentials_from_pem (g_bytes_get_data (stored, NULL), g_bytes_get_size (stored), origin, NULL);
      wipe_bytes (stored);
      if (credentials != NULL && !still_good (authority, credentials->chain->pdata[0], names))
        g_clear_pointer (&credentials, pki_credentials_free);
    }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (credentials == NULL)
    credentials = issue_server (authority, names, lifetime_days, error);
  pki_store_unlock (authority->store);
  return credentials;
}

/* The public key of a request whose signature proves that the sender holds the private one. */
static gboolean
import_request (gnutls_x509_crq_t request, gnutls_pubkey_t public_key, const char *pem, gsize length, GError **error)
{
  gnutls_datum_t datum = { (unsigned char *) pem, (unsigned int) length };
  unsigned int bits = 0;
  int algorithm;
  int code = gnutls_x509_crq_import (request, &datum, GNUTLS_X509_FMT_PEM);

  if (code < 0)
    return pki_failure (error, code, "this is no certificate request in PEM");
  code = gnutls_x509_crq_verify (request, 0);
  if (code < 0)
    return pki_failure (error, code, "the request is not signed by its own key");
  code = gnutls_pubkey_import_x509_crq (public_key, request, 0);
  if (code < 0)
    return pki_failure (error, code, "the request's key cannot be used");
  algorithm = gnutls_pubkey_get_pk_algorithm (public_key, &bits);
  if (algorithm < 0
      || gnutls_pk_bits_to_sec_param ((gnutls_pk_algorithm_t) algorithm, bits) < GNUTLS_SEC_PARAM_MEDIUM)
    return base_error_set (error, MUX_ERROR_PKI, "the request's key (%s, %u bits) is too weak; use P-256",
                           algorithm < 0 ? "?" : gnutls_pk_get_name ((gnutls_pk_algorithm_t) algorithm), bits);
  return TRUE;
}

PkiCertificate *
pki_authority_issue_client (PkiAuthority *authority, const char *csr_pem, gsize length, const char *user,
                            const char *device, guint lifetime_days, GError **error)
{
  g_autofree char *common_name = pki_identity_format (user, device);
  g_autofree char *checked_user = NULL;
  g_autofree char *checked_device = NULL;
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *record = NULL;
  g_autofree char *pem = NULL;
  gnutls_x509_crq_t request;
  gnutls_pubkey_t public_key;

  if (length > REQUEST_MAX)
    {
      base_error_set (error, MUX_ERROR_PKI, "a certificate request of more than 16 KiB");
      return NULL;
    }
  if (!pki_identity_parse (common_name, &checked_user, &checked_device, error))
    return NULL;
  if (gnutls_x509_crq_init (&request) < 0)
    {
      base_error_set (error, MUX_ERROR_PKI, "out of memory");
      return NULL;
    }
  if (gnutls_pubkey_init (&public_key) < 0)
    {
      gnutls_x509_crq_deinit (request);
      base_error_set (error, MUX_ERROR_PKI, "out of memory");
      return NULL;
    }
  if (import_request (request, public_key, csr_pem, length, error))
    certificate = pki_issue_leaf (public_key, authority->bundle->pdata[0], authority->key, GNUTLS_KP_TLS_WWW_CLIENT,
                                  common_name, NULL, lifetime_days, error);
  gnutls_pubkey_deinit (public_key);
  gnutls_x509_crq_deinit (request);
  if (certificate == NULL)
    return NULL;
  record = g_strdup_printf ("issued/%s.pem", pki_certificate_serial (certificate));
  pem = pki_certificate_to_pem (certificate);
  if (!pki_store_write (authority->store, record, pem, strlen (pem), error))
    return NULL;
  return g_steal_pointer (&certificate);
}
