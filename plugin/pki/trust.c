#include "pki/trust.h"

#include "pki/failure.h"
#include "pki/read-file.h"

#include <arpa/inet.h>
#include <string.h>

struct _PkiTrust
{
  gatomicrefcount references;
  gnutls_x509_trust_list_t list;
  /* The list borrows what it is given, so they live as long as it does. */
  GPtrArray *certificates;
  GPtrArray *crls;
};

#define MAX_CHAIN 8
#define MAX_CHAIN_BYTES 65536
/* More name constraints than any honest CA has: matching them all costs time for nothing. */
#define MAX_NAME_CONSTRAINTS 64

static void
crl_free (gpointer crl)
{
  gnutls_x509_crl_deinit (crl);
}

PkiTrust *
pki_trust_new (void)
{
  PkiTrust *trust = g_new0 (PkiTrust, 1);

  g_atomic_ref_count_init (&trust->references);
  if (gnutls_x509_trust_list_init (&trust->list, 0) < 0)
    g_error ("out of memory");
  trust->certificates = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  trust->crls = g_ptr_array_new_with_free_func (crl_free);
  return trust;
}

PkiTrust *
pki_trust_ref (PkiTrust *trust)
{
  g_atomic_ref_count_inc (&trust->references);
  return trust;
}

void
pki_trust_unref (PkiTrust *trust)
{
  if (!g_atomic_ref_count_dec (&trust->references))
    return;
  gnutls_x509_trust_list_deinit (trust->list, 0);
  g_ptr_array_unref (trust->certificates);
  g_ptr_array_unref (trust->crls);
  g_free (trust);
}

gboolean
pki_trust_add (PkiTrust *trust, GPtrArray *certificates, const char *origin, GError **error)
{
  for (guint i = 0; i < certificates->len; i++)
    if (!pki_certificate_is_ca (certificates->pdata[i]))
      return base_error_set (error, MUX_ERROR_PKI,
                             "%s: certificate %u in it is no CA; only CA certificates can be trusted", origin, i + 1);
  for (guint i = 0; i < certificates->len; i++)
    {
      PkiCertificate *certificate = certificates->pdata[i];
      gnutls_x509_crt_t native = pki_certificate_native (certificate);
      int code;

      g_ptr_array_add (trust->certificates, pki_certificate_ref (certificate));
      code = gnutls_x509_trust_list_add_cas (trust->list, &native, 1, 0);
      if (code < 0)
        return pki_failure (error, code, "%s: certificate %u cannot be trusted", origin, i + 1);
    }
  return TRUE;
}

gboolean
pki_trust_add_path (PkiTrust *trust, const char *path, GError **error)
{
  g_autoptr (GPtrArray) certificates = pki_certificate_list_load_any (path, error);

  return certificates != NULL && pki_trust_add (trust, certificates, path, error);
}

gboolean
pki_trust_add_crl (PkiTrust *trust, const char *pem, gsize length, GError **error)
{
  gnutls_datum_t datum = { (unsigned char *) pem, (unsigned int) length };
  gnutls_x509_crl_t crl;
  time_t next;
  int code;

  if (length > PKI_FILE_MAX)
    return base_error_set (error, MUX_ERROR_PKI, "a revocation list of more than 1 MiB");
  code = gnutls_x509_crl_init (&crl);
  if (code < 0)
    return pki_failure (error, code, "cannot read the revocation list");
  code = gnutls_x509_crl_import (crl, &datum, GNUTLS_X509_FMT_PEM);
  if (code < 0)
    {
      gnutls_x509_crl_deinit (crl);
      return pki_failure (error, code, "the revocation list is no PEM CRL");
    }
  next = gnutls_x509_crl_get_next_update (crl);
  if (next != (time_t) -1 && next < (time_t) (g_get_real_time () / G_USEC_PER_SEC))
    {
      gnutls_x509_crl_deinit (crl);
      return base_error_set (error, MUX_ERROR_PKI, "the revocation list has expired");
    }
  code = gnutls_x509_trust_list_add_crls (trust->list, &crl, 1, GNUTLS_TL_VERIFY_CRL, 0);
  if (code <= 0)
    {
      gnutls_x509_crl_deinit (crl);
      return base_error_set (error, MUX_ERROR_PKI, "the revocation list is not signed by a trusted CA");
    }
  g_ptr_array_add (trust->crls, crl);
  return TRUE;
}

guint
pki_trust_size (const PkiTrust *trust)
{
  return trust->certificates->len;
}

