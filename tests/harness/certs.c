#include "harness/certs.h"

#include <glib/gstdio.h>
#include <string.h>

PkiCredentials *
certs_client (Certs *certs, const char *user, const char *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiKey) key = pki_key_generate (&error);
  g_autofree char *csr = NULL;
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func ((GDestroyNotify)pki_certificate_unref);

  g_assert_no_error (error);
  csr = pki_key_request (key, user, &error);
  g_assert_no_error (error);
  certificate = pki_authority_issue_client (certs->authority, csr, strlen (csr), user, device, NULL, 7, &error);
  g_assert_no_error (error);
  g_ptr_array_add (chain, g_steal_pointer (&certificate));
  return pki_credentials_new (key, chain);
}

Certs *
certs_new (void)
{
  static const char *const names[] = { "localhost", "server.test", "127.0.0.1", "::1", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  Certs *certs = g_new0 (Certs, 1);

  certs->directory = g_dir_make_tmp ("mux-quic-certs-XXXXXX", &error);
  g_assert_no_error (error);
  path = g_build_filename (certs->directory, "pki", NULL);
  certs->store = pki_store_open (path, &error);
  g_assert_no_error (error);
  certs->authority = pki_authority_open (certs->store, &error);
  g_assert_no_error (error);
  certs->trust = pki_trust_new ();
  g_assert_true (pki_trust_add (certs->trust, pki_authority_bundle (certs->authority), "test CA", &error));
  g_assert_no_error (error);
  certs->server = pki_authority_server_credentials (certs->authority, names, 7, &error);
  g_assert_no_error (error);
  certs->secret = pki_secret_open (certs->store, &error);
  g_assert_no_error (error);
  certs->client = certs_client (certs, "alice", NULL);
  return certs;
}

static void
remove_tree (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
      const char *name;

      while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
        {
          g_autofree char *child = g_build_filename (path, name, NULL);

          remove_tree (child);
        }
    }
  g_remove (path);
}

void
certs_free (Certs *certs)
{
  pki_credentials_free (certs->client);
  pki_credentials_free (certs->server);
  pki_secret_free (certs->secret);
  pki_trust_unref (certs->trust);
  pki_authority_unref (certs->authority);
  pki_store_unref (certs->store);
  remove_tree (certs->directory);
  g_free (certs->directory);
  g_free (certs);
}
