#include "pki/registry.h"

#include "base/error.h"
#include "pki/authority-private.h"
#include "pki/issue.h"
#include "pki/read-file.h"
#include "pki/revocation.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SEEN_FILE "seen"
#define ADDRESS_MAX 128

typedef struct
{
  gint64 when;
  char address[ADDRESS_MAX];
} Seen;

struct _PkiRegistry
{
  PkiAuthority *authority;
  GHashTable *seen; /* serial → Seen */
  gboolean dirty;
};

static void
record_free (gpointer data)
{
  PkiRecord *record = data;

  pki_certificate_unref (record->certificate);
  g_free (record->renews);
  g_free (record->user);
  g_free (record->device);
  g_free (record->address);
  g_free (record);
}

static void
put (PkiRegistry *registry, const char *serial, gint64 when, const char *address)
{
  Seen *seen = g_new0 (Seen, 1);

  seen->when = when;
  g_strlcpy (seen->address, address, sizeof seen->address);
  g_hash_table_replace (registry->seen, g_strdup (serial), seen);
}

static void
parse_line (PkiRegistry *registry, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  gint64 when;

  if (g_strv_length (words) == 3 && g_ascii_string_to_signed (words[1], 10, 1, G_MAXINT64, &when, NULL)
      && g_str_is_ascii (words[0]) && g_utf8_validate (words[2], -1, NULL))
    put (registry, words[0], when, words[2]);
}

PkiRegistry *
pki_registry_open (PkiAuthority *authority, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GBytes) stored = pki_store_read (pki_authority_store (authority), SEEN_FILE, &failure);
  PkiRegistry *registry;

  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  registry = g_new0 (PkiRegistry, 1);
  registry->authority = pki_authority_ref (authority);
  registry->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (stored != NULL)
    {
      g_autofree char *text = g_strndup (g_bytes_get_data (stored, NULL), g_bytes_get_size (stored));
      g_auto (GStrv) lines = g_strsplit (text, "\n", 0);

      for (char **line = lines; *line != NULL; line++)
        parse_line (registry, *line);
    }
  return registry;
}

void
pki_registry_free (PkiRegistry *registry)
{
  pki_authority_unref (registry->authority);
  g_hash_table_unref (registry->seen);
  g_free (registry);
}

/* The rest of the record's first line, or NULL. */
static char *
read_renews (GBytes *pem)
{
  gsize length, prefix = strlen (PKI_AUTHORITY_RENEWS);
  const char *text = g_bytes_get_data (pem, &length);
  const char *end = memchr (text, '\n', length);

  if (end == NULL || (gsize) (end - text) <= prefix || memcmp (text, PKI_AUTHORITY_RENEWS, prefix) != 0)
    return NULL;
  return g_strndup (text + prefix, (gsize) (end - text) - prefix);
}

/* The certificate of the record @name, or NULL. *@renews may be NULL. */
static PkiCertificate *
read_record (PkiStore *store, const char *name, char **renews)
{
  g_autofree char *path = g_strconcat (PKI_STORE_ISSUED "/", name, NULL);
  g_autoptr (GBytes) pem = pki_store_read (store, path, NULL);
  g_autoptr (GPtrArray) list
      = pem == NULL ? NULL
                    : pki_certificate_list_from_pem (g_bytes_get_data (pem, NULL), g_bytes_get_size (pem), path, NULL);

  if (list == NULL)
    return NULL;
  if (renews != NULL)
    *renews = read_renews (pem);
  return pki_certificate_ref (list->pdata[0]);
}

static PkiRecord *
record_new (PkiRegistry *registry, PkiCertificate *certificate, char *renews, GHashTable *revoked)
{
  const char *serial = pki_certificate_serial (certificate);
  const char *name = pki_certificate_common_name (certificate);
  const gint64 *when = g_hash_table_lookup (revoked, serial);
  const Seen *seen = g_hash_table_lookup (registry->seen, serial);
  PkiRecord *record = g_new0 (PkiRecord, 1);

  record->certificate = certificate;
  record->renews = renews;
  if (name != NULL)
    pki_identity_parse (name, &record->user, &record->device, NULL);
  record->revoked = when != NULL ? *when : 0;
  record->seen = seen != NULL ? seen->when : 0;
  record->address = seen != NULL ? g_strdup (seen->address) : NULL;
  return record;
}

static int
compare_cb (gconstpointer a, gconstpointer b)
{
  const PkiRecord *first = *(const PkiRecord *const *) a, *second = *(const PkiRecord *const *) b;
  gint64 x = pki_certificate_not_before (first->certificate), y = pki_certificate_not_before (second->certificate);

  return x > y ? -1 : x < y;
}

