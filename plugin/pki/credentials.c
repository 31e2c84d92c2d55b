#include "pki/authority.h"

#include "pki/failure.h"

#include <glib/gi18n-lib.h>

PkiCredentials *
pki_credentials_new (PkiKey *key, GPtrArray *chain)
{
  PkiCredentials *credentials = g_new0 (PkiCredentials, 1);

  credentials->key = pki_key_ref (key);
  credentials->chain = g_ptr_array_ref (chain);
  return credentials;
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
  if (!pki_certificate_is_of_key (chain->pdata[0], key))
    {
      base_error_set (error, MUX_ERROR_PKI, _("the private key %s does not belong to the certificate %s"),
                      key_path, certificate_path);
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
  if (!pki_certificate_is_of_key (chain->pdata[0], key))
    {
      base_error_set (error, MUX_ERROR_PKI, _("%s: the private key does not belong to the certificate"),
                      origin);
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
