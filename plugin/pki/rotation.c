#define BASE_LOG_ROOM "pki"
#include "pki/rotation.h"

#include "base/log.h"
#include "pki/authority-private.h"
#include "pki/failure.h"
#include "pki/issue.h"
#include "pki/revocation.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define NEXT_KEY_FILE "ca-key-next.pem"
#define OLD_KEY_FILE "ca-key-old.pem"

/* NULL without @error when there is no such file. */
static PkiKey *
read_key (PkiStore *store, const char *name, GError **error)
{
  GBytes *pem = pki_store_read (store, name, error);
  PkiKey *key;

  if (pem == NULL)
    return NULL;
  key = pki_key_from_pem (g_bytes_get_data (pem, NULL), g_bytes_get_size (pem), error);
  pki_authority_wipe (pem);
  if (key == NULL)
    g_prefix_error (error, "%s/%s: ", pki_store_path (store), name);
  return key;
}

static gboolean
write_key (PkiStore *store, const char *name, const PkiKey *key, GError **error)
{
  char *pem = pki_key_to_pem (key, error);
  gboolean good;

  if (pem == NULL)
    return FALSE;
  good = pki_store_write (store, name, pem, strlen (pem), error);
  pki_key_pem_free (pem);
  return good;
}

gboolean
pki_authority_write_bundle (PkiStore *store, GPtrArray *bundle, GError **error)
{
  g_autofree char *pem = pki_certificate_list_to_pem (bundle);

  return pki_store_write (store, PKI_AUTHORITY_CA_FILE, pem, strlen (pem), error);
}

/* The new key was written and the bundle names it: only its last rename is missing. */
static gboolean
finish_interrupted (PkiAuthority *authority, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (PkiKey) next = read_key (authority->store, NEXT_KEY_FILE, &failure);

  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (next == NULL)
    return TRUE;
  if (pki_certificate_is_of_key (authority->bundle->pdata[0], next)
      && !pki_certificate_is_of_key (authority->bundle->pdata[0], authority->key))
    {
      if (!write_key (authority->store, PKI_AUTHORITY_KEY_FILE, next, error))
        return FALSE;
      pki_key_unref (authority->key);
      authority->key = g_steal_pointer (&next);
    }
  return pki_store_remove (authority->store, NEXT_KEY_FILE, error);
}

gboolean
pki_authority_recover (PkiAuthority *authority, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (PkiKey) old = NULL;

  if (!finish_interrupted (authority, error))
    return FALSE;
  old = read_key (authority->store, OLD_KEY_FILE, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (old == NULL)
    return TRUE;
  if (authority->bundle->len > 1 && pki_certificate_is_of_key (authority->bundle->pdata[1], old))
    {
      authority->old_key = g_steal_pointer (&old);
      return TRUE;
    }
  /* Of a rotation that was not begun, or of an overlap that is over. */
  return pki_store_remove (authority->store, OLD_KEY_FILE, error);
}

static gboolean
write_rotation (PkiAuthority *authority, PkiKey *key, GPtrArray *bundle, GError **error)
{
  PkiStore *store = authority->store;

  if (!write_key (store, NEXT_KEY_FILE, key, error) || !write_key (store, OLD_KEY_FILE, authority->key, error)
      || !pki_authority_write_bundle (store, bundle, error))
    return FALSE;
  g_ptr_array_unref (authority->bundle);
  authority->bundle = g_ptr_array_ref (bundle);
  authority->old_key = authority->key;
  authority->key = pki_key_ref (key);
  /* The bundle is written, so the rotation happened; what is left of it can wait for the next start. */
  return TRUE;
}

/* What makes the next start have nothing to finish. */
static void
tidy_up (PkiAuthority *authority)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) revoked = NULL;

  if (!write_key (authority->store, PKI_AUTHORITY_KEY_FILE, authority->key, &error)
      || !pki_store_remove (authority->store, NEXT_KEY_FILE, &error)
      || (revoked = pki_authority_revoked (authority, &error)) == NULL
      || (g_hash_table_size (revoked) > 0 && !pki_authority_write_revoked (authority, revoked, &error)))
    base_warning ("The rotation of the CA is finished at the next start: %s", error->message);
}

