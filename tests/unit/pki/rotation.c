/* From one CA to the next: who is believed when, and what a crash at each step leaves. */
#include "tree.h"

#include "pki/issue.h"
#include "pki/rotation.h"
#include "pki/trust.h"

#include <glib/gstdio.h>
#include <mux/plugin.h>
#include <string.h>

static const char *const names[] = { "server.test", NULL };

static PkiAuthority *
open_authority (Tree *tree)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiStore) store = pki_store_open (tree->path, &error);
  PkiAuthority *authority;

  g_assert_no_error (error);
  authority = pki_authority_open (store, &error);
  g_assert_no_error (error);
  return authority;
}

static PkiCertificate *
issue (PkiAuthority *authority, guint days)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiKey) key = pki_key_generate (&error);
  g_autofree char *csr = pki_key_request (key, "anna", &error);
  PkiCertificate *certificate
      = pki_authority_issue_client (authority, csr, strlen (csr), "anna", NULL, NULL, days, &error);

  g_assert_no_error (error);
  return certificate;
}

static PkiCertificate *
server_leaf (PkiAuthority *authority)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiCredentials) credentials = pki_authority_server_credentials (authority, names, 7, &error);

  g_assert_no_error (error);
  return pki_certificate_ref (credentials->chain->pdata[0]);
}

/* Whether someone who trusts @bundle believes @leaf. */
static gboolean
believes (GPtrArray *bundle, PkiCertificate *leaf, PkiPurpose purpose)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (PkiCertificate) verified = NULL;
  gnutls_datum_t der;
  int alert;

  g_assert_true (pki_trust_add (trust, bundle, "a test", NULL));
  g_assert_cmpint (gnutls_x509_crt_export2 (pki_certificate_native (leaf), GNUTLS_X509_FMT_DER, &der), >=, 0);
  verified = pki_trust_verify (trust, &der, 1, purpose, NULL, g_get_real_time () / G_USEC_PER_SEC, &alert, NULL);
  gnutls_free (der.data);
  return verified != NULL;
}

static void
test_overlap (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiAuthority) authority = open_authority (tree);
  g_autoptr (GPtrArray) before = g_ptr_array_ref (pki_authority_bundle (authority));
  g_autoptr (PkiCertificate) old_client = issue (authority, 7);
  g_autoptr (PkiCertificate) old_server = server_leaf (authority);
  g_autoptr (PkiCertificate) new_client = NULL, same_server = NULL, new_server = NULL;
  g_autoptr (GPtrArray) during = NULL;
  GError *error = NULL;

  g_assert_cmpint (pki_authority_overlap_end (authority, 7), ==, G_MAXINT64);
  g_assert_true (pki_authority_rotate (authority, &error));
  during = g_ptr_array_ref (pki_authority_bundle (authority));
  g_assert_cmpuint (during->len, ==, 2);
  new_client = issue (authority, 7);
  same_server = server_leaf (authority);
  /* Who only knows the old CA still believes the server, who knows both believes all. */
  g_assert_cmpstr (pki_certificate_serial (same_server), ==, pki_certificate_serial (old_server));
  g_assert_true (believes (before, same_server, PKI_PURPOSE_SERVER));
  g_assert_true (believes (during, same_server, PKI_PURPOSE_SERVER));
  g_assert_true (believes (during, old_client, PKI_PURPOSE_CLIENT));
  g_assert_true (believes (during, new_client, PKI_PURPOSE_CLIENT));
  g_assert_false (believes (before, new_client, PKI_PURPOSE_CLIENT));
  pki_authority_expire_server (authority);
  g_clear_pointer (&same_server, pki_certificate_unref);
  same_server = server_leaf (authority);
  g_assert_cmpstr (pki_certificate_serial (same_server), !=, pki_certificate_serial (old_server));
  g_assert_true (believes (before, same_server, PKI_PURPOSE_SERVER));

  g_assert_false (pki_authority_rotate (authority, &error));
  tree_expect_error (error, "still needed", NULL);
  error = NULL;
  g_assert_true (pki_authority_retire (authority, &error));
  new_server = server_leaf (authority);
  g_assert_cmpuint (pki_authority_bundle (authority)->len, ==, 1);
  g_assert_true (believes (during, new_server, PKI_PURPOSE_SERVER));
  g_assert_false (believes (before, new_server, PKI_PURPOSE_SERVER));
  g_assert_false (believes (pki_authority_bundle (authority), old_client, PKI_PURPOSE_CLIENT));
  g_assert_true (believes (pki_authority_bundle (authority), new_client, PKI_PURPOSE_CLIENT));
  g_assert_true (pki_authority_retire (authority, &error));
}

/* Until the last certificate of the old CA has ended, and one leaf's life at least. */
static void
test_overlap_end (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiAuthority) authority = open_authority (tree);
  g_autoptr (PkiCertificate) longer = issue (authority, 20), later = NULL;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  g_assert_true (pki_authority_rotate (authority, NULL));
  g_assert_cmpint (pki_authority_overlap_end (authority, 7), ==, pki_certificate_not_after (longer));
  g_assert_cmpint (pki_authority_overlap_end (authority, 30), >=, now + 30 * PKI_DAY_SECONDS);
  /* What the new one signed does not count. */
  later = issue (authority, 300);
  g_assert_cmpint (pki_authority_overlap_end (authority, 7), ==, pki_certificate_not_after (longer));
}

