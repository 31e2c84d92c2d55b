#include "harness/forge.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509-ext.h>
#include <string.h>

#define GOOD(call) g_assert_cmpint ((call), >=, 0)

static time_t
from_now (gint64 seconds)
{
  return (time_t) (g_get_real_time () / G_USEC_PER_SEC + seconds);
}

static void
set_subject (gnutls_x509_crt_t certificate, const ForgeSpec *spec)
{
  const char *name = spec->common_name;
  gsize length = spec->common_name_length;

  if (name != NULL)
    GOOD (gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                         (unsigned int) (length > 0 ? length : strlen (name))));
  if (spec->second_common_name != NULL)
    GOOD (gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, spec->second_common_name,
                                         (unsigned int) strlen (spec->second_common_name)));
}

/* GnuTLS writes no NUL, so this SAN of one DNS name is put together here. */
static void
set_raw_name (gnutls_x509_crt_t certificate, const char *text)
{
  gsize length = strlen (text);
  g_autoptr (GByteArray) der = g_byte_array_new ();
  const guint8 head[] = { 0x30, (guint8) (length + 2), 0x82, (guint8) length };

  g_assert_cmpuint (length, <, 120);
  g_byte_array_append (der, head, sizeof head);
  g_byte_array_append (der, (const guint8 *) text, (guint) length);
  for (guint i = sizeof head; i < der->len; i++)
    if (der->data[i] == '\001')
      der->data[i] = '\0';
  GOOD (gnutls_x509_crt_set_extension_by_oid (certificate, GNUTLS_X509EXT_OID_SAN, der->data, der->len, 0));
}

static void
set_names (gnutls_x509_crt_t certificate, const ForgeSpec *spec)
{
  guint8 address[16];

  if (spec->uri != NULL)
    GOOD (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_URI, spec->uri,
                                                (unsigned int) strlen (spec->uri), GNUTLS_FSAN_APPEND));
  for (gsize i = 0; i < G_N_ELEMENTS (spec->dns) && spec->dns[i] != NULL; i++)
    if (strchr (spec->dns[i], '\001') == NULL)
      GOOD (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, spec->dns[i],
                                                  (unsigned int) strlen (spec->dns[i]), GNUTLS_FSAN_APPEND));
    else
      set_raw_name (certificate, spec->dns[i]);
  if (spec->address != NULL)
    {
      int family = strchr (spec->address, ':') == NULL ? AF_INET : AF_INET6;

      g_assert_cmpint (inet_pton (family, spec->address, address), ==, 1);
      GOOD (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_IPADDRESS, address, family == AF_INET ? 4 : 16,
                                                  GNUTLS_FSAN_APPEND));
    }
}

static void
set_constraints (gnutls_x509_crt_t certificate, const ForgeSpec *spec)
{
  gnutls_x509_name_constraints_t constraints;

  if (spec->permitted_dns == NULL && spec->n_excluded == 0)
    return;
  GOOD (gnutls_x509_name_constraints_init (&constraints));
  if (spec->permitted_dns != NULL)
    {
      gnutls_datum_t name = { (unsigned char *) spec->permitted_dns, (unsigned int) strlen (spec->permitted_dns) };

      GOOD (gnutls_x509_name_constraints_add_permitted (constraints, GNUTLS_SAN_DNSNAME, &name));
    }
  for (guint i = 0; i < spec->n_excluded; i++)
    {
      g_autofree char *text = g_strdup_printf ("x%u", i);
      gnutls_datum_t name = { (unsigned char *) text, (unsigned int) strlen (text) };

      GOOD (gnutls_x509_name_constraints_add_excluded (constraints, GNUTLS_SAN_DNSNAME, &name));
    }
  GOOD (gnutls_x509_crt_set_name_constraints (certificate, constraints, 1));
  gnutls_x509_name_constraints_deinit (constraints);
}

static void
set_key_identifiers (gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer)
{
  guint8 id[32];
  size_t size = sizeof id;

  GOOD (gnutls_x509_crt_get_key_id (certificate, 0, id, &size));
  GOOD (gnutls_x509_crt_set_subject_key_id (certificate, id, size));
  size = sizeof id;
  GOOD (gnutls_x509_crt_get_key_id (issuer, 0, id, &size));
  GOOD (gnutls_x509_crt_set_authority_key_id (certificate, id, size));
}

