#define BASE_LOG_ROOM "transport"
#include "transport/domain-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define CREDENTIALS_NAME "client.pem" /* certificate and key in one file, so that they can never mismatch */
#define CA_NAME "ca.pem"
#define NAMES_NAME "names"
#define ADDRESSES_NAME "addresses"

gboolean
transport_domain_check_chain (const PkiCredentials *credentials, GPtrArray *ca, GError **error)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (PkiCertificate) leaf = NULL;
  guint n = MIN (credentials->chain->len, 8);
  gnutls_datum_t der[8] = { { NULL, 0 } };
  gboolean fine = pki_trust_add (trust, ca, _("the CA that was sent"), error);
  int alert;

  for (guint i = 0; i < n && fine; i++)
    if (gnutls_x509_crt_export2 (pki_certificate_native (credentials->chain->pdata[i]), GNUTLS_X509_FMT_DER,
                                 &der[i])
        < 0)
      fine = base_error_set (error, MUX_ERROR_PKI, _("the certificate cannot be read"));
  if (fine)
    {
      leaf = pki_trust_verify (trust, der, n, PKI_PURPOSE_CLIENT, NULL, g_get_real_time () / G_USEC_PER_SEC,
                               &alert, error);
      fine = leaf != NULL;
    }
  for (guint i = 0; i < n; i++)
    gnutls_free (der[i].data);
  return fine;
}

static gboolean
write_files (const TransportDomain *domain, PkiStore *store, GError **error)
{
  g_autofree char *ca = pki_certificate_list_to_pem (domain->ca);
  g_autofree char *names = g_strjoinv ("\n", domain->names);
  g_autofree char *addresses = g_strjoinv ("\n", domain->addresses);
  char *credentials = pki_credentials_to_pem (domain->credentials, error);
  gboolean done;

  /* The certificate last: with another CA's it is found not to fit, and one enrols again. */
  done = credentials != NULL && pki_store_write (store, CA_NAME, ca, strlen (ca), error)
         && pki_store_write (store, NAMES_NAME, names, strlen (names), error)
         && pki_store_write (store, ADDRESSES_NAME, addresses, strlen (addresses), error)
         && pki_store_write (store, CREDENTIALS_NAME, credentials, strlen (credentials), error);
  if (credentials != NULL)
    pki_key_pem_free (credentials);
  return done;
}

/* A certificate that cannot be kept still serves for now. */
void
transport_domain_keep (const TransportDomain *domain)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiStore) store = NULL;

  if (domain->directory == NULL)
    return;
  store = pki_store_open (domain->directory, &error);
  if (store == NULL || !write_files (domain, store, &error))
    base_warning ("The certificate cannot be kept in %s: %s", domain->directory, error->message);
}

/* NULL with @error, or without when the file is not there. */
static char *
read_text (PkiStore *store, const char *name, GError **error)
{
  g_autoptr (GBytes) bytes = pki_store_read (store, name, error);

  return bytes != NULL ? g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)) : NULL;
}

static gboolean
read_files (TransportDomain *domain, PkiStore *store, GError **error)
{
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (GPtrArray) ca_list = NULL;
  char *pem = read_text (store, CREDENTIALS_NAME, error);
  g_autofree char *ca = NULL, *names = NULL, *addresses = NULL;

  if (pem == NULL)
    return FALSE;
  credentials = pki_credentials_from_pem (pem, strlen (pem), CREDENTIALS_NAME, error);
  pki_key_pem_free (pem);
  if (credentials == NULL || (ca = read_text (store, CA_NAME, error)) == NULL
      || (names = read_text (store, NAMES_NAME, error)) == NULL
      || (addresses = read_text (store, ADDRESSES_NAME, error)) == NULL)
    return FALSE;
  ca_list = pki_certificate_list_from_pem (ca, strlen (ca), CA_NAME, error);
  if (ca_list == NULL || !transport_domain_check_chain (credentials, ca_list, error))
    return FALSE;
  domain->credentials = g_steal_pointer (&credentials);
  domain->ca = g_steal_pointer (&ca_list);
  g_strfreev (domain->names);
  g_strfreev (domain->addresses);
  domain->names = g_strsplit (names, "\n", 0);
  domain->addresses = g_strsplit (addresses, "\n", 0);
  return transport_domain_is_usable (domain);
}

gboolean
transport_domain_load (TransportDomain *domain)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiStore) store = NULL;

  if (domain->directory == NULL || !g_file_test (domain->directory, G_FILE_TEST_IS_DIR))
    return FALSE;
  store = pki_store_open (domain->directory, &error);
  if (store != NULL && read_files (domain, store, &error))
    return TRUE;
  if (error != NULL)
    base_message ("The certificate kept in %s is not used: %s", domain->directory, error->message);
  g_clear_pointer (&domain->credentials, pki_credentials_free);
  g_clear_pointer (&domain->ca, g_ptr_array_unref);
  return FALSE;
}
