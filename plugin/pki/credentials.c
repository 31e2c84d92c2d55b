#include "pki/authority.h"

#include "pki/failure.h"

PkiCredentials *
pki_credentials_new (PkiKey *key, GPtrArray *chain)
{
  PkiCredentials *credentials = g_new0 (PkiCredentials, 1);

  credentials->key = pki_key_ref (key);
  credentials->chain = g_ptr_array_ref (chain);
  return credentials;
}

/* Whether @certificate is for @key: the key identifiers are hashes of the public keys. */
static gboolean
belong_together (const PkiKey *key, const PkiCertificate *certificate)
{
  guint8 of_key[64], of_certificate[64];
  size_t key_size = sizeof of_key, certificate_size = sizeof of_certificate;

  return gnutls_x509_privkey_get_key_id (pki_key_native (key), GNUTLS_KEYID_USE_SHA256, of_key, &key_size) >= 0
         && gnutls_x509_crt_get_key_id (pki_certificate_native (certificate), GNUTLS_KEYID_USE_SHA256,
                                        of_certificate, &certificate_size) >= 0
         && key_size == certificate_size && gnutls_memcmp (of_key, of_certificate, key_size) == 0;
}

PkiCredentials *
pki_credentials_load (const char *key_path, const char *certificate_path, GError **error)
{
  g_autoptr (PkiKey) key = pki_key_load (key_path, error);
  g_autoptr (GPtrArray) chain = NULL;

  if (key == NULL)
    return NULL;
  chain = pki_certificate_list_load (certificate_path, error);
  if (chain == NULL)
    return NULL;
  if (!belong_together (key, chain->pdata[0]))
    {
      base_error_set (error, MUX_ERROR_PKI, "the private key %s does not belong to the certificate %s", key_path,
                      certificate_path);
      return NULL;
    }
  return pki_credentials_new (key, chain);
}

PkiCredentials *
pki_credentials_from_pem (const char *pem, gsize length, const char *origin, GError **error)
{
  g_autoptr (PkiKey) key = NULL;
  g_autoptr (GPtrArray) chain = pki_certificate_list_from_pem (pem, length, origin, error);

  if (chain == NULL)
    return NULL;
  key = pki_key_from_pem (pem, length, error);
  if (key == NULL)
    {
      g_prefix_error (error, "%s: ", origin);
      return NULL;
    }
  if (!belong_together (key, chain->pdata[0]))
    {
      base_error_set (error, MUX_ERROR_PKI, "%s: the private key does not belong to the certificate", origin);
      return NULL;
    }
  return pki_credentials_new (key, chain);
}

char *
pki_credentials_to_pem (const PkiCredentials *credentials, GError **error)
{
  g_autofree char *chain = pki_certificate_list_to_pem (credentials->chain);
  char *key = pki_key_to_pem (credentials->key, error);
  char *both;

  if (key == NULL)
    return NULL;
  both = g_strconcat (chain, key, NULL);
  pki_key_pem_free (key);
  return both;
}

void
pki_credentials_free (PkiCredentials *credentials)
{
  pki_key_unref (credentials->key);
  g_ptr_array_unref (credentials->chain);
  g_free (credentials);
}
