#include "pki/trust-private.h"

#include "base/error.h"
#include "pki/names.h"

#include <glib/gi18n-lib.h>

#define MAX_CHAIN 8
#define MAX_CHAIN_BYTES 65536
/* One certificate: what is longer costs GnuTLS more than its length. Ours have 500 bytes, with 256 names
 * 12,000. */
#define MAX_CERTIFICATE_BYTES 16384

/* Names of a certificate that a message lists. */
#define MAX_NAMES_SAID 4

/* Without times: they are checked apart, against a clock that is an argument. */
#define VERIFY_FLAGS                                                                                         \
  (GNUTLS_PROFILE_TO_VFLAGS (GNUTLS_PROFILE_MEDIUM) | GNUTLS_VERIFY_DISABLE_TIME_CHECKS                      \
   | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS)

/* Says why not, and with which alert (RFC 8446 section 6.2); returns FALSE. */
static gboolean refuse (GError **error, int *alert, int code, const char *format, ...) G_GNUC_PRINTF (4, 5);

static gboolean
refuse (GError **error, int *alert, int code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  *alert = code;
  return base_error_set (error, MUX_ERROR_TLS, "%s", text);
}

static gboolean
is_in_date (const PkiCertificate *certificate, gint64 at)
{
  return at >= pki_certificate_not_before (certificate) && at <= pki_certificate_not_after (certificate);
}

/* What is asked of every certificate before anything is computed with it. */
static gboolean
check_shape (const PkiCertificate *certificate, int *alert, GError **error)
{
  unsigned int bits = 0;
  int algorithm = gnutls_x509_crt_get_pk_algorithm (pki_certificate_native (certificate), &bits);

  if (!pki_key_is_strong (algorithm, bits))
    return refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE,
                   _("a key of the peer's certificates is too weak (%s, %u bits)"),
                   algorithm < 0 ? "?" : gnutls_pk_get_name ((gnutls_pk_algorithm_t) algorithm), bits);
  if (!pki_trust_has_few_constraints (certificate))
    return refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE,
                   _("a certificate of the peer has too many name constraints"));
  return TRUE;
}

/* Parses what the peer sent, within limits. */
static GPtrArray *
parse_chain (const gnutls_datum_t *der, guint n, int *alert, GError **error)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  gsize total = 0, longest = 0;

  for (guint i = 0; i < n; i++)
    {
      total += der[i].size;
      longest = MAX (longest, der[i].size);
    }
  if (n > MAX_CHAIN || total > MAX_CHAIN_BYTES || longest > MAX_CERTIFICATE_BYTES)
    {
      refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE,
              ngettext ("the peer sent %u certificate of %zu bytes, the longest of %zu; at most %d of %d are read, "
                        "each of %d at most",
                        "the peer sent %u certificates of %zu bytes, the longest of %zu; at most %d of %d are read, "
                        "each of %d at most",
                        n),
              n, total, longest, MAX_CHAIN, MAX_CHAIN_BYTES, MAX_CERTIFICATE_BYTES);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      PkiCertificate *certificate = pki_certificate_from_der (der[i].data, der[i].size, NULL);

      if (certificate == NULL)
        {
          refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE,
                  _("the peer sent a certificate that cannot be read"));
          return NULL;
        }
      g_ptr_array_add (chain, certificate);
      if (!check_shape (certificate, alert, error))
        return NULL;
    }
  return g_steal_pointer (&chain);
}

