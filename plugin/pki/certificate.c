#include "pki/certificate.h"

#include "pki/failure.h"
#include "pki/names.h"
#include "pki/read-file.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _PkiCertificate
{
  gatomicrefcount references;
  gnutls_x509_crt_t native;
  char *serial;
  char *common_name; /* NULL = none that counts */
  char **names;
  gint64 not_before, not_after;
  gboolean is_ca;
};

/* A system's whole bundle has about 150. */
#define MAX_LIST 1024
/* Purposes that are looked at. */
#define MAX_PURPOSES 32

static char *
read_serial (gnutls_x509_crt_t native)
{
  guint8 bytes[64];
  size_t size = sizeof bytes;
  GString *text;

  if (gnutls_x509_crt_get_serial (native, bytes, &size) < 0 || size == 0)
    return NULL;
  text = g_string_sized_new (size * 2);
  for (size_t i = 0; i < size; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

/* The only CN, without a NUL in it; any doubt is NULL. */
static char *
read_common_name (gnutls_x509_crt_t native)
{
  char text[256], second[256];
  size_t size = sizeof text, second_size = sizeof second;

  if (gnutls_x509_crt_get_dn_by_oid (native, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &size) < 0 || size == 0)
    return NULL;
  if (gnutls_x509_crt_get_dn_by_oid (native, GNUTLS_OID_X520_COMMON_NAME, 1, 0, second, &second_size)
      != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
    return NULL;
  if (memchr (text, '\0', size) != NULL || !g_utf8_validate (text, (gssize) size, NULL))
    return NULL;
  return g_strndup (text, size);
}

/* Takes @native, also on error. */
static PkiCertificate *
certificate_wrap (gnutls_x509_crt_t native, GError **error)
{
  PkiCertificate *certificate = g_new0 (PkiCertificate, 1);
  unsigned int critical;

  g_atomic_ref_count_init (&certificate->references);
  certificate->native = native;
  certificate->serial = read_serial (native);
  certificate->common_name = read_common_name (native);
  certificate->names = pki_names_read (native);
  certificate->not_before = gnutls_x509_crt_get_activation_time (native);
  certificate->not_after = gnutls_x509_crt_get_expiration_time (native);
  certificate->is_ca = gnutls_x509_crt_get_ca_status (native, &critical) > 0;
  if (certificate->serial == NULL || certificate->not_before == -1 || certificate->not_after == -1)
    {
      base_error_set (error, MUX_ERROR_PKI, _("a certificate without a serial number or dates"));
      g_clear_pointer (&certificate, pki_certificate_unref);
    }
  return certificate;
}

PkiCertificate *
pki_certificate_from_der (const guint8 *der, gsize length, GError **error)
{
  gnutls_datum_t datum = { (unsigned char *) der, (unsigned int) length };
  gnutls_x509_crt_t native;
  int code = length > PKI_FILE_MAX ? GNUTLS_E_ASN1_DER_OVERFLOW : gnutls_x509_crt_init (&native);

  if (code >= 0)
    {
      code = gnutls_x509_crt_import (native, &datum, GNUTLS_X509_FMT_DER);
      if (code >= 0)
        return certificate_wrap (native, error);
      gnutls_x509_crt_deinit (native);
    }
  pki_failure (error, code, _("a certificate that cannot be read"));
  return NULL;
}

GPtrArray *
pki_certificate_list_from_pem (const char *pem, gsize length, const char *origin, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  gnutls_datum_t datum = { (unsigned char *) pem, (unsigned int) length };
  g_autofree gnutls_x509_crt_t *natives = g_new0 (gnutls_x509_crt_t, MAX_LIST);
  unsigned int count = MAX_LIST;
  gboolean good = TRUE;
  int code;

  if (length > PKI_FILE_MAX)
    {
      base_error_set (error, MUX_ERROR_PKI, _("%s: more than 1 MiB of PEM"), origin);
      return NULL;
    }
  code = gnutls_x509_crt_list_import (natives, &count, &datum, GNUTLS_X509_FMT_PEM,
                                      GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
  if (code == GNUTLS_E_NO_CERTIFICATE_FOUND || code == 0)
    {
      base_error_set (error, MUX_ERROR_PKI,
                      _("%s: there is no certificate in it (no -----BEGIN CERTIFICATE-----)"), origin);
      return NULL;
    }
  if (code == GNUTLS_E_SHORT_MEMORY_BUFFER)
    {
      base_error_set (error, MUX_ERROR_PKI,
                      ngettext ("%s: there is more than %d certificate in it", "%s: there are more than %d certificates in it",
                                MAX_LIST),
                      origin, MAX_LIST);
      return NULL;
    }
  if (code < 0)
    {
      pki_failure (error, code, _("%s: a certificate in it cannot be read"), origin);
      return NULL;
    }
  for (int i = 0; i < code; i++)
    {
      PkiCertificate *certificate = certificate_wrap (natives[i], error);

      if (certificate == NULL)
        good = FALSE;
      else
        g_ptr_array_add (list, certificate);
    }
  if (good)
    return g_steal_pointer (&list);
  g_prefix_error (error, "%s: ", origin);
  return NULL;
}

GPtrArray *
pki_certificate_list_load (const char *path, GError **error)
{
  gsize length;
  g_autofree char *pem = pki_read_file (path, FALSE, &length, error);

  return pem == NULL ? NULL : pki_certificate_list_from_pem (pem, length, path, error);
}

static gboolean
is_certificate_name (const char *name)
{
  return g_str_has_suffix (name, ".pem") || g_str_has_suffix (name, ".crt")
         || g_str_has_suffix (name, ".cer");
}

static int
compare_names_cb (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
pki_certificate_list_load_any (const char *path, GError **error)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GDir) directory = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return pki_certificate_list_load (path, error);
  directory = g_dir_open (path, 0, error);
  if (directory == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (directory)) != NULL)
    if (is_certificate_name (name))
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names_cb);
  all = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  for (guint i = 0; i < names->len; i++)
    {
      GPtrArray *some = pki_certificate_list_load (names->pdata[i], error);

      if (some == NULL)
        return NULL;
      g_ptr_array_extend_and_steal (all, some);
    }
  if (all->len == 0)
    {
      base_error_set (error, MUX_ERROR_PKI, _("%s: no *.pem, *.crt or *.cer in this directory"), path);
      return NULL;
    }
  return g_steal_pointer (&all);
}

PkiCertificate *
pki_certificate_ref (PkiCertificate *certificate)
{
  g_atomic_ref_count_inc (&certificate->references);
  return certificate;
}

void
pki_certificate_unref (PkiCertificate *certificate)
{
  if (!g_atomic_ref_count_dec (&certificate->references))
    return;
  gnutls_x509_crt_deinit (certificate->native);
  g_free (certificate->serial);
  g_free (certificate->common_name);
  g_strfreev (certificate->names);
  g_free (certificate);
}

gnutls_x509_crt_t
pki_certificate_native (const PkiCertificate *certificate)
{
  return certificate->native;
}

char *
pki_certificate_to_pem (const PkiCertificate *certificate)
{
  gnutls_datum_t out = { NULL, 0 };
  char *pem;

  /* A certificate that was read can be written; only memory may lack, and then GLib ends the program
   * elsewhere too. */
  if (gnutls_x509_crt_export2 (certificate->native, GNUTLS_X509_FMT_PEM, &out) < 0)
    g_error ("a certificate that was read cannot be written");
  pem = g_strndup ((const char *) out.data, out.size);
  gnutls_free (out.data);
  return pem;
}

char *
pki_certificate_list_to_pem (GPtrArray *certificates)
{
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < certificates->len; i++)
    {
      g_autofree char *pem = pki_certificate_to_pem (certificates->pdata[i]);

      g_string_append (all, pem);
    }
  return g_string_free (all, FALSE);
}

