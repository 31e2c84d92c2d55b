#include "pki/names.h"

#include "pki/failure.h"

#include <arpa/inet.h>
#include <glib/gi18n-lib.h>
#include <gnutls/x509-ext.h>
#include <string.h>

/* RFC 1035: 255 bytes on the wire are 253 characters of text. */
#define MAX_DNS_NAME 253

/* The bytes of the address @text in @out; their number, 0 if it is none. */
static unsigned int
parse_address (const char *text, guint8 out[16])
{
  if (inet_pton (AF_INET, text, out) == 1)
    return 4;
  return inet_pton (AF_INET6, text, out) == 1 ? 16 : 0;
}

static char *
format_address (const guint8 *address, unsigned int size)
{
  char text[INET6_ADDRSTRLEN];

  if (inet_ntop (size == 4 ? AF_INET : AF_INET6, address, text, sizeof text) == NULL)
    return NULL;
  return g_strdup (text);
}

static gboolean
is_dns_name (const char *name)
{
  gsize length = strlen (name);

  return length > 0 && length <= MAX_DNS_NAME && *name != '.'
         && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-_.*") == length
         && strstr (name, "..") == NULL;
}

char *
pki_names_canonical (const char *name)
{
  gsize length = strlen (name);
  gboolean bracketed = length > 2 && name[0] == '[' && name[length - 1] == ']';
  g_autofree char *bare = bracketed ? g_strndup (name + 1, length - 2) : g_strdup (name);
  g_autofree char *unscoped = g_strndup (bare, strcspn (bare, "%"));
  g_autofree char *ascii = NULL;
  g_autofree char *lower = NULL;
  guint8 address[16];
  unsigned int size = parse_address (unscoped, address);

  if (size > 0)
    return format_address (address, size);
  if (bracketed)
    return NULL;
  if (g_str_has_suffix (bare, "."))
    bare[length - 1] = '\0';
  ascii = g_hostname_to_ascii (bare);
  if (ascii == NULL)
    return NULL;
  lower = g_ascii_strdown (ascii, -1);
  return is_dns_name (lower) ? g_steal_pointer (&lower) : NULL;
}

char **
pki_names_canonical_list (const char *const *list, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; list[i] != NULL; i++)
    {
      char *name = pki_names_canonical (list[i]);

      if (name == NULL)
        {
          base_error_set (error, MUX_ERROR_PKI,
                          _("'%s' cannot stand in a certificate: it is neither a DNS name nor an address"),
                          list[i]);
          return NULL;
        }
      if (!g_hash_table_contains (seen, name))
        g_strv_builder_add (builder, name);
      g_hash_table_add (seen, name);
    }
  if (g_hash_table_size (seen) <= PKI_NAMES_MAX)
    return g_strv_builder_end (builder);
  base_error_set (error, MUX_ERROR_PKI,
                  ngettext ("a certificate can hold %d name, not %u", "a certificate can hold %d names, not %u", PKI_NAMES_MAX),
                  PKI_NAMES_MAX, g_hash_table_size (seen));
  return NULL;
}

static gboolean
is_plain (const gnutls_datum_t *value)
{
  for (unsigned int i = 0; i < value->size; i++)
    if (!g_ascii_isgraph (value->data[i]))
      return FALSE;
  return value->size > 0 && value->size <= MAX_DNS_NAME;
}

/* A DNS name is text for people and for comparison, so one with a NUL or an escape sequence in it, or that
 * passes for an address, is none. */
static char *
name_of (unsigned int type, const gnutls_datum_t *value)
{
  guint8 address[16];
  g_autofree char *text = NULL;

  if (type == GNUTLS_SAN_IPADDRESS && (value->size == 4 || value->size == 16))
    return format_address (value->data, value->size);
  if (type != GNUTLS_SAN_DNSNAME || !is_plain (value))
    return NULL;
  text = g_strndup ((const char *) value->data, value->size);
  return parse_address (text, address) > 0 ? NULL : g_steal_pointer (&text);
}

