#include "transport/enrolment.h"

#include "base/error.h"

#include <gnutls/gnutls.h>
#include <string.h>

#define BEGIN "-----BEGIN " TRANSPORT_ENROLMENT_LABEL "-----"
#define END "-----END " TRANSPORT_ENROLMENT_LABEL "-----"
/* Certificates and a few names: a block larger than this is none. */
#define BLOCK_MAX ((gsize) 256 * 1024)

static GVariant *
in_little_endian (GVariant *value)
{
  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (value) : g_variant_byteswap (value);
}

char *
transport_enrolment_armour (GVariant *enrolment, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (enrolment);
  g_autoptr (GVariant) normal = g_variant_get_normal_form (owned);
  g_autoptr (GVariant) wire = in_little_endian (normal);
  gnutls_datum_t data = { (unsigned char *) g_variant_get_data (wire), (unsigned int) g_variant_get_size (wire) };
  gnutls_datum_t out = { NULL, 0 };
  char *text;
  int code = g_variant_get_size (wire) > BLOCK_MAX
                 ? GNUTLS_E_LARGE_PACKET
                 : gnutls_pem_base64_encode2 (TRANSPORT_ENROLMENT_LABEL, &data, &out);

  if (code < 0)
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, "cannot write the enrolment: %s", gnutls_strerror (code));
      return NULL;
    }
  text = g_strndup ((const char *) out.data, out.size);
  gnutls_memset (out.data, 0, out.size);
  gnutls_free (out.data);
  return text;
}

static gboolean
has_string (GVariant *enrolment, const char *key, gboolean required)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (enrolment, key, NULL);

  if (value == NULL)
    return !required;
  return g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
         && (!required || g_variant_get_size (value) > 1);
}

static gboolean
has_type (GVariant *enrolment, const char *key, const GVariantType *type)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (enrolment, key, NULL);

  return value == NULL || g_variant_is_of_type (value, type);
}

/* Takes the decoded bytes. */
static GVariant *
check (GBytes *bytes, GError **error)
{
  g_autoptr (GVariant) raw = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, bytes, FALSE));
  GVariant *enrolment;

  if (!g_variant_is_normal_form (raw))
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, "the enrolment block is damaged");
      return NULL;
    }
  enrolment = in_little_endian (raw);
  if (!has_string (enrolment, "certificate", TRUE) || !has_string (enrolment, "ca", TRUE)
      || !has_string (enrolment, "user", TRUE) || !has_string (enrolment, "device", FALSE)
      || !has_string (enrolment, "key", FALSE) || !has_type (enrolment, "names", G_VARIANT_TYPE_STRING_ARRAY)
      || !has_type (enrolment, "addresses", G_VARIANT_TYPE_STRING_ARRAY)
      || !has_type (enrolment, "expires", G_VARIANT_TYPE_INT64))
    {
      g_variant_unref (enrolment);
      base_error_set (error, MUX_ERROR_ENROLMENT, "the enrolment block lacks a certificate, a CA or a user");
      return NULL;
    }
  return enrolment;
}

/* A login shell may print anything around the block, but not a second block: then we would not know which is meant. */
static gboolean
find (const char *text, gsize length, const char **begin, gsize *size, GError **error)
{
  const char *first = g_strstr_len (text, (gssize) length, BEGIN);
  const char *last;

  if (first == NULL)
    return base_error_set (error, MUX_ERROR_ENROLMENT, "there is no enrolment in what the command printed");
  length -= (gsize) (first - text);
  last = g_strstr_len (first, (gssize) length, END);
  if (last == NULL)
    return base_error_set (error, MUX_ERROR_ENROLMENT, "the enrolment is cut off: its last line is missing");
  *begin = first;
  *size = (gsize) (last - first) + strlen (END);
  if (g_strstr_len (first + *size, (gssize) (length - *size), BEGIN) != NULL)
    return base_error_set (error, MUX_ERROR_ENROLMENT, "the command printed more than one enrolment");
  if (*size > BLOCK_MAX * 2)
    return base_error_set (error, MUX_ERROR_ENROLMENT, "the enrolment is larger than any real one");
  return TRUE;
}

GVariant *
transport_enrolment_parse (const char *text, gsize length, GError **error)
{
  gnutls_datum_t out = { NULL, 0 };
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *block = NULL;
  gnutls_datum_t pem;
  const char *begin;
  gsize size;
  int code;

  if (length > TRANSPORT_ENROLMENT_MAX)
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, "the command printed more than 1 MiB");
      return NULL;
    }
  if (!find (text, length, &begin, &size, error))
    return NULL;
  /* With a line end behind it, and without the carriage returns of a terminal in between. */
  block = g_strndup (begin, size);
  for (char *from = block, *to = block;; from++)
    {
      if (*from != '\r')
        *to++ = *from;
      if (*from == '\0')
        break;
    }
  pem = (gnutls_datum_t){ (unsigned char *) block, (unsigned int) strlen (block) };
  code = gnutls_pem_base64_decode2 (TRANSPORT_ENROLMENT_LABEL, &pem, &out);
  gnutls_memset (block, 0, strlen (block));
  if (code < 0)
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, "the enrolment block is damaged: %s", gnutls_strerror (code));
      return NULL;
    }
  bytes = g_bytes_new (out.data, out.size);
  gnutls_memset (out.data, 0, out.size);
  gnutls_free (out.data);
  return check (bytes, error);
}

GVariant *
transport_enrolment_issue (PkiAuthority *authority, const char *csr, const char *user, const char *device,
                           guint lifetime_days, const char *const *names, const char *const *addresses,
                           GError **error)
{
  g_autoptr (PkiKey) key = NULL;
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *own_request = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *ca = pki_certificate_list_to_pem (pki_authority_bundle (authority));
  char *key_pem = NULL;
  GVariantDict dict;

  if (csr == NULL)
    {
      key = pki_key_generate (error);
      if (key == NULL)
        return NULL;
      own_request = pki_key_request (key, user, error);
      if (own_request == NULL)
        return NULL;
      csr = own_request;
    }
  certificate = pki_authority_issue_client (authority, csr, strlen (csr), user, device, lifetime_days, error);
  if (certificate == NULL)
    return NULL;
  if (key != NULL)
    {
      key_pem = pki_key_to_pem (key, error);
      if (key_pem == NULL)
        return NULL;
    }
  pem = pki_certificate_to_pem (certificate);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "user", "s", user);
  g_variant_dict_insert (&dict, "device", "s", device == NULL ? "" : device);
  g_variant_dict_insert (&dict, "certificate", "s", pem);
  g_variant_dict_insert (&dict, "ca", "s", ca);
  g_variant_dict_insert_value (&dict, "names", g_variant_new_strv (names, -1));
  g_variant_dict_insert_value (&dict, "addresses", g_variant_new_strv (addresses, -1));
  g_variant_dict_insert (&dict, "expires", "x", pki_certificate_not_after (certificate));
  if (key_pem != NULL)
    g_variant_dict_insert (&dict, "key", "s", key_pem);
  pki_key_pem_free (key_pem);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