const char *
pki_certificate_serial (const PkiCertificate *certificate)
{
  return certificate->serial;
}

const char *
pki_certificate_common_name (const PkiCertificate *certificate)
{
  return certificate->common_name;
}

gint64
pki_certificate_not_before (const PkiCertificate *certificate)
{
  return certificate->not_before;
}

gint64
pki_certificate_not_after (const PkiCertificate *certificate)
{
  return certificate->not_after;
}

gboolean
pki_certificate_is_ca (const PkiCertificate *certificate)
{
  return certificate->is_ca;
}

gboolean
pki_certificate_has_purpose (const PkiCertificate *certificate, const char *purpose_oid)
{
  for (unsigned int i = 0; i < MAX_PURPOSES; i++)
    {
      char oid[128];
      size_t size = sizeof oid;
      unsigned int critical;
      int code = gnutls_x509_crt_get_key_purpose_oid (certificate->native, i, oid, &size, &critical);

      if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return FALSE;
      if (code >= 0 && g_str_equal (oid, purpose_oid))
        return TRUE;
    }
  return FALSE;
}

gboolean
pki_certificate_is_of_key (const PkiCertificate *certificate, const PkiKey *key)
{
  guint8 of_key[64], of_certificate[64];
  size_t key_size = sizeof of_key, certificate_size = sizeof of_certificate;

  /* Key identifiers are hashes of the public keys. */
  return gnutls_x509_privkey_get_key_id (pki_key_native (key), GNUTLS_KEYID_USE_SHA256, of_key, &key_size)
             >= 0
         && gnutls_x509_crt_get_key_id (certificate->native, GNUTLS_KEYID_USE_SHA256, of_certificate,
                                        &certificate_size)
                >= 0
         && key_size == certificate_size && memcmp (of_key, of_certificate, key_size) == 0;
}

const char *const *
pki_certificate_names (const PkiCertificate *certificate)
{
  return (const char *const *) certificate->names;
}

gint64
pki_certificate_renew_at (const PkiCertificate *certificate)
{
  gint64 life = certificate->not_after - certificate->not_before;
  /* The serial is random, so it spreads the certificates of one day evenly over ± 5 % of life. */
  gint64 spread = (gint64) (g_str_hash (certificate->serial) % 10001) - 5000;

  return certificate->not_before + life * 2 / 3 + life / 100 * 5 * spread / 5000;
}