/* The first fault in the order of what a person can do about it, with the alert of RFC 8446 section 6.2. */
static gboolean
check_status (unsigned int status, int *alert, GError **error)
{
  static const struct
  {
    unsigned int bit;
    int alert;
    const char *text;
  } faults[] = {
    { GNUTLS_CERT_REVOKED, GNUTLS_A_CERTIFICATE_REVOKED, "the certificate was revoked" },
    { GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_A_UNKNOWN_CA, "the certificate was issued by a CA that is not trusted here" },
    { GNUTLS_CERT_SIGNER_NOT_CA, GNUTLS_A_UNKNOWN_CA, "the certificate was issued by one that is no CA" },
    { GNUTLS_CERT_INSECURE_ALGORITHM, GNUTLS_A_BAD_CERTIFICATE, "the certificate is signed with a weak algorithm or key" },
    { GNUTLS_CERT_PURPOSE_MISMATCH, GNUTLS_A_UNSUPPORTED_CERTIFICATE, "the certificate is not for this purpose" },
    { GNUTLS_CERT_SIGNATURE_FAILURE, GNUTLS_A_BAD_CERTIFICATE, "the certificate's signature is wrong" },
    { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, GNUTLS_A_BAD_CERTIFICATE, "the CA's constraints forbid this certificate" },
  };

  if (status == 0)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    if ((status & faults[i].bit) != 0)
      {
        *alert = faults[i].alert;
        return base_error_set (error, MUX_ERROR_TLS, "%s", faults[i].text);
      }
  *alert = GNUTLS_A_BAD_CERTIFICATE;
  return base_error_set (error, MUX_ERROR_TLS, "the certificate is not valid (status 0x%x)", status);
}

static gboolean
check_dates (GPtrArray *chain, gint64 at, int *alert, GError **error)
{
  for (guint i = 0; i < chain->len; i++)
    {
      PkiCertificate *certificate = chain->pdata[i];

      if (at >= pki_certificate_not_before (certificate) && at <= pki_certificate_not_after (certificate))
        continue;
      *alert = GNUTLS_A_CERTIFICATE_EXPIRED;
      return base_error_set (error, MUX_ERROR_TLS,
                             at > pki_certificate_not_after (certificate)
                                 ? "the certificate has expired"
                                 : "the certificate is not valid yet; compare the clocks of both machines");
    }
  return TRUE;
}

/* Present, and holding the purpose itself: neither "no restriction" nor "any". */
static gboolean
check_purpose (PkiCertificate *leaf, PkiPurpose purpose, int *alert, GError **error)
{
  const char *wanted = purpose == PKI_PURPOSE_SERVER ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;

  for (unsigned int i = 0; i < 32; i++)
    {
      char oid[128];
      size_t size = sizeof oid;
      unsigned int critical;
      int code = gnutls_x509_crt_get_key_purpose_oid (pki_certificate_native (leaf), i, oid, &size, &critical);

      if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        break;
      if (code >= 0 && g_str_equal (oid, wanted))
        return TRUE;
    }
  *alert = GNUTLS_A_UNSUPPORTED_CERTIFICATE;
  return base_error_set (error, MUX_ERROR_TLS, "the certificate is not one for a %s (extended key usage)",
                         purpose == PKI_PURPOSE_SERVER ? "server" : "client");
}

static gboolean
has_dns_name (gnutls_x509_crt_t native)
{
  for (unsigned int i = 0;; i++)
    {
      char value[512];
      size_t size = sizeof value;
      int type = gnutls_x509_crt_get_subject_alt_name (native, i, value, &size, NULL);

      if (type == GNUTLS_SAN_DNSNAME)
        return TRUE;
      if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return FALSE;
      if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
        return FALSE;
    }
}

/* Only against the SAN (RFC 6125): GnuTLS falls back to the CN where there is no DNS name, so that is asked first. */
static gboolean
check_host (PkiCertificate *leaf, const char *host, int *alert, GError **error)
{
  gnutls_x509_crt_t native = pki_certificate_native (leaf);
  g_autofree char *names = NULL;
  guint8 address[16];
  gboolean match;

  if (inet_pton (AF_INET, host, address) == 1)
    match = gnutls_x509_crt_check_ip (native, address, 4, 0) != 0;
  else if (inet_pton (AF_INET6, host, address) == 1)
    match = gnutls_x509_crt_check_ip (native, address, 16, 0) != 0;
  else
    match = has_dns_name (native) && gnutls_x509_crt_check_hostname2 (native, host, 0) != 0;
  if (match)
    return TRUE;
  *alert = GNUTLS_A_BAD_CERTIFICATE;
  names = g_strjoinv (", ", (char **) pki_certificate_names (leaf));
  return base_error_set (error, MUX_ERROR_TLS, "the certificate is for %s, not for %s",
                         names[0] == '\0' ? "no name at all" : names, host);
}

