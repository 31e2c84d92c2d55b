#include "pki/trust-private.h"

#include "pki/failure.h"
#include "pki/read-file.h"

#include <glib/gi18n-lib.h>

/* More name constraints than any honest CA has: GnuTLS compares each with each of those below it. */
#define MAX_NAME_CONSTRAINTS 64

PkiTrust *
pki_trust_new (void)
{
  PkiTrust *trust = g_new0 (PkiTrust, 1);

  g_atomic_ref_count_init (&trust->references);
  if (gnutls_x509_trust_list_init (&trust->list, 0) < 0)
    g_error ("out of memory");
  trust->certificates = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
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
  g_clear_pointer (&trust->revoked, g_hash_table_unref);
  g_free (trust);
}

gboolean
pki_trust_has_few_constraints (const PkiCertificate *certificate)
{
  gnutls_x509_name_constraints_t constraints;
  unsigned int critical, type, count = 0;
  gnutls_datum_t name;

  if (gnutls_x509_name_constraints_init (&constraints) < 0)
    return FALSE;
  if (gnutls_x509_crt_get_name_constraints (pki_certificate_native (certificate), constraints, 0, &critical)
      >= 0)
    {
      while (count <= MAX_NAME_CONSTRAINTS
             && gnutls_x509_name_constraints_get_permitted (constraints, count, &type, &name) >= 0)
        count++;
      for (unsigned int i = 0;
           count <= MAX_NAME_CONSTRAINTS
           && gnutls_x509_name_constraints_get_excluded (constraints, i, &type, &name) >= 0;
           i++)
        count++;
    }
  gnutls_x509_name_constraints_deinit (constraints);
  return count <= MAX_NAME_CONSTRAINTS;
}

static gboolean
check_anchor (PkiCertificate *certificate, guint number, const char *origin, GError **error)
{
  unsigned int bits = 0;
  int algorithm = gnutls_x509_crt_get_pk_algorithm (pki_certificate_native (certificate), &bits);

  if (!pki_certificate_is_ca (certificate))
    return base_error_set (error, MUX_ERROR_PKI,
                           _("%s: certificate %u in it is no CA; only CA certificates can be trusted"),
                           origin, number);
  if (!pki_key_is_strong (algorithm, bits))
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("%s: certificate %u in it has a key (%s, %u bits) that is not believed here; take it out"), origin,
        number, algorithm < 0 ? "?" : gnutls_pk_get_name ((gnutls_pk_algorithm_t) algorithm), bits);
  if (!pki_trust_has_few_constraints (certificate))
    return base_error_set (error, MUX_ERROR_PKI,
                           ngettext ("%s: certificate %u in it has more than %d name constraint",
                                     "%s: certificate %u in it has more than %d name constraints", MAX_NAME_CONSTRAINTS),
                           origin, number, MAX_NAME_CONSTRAINTS);
  return TRUE;
}

gboolean
pki_trust_add (PkiTrust *trust, GPtrArray *certificates, const char *origin, GError **error)
{
  for (guint i = 0; i < certificates->len; i++)
    if (!check_anchor (certificates->pdata[i], i + 1, origin, error))
      return FALSE;
  for (guint i = 0; i < certificates->len; i++)
    {
      PkiCertificate *certificate = certificates->pdata[i];
      gnutls_x509_crt_t native = pki_certificate_native (certificate);
      int code;

      g_ptr_array_add (trust->certificates, pki_certificate_ref (certificate));
      code = gnutls_x509_trust_list_add_cas (trust->list, &native, 1, 0);
      if (code < 0)
        return pki_failure (error, code, _("%s: certificate %u cannot be trusted"), origin, i + 1);
    }
  return TRUE;
}

gboolean
pki_trust_add_path (PkiTrust *trust, const char *path, GError **error)
{
  g_autoptr (GPtrArray) certificates = pki_certificate_list_load_any (path, error);

  return certificates != NULL && pki_trust_add (trust, certificates, path, error);
}

void
pki_trust_revoke (PkiTrust *trust, GHashTable *serials)
{
  g_clear_pointer (&trust->revoked, g_hash_table_unref);
  trust->revoked = g_hash_table_ref (serials);
}

guint
pki_trust_size (const PkiTrust *trust)
{
  return trust->certificates->len;
}