/* The first fault in the order of what a person can do about it. */
static gboolean
check_status (unsigned int status, int *alert, GError **error)
{
  static const struct
  {
    unsigned int bit;
    int alert;
    const char *text;
  } faults[] = {
    { GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_A_UNKNOWN_CA,
      N_ ("the peer's certificate was issued by a CA that is not trusted here") },
    { GNUTLS_CERT_SIGNER_NOT_CA, GNUTLS_A_UNKNOWN_CA,
      N_ ("the peer's certificate was issued by one that is no CA") },
    { GNUTLS_CERT_SIGNATURE_FAILURE, GNUTLS_A_BAD_CERTIFICATE,
      N_ ("a signature of the peer's certificates is wrong") },
    { GNUTLS_CERT_INSECURE_ALGORITHM, GNUTLS_A_BAD_CERTIFICATE,
      N_ ("the peer's certificate is signed with a weak algorithm or key") },
    { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, GNUTLS_A_BAD_CERTIFICATE,
      N_ ("the constraints of its CA forbid the peer's certificate") },
    { GNUTLS_CERT_PURPOSE_MISMATCH, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
      N_ ("the peer's certificate or its CA is not for this purpose (extended key usage)") },
    { GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
      N_ ("the peer's certificate has a critical extension that is not known here") },
  };

  if (status == 0)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    if ((status & faults[i].bit) != 0)
      return refuse (error, alert, faults[i].alert, "%s", _(faults[i].text));
  return refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE,
                 _("the peer's certificate is not valid (status 0x%x)"), status);
}

static gboolean
verify_with (gnutls_x509_trust_list_t list, GPtrArray *chain, const char *purpose_oid, int *alert,
             GError **error)
{
  gnutls_typed_vdata_st wanted = { GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *) purpose_oid, 0 };
  gnutls_x509_crt_t natives[MAX_CHAIN];
  unsigned int status = 0;
  int code;

  for (guint i = 0; i < chain->len; i++)
    natives[i] = pki_certificate_native (chain->pdata[i]);
  code = gnutls_x509_trust_list_verify_crt2 (list, natives, chain->len, &wanted, 1, VERIFY_FLAGS, &status,
                                             NULL);
  if (code < 0)
    return refuse (error, alert, GNUTLS_A_CERTIFICATE_UNKNOWN,
                   _("the peer's certificate cannot be verified: %s"), gnutls_strerror (code));
  return check_status (status, alert, error);
}

/* The list without the CAs that are not in date @at; NULL if all of them are. It borrows from @trust. */
static gnutls_x509_trust_list_t
list_of (const PkiTrust *trust, gint64 at)
{
  gnutls_x509_trust_list_t list;
  guint in_date = 0;

  for (guint i = 0; i < trust->certificates->len; i++)
    in_date += is_in_date (trust->certificates->pdata[i], at);
  if (in_date == trust->certificates->len)
    return NULL;
  if (gnutls_x509_trust_list_init (&list, 0) < 0)
    g_error ("out of memory");
  for (guint i = 0; i < trust->certificates->len; i++)
    {
      gnutls_x509_crt_t native = pki_certificate_native (trust->certificates->pdata[i]);

      if (is_in_date (trust->certificates->pdata[i], at)
          && gnutls_x509_trust_list_add_cas (list, &native, 1, 0) < 0)
        g_error ("out of memory");
    }
  return list;
}

/* Verifies against the CAs that are in date. When only the others would do, that is what is said. */
static gboolean
verify_chain (const PkiTrust *trust, GPtrArray *chain, const char *purpose_oid, gint64 at, int *alert,
              GError **error)
{
  gnutls_x509_trust_list_t list = list_of (trust, at);
  g_autoptr (GError) failure = NULL;
  gboolean good;

  if (list == NULL)
    return verify_with (trust->list, chain, purpose_oid, alert, error);
  good = verify_with (list, chain, purpose_oid, alert, &failure);
  gnutls_x509_trust_list_deinit (list, 0);
  if (good)
    return TRUE;
  if (*alert != GNUTLS_A_UNKNOWN_CA)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (verify_with (trust->list, chain, purpose_oid, alert, error))
    refuse (error, alert, GNUTLS_A_CERTIFICATE_EXPIRED,
            _("the CA of the peer's certificate has expired, or is not valid yet; compare the clocks of "
               "both machines"));
  return FALSE;
}

