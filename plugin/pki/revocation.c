#include "pki/revocation.h"

#include "pki/authority-private.h"
#include "pki/failure.h"
#include "pki/issue.h"
#include "pki/read-file.h"

#include <glib/gi18n-lib.h>
#include <gnutls/abstract.h>
#include <string.h>

#define CRL_FILE "crl.pem"
#define SERIAL_MAX 20 /* RFC 5280 section 4.1.2.2 */

static GHashTable *
new_table (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
put (GHashTable *table, const char *serial, gint64 when)
{
  g_hash_table_replace (table, g_strdup (serial), g_memdup2 (&when, sizeof when));
}

/* The bytes of a serial in hex; 0 when it is none. */
static gsize
serial_bytes (const char *serial, guint8 bytes[SERIAL_MAX])
{
  gsize length = strlen (serial);

  if (length == 0 || length % 2 != 0 || length / 2 > SERIAL_MAX)
    return 0;
  for (gsize i = 0; i < length; i++)
    {
      int digit = g_ascii_xdigit_value (serial[i]);

      if (digit < 0)
        return 0;
      bytes[i / 2] = (guint8) (i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
    }
  return length / 2;
}

static char *
serial_text (const guint8 *bytes, gsize length)
{
  GString *text = g_string_sized_new (2 * length);

  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

/* Whether one of the bundle's CAs signed @crl. */
static gboolean
is_ours (PkiAuthority *authority, gnutls_x509_crl_t crl)
{
  for (guint i = 0; i < authority->bundle->len; i++)
    {
      gnutls_x509_crt_t ca = pki_certificate_native (authority->bundle->pdata[i]);
      unsigned int status = 0;

      if (gnutls_x509_crl_verify (crl, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 && status == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
read_entries (gnutls_x509_crl_t crl, GHashTable *table, GError **error)
{
  int n = gnutls_x509_crl_get_crt_count (crl);

  for (int i = 0; i < n; i++)
    {
      guint8 bytes[SERIAL_MAX];
      size_t size = sizeof bytes;
      time_t when = 0;
      int code = gnutls_x509_crl_get_crt_serial (crl, (unsigned int) i, bytes, &size, &when);
      g_autofree char *serial = NULL;

      if (code < 0)
        return pki_failure (error, code, _("entry %d of the revocation list cannot be read"), i + 1);
      serial = serial_text (bytes, size);
      put (table, serial, when);
    }
  return n >= 0 ? TRUE : pki_failure (error, n, _("the revocation list cannot be read"));
}

static gboolean
parse (PkiAuthority *authority, GBytes *pem, GHashTable *table, GError **error)
{
  gnutls_datum_t datum = { NULL, (unsigned int) g_bytes_get_size (pem) };
  gnutls_x509_crl_t crl;
  int code = gnutls_x509_crl_init (&crl);
  gboolean good = FALSE;

  if (code < 0)
    return pki_failure (error, code, _("the revocation list cannot be read"));
  datum.data = (unsigned char *) g_bytes_get_data (pem, NULL);
  code = gnutls_x509_crl_import (crl, &datum, GNUTLS_X509_FMT_PEM);
  if (code < 0)
    pki_failure (error, code, _("the revocation list cannot be read"));
  else if (!is_ours (authority, crl))
    base_error_set (error, MUX_ERROR_PKI, _("the revocation list is not signed by this CA"));
  else
    good = read_entries (crl, table, error);
  gnutls_x509_crl_deinit (crl);
  return good;
}

GHashTable *
pki_authority_revoked (PkiAuthority *authority, GError **error)
{
  g_autoptr (GHashTable) table = new_table ();
  g_autoptr (GError) failure = NULL;
  g_autoptr (GBytes) pem = pki_store_read (authority->store, CRL_FILE, &failure);

  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (pem != NULL && !parse (authority, pem, table, error))
    {
      g_prefix_error (error, "%s/" CRL_FILE ": ", pki_store_path (authority->store));
      return NULL;
    }
  return g_steal_pointer (&table);
}

static int
fill (gnutls_x509_crl_t crl, PkiAuthority *authority, GHashTable *table)
{
  PkiCertificate *ca = authority->bundle->pdata[0];
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  guint64 number = GUINT64_TO_BE ((guint64) g_get_real_time ()); /* never falls while the clock does not */
  guint8 id[64];
  size_t id_size = sizeof id;
  GHashTableIter iter;
  gpointer serial, when;
  int code = gnutls_x509_crl_set_version (crl, 2);

  g_hash_table_iter_init (&iter, table);
  while (code >= 0 && g_hash_table_iter_next (&iter, &serial, &when))
    {
      guint8 bytes[SERIAL_MAX];
      gsize size = serial_bytes (serial, bytes);

      code = gnutls_x509_crl_set_crt_serial (crl, bytes, size, (time_t) *(gint64 *) when);
    }
  if (code >= 0)
    code = gnutls_x509_crl_set_this_update (crl, (time_t) (now - PKI_BACKDATE_SECONDS));
  /* It is read by the one who writes it: no reader waits for a next one before the CA's end. */
  if (code >= 0)
    code = gnutls_x509_crl_set_next_update (crl, (time_t) pki_certificate_not_after (ca));
  if (code >= 0)
    code = gnutls_x509_crl_set_number (crl, &number, sizeof number);
  if (code >= 0)
    code = gnutls_x509_crt_get_subject_key_id (pki_certificate_native (ca), id, &id_size, NULL);
  if (code >= 0)
    code = gnutls_x509_crl_set_authority_key_id (crl, id, id_size);
  return code;
}

/* Signed by the newest CA; PEM, free with gnutls_free (). */
static gboolean
make (PkiAuthority *authority, GHashTable *table, gnutls_datum_t *pem, GError **error)
{
  gnutls_x509_crt_t ca = pki_certificate_native (authority->bundle->pdata[0]);
  gnutls_privkey_t signer = NULL;
  gnutls_x509_crl_t crl;
  int code = gnutls_x509_crl_init (&crl);

  if (code < 0)
    return pki_failure (error, code, _("cannot make a revocation list"));
  code = fill (crl, authority, table);
  if (code >= 0)
    code = gnutls_privkey_init (&signer);
  if (code >= 0)
    code = gnutls_privkey_import_x509 (signer, pki_key_native (authority->key), 0);
  if (code >= 0)
    code = gnutls_x509_crl_privkey_sign (crl, ca, signer, GNUTLS_DIG_SHA256, 0);
  if (code >= 0)
    code = gnutls_x509_crl_export2 (crl, GNUTLS_X509_FMT_PEM, pem);
  if (signer != NULL)
    gnutls_privkey_deinit (signer);
  gnutls_x509_crl_deinit (crl);
  return code >= 0 ? TRUE : pki_failure (error, code, _("cannot make a revocation list"));
}

gboolean
pki_authority_write_revoked (PkiAuthority *authority, GHashTable *table, GError **error)
{
  gnutls_datum_t pem = { NULL, 0 };
  gboolean good = make (authority, table, &pem, error);

  if (good && pem.size > PKI_FILE_MAX)
    good = base_error_set (error, MUX_ERROR_PKI, _("a revocation list of more than 1 MiB; make a new CA"));
  good = good && pki_store_write (authority->store, CRL_FILE, pem.data, pem.size, error);
  gnutls_free (pem.data);
  return good;
}

/* Adds @serial; FALSE when it is none. */
static gboolean
add (GHashTable *table, const char *serial, gboolean *changed, GError **error)
{
  g_autofree char *lower = g_ascii_strdown (serial, -1);
  guint8 bytes[SERIAL_MAX];

  if (serial_bytes (lower, bytes) == 0)
    return base_error_set (error, MUX_ERROR_PKI, _("“%s” is no serial: that is up to 40 hexadecimal digits"), serial);
  if (g_hash_table_contains (table, lower))
    return TRUE;
  put (table, lower, g_get_real_time () / G_USEC_PER_SEC);
  *changed = TRUE;
  return TRUE;
}

static gboolean
revoke_locked (PkiAuthority *authority, const char *const *serials, GError **error)
{
  g_autoptr (GHashTable) table = pki_authority_revoked (authority, error);
  gboolean changed = FALSE;

  if (table == NULL)
    return FALSE;
  for (; *serials != NULL; serials++)
    if (!add (table, *serials, &changed, error))
      return FALSE;
  return !changed || pki_authority_write_revoked (authority, table, error);
}

gboolean
pki_authority_revoke (PkiAuthority *authority, const char *const *serials, GError **error)
{
  gboolean good;

  if (!pki_store_lock (authority->store, PKI_STORE_LOCK_MS, error))
    return FALSE;
  good = revoke_locked (authority, serials, error);
  pki_store_unlock (authority->store);
  return good;
}
