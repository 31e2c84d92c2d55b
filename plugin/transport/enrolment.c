#define BASE_LOG_ROOM "transport"
#include "transport/enrolment.h"

#include <glib/gi18n-lib.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define BEGIN_LINE "-----BEGIN " TRANSPORT_ENROLMENT_LABEL "-----"
#define END_LINE "-----END " TRANSPORT_ENROLMENT_LABEL "-----"
/* The block alone: a chain, a CA bundle, names. */
#define MAX_BLOCK ((gsize) 256 * 1024)
#define MAX_PEM ((gsize) 128 * 1024)
#define MAX_NAME ((gsize) 255)
#define MAX_LIST 256

/* What may stand in it: type, whether it must, and its limit (bytes of a string, of each of a list). */
static const struct
{
  const char *name;
  const char *type;
  gboolean required;
  gsize max;
} keys[] = {
  { "user", "s", TRUE, MAX_NAME }, { "device", "s", FALSE, MAX_NAME }, { "certificate", "s", TRUE, MAX_PEM },
  { "ca", "s", TRUE, MAX_PEM },    { "names", "as", TRUE, MAX_NAME },  { "addresses", "as", TRUE, MAX_NAME },
  { "expires", "x", TRUE, 0 },     { "key", "s", FALSE, MAX_PEM },
};

static gboolean
unusable (GError **error, const char *what)
{
  return base_error_set (error, MUX_ERROR_ENROLMENT, _("The enrolment is not usable: %s"), what);
}

static gboolean
is_short (GVariant *value, gsize max)
{
  return g_variant_get_size (value) <= max + 1; /* the zero at its end */
}

static gboolean
check_value (GVariant *value, gsize max)
{
  GVariantIter iter;
  GVariant *item;
  gboolean fine = TRUE;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return is_short (value, max);
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return TRUE;
  if (g_variant_n_children (value) > MAX_LIST)
    return FALSE;
  g_variant_iter_init (&iter, value);
  while (fine && (item = g_variant_iter_next_value (&iter)) != NULL)
    {
      fine = is_short (item, max);
      g_variant_unref (item);
    }
  return fine;
}

static gboolean
check (GVariant *enrolment, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (enrolment, keys[i].name, NULL);

      if (value == NULL && !keys[i].required)
        continue;
      if (value == NULL)
        return base_error_set (error, MUX_ERROR_ENROLMENT, _("The enrolment is not usable: it has no “%s”"),
                               keys[i].name);
      if (!g_variant_is_of_type (value, G_VARIANT_TYPE (keys[i].type)))
        return base_error_set (error, MUX_ERROR_ENROLMENT,
                               _("The enrolment is not usable: “%s” is of type %s, not %s"), keys[i].name,
                               g_variant_get_type_string (value), keys[i].type);
      if (!check_value (value, keys[i].max))
        return base_error_set (error, MUX_ERROR_ENROLMENT,
                               _("The enrolment is not usable: “%s” is too long"), keys[i].name);
    }
  return TRUE;
}

char *
transport_enrolment_armour (GVariant *enrolment, GError **error)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (enrolment);
  g_autoptr (GVariant) normal = g_variant_get_normal_form (sunk);
  g_autoptr (GVariant) little = NULL;
  gnutls_datum_t plain, armoured = { NULL, 0 };
  char *text;
  int code;

  if (!check (normal, error))
    return NULL;
  little = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (normal) : g_variant_byteswap (normal);
  plain.data = (guint8 *) g_variant_get_data (little);
  plain.size = (unsigned int) g_variant_get_size (little);
  code = gnutls_pem_base64_encode2 (TRANSPORT_ENROLMENT_LABEL, &plain, &armoured);
  if (code < 0)
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, _("The enrolment cannot be written as text: %s"),
                      gnutls_strerror (code));
      return NULL;
    }
  text = g_strndup ((const char *) armoured.data, armoured.size);
  gnutls_memset (armoured.data, 0, armoured.size);
  gnutls_free (armoured.data);
  return text;
}

/* Sets *@begin and *@end around the only block, its two lines included. */
static gboolean
find_block (const char *text, gsize length, const char **begin, const char **end, GError **error)
{
  const char *last = text + length;

  *begin = length == 0 ? NULL : memmem (text, length, BEGIN_LINE, strlen (BEGIN_LINE));
  if (*begin == NULL)
    return unusable (error, length == 0
                                ? _("nothing was said")
                                : _("there is no block “MUX-QUIC ENROLMENT” in what was said"));
  *end = memmem (*begin, (gsize) (last - *begin), END_LINE, strlen (END_LINE));
  if (*end == NULL)
    return unusable (error, _("its end is missing"));
  *end += strlen (END_LINE);
  if (memmem (*end, (gsize) (last - *end), BEGIN_LINE, strlen (BEGIN_LINE)) != NULL
      || memmem (*begin + 1, (gsize) (*end - *begin) - 1, BEGIN_LINE, strlen (BEGIN_LINE)) != NULL)
    return unusable (error, _("there is more than one block"));
  if ((gsize) (*end - *begin) > MAX_BLOCK)
    return unusable (error, _("it is too long"));
  return TRUE;
}