typedef struct
{
  const char *name;
  /* Of ca.pem, ca-key.pem, ca-key-next.pem, ca-key-old.pem: a file of the time before ('b') or after ('a'), or none (' '). */
  const char *files;
  gboolean rotated;
} Crash;

static const Crash crashes[] = {
  { "/rotation/crash/next-key", "bba ", FALSE },     { "/rotation/crash/old-key", "bbab", FALSE },
  { "/rotation/crash/bundle", "abab", TRUE },        { "/rotation/crash/key", "aaab", TRUE },
  { "/rotation/crash/whole", "aa b", TRUE },         { "/rotation/crash/retired", "ra b", TRUE },
};

static void
put_file (Tree *tree, const char *name, char which, const char *before, const char *after, const char *retired)
{
  g_autofree char *path = tree_in_pki (tree, name);

  g_unlink (path);
  if (which != ' ')
    tree_write (path, which == 'b' ? before : which == 'a' ? after : retired, 0600);
}

/* Every state on the way is taken up: as the CA before, or as the one after, never as a broken one. */
static void
test_crash (Tree *tree, gconstpointer data)
{
  const Crash *crash = data;
  g_autoptr (PkiAuthority) first = open_authority (tree);
  g_autofree char *ca = tree_in_pki (tree, "ca.pem"), *key = tree_in_pki (tree, "ca-key.pem");
  g_autofree char *next = tree_in_pki (tree, "ca-key-next.pem"), *old = tree_in_pki (tree, "ca-key-old.pem");
  g_autofree char *ca_before = tree_read (ca), *key_before = tree_read (key);
  g_autofree char *old_serial = g_strdup (pki_certificate_serial (pki_authority_bundle (first)->pdata[0]));
  g_autofree char *ca_after = NULL, *key_after = NULL, *ca_retired = NULL;
  g_autoptr (PkiAuthority) again = NULL, third = NULL;
  g_autoptr (PkiCertificate) client = NULL, server = NULL;

  g_assert_true (pki_authority_rotate (first, NULL));
  g_assert_false (g_file_test (next, G_FILE_TEST_EXISTS));
  ca_after = tree_read (ca);
  key_after = tree_read (key);
  ca_retired = pki_certificate_to_pem (pki_authority_bundle (first)->pdata[0]);
  put_file (tree, "ca.pem", crash->files[0], ca_before, ca_after, ca_retired);
  put_file (tree, "ca-key.pem", crash->files[1], key_before, key_after, NULL);
  put_file (tree, "ca-key-next.pem", crash->files[2], key_before, key_after, NULL);
  put_file (tree, "ca-key-old.pem", crash->files[3], key_before, key_after, NULL);

  again = open_authority (tree);
  g_assert_cmpint (!g_str_equal (old_serial, pki_certificate_serial (pki_authority_bundle (again)->pdata[0])), ==,
                   crash->rotated);
  g_assert_cmpint (pki_authority_is_rotating (again), ==, crash->rotated && crash->files[0] == 'a');
  g_assert_false (g_file_test (next, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_file_test (old, G_FILE_TEST_EXISTS), ==, pki_authority_is_rotating (again));
  client = issue (again, 7);
  server = server_leaf (again);
  g_assert_true (believes (pki_authority_bundle (again), client, PKI_PURPOSE_CLIENT));
  g_assert_true (believes (pki_authority_bundle (again), server, PKI_PURPOSE_SERVER));
  /* And it stays that. */
  third = open_authority (tree);
  g_assert_cmpstr (pki_certificate_serial (pki_authority_bundle (again)->pdata[0]), ==,
                   pki_certificate_serial (pki_authority_bundle (third)->pdata[0]));
}

static void
test_foreign_key (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiAuthority) authority = open_authority (tree);
  g_autoptr (PkiStore) store = pki_store_open (tree->path, NULL);
  g_autofree char *key = tree_in_pki (tree, "ca-key.pem"), *next = tree_in_pki (tree, "ca-key-next.pem");
  g_autoptr (PkiKey) other = pki_key_generate (NULL);
  char *pem = pki_key_to_pem (other, NULL);
  GError *error = NULL;

  /* A key that belongs to nothing is no way to lose the right one. */
  tree_write (next, pem, 0600);
  g_clear_pointer (&authority, pki_authority_unref);
  authority = open_authority (tree);
  g_assert_false (g_file_test (next, G_FILE_TEST_EXISTS));
  tree_write (key, pem, 0600);
  g_assert_null (pki_authority_open (store, &error));
  tree_expect_error (error, key, "does not belong", NULL);
  pki_key_pem_free (pem);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/rotation/overlap", Tree, NULL, tree_set_up, test_overlap, tree_tear_down);
  g_test_add ("/rotation/overlap-end", Tree, NULL, tree_set_up, test_overlap_end, tree_tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (crashes); i++)
    g_test_add (crashes[i].name, Tree, &crashes[i], tree_set_up, test_crash, tree_tear_down);
  g_test_add ("/rotation/foreign-key", Tree, NULL, tree_set_up, test_foreign_key, tree_tear_down);
  return g_test_run ();
}