static gboolean
check_constraints_count (PkiCertificate *certificate, int *alert, GError **error)
{
  gnutls_x509_name_constraints_t constraints;
  unsigned int critical, type;
  gnutls_datum_t name;
  guint count = 0;
  gboolean good = TRUE;

  if (gnutls_x509_name_constraints_init (&constraints) < 0)
    return base_error_set (error, MUX_ERROR_TLS, "out of memory");
  if (gnutls_x509_crt_get_name_constraints (pki_certificate_native (certificate), constraints, 0, &critical) >= 0)
    {
      while (count <= MAX_NAME_CONSTRAINTS
             && gnutls_x509_name_constraints_get_permitted (constraints, count, &type, &name) >= 0)
        count++;
      for (guint i = 0; count <= MAX_NAME_CONSTRAINTS
                        && gnutls_x509_name_constraints_get_excluded (constraints, i, &type, &name) >= 0;
           i++)
        count++;
      good = count <= MAX_NAME_CONSTRAINTS;
    }
  gnutls_x509_name_constraints_deinit (constraints);
  if (good)
    return TRUE;
  *alert = GNUTLS_A_BAD_CERTIFICATE;
  return base_error_set (error, MUX_ERROR_TLS, "a certificate of the chain has more than %d name constraints",
                         MAX_NAME_CONSTRAINTS);
}

/* Parses what the peer sent, within limits. */
static GPtrArray *
parse_chain (const gnutls_datum_t *der, guint n, int *alert, GError **error)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  gsize total = 0;

  *alert = GNUTLS_A_BAD_CERTIFICATE;
  for (guint i = 0; i < n; i++)
    total += der[i].size;
  if (n > MAX_CHAIN || total > MAX_CHAIN_BYTES)
    {
      base_error_set (error, MUX_ERROR_TLS, "the peer sent %u certificates of %zu bytes; at most %d of %d are read", n,
                      total, MAX_CHAIN, MAX_CHAIN_BYTES);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      PkiCertificate *certificate = pki_certificate_from_der (der[i].data, der[i].size, NULL);

      if (certificate == NULL)
        {
          base_error_set (error, MUX_ERROR_TLS, "the peer sent a certificate that cannot be read");
          return NULL;
        }
      g_ptr_array_add (chain, certificate);
      if (!check_constraints_count (certificate, alert, error))
        return NULL;
    }
  return g_steal_pointer (&chain);
}

static gboolean
verify_chain (const PkiTrust *trust, GPtrArray *chain, int *alert, GError **error)
{
  gnutls_x509_crt_t natives[MAX_CHAIN];
  unsigned int status = 0;
  int code;

  for (guint i = 0; i < chain->len; i++)
    natives[i] = pki_certificate_native (chain->pdata[i]);
  /* Dates are checked apart, against a clock that is an argument. */
  code = gnutls_x509_trust_list_verify_crt2 (trust->list, natives, chain->len, NULL, 0,
                                             GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM)
                                                 | GNUTLS_VERIFY_DISABLE_TIME_CHECKS
                                                 | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS,
                                             &status, NULL);
  if (code < 0)
    {
      *alert = GNUTLS_A_CERTIFICATE_UNKNOWN;
      return base_error_set (error, MUX_ERROR_TLS, "the certificate cannot be verified: %s", gnutls_strerror (code));
    }
  return check_status (status, alert, error);
}

/* The CA that issued the top of the chain must be in date as well. */
static gboolean
check_root_dates (const PkiTrust *trust, GPtrArray *chain, gint64 at, int *alert, GError **error)
{
  gnutls_x509_crt_t top = pki_certificate_native (chain->pdata[chain->len - 1]);
  gboolean found = FALSE;

  for (guint i = 0; i < trust->certificates->len; i++)
    {
      PkiCertificate *ca = trust->certificates->pdata[i];

      if (gnutls_x509_crt_check_issuer (top, pki_certificate_native (ca)) != 1)
        continue;
      if (at >= pki_certificate_not_before (ca) && at <= pki_certificate_not_after (ca))
        return TRUE;
      found = TRUE;
    }
  if (!found)
    return TRUE;
  *alert = GNUTLS_A_CERTIFICATE_EXPIRED;
  return base_error_set (error, MUX_ERROR_TLS, "the CA that issued the certificate has expired");
}

PkiCertificate *
pki_trust_verify (const PkiTrust *trust, const gnutls_datum_t *der, guint n, PkiPurpose purpose, const char *host_name,
                  gint64 at, int *alert, GError **error)
{
  g_autoptr (GPtrArray) chain = NULL;
  PkiCertificate *leaf;

  if (n == 0)
    {
      *alert = GNUTLS_A_CERTIFICATE_REQUIRED;
      base_error_set (error, MUX_ERROR_TLS, "the peer has no certificate");
      return NULL;
    }
  chain = parse_chain (der, n, alert, error);
  if (chain == NULL)
    return NULL;
  leaf = chain->pdata[0];
  if (pki_certificate_is_ca (leaf))
    {
      *alert = GNUTLS_A_BAD_CERTIFICATE;
      base_error_set (error, MUX_ERROR_TLS, "the peer presents a CA as its own certificate");
      return NULL;
    }
  if (!verify_chain (trust, chain, alert, error) || !check_dates (chain, at, alert, error)
      || !check_root_dates (trust, chain, at, alert, error) || !check_purpose (leaf, purpose, alert, error)
      || (host_name != NULL && !check_host (leaf, host_name, alert, error)))
    return NULL;
  return pki_certificate_ref (leaf);
}