static gboolean
rotate (PkiAuthority *authority, GError **error)
{
  g_autoptr (PkiKey) key = NULL;
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autoptr (GPtrArray) bundle = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);

  if (pki_authority_is_rotating (authority))
    return base_error_set (error, MUX_ERROR_PKI,
                           _("the CA was rotated a short while ago, and the old one is still needed: try again when "
                             "every certificate of it has been renewed"));
  if (!pki_authority_new_ca (&key, &certificate, error))
    return FALSE;
  g_ptr_array_add (bundle, g_steal_pointer (&certificate));
  g_ptr_array_add (bundle, pki_certificate_ref (authority->bundle->pdata[0]));
  if (!write_rotation (authority, key, bundle, error))
    return FALSE;
  tidy_up (authority);
  return TRUE;
}

gboolean
pki_authority_rotate (PkiAuthority *authority, GError **error)
{
  gboolean good;

  if (!pki_store_lock (authority->store, PKI_STORE_LOCK_MS, error))
    return FALSE;
  good = rotate (authority, error);
  pki_store_unlock (authority->store);
  return good;
}

gboolean
pki_authority_is_rotating (const PkiAuthority *authority)
{
  return authority->old_key != NULL;
}

/* When the last certificate that @ca signed for a client ends, by the records. */
static gint64
last_issued_by (PkiAuthority *authority, const PkiCertificate *ca)
{
  g_auto (GStrv) names = pki_store_list (authority->store, PKI_STORE_ISSUED, NULL);
  gint64 last = 0;

  for (char **name = names; name != NULL && *name != NULL; name++)
    {
      g_autofree char *path = g_strconcat (PKI_STORE_ISSUED "/", *name, NULL);
      g_autoptr (GBytes) pem = pki_store_read (authority->store, path, NULL);
      g_autoptr (GPtrArray) list = pem == NULL ? NULL
                                               : pki_certificate_list_from_pem (g_bytes_get_data (pem, NULL),
                                                                                g_bytes_get_size (pem), path, NULL);

      if (list != NULL
          && gnutls_x509_crt_check_issuer (pki_certificate_native (list->pdata[0]), pki_certificate_native (ca)) == 1)
        last = MAX (last, pki_certificate_not_after (list->pdata[0]));
    }
  return last;
}

gint64
pki_authority_overlap_end (PkiAuthority *authority, guint lifetime_days)
{
  gint64 begun, end;

  if (!pki_authority_is_rotating (authority))
    return G_MAXINT64;
  begun = pki_certificate_not_before (authority->bundle->pdata[0]) + PKI_BACKDATE_SECONDS;
  end = MAX (begun + (gint64) lifetime_days * PKI_DAY_SECONDS, last_issued_by (authority, authority->bundle->pdata[1]));
  return MIN (end, pki_certificate_not_after (authority->bundle->pdata[1]));
}

static gboolean
retire (PkiAuthority *authority, GError **error)
{
  g_autoptr (GPtrArray) bundle = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  g_autoptr (GHashTable) revoked = pki_authority_revoked (authority, error);

  /* The list must not be left to a CA that is believed no more. */
  if (revoked == NULL || (g_hash_table_size (revoked) > 0 && !pki_authority_write_revoked (authority, revoked, error)))
    return FALSE;
  for (guint i = 0; i < authority->bundle->len; i++)
    if (i != 1)
      g_ptr_array_add (bundle, pki_certificate_ref (authority->bundle->pdata[i]));
  if (!pki_authority_write_bundle (authority->store, bundle, error))
    return FALSE;
  g_ptr_array_unref (authority->bundle);
  authority->bundle = g_steal_pointer (&bundle);
  g_clear_pointer (&authority->old_key, pki_key_unref);
  return pki_store_remove (authority->store, OLD_KEY_FILE, error);
}

gboolean
pki_authority_retire (PkiAuthority *authority, GError **error)
{
  gboolean good;

  if (!pki_authority_is_rotating (authority))
    return TRUE;
  if (!pki_store_lock (authority->store, PKI_STORE_LOCK_MS, error))
    return FALSE;
  good = retire (authority, error);
  pki_store_unlock (authority->store);
  return good;
}

gint64
pki_authority_rotate_at (const PkiAuthority *authority)
{
  return pki_certificate_renew_at (authority->bundle->pdata[0]);
}