static gboolean
check_revoked (const PkiTrust *trust, GPtrArray *chain, int *alert, GError **error)
{
  for (guint i = 0; trust->revoked != NULL && i < chain->len; i++)
    if (g_hash_table_contains (trust->revoked, pki_certificate_serial (chain->pdata[i])))
      return refuse (error, alert, GNUTLS_A_CERTIFICATE_REVOKED, _("the peer's certificate was revoked"));
  return TRUE;
}

static gboolean
check_dates (GPtrArray *chain, gint64 at, int *alert, GError **error)
{
  for (guint i = 0; i < chain->len; i++)
    if (at > pki_certificate_not_after (chain->pdata[i]))
      return refuse (error, alert, GNUTLS_A_CERTIFICATE_EXPIRED, _("the peer's certificate has expired"));
    else if (!is_in_date (chain->pdata[i], at))
      return refuse (error, alert, GNUTLS_A_CERTIFICATE_EXPIRED,
                     _("the peer's certificate is not valid yet; compare the clocks of both machines"));
  return TRUE;
}

/* TLS 1.3 signs with the leaf's key, so a key usage that is there must allow that; the purpose must stand
 * there itself. */
static gboolean
check_usage (PkiCertificate *leaf, PkiPurpose purpose, const char *purpose_oid, int *alert, GError **error)
{
  unsigned int usage, critical;
  int code = gnutls_x509_crt_get_key_usage (pki_certificate_native (leaf), &usage, &critical);

  if (code != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE
      && (code < 0 || (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) == 0))
    return refuse (error, alert, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
                   _("the peer's certificate is not for signatures (key usage)"));
  if (pki_certificate_has_purpose (leaf, purpose_oid))
    return TRUE;
  return refuse (error, alert, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
                 purpose == PKI_PURPOSE_SERVER
                     ? _("the peer's certificate is not one for a server (extended key usage)")
                     : _("the peer's certificate is not one for a client (extended key usage)"));
}

static gboolean
check_host (PkiCertificate *leaf, const char *host, int *alert, GError **error)
{
  const char *const *names = pki_certificate_names (leaf);
  g_autoptr (GString) listed = NULL;

  if (pki_names_match (pki_certificate_native (leaf), host))
    return TRUE;
  listed = g_string_new (NULL);
  for (guint i = 0; names[i] != NULL && i <= MAX_NAMES_SAID; i++)
    g_string_append_printf (listed, "%s%s", i == 0 ? "" : ", ", i == MAX_NAMES_SAID ? "…" : names[i]);
  return refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE, _("the peer's certificate is for %s, not for %s"),
                 listed->len == 0 ? _("no name at all") : listed->str, host);
}

PkiCertificate *
pki_trust_verify (const PkiTrust *trust, const gnutls_datum_t *der, guint n, PkiPurpose purpose,
                  const char *host_name, gint64 at, int *alert, GError **error)
{
  const char *purpose_oid
      = purpose == PKI_PURPOSE_SERVER ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
  g_autoptr (GPtrArray) chain = NULL;
  PkiCertificate *leaf;

  if (n == 0)
    {
      refuse (error, alert, GNUTLS_A_CERTIFICATE_REQUIRED, _("the peer has no certificate"));
      return NULL;
    }
  chain = parse_chain (der, n, alert, error);
  if (chain == NULL)
    return NULL;
  leaf = chain->pdata[0];
  if (pki_certificate_is_ca (leaf))
    {
      refuse (error, alert, GNUTLS_A_BAD_CERTIFICATE, _("the peer presents a CA as its own certificate"));
      return NULL;
    }
  if (!verify_chain (trust, chain, purpose_oid, at, alert, error)
      || !check_revoked (trust, chain, alert, error) || !check_dates (chain, at, alert, error)
      || !check_usage (leaf, purpose, purpose_oid, alert, error)
      || (host_name != NULL && !check_host (leaf, host_name, alert, error)))
    return NULL;
  *alert = 0;
  return pki_certificate_ref (leaf);
}