char **
pki_names_read (gnutls_x509_crt_t certificate)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  gnutls_subject_alt_names_t san;
  gnutls_datum_t der = { NULL, 0 }, value;
  unsigned int critical, type;

  /* Read once as a whole: to ask the certificate for one name after the other parses all of them each time.
   */
  if (gnutls_x509_crt_get_extension_by_oid2 (certificate, GNUTLS_X509EXT_OID_SAN, 0, &der, &critical) >= 0
      && gnutls_subject_alt_names_init (&san) >= 0)
    {
      if (gnutls_x509_ext_import_subject_alt_names (&der, san, 0) >= 0)
        for (unsigned int i = 0;
             i < PKI_NAMES_MAX && gnutls_subject_alt_names_get (san, i, &type, &value, NULL) >= 0; i++)
          {
            g_autofree char *name = name_of (type, &value);

            if (name != NULL)
              g_strv_builder_add (builder, name);
          }
      gnutls_subject_alt_names_deinit (san);
    }
  gnutls_free (der.data);
  return g_strv_builder_end (builder);
}

static int
fill (gnutls_subject_alt_names_t san, const char *const *names)
{
  int code = 0;

  for (; *names != NULL && code >= 0; names++)
    {
      guint8 address[16];
      unsigned int size = parse_address (*names, address);
      gnutls_datum_t value = { address, size };

      if (size == 0)
        value = (gnutls_datum_t){ (unsigned char *) *names, (unsigned int) strlen (*names) };
      code = gnutls_subject_alt_names_set (san, size == 0 ? GNUTLS_SAN_DNSNAME : GNUTLS_SAN_IPADDRESS, &value,
                                           NULL);
    }
  return code;
}

gboolean
pki_names_write (gnutls_x509_crt_t certificate, const char *const *names, gboolean critical, GError **error)
{
  gnutls_subject_alt_names_t san;
  gnutls_datum_t der = { NULL, 0 };
  int code;

  if (*names == NULL)
    return TRUE;
  code = gnutls_subject_alt_names_init (&san);
  if (code >= 0)
    {
      code = fill (san, names);
      if (code >= 0)
        code = gnutls_x509_ext_export_subject_alt_names (san, &der);
      if (code >= 0)
        code = gnutls_x509_crt_set_extension_by_oid (certificate, GNUTLS_X509EXT_OID_SAN, der.data, der.size,
                                                     critical);
      gnutls_free (der.data);
      gnutls_subject_alt_names_deinit (san);
    }
  return code >= 0 ? TRUE : pki_failure (error, code, _("cannot write the names of a certificate"));
}

/* Whether GnuTLS, which walks the names one by one, will come to a DNS name that it compares. If it finds none, because there is none, or
 * all of them hold a NUL, or it stumbles over something else before, it falls back to the CN. */
static gboolean
reaches_dns_name (gnutls_x509_crt_t certificate)
{
  for (unsigned int i = 0;; i++)
    {
      guint8 bytes[256];
      size_t size = sizeof bytes;
      int type = gnutls_x509_crt_get_subject_alt_name (certificate, i, bytes, &size, NULL);
      gnutls_datum_t value = { bytes, (unsigned int) size };

      if (type < 0)
        return FALSE;
      if (type == GNUTLS_SAN_DNSNAME && is_plain (&value))
        return TRUE;
    }
}

gboolean
pki_names_match (gnutls_x509_crt_t certificate, const char *host)
{
  g_autofree char *wanted = pki_names_canonical (host);
  guint8 address[16];
  unsigned int size;

  if (wanted == NULL || strchr (wanted, '*') != NULL)
    return FALSE;
  size = parse_address (wanted, address);
  if (size > 0)
    return gnutls_x509_crt_check_ip (certificate, address, size, 0) != 0;
  return reaches_dns_name (certificate) && gnutls_x509_crt_check_hostname2 (certificate, wanted, 0) != 0;
}
