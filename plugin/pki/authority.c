#include "pki/authority-private.h"

#include "pki/failure.h"
#include "pki/issue.h"

#include <glib/gi18n-lib.h>
#include <string.h>

void
pki_authority_wipe (GBytes *bytes)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  gnutls_memset ((gpointer) data, 0, length);
  g_bytes_unref (bytes);
}

gboolean
pki_authority_new_ca (PkiKey **key, PkiCertificate **certificate, GError **error)
{
  g_autoptr (PkiKey) fresh = pki_key_generate (error);
  /* Two CAs of one host are told apart by their names, too: not every reader looks at key identifiers. */
  g_autofree char *name = g_strdup_printf ("mux-quic CA %08x of %s", g_random_int (), g_get_host_name ());
  const char *end;

  if (fresh == NULL)
    return FALSE;
  /* A CN holds 64 characters at most (RFC 5280 appendix A), and no half ones. */
  g_utf8_validate (name, (gssize) MIN (strlen (name), 64), &end);
  name[end - name] = '\0';
  *certificate = pki_issue_ca (fresh, name, PKI_CA_LIFETIME_DAYS, error);
  if (*certificate == NULL)
    return FALSE;
  *key = g_steal_pointer (&fresh);
  return TRUE;
}

/* The key is written first: a key without a certificate is an interrupted beginning and is begun again, a
 * certificate without its key is somebody's trust and is never overwritten. */
static gboolean
create (PkiAuthority *authority, GError **error)
{
  PkiCertificate *certificate = NULL;
  char *key_pem;
  gboolean good;

  if (!pki_authority_new_ca (&authority->key, &certificate, error))
    return FALSE;
  authority->bundle = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  g_ptr_array_add (authority->bundle, certificate);
  key_pem = pki_key_to_pem (authority->key, error);
  if (key_pem == NULL)
    return FALSE;
  good = pki_store_write (authority->store, PKI_AUTHORITY_KEY_FILE, key_pem, strlen (key_pem), error);
  pki_key_pem_free (key_pem);
  return good && pki_authority_write_bundle (authority->store, authority->bundle, error);
}

static gboolean
load (PkiAuthority *authority, GBytes *certificate, GBytes *key, GError **error)
{
  const char *path = pki_store_path (authority->store);
  g_autofree char *origin = g_build_filename (path, PKI_AUTHORITY_CA_FILE, NULL);

  authority->bundle = pki_certificate_list_from_pem (g_bytes_get_data (certificate, NULL),
                                                     g_bytes_get_size (certificate), origin, error);
  if (authority->bundle == NULL)
    return FALSE;
  authority->key = pki_key_from_pem (g_bytes_get_data (key, NULL), g_bytes_get_size (key), error);
  if (authority->key == NULL)
    {
      g_prefix_error (error, "%s/" PKI_AUTHORITY_KEY_FILE ": ", path);
      return FALSE;
    }
  if (!pki_authority_recover (authority, error))
    return FALSE;
  if (!pki_certificate_is_of_key (authority->bundle->pdata[0], authority->key))
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("%s/%s does not belong to the first certificate of %s; restore both from one backup"), path,
        PKI_AUTHORITY_KEY_FILE, origin);
  for (guint i = 0; i < authority->bundle->len; i++)
    if (!pki_certificate_is_ca (authority->bundle->pdata[i]))
      return base_error_set (error, MUX_ERROR_PKI, _("%s holds a certificate that is no CA; take it out"),
                             origin);
  return TRUE;
}

static gboolean
open_locked (PkiAuthority *authority, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) certificate = pki_store_read (authority->store, PKI_AUTHORITY_CA_FILE, &local_error);
  GBytes *key = NULL;
  gboolean good = FALSE;

  if (local_error == NULL)
    key = pki_store_read (authority->store, PKI_AUTHORITY_KEY_FILE, &local_error);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (certificate == NULL)
    good = create (authority, error);
  else if (key == NULL)
    base_error_set (error, MUX_ERROR_PKI,
                    _("%s has %s but not its key %s; restore the key, or move the directory away to begin "
                       "with a new CA"),
                    pki_store_path (authority->store), PKI_AUTHORITY_CA_FILE, PKI_AUTHORITY_KEY_FILE);
  else
    good = load (authority, certificate, key, error);
  if (key != NULL)
    pki_authority_wipe (key);
  return good;
}

PkiAuthority *
pki_authority_open (PkiStore *store, GError **error)
{
  g_autoptr (PkiAuthority) authority = g_new0 (PkiAuthority, 1);
  gboolean good;

  g_atomic_ref_count_init (&authority->references);
  authority->store = pki_store_ref (store);
  if (!pki_store_lock (store, PKI_STORE_LOCK_MS, error))
    return NULL;
  good = open_locked (authority, error);
  pki_store_unlock (store);
  return good ? g_steal_pointer (&authority) : NULL;
}

PkiAuthority *
pki_authority_ref (PkiAuthority *authority)
{
  g_atomic_ref_count_inc (&authority->references);
  return authority;
}

void
pki_authority_unref (PkiAuthority *authority)
{
  if (!g_atomic_ref_count_dec (&authority->references))
    return;
  g_clear_pointer (&authority->key, pki_key_unref);
  g_clear_pointer (&authority->old_key, pki_key_unref);
  g_clear_pointer (&authority->bundle, g_ptr_array_unref);
  pki_store_unref (authority->store);
  g_free (authority);
}

GPtrArray *
pki_authority_bundle (PkiAuthority *authority)
{
  return authority->bundle;
}

PkiStore *
pki_authority_store (PkiAuthority *authority)
{
  return authority->store;
}
