#define BASE_LOG_ROOM "pki"
#include "pki/authority-private.h"

#include "base/log.h"
#include "pki/failure.h"
#include "pki/issue.h"
#include "pki/names.h"
#include "pki/trust.h"

#include <glib/gi18n-lib.h>
#include <gnutls/abstract.h>
#include <string.h>

#define SERVER_FILE "server.pem"

/* Makes *@public_key, to be freed with gnutls_pubkey_deinit (). */
static gboolean
public_key_of (const PkiKey *key, gnutls_pubkey_t *public_key, GError **error)
{
  gnutls_privkey_t private_key;
  int code = gnutls_privkey_init (&private_key);

  if (code < 0)
    return pki_failure (error, code, _("cannot take the public half of a key"));
  code = gnutls_privkey_import_x509 (private_key, pki_key_native (key), 0);
  if (code >= 0)
    code = gnutls_pubkey_init (public_key);
  if (code >= 0 && (code = gnutls_pubkey_import_privkey (*public_key, private_key, 0, 0)) < 0)
    gnutls_pubkey_deinit (*public_key);
  gnutls_privkey_deinit (private_key);
  return code >= 0 ? TRUE : pki_failure (error, code, _("cannot take the public half of a key"));
}

/* The CA that signs the server's certificate: the one that every client knows (pki/rotation.h). */
static PkiCertificate *
server_ca (const PkiAuthority *authority)
{
  return authority->bundle->pdata[authority->old_key != NULL ? 1 : 0];
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
  leaf = pki_issue_leaf (public_key, server_ca (authority),
                         authority->old_key != NULL ? authority->old_key : authority->key, GNUTLS_KP_TLS_WWW_SERVER,
                         NULL, names, lifetime_days, error);
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
  authority->server_expired &= !good;
  return good ? g_steal_pointer (&credentials) : NULL;
}

/* The stored credentials, or NULL when there are none that are of this CA and valid now. What cannot be
 * understood is replaced: nothing is lost with it. What must not be used (mode, owner) is an error. */
static PkiCredentials *
load_server (PkiAuthority *authority, gint64 now, GError **error)
{
  g_autofree char *origin = g_build_filename (pki_store_path (authority->store), SERVER_FILE, NULL);
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (PkiCertificate) verified = NULL;
  GBytes *stored = pki_store_read (authority->store, SERVER_FILE, error);
  gnutls_datum_t der;
  int alert;

  if (stored == NULL)
    return NULL;
  credentials
      = pki_credentials_from_pem (g_bytes_get_data (stored, NULL), g_bytes_get_size (stored), origin, NULL);
  pki_authority_wipe (stored);
  if (credentials == NULL || !pki_trust_add (trust, authority->bundle, SERVER_FILE, NULL)
      || gnutls_x509_crt_export2 (pki_certificate_native (credentials->chain->pdata[0]), GNUTLS_X509_FMT_DER,
                                  &der)
             < 0)
    return NULL;
  verified = pki_trust_verify (trust, &der, 1, PKI_PURPOSE_SERVER, NULL, now, &alert, NULL);
  gnutls_free (der.data);
  return verified == NULL ? NULL : g_steal_pointer (&credentials);
}

static gboolean
covers (PkiCertificate *leaf, const char *const *names)
{
  for (; *names != NULL; names++)
    if (!g_strv_contains (pki_certificate_names (leaf), *names))
      return FALSE;
  return TRUE;
}

/* Whether @leaf need not be replaced: of the right CA, for these names, not longer than is wanted now, not
 * soon to be renewed. */
static gboolean
still_good (PkiAuthority *authority, PkiCertificate *leaf, const char *const *names, guint lifetime_days,
            gint64 now)
{
  gint64 life = pki_certificate_not_after (leaf) - pki_certificate_not_before (leaf);

  if (authority->server_expired || now >= pki_certificate_renew_at (leaf)
      || life > (gint64) lifetime_days * PKI_DAY_SECONDS + PKI_BACKDATE_SECONDS || !covers (leaf, names))
    return FALSE;
  return gnutls_x509_crt_check_issuer (pki_certificate_native (leaf),
                                       pki_certificate_native (server_ca (authority)))
         == 1;
}

/* Under the lock, so that two processes do not renew at once. */
static PkiCredentials *
server_credentials (PkiAuthority *authority, const char *const *names, guint lifetime_days, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (GError) failure = NULL;
  g_autoptr (PkiCredentials) stored = load_server (authority, now, &failure);
  PkiCredentials *fresh;

  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (stored != NULL && still_good (authority, stored->chain->pdata[0], names, lifetime_days, now))
    return g_steal_pointer (&stored);
  fresh = issue_server (authority, names, lifetime_days, &failure);
  if (fresh != NULL)
    return fresh;
  /* A full disk is no reason to close a server whose certificate is still valid; but who asked for another is told. */
  if (authority->server_expired || stored == NULL || !covers (stored->chain->pdata[0], names))
    {
      authority->server_expired = FALSE;
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  base_warning ("The server certificate cannot be renewed, the old one serves until it expires: %s",
                failure->message);
  return g_steal_pointer (&stored);
}

PkiCredentials *
pki_authority_server_credentials (PkiAuthority *authority, const char *const *names, guint lifetime_days,
                                  GError **error)
{
  g_auto (GStrv) canonical = pki_names_canonical_list (names, error);
  PkiCredentials *credentials;

  if (canonical == NULL || !pki_store_lock (authority->store, PKI_STORE_LOCK_MS, error))
    return NULL;
  credentials = server_credentials (authority, (const char *const *) canonical, lifetime_days, error);
  pki_store_unlock (authority->store);
  return credentials;
}

void
pki_authority_expire_server (PkiAuthority *authority)
{
  authority->server_expired = TRUE;
}