/* A terminal on the way turns line ends into CR LF. */
static GString *
without_returns (const char *begin, const char *end)
{
  GString *text = g_string_sized_new ((gsize) (end - begin) + 1);

  for (const char *p = begin; p < end; p++)
    if (*p != '\r')
      g_string_append_c (text, *p);
  return g_string_append_c (text, '\n');
}

static GVariant *
decode (const guint8 *data, gsize length, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);
  g_autoptr (GVariant) little
      = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, bytes, FALSE));
  g_autoptr (GVariant) enrolment = NULL;

  if (!g_variant_is_normal_form (little))
    {
      unusable (error, _("what is in the block is damaged"));
      return NULL;
    }
  enrolment = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (little) : g_variant_byteswap (little);
  if (!check (enrolment, error))
    return NULL;
  return g_steal_pointer (&enrolment);
}

GVariant *
transport_enrolment_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (GString) block = NULL;
  const char *begin = NULL, *end = NULL;
  gnutls_datum_t armoured, plain = { NULL, 0 };
  GVariant *enrolment;
  int code;

  if (length > TRANSPORT_ENROLMENT_MAX)
    {
      unusable (error, _("more than 1 MiB was said"));
      return NULL;
    }
  if (!find_block (text, length, &begin, &end, error))
    return NULL;
  block = without_returns (begin, end);
  armoured.data = (guint8 *) block->str;
  armoured.size = (unsigned int) block->len;
  code = gnutls_pem_base64_decode2 (TRANSPORT_ENROLMENT_LABEL, &armoured, &plain);
  if (code < 0)
    {
      base_error_set (error, MUX_ERROR_ENROLMENT,
                      _("The enrolment is not usable: the block is damaged (%s)"), gnutls_strerror (code));
      return NULL;
    }
  enrolment = decode (plain.data, plain.size, error);
  gnutls_memset (plain.data, 0, plain.size);
  gnutls_free (plain.data);
  return enrolment;
}

/* The request of a key made here; *@key_pem is that key. */
static char *
make_request (const char *user, char **key_pem, GError **error)
{
  g_autoptr (PkiKey) key = pki_key_generate (error);
  char *csr;

  if (key == NULL)
    return NULL;
  csr = pki_key_request (key, user, error);
  if (csr != NULL)
    *key_pem = pki_key_to_pem (key, error);
  if (csr != NULL && *key_pem == NULL)
    g_clear_pointer (&csr, g_free);
  return csr;
}

GVariant *
transport_enrolment_issue (PkiAuthority *authority, const char *csr, const char *user, const char *device,
                           guint lifetime_days, const char *const *names, const char *const *addresses,
                           GError **error)
{
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *own_csr = NULL, *pem = NULL, *ca = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  char *key_pem = NULL;

  if (csr == NULL)
    {
      own_csr = make_request (user, &key_pem, error);
      if (own_csr == NULL)
        return NULL;
      csr = own_csr;
    }
  certificate = pki_authority_issue_client (authority, csr, strlen (csr), user, device, NULL, lifetime_days,
                                            error);
  if (certificate == NULL)
    {
      g_clear_pointer (&key_pem, pki_key_pem_free);
      return NULL;
    }
  base_event (BASE_EVENT_CERTIFICATE_ISSUED, "MUX_SERIAL", pki_certificate_serial (certificate), "MUX_USER", user, "MUX_DEVICE",
              base_log_text (device), "MESSAGE", "A certificate for %s: %s", user, pki_certificate_serial (certificate));
  pem = pki_certificate_to_pem (certificate);
  ca = pki_certificate_list_to_pem (pki_authority_bundle (authority));
  g_variant_dict_insert (&dict, "user", "s", user);
  g_variant_dict_insert (&dict, "device", "s", device != NULL ? device : "");
  g_variant_dict_insert (&dict, "certificate", "s", pem);
  g_variant_dict_insert (&dict, "ca", "s", ca);
  g_variant_dict_insert (&dict, "names", "^as", names);
  g_variant_dict_insert (&dict, "addresses", "^as", addresses);
  g_variant_dict_insert (&dict, "expires", "x", pki_certificate_not_after (certificate));
  if (key_pem != NULL)
    g_variant_dict_insert (&dict, "key", "s", key_pem);
  g_clear_pointer (&key_pem, pki_key_pem_free);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