static void
set_extensions (gnutls_x509_crt_t certificate, const ForgeSpec *spec)
{
  /* An OCTET STRING of one byte, under an OID that is nobody's. */
  static const guint8 unknown[] = { 0x04, 0x01, 0x00 };

  GOOD (gnutls_x509_crt_set_basic_constraints (certificate, spec->ca, spec->ca ? spec->path_length : -1));
  if (spec->usage != 0)
    GOOD (gnutls_x509_crt_set_key_usage (certificate, spec->usage));
  for (gsize i = 0; i < G_N_ELEMENTS (spec->purposes) && spec->purposes[i] != NULL; i++)
    GOOD (gnutls_x509_crt_set_key_purpose_oid (certificate, spec->purposes[i], 0));
  set_names (certificate, spec);
  set_constraints (certificate, spec);
  if (spec->critical_extension)
    GOOD (gnutls_x509_crt_set_extension_by_oid (certificate, "1.3.6.1.4.1.99999.1", unknown, sizeof unknown, 1));
  if (spec->padding > 0)
    {
      g_autofree guint8 *zeros = g_malloc0 (spec->padding);

      GOOD (gnutls_x509_crt_set_extension_by_oid (certificate, "1.3.6.1.4.1.99999.2", zeros,
                                                  (unsigned int) spec->padding, 0));
    }
}

Forged *
forge (const ForgeSpec *spec, const Forged *issuer)
{
  Forged *forged = g_new0 (Forged, 1);
  gnutls_digest_algorithm_t digest = spec->digest == 0 ? GNUTLS_DIG_SHA256 : spec->digest;
  gboolean dated = spec->from != 0 || spec->to != 0;
  guint8 serial[16];

  GOOD (gnutls_x509_privkey_init (&forged->key));
  GOOD (gnutls_x509_privkey_generate (forged->key, spec->algorithm == 0 ? GNUTLS_PK_ECDSA : spec->algorithm,
                                      spec->bits == 0 ? GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1) : spec->bits,
                                      0));
  GOOD (gnutls_x509_crt_init (&forged->certificate));
  GOOD (gnutls_x509_crt_set_version (forged->certificate, spec->version_1 ? 1 : 3));
  GOOD (gnutls_x509_crt_set_key (forged->certificate, forged->key));
  GOOD (gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial));
  serial[0] = 0x42;
  GOOD (gnutls_x509_crt_set_serial (forged->certificate, serial, sizeof serial));
  GOOD (gnutls_x509_crt_set_activation_time (forged->certificate, from_now (dated ? spec->from : -3600)));
  GOOD (gnutls_x509_crt_set_expiration_time (forged->certificate, from_now (dated ? spec->to : 86400)));
  set_subject (forged->certificate, spec);
  if (!spec->version_1)
    set_extensions (forged->certificate, spec);
  if (!spec->version_1 && !spec->no_key_identifiers)
    set_key_identifiers (forged->certificate, issuer == NULL ? forged->certificate : issuer->certificate);
  GOOD (gnutls_x509_crt_sign2 (forged->certificate, issuer == NULL ? forged->certificate : issuer->certificate,
                               issuer == NULL ? forged->key : issuer->key, digest, 0));
  GOOD (gnutls_x509_crt_export2 (forged->certificate, GNUTLS_X509_FMT_DER, &forged->der));
  /* The signature is the last field, and its last byte a low one of a number. */
  if (spec->break_signature)
    forged->der.data[forged->der.size - 1] ^= 1;
  return forged;
}

void
forge_free (Forged *forged)
{
  gnutls_free (forged->der.data);
  gnutls_x509_crt_deinit (forged->certificate);
  gnutls_x509_privkey_deinit (forged->key);
  g_free (forged);
}

GPtrArray *
forge_list (const Forged *forged)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (list, pki_certificate_from_der (forged->der.data, forged->der.size, &error));
  g_assert_no_error (error);
  return list;
}

static char *
take_text (gnutls_datum_t *out)
{
  char *text = g_strndup ((const char *) out->data, out->size);

  gnutls_free (out->data);
  return text;
}

char *
forge_pem (const Forged *forged)
{
  gnutls_datum_t out;

  GOOD (gnutls_x509_crt_export2 (forged->certificate, GNUTLS_X509_FMT_PEM, &out));
  return take_text (&out);
}

char *
forge_key_pem (const Forged *forged)
{
  gnutls_datum_t out;

  GOOD (gnutls_x509_privkey_export2_pkcs8 (forged->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &out));
  return take_text (&out);
}
