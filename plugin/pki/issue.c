#include "pki/issue.h"

#include "pki/failure.h"
#include "pki/names.h"

#include <glib/gi18n-lib.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>

#define SERIAL_SIZE 16

/* Runs one GnuTLS call of a sequence: the first that fails is named in @error and ends it. */
#define TRY(call)                                                                                            \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    int try_code = (call);                                                                                   \
    if (try_code < 0)                                                                                        \
      return pki_failure (error, try_code, _("cannot make a certificate (%s)"), #call);                     \
  }                                                                                                          \
  G_STMT_END

static gboolean
set_serial (gnutls_x509_crt_t native, GError **error)
{
  guint8 serial[SERIAL_SIZE];

  TRY (gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial));
  /* Positive, and never shorter than the others: the first byte is 0x40 to 0x7f. */
  serial[0] = (guint8) ((serial[0] & 0x3f) | 0x40);
  TRY (gnutls_x509_crt_set_serial (native, serial, sizeof serial));
  return TRUE;
}

/* The identifier of its own key and that of its issuer, which may be itself. */
static gboolean
set_key_identifiers (gnutls_x509_crt_t native, gnutls_x509_crt_t issuer, GError **error)
{
  guint8 id[64];
  size_t size = sizeof id;

  TRY (gnutls_x509_crt_get_key_id (native, 0, id, &size));
  TRY (gnutls_x509_crt_set_subject_key_id (native, id, size));
  size = sizeof id;
  /* A CA made elsewhere may have none. */
  if (gnutls_x509_crt_get_subject_key_id (issuer, id, &size, NULL) < 0)
    {
      size = sizeof id;
      TRY (gnutls_x509_crt_get_key_id (issuer, 0, id, &size));
    }
  TRY (gnutls_x509_crt_set_authority_key_id (native, id, size));
  return TRUE;
}

static gboolean
set_common_name (gnutls_x509_crt_t native, const char *name, GError **error)
{
  TRY (gnutls_x509_crt_set_dn_by_oid (native, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                      (unsigned int) strlen (name)));
  return TRUE;
}

static gboolean
set_dates (gnutls_x509_crt_t native, guint lifetime_days, gint64 latest, GError **error)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gint64 end = MIN (now + (gint64) lifetime_days * PKI_DAY_SECONDS, latest);

  if (lifetime_days < 1 || lifetime_days > PKI_CA_LIFETIME_DAYS)
    return base_error_set (error, MUX_ERROR_PKI,
                           ngettext ("a certificate of %u day cannot be made, only 1 to %d",
                                     "a certificate of %u days cannot be made, only 1 to %d", lifetime_days),
                           lifetime_days, PKI_CA_LIFETIME_DAYS);
  if (end <= now)
    return base_error_set (error, MUX_ERROR_PKI,
                           _("the CA has expired: it cannot issue certificates any more"));
  TRY (gnutls_x509_crt_set_activation_time (native, (time_t) (now - PKI_BACKDATE_SECONDS)));
  TRY (gnutls_x509_crt_set_expiration_time (native, (time_t) end));
  return TRUE;
}

static PkiCertificate *
finish (gnutls_x509_crt_t native, GError **error)
{
  gnutls_datum_t der = { NULL, 0 };
  PkiCertificate *certificate;
  int code = gnutls_x509_crt_export2 (native, GNUTLS_X509_FMT_DER, &der);

  if (code < 0)
    {
      pki_failure (error, code, _("cannot write a new certificate"));
      return NULL;
    }
  certificate = pki_certificate_from_der (der.data, der.size, error);
  gnutls_free (der.data);
  return certificate;
}

static gboolean
fill_ca (gnutls_x509_crt_t native, PkiKey *key, const char *common_name, guint lifetime_days, GError **error)
{
  TRY (gnutls_x509_crt_set_version (native, 3));
  TRY (gnutls_x509_crt_set_key (native, pki_key_native (key)));
  /* Leaves only: no CA below this one. */
  TRY (gnutls_x509_crt_set_basic_constraints (native, 1, 0));
  TRY (gnutls_x509_crt_set_key_usage (native, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
  if (!set_serial (native, error) || !set_common_name (native, common_name, error)
      || !set_dates (native, lifetime_days, G_MAXINT64, error)
      || !set_key_identifiers (native, native, error))
    return FALSE;
  TRY (gnutls_x509_crt_sign2 (native, native, pki_key_native (key), GNUTLS_DIG_UNKNOWN, 0));
  return TRUE;
}

PkiCertificate *
pki_issue_ca (PkiKey *key, const char *common_name, guint lifetime_days, GError **error)
{
  gnutls_x509_crt_t native;
  PkiCertificate *certificate = NULL;
  int code = gnutls_x509_crt_init (&native);

  if (code < 0)
    {
      pki_failure (error, code, _("cannot make a certificate"));
      return NULL;
    }
  if (fill_ca (native, key, common_name, lifetime_days, error))
    certificate = finish (native, error);
  gnutls_x509_crt_deinit (native);
  return certificate;
}

static gboolean
fill_leaf (gnutls_x509_crt_t native, gnutls_pubkey_t public_key, PkiCertificate *ca, PkiKey *ca_key,
           const char *purpose_oid, const char *common_name, const char *const *names, guint lifetime_days,
           GError **error)
{
  gnutls_x509_crt_t issuer = pki_certificate_native (ca);

  TRY (gnutls_x509_crt_set_version (native, 3));
  TRY (gnutls_x509_crt_set_pubkey (native, public_key));
  TRY (gnutls_x509_crt_set_basic_constraints (native, 0, -1));
  TRY (gnutls_x509_crt_set_key_usage (native, GNUTLS_KEY_DIGITAL_SIGNATURE));
  TRY (gnutls_x509_crt_set_key_purpose_oid (native, purpose_oid, 0));
  if (!set_serial (native, error) || (common_name != NULL && !set_common_name (native, common_name, error))
      || (names != NULL && !pki_names_write (native, names, common_name == NULL, error))
      || !set_dates (native, lifetime_days, pki_certificate_not_after (ca), error)
      || !set_key_identifiers (native, issuer, error))
    return FALSE;
  TRY (gnutls_x509_crt_sign2 (native, issuer, pki_key_native (ca_key), GNUTLS_DIG_UNKNOWN, 0));
  return TRUE;
}

PkiCertificate *
pki_issue_leaf (gnutls_pubkey_t public_key, PkiCertificate *ca, PkiKey *ca_key, const char *purpose_oid,
                const char *common_name, const char *const *names, guint lifetime_days, GError **error)
{
  gnutls_x509_crt_t native;
  PkiCertificate *certificate = NULL;
  int code = gnutls_x509_crt_init (&native);

  if (code < 0)
    {
      pki_failure (error, code, _("cannot make a certificate"));
      return NULL;
    }
  if (fill_leaf (native, public_key, ca, ca_key, purpose_oid, common_name, names, lifetime_days, error))
    certificate = finish (native, error);
  gnutls_x509_crt_deinit (native);
  return certificate;
}
