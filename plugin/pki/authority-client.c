#include "pki/authority-private.h"

#include "pki/failure.h"
#include "pki/issue.h"

#include <glib/gi18n-lib.h>
#include <gnutls/abstract.h>
#include <string.h>

#define REQUEST_MAX ((gsize) 16384)

/* The public key of a request whose signature proves that the sender holds the private one. */
static gboolean
import_request (gnutls_x509_crq_t request, gnutls_pubkey_t public_key, const char *pem, gsize length,
                GError **error)
{
  gnutls_datum_t datum = { (unsigned char *) pem, (unsigned int) length };
  unsigned int bits = 0;
  int algorithm;
  int code = gnutls_x509_crq_import (request, &datum, GNUTLS_X509_FMT_PEM);

  if (code < 0)
    return pki_failure (error, code, _("this is no certificate request in PEM"));
  code = gnutls_pubkey_import_x509_crq (public_key, request, 0);
  if (code < 0)
    return pki_failure (error, code, _("the request's key cannot be used"));
  algorithm = gnutls_pubkey_get_pk_algorithm (public_key, &bits);
  if (!pki_key_is_strong (algorithm, bits))
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("the request's key (%s, %u bits) is not used here; use P-256 or RSA with 2048 to 8192 bits"),
        algorithm < 0 ? "?" : gnutls_pk_get_name ((gnutls_pk_algorithm_t) algorithm), bits);
  /* Only after the size is known to be bearable. */
  code = gnutls_x509_crq_verify (request, 0);
  if (code < 0)
    return pki_failure (error, code, _("the request is not signed by its own key"));
  return TRUE;
}

/* Whether the name in the certificate will be read as exactly this user and device: a user called "user:x/y"
 * would be x. */
static gboolean
check_identity (const char *common_name, const char *user, const char *device, GError **error)
{
  g_autofree char *read_user = NULL;
  g_autofree char *read_device = NULL;

  if (!pki_identity_parse (common_name, &read_user, &read_device, error))
    return FALSE;
  if (g_str_equal (read_user, user) && g_strcmp0 (read_device, device) == 0)
    return TRUE;
  return base_error_set (error, MUX_ERROR_PKI, _("'%s' is no name that a certificate can hold"), user);
}

/* A certificate for the key of the request, not recorded yet. */
static PkiCertificate *
sign_request (PkiAuthority *authority, const char *csr_pem, gsize length, const char *common_name,
              guint lifetime_days, GError **error)
{
  PkiCertificate *certificate = NULL;
  gnutls_x509_crq_t request;
  gnutls_pubkey_t public_key;
  int code = gnutls_x509_crq_init (&request);

  if (code < 0)
    {
      pki_failure (error, code, _("cannot read a certificate request"));
      return NULL;
    }
  code = gnutls_pubkey_init (&public_key);
  if (code >= 0)
    {
      if (import_request (request, public_key, csr_pem, length, error))
        certificate = pki_issue_leaf (public_key, authority->bundle->pdata[0], authority->key,
                                      GNUTLS_KP_TLS_WWW_CLIENT, common_name, NULL, lifetime_days, error);
      gnutls_pubkey_deinit (public_key);
    }
  else
    pki_failure (error, code, _("cannot read a certificate request"));
  gnutls_x509_crq_deinit (request);
  return certificate;
}

PkiCertificate *
pki_authority_issue_client (PkiAuthority *authority, const char *csr_pem, gsize length, const char *user,
                            const char *device, const char *renews, guint lifetime_days, GError **error)
{
  g_autofree char *common_name = pki_identity_format (user, device);
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *record = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *text = NULL;

  if (length > REQUEST_MAX)
    {
      base_error_set (error, MUX_ERROR_PKI, _("a certificate request of more than 16 KiB"));
      return NULL;
    }
  if (!check_identity (common_name, user, device, error))
    return NULL;
  certificate = sign_request (authority, csr_pem, length, common_name, lifetime_days, error);
  if (certificate == NULL)
    return NULL;
  record = g_strdup_printf (PKI_STORE_ISSUED "/%s.pem", pki_certificate_serial (certificate));
  pem = pki_certificate_to_pem (certificate);
  text = renews != NULL ? g_strconcat (PKI_AUTHORITY_RENEWS, renews, "\n", pem, NULL) : g_strdup (pem);
  if (!pki_store_write (authority->store, record, text, strlen (text), error))
    return NULL;
  return g_steal_pointer (&certificate);
}
