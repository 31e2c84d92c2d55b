#include "pki/key.h"

#include "pki/failure.h"
#include "pki/read-file.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _PkiKey
{
  gatomicrefcount references;
  gnutls_x509_privkey_t native;
};

/* Bytes of a private value of P-256. */
#define P256_SIZE 32

static PkiKey *
key_wrap (gnutls_x509_privkey_t native)
{
  PkiKey *key = g_new0 (PkiKey, 1);

  g_atomic_ref_count_init (&key->references);
  key->native = native;
  return key;
}

/* Whether GnuTLS writes the private value as RFC 5915 wants it: in 32 bytes, no more, no less. GnuTLS 3.7
 * writes it like an INTEGER, with a zero in front when the first bit is set and without leading zeros, and
 * strict readers refuse such a file. Every other key is as it should be; what that costs of the key's
 * strength is one bit of 256. */
static gboolean
is_full_length (gnutls_x509_privkey_t native)
{
  gnutls_datum_t value = { NULL, 0 };
  gboolean full;

  if (gnutls_x509_privkey_export_ecc_raw (native, NULL, NULL, NULL, &value) < 0)
    return FALSE;
  full = value.size == P256_SIZE && value.data[0] != 0;
  gnutls_memset (value.data, 0, value.size);
  gnutls_free (value.data);
  return full;
}

PkiKey *
pki_key_generate (GError **error)
{
  gnutls_x509_privkey_t native;
  int code;

  for (;;)
    {
      code = gnutls_x509_privkey_init (&native);
      if (code < 0)
        break;
      code = gnutls_x509_privkey_generate (native, GNUTLS_PK_ECDSA,
                                           GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
      if (code >= 0 && is_full_length (native))
        return key_wrap (native);
      gnutls_x509_privkey_deinit (native);
      if (code < 0)
        break;
    }
  pki_failure (error, code, _("cannot make a P-256 key"));
  return NULL;
}

gboolean
pki_key_is_strong (int algorithm, unsigned int bits)
{
  switch (algorithm)
    {
    case GNUTLS_PK_RSA:
    case GNUTLS_PK_RSA_PSS:
      return bits >= 2048 && bits <= 8192;
    case GNUTLS_PK_ECDSA:
      return bits >= 256;
    case GNUTLS_PK_EDDSA_ED25519:
    case GNUTLS_PK_EDDSA_ED448:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
check_strength (gnutls_x509_privkey_t native, GError **error)
{
  unsigned int bits = 0;
  int algorithm = gnutls_x509_privkey_get_pk_algorithm2 (native, &bits);

  if (algorithm < 0)
    return pki_failure (error, algorithm, _("cannot tell what kind of key it is"));
  if (!pki_key_is_strong (algorithm, bits))
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("a key of %s with %u bits is not used here; use P-256 or RSA with 2048 to 8192 bits"),
        gnutls_pk_get_name ((gnutls_pk_algorithm_t) algorithm), bits);
  return TRUE;
}

PkiKey *
pki_key_from_pem (const char *pem, gsize length, GError **error)
{
  gnutls_datum_t datum = { (unsigned char *) pem, (unsigned int) length };
  gnutls_x509_privkey_t native;
  int code;

  if (length > PKI_FILE_MAX)
    {
      base_error_set (error, MUX_ERROR_PKI, _("a private key of %zu bytes is none"), length);
      return NULL;
    }
  code = gnutls_x509_privkey_init (&native);
  if (code >= 0)
    {
      /* GNUTLS_PKCS_PLAIN: never asks for a password, an encrypted key is an error. */
      code = gnutls_x509_privkey_import2 (native, &datum, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
      if (code >= 0 && check_strength (native, error))
        return key_wrap (native);
      gnutls_x509_privkey_deinit (native);
    }
  if (code < 0)
    pki_failure (error, code, _("there is no usable private key (PKCS#8, SEC1 or PKCS#1, not encrypted)"));
  return NULL;
}

PkiKey *
pki_key_load (const char *path, GError **error)
{
  gsize length;
  char *pem = pki_read_file (path, TRUE, &length, error);
  PkiKey *key;

  if (pem == NULL)
    return NULL;
  key = pki_key_from_pem (pem, length, error);
  if (key == NULL)
    g_prefix_error (error, "%s: ", path);
  gnutls_memset (pem, 0, length);
  g_free (pem);
  return key;
}

PkiKey *
pki_key_ref (PkiKey *key)
{
  g_atomic_ref_count_inc (&key->references);
  return key;
}

void
pki_key_unref (PkiKey *key)
{
  if (!g_atomic_ref_count_dec (&key->references))
    return;
  gnutls_x509_privkey_deinit (key->native);
  g_free (key);
}

char *
pki_key_to_pem (const PkiKey *key, GError **error)
{
  gnutls_datum_t out = { NULL, 0 };
  char *pem;
  int code
      = gnutls_x509_privkey_export2_pkcs8 (key->native, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &out);

  if (code < 0)
    {
      pki_failure (error, code, _("cannot write the private key as PKCS#8"));
      return NULL;
    }
  pem = g_strndup ((const char *) out.data, out.size);
  gnutls_memset (out.data, 0, out.size);
  gnutls_free (out.data);
  return pem;
}

void
pki_key_pem_free (char *pem)
{
  if (pem == NULL)
    return;
  gnutls_memset (pem, 0, strlen (pem));
  g_free (pem);
}

gnutls_x509_privkey_t
pki_key_native (const PkiKey *key)
{
  return key->native;
}

char *
pki_key_request (const PkiKey *key, const char *common_name, GError **error)
{
  gnutls_x509_crq_t request;
  gnutls_datum_t out = { NULL, 0 };
  char *pem = NULL;
  int code = gnutls_x509_crq_init (&request);

  if (code < 0)
    {
      pki_failure (error, code, _("cannot make a certificate request"));
      return NULL;
    }
  if ((code = gnutls_x509_crq_set_version (request, 1)) >= 0
      && (code = gnutls_x509_crq_set_dn_by_oid (request, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                                (unsigned int) strlen (common_name)))
             >= 0
      && (code = gnutls_x509_crq_set_key (request, key->native)) >= 0
      && (code = gnutls_x509_crq_sign2 (request, key->native, GNUTLS_DIG_UNKNOWN, 0)) >= 0
      && (code = gnutls_x509_crq_export2 (request, GNUTLS_X509_FMT_PEM, &out)) >= 0)
    {
      pem = g_strndup ((const char *) out.data, out.size);
      gnutls_free (out.data);
    }
  else
    pki_failure (error, code, _("cannot make a certificate request for %s"), common_name);
  gnutls_x509_crq_deinit (request);
  return pem;
}
