#include "pki/secret.h"

#include "pki/failure.h"

#include <glib/gi18n-lib.h>
#include <gnutls/crypto.h>
#include <string.h>

struct _PkiSecret
{
  guint8 seed[PKI_SECRET_SIZE];
};

#define FILE_NAME "seed"

PkiSecret *
pki_secret_new_random (GError **error)
{
  PkiSecret *secret = g_new0 (PkiSecret, 1);
  int code = gnutls_rnd (GNUTLS_RND_KEY, secret->seed, sizeof secret->seed);

  if (code >= 0)
    return secret;
  pki_failure (error, code, _("cannot get random bytes"));
  g_free (secret);
  return NULL;
}

static PkiSecret *
open_locked (PkiStore *store, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GBytes *bytes = pki_store_read (store, FILE_NAME, &local_error);
  PkiSecret *secret = NULL;
  gsize length;
  const void *data;

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (bytes == NULL)
    {
      secret = pki_secret_new_random (error);
      if (secret != NULL && !pki_store_write (store, FILE_NAME, secret->seed, sizeof secret->seed, error))
        g_clear_pointer (&secret, pki_secret_free);
      return secret;
    }
  data = g_bytes_get_data (bytes, &length);
  if (length == PKI_SECRET_SIZE)
    {
      secret = g_new0 (PkiSecret, 1);
      memcpy (secret->seed, data, PKI_SECRET_SIZE);
    }
  else
    base_error_set (error, MUX_ERROR_PKI,
                    ngettext ("%s/%s has %zu byte, not %d; move it away and a new one is made",
                              "%s/%s has %zu bytes, not %d; move it away and a new one is made", length),
                    pki_store_path (store), FILE_NAME, length, PKI_SECRET_SIZE);
  gnutls_memset ((void *) data, 0, length);
  g_bytes_unref (bytes);
  return secret;
}

PkiSecret *
pki_secret_open (PkiStore *store, GError **error)
{
  PkiSecret *secret;

  if (!pki_store_lock (store, PKI_STORE_LOCK_MS, error))
    return NULL;
  secret = open_locked (store, error);
  pki_store_unlock (store);
  return secret;
}

void
pki_secret_free (PkiSecret *secret)
{
  gnutls_memset (secret->seed, 0, sizeof secret->seed);
  g_free (secret);
}

gboolean
pki_secret_derive (const PkiSecret *secret, const char *label, guint8 out[PKI_SECRET_SIZE], GError **error)
{
  gnutls_datum_t key = { (unsigned char *) secret->seed, sizeof secret->seed };
  gnutls_datum_t salt = { (unsigned char *) "mux-quic", strlen ("mux-quic") };
  gnutls_datum_t info = { (unsigned char *) label, (unsigned int) strlen (label) };
  guint8 extracted[32];
  gnutls_datum_t pseudo_random = { extracted, sizeof extracted };
  int code = gnutls_hkdf_extract (GNUTLS_MAC_SHA256, &key, &salt, extracted);

  if (code >= 0)
    code = gnutls_hkdf_expand (GNUTLS_MAC_SHA256, &pseudo_random, &info, out, PKI_SECRET_SIZE);
  gnutls_memset (extracted, 0, sizeof extracted);
  return code >= 0 ? TRUE : pki_failure (error, code, _("cannot derive the key for %s"), label);
}