GPtrArray *
pki_registry_list (PkiRegistry *registry, GError **error)
{
  PkiStore *store = pki_authority_store (registry->authority);
  g_autoptr (GHashTable) revoked = pki_authority_revoked (registry->authority, error);
  g_auto (GStrv) names = revoked == NULL ? NULL : pki_store_list (store, PKI_STORE_ISSUED, error);
  GPtrArray *records;

  if (names == NULL)
    return NULL;
  records = g_ptr_array_new_with_free_func (record_free);
  for (char **name = names; *name != NULL; name++)
    {
      char *renews = NULL;
      PkiCertificate *certificate = read_record (store, *name, &renews);

      if (certificate != NULL)
        g_ptr_array_add (records, record_new (registry, certificate, renews, revoked));
    }
  g_ptr_array_sort (records, compare_cb);
  return records;
}

void
pki_registry_note (PkiRegistry *registry, const char *serial, const char *address)
{
  put (registry, serial, g_get_real_time () / G_USEC_PER_SEC, address);
  registry->dirty = TRUE;
}

gboolean
pki_registry_flush (PkiRegistry *registry, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GHashTableIter iter;
  gpointer serial, data;

  if (!registry->dirty)
    return TRUE;
  g_hash_table_iter_init (&iter, registry->seen);
  /* What a file may hold at most is over 10,000 certificates; it does not grow beyond that. */
  while (text->len < PKI_FILE_MAX - 256 && g_hash_table_iter_next (&iter, &serial, &data))
    {
      const Seen *seen = data;

      g_string_append_printf (text, "%s %" G_GINT64_FORMAT " %s\n", (const char *) serial, seen->when, seen->address);
    }
  if (!pki_store_write (pki_authority_store (registry->authority), SEEN_FILE, text->str, text->len, error))
    return FALSE;
  registry->dirty = FALSE;
  return TRUE;
}

static gboolean
has (GPtrArray *serials, const char *serial)
{
  return serial != NULL && g_ptr_array_find_with_equal_func (serials, serial, g_str_equal, NULL);
}

/* @records are the latest first, so what was issued by way of another comes before it: hence again and again. */
static void
add_followers (GPtrArray *serials, GPtrArray *records)
{
  gboolean more = TRUE;

  while (more)
    {
      more = FALSE;
      for (guint i = records->len; i-- > 0;)
        {
          const PkiRecord *record = records->pdata[i];
          const char *serial = pki_certificate_serial (record->certificate);

          if (!has (serials, record->renews) || has (serials, serial))
            continue;
          g_ptr_array_add (serials, g_strdup (serial));
          more = TRUE;
        }
    }
}

char **
pki_registry_revoke (PkiRegistry *registry, const char *serial, GError **error)
{
  g_autofree char *lower = g_ascii_strdown (serial, -1);
  g_autoptr (GPtrArray) records = pki_registry_list (registry, error);
  g_autoptr (GPtrArray) serials = g_ptr_array_new_with_free_func (g_free);
  gboolean known = FALSE;

  if (records == NULL)
    return NULL;
  for (guint i = 0; i < records->len && !known; i++)
    known = g_str_equal (pki_certificate_serial (((PkiRecord *) records->pdata[i])->certificate), lower);
  if (!known)
    {
      base_error_set (error, MUX_ERROR_PKI, _("no certificate with the serial “%s” was issued here; see mux-quic cert list"),
                      serial);
      return NULL;
    }
  g_ptr_array_add (serials, g_strdup (lower));
  add_followers (serials, records);
  g_ptr_array_add (serials, NULL);
  if (!pki_authority_revoke (registry->authority, (const char *const *) serials->pdata, error))
    return NULL;
  return (char **) g_ptr_array_free (g_steal_pointer (&serials), FALSE);
}

gboolean
pki_registry_prune (PkiRegistry *registry, GError **error)
{
  PkiStore *store = pki_authority_store (registry->authority);
  gint64 latest = g_get_real_time () / G_USEC_PER_SEC - (gint64) PKI_REGISTRY_KEEP_DAYS * PKI_DAY_SECONDS;
  g_auto (GStrv) names = pki_store_list (store, PKI_STORE_ISSUED, error);

  if (names == NULL)
    return FALSE;
  for (char **name = names; *name != NULL; name++)
    {
      g_autoptr (PkiCertificate) certificate = read_record (store, *name, NULL);
      g_autofree char *path = g_strconcat (PKI_STORE_ISSUED "/", *name, NULL);

      if (certificate == NULL || pki_certificate_not_after (certificate) >= latest)
        continue;
      if (!pki_store_remove (store, path, error))
        return FALSE;
      registry->dirty |= g_hash_table_remove (registry->seen, pki_certificate_serial (certificate));
    }
  return TRUE;
}
