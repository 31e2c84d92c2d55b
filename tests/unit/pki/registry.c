/* Who holds a certificate, and who is not believed any more. */
#include "harness/forge.h"
#include "tree.h"

#include "pki/issue.h"
#include "pki/registry.h"
#include "pki/revocation.h"
#include "pki/rotation.h"

#include <glib/gstdio.h>
#include <mux/plugin.h>
#include <string.h>

typedef struct
{
  Tree tree;
  PkiAuthority *authority;
  PkiRegistry *registry;
} Fixture;

static void
open_all (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiStore) store = pki_store_open (fixture->tree.path, &error);

  g_assert_no_error (error);
  fixture->authority = pki_authority_open (store, &error);
  g_assert_no_error (error);
  fixture->registry = pki_registry_open (fixture->authority, &error);
  g_assert_no_error (error);
}

static void
close_all (Fixture *fixture)
{
  g_clear_pointer (&fixture->registry, pki_registry_free);
  g_clear_pointer (&fixture->authority, pki_authority_unref);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  tree_set_up (&fixture->tree, NULL);
  open_all (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  close_all (fixture);
  tree_tear_down (&fixture->tree, NULL);
}

/* Returns the serial. */
static char *
issue (Fixture *fixture, const char *user, const char *device, const char *renews)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiKey) key = pki_key_generate (&error);
  g_autofree char *csr = pki_key_request (key, user, &error);
  g_autoptr (PkiCertificate) certificate
      = pki_authority_issue_client (fixture->authority, csr, strlen (csr), user, device, renews, 7, &error);

  g_assert_no_error (error);
  return g_strdup (pki_certificate_serial (certificate));
}

static const PkiRecord *
find (GPtrArray *records, const char *serial)
{
  for (guint i = 0; i < records->len; i++)
    {
      const PkiRecord *record = records->pdata[i];

      if (g_str_equal (pki_certificate_serial (record->certificate), serial))
        return record;
    }
  return NULL;
}

static GPtrArray *
list (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *records = pki_registry_list (fixture->registry, &error);

  g_assert_no_error (error);
  return records;
}

static void
test_list (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *first = issue (fixture, "anna", "laptop", NULL);
  g_autofree char *second = issue (fixture, "anna", "laptop", first);
  g_autofree char *broken = tree_in_pki (&fixture->tree, "issued/00.pem");
  g_autoptr (GPtrArray) records = NULL;
  const PkiRecord *record;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  tree_write (broken, "no certificate\n", 0600);
  pki_registry_note (fixture->registry, second, "192.0.2.1:4711");
  g_assert_true (pki_registry_flush (fixture->registry, NULL));
  close_all (fixture);
  open_all (fixture);
  records = list (fixture);
  g_assert_cmpuint (records->len, ==, 2);
  record = find (records, first);
  g_assert_cmpstr (record->user, ==, "anna");
  g_assert_cmpstr (record->device, ==, "laptop");
  g_assert_null (record->renews);
  g_assert_null (record->address);
  g_assert_cmpint (record->seen, ==, 0);
  g_assert_cmpint (record->revoked, ==, 0);
  record = find (records, second);
  g_assert_cmpstr (record->renews, ==, first);
  g_assert_cmpstr (record->address, ==, "192.0.2.1:4711");
  g_assert_cmpint (ABS (record->seen - now), <, 300);
}

static void
test_seen_damaged (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *serial = issue (fixture, "anna", NULL, NULL);
  g_autofree char *path = tree_in_pki (&fixture->tree, "seen");
  g_autofree char *text = g_strdup_printf ("\n \n%s\n%s x y\n%s -5 y\n%s 17 [::1]:9\n\377 3 \377\n%s 99999999999999999999 z",
                                           serial, serial, serial, serial, serial);
  g_autoptr (GPtrArray) records = NULL;

  close_all (fixture);
  tree_write (path, text, 0600);
  open_all (fixture);
  records = list (fixture);
  g_assert_cmpint (find (records, serial)->seen, ==, 17);
  g_assert_cmpstr (find (records, serial)->address, ==, "[::1]:9");
}

static void
test_revoke (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *first = issue (fixture, "anna", NULL, NULL);
  g_autofree char *other = issue (fixture, "anna", NULL, NULL);
  g_autofree char *second = issue (fixture, "anna", NULL, first);
  g_autofree char *third = issue (fixture, "anna", NULL, second);
  g_autofree char *upper = g_ascii_strup (first, -1);
  g_autoptr (GHashTable) revoked = NULL;
  g_autoptr (GPtrArray) records = NULL;
  g_auto (GStrv) serials = NULL;
  GError *error = NULL;

  g_assert_null (pki_registry_revoke (fixture->registry, "abcd", &error));
  tree_expect_error (error, "abcd", "cert list", NULL);
  error = NULL;
  serials = pki_registry_revoke (fixture->registry, upper, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (serials), ==, 3);
  close_all (fixture);
  open_all (fixture);
  revoked = pki_authority_revoked (fixture->authority, &error);
  g_assert_no_error (error);
  g_assert_true (g_hash_table_contains (revoked, first) && g_hash_table_contains (revoked, second)
                 && g_hash_table_contains (revoked, third));
  g_assert_false (g_hash_table_contains (revoked, other));
  records = list (fixture);
  g_assert_cmpint (find (records, third)->revoked, >, 0);
  g_assert_cmpint (find (records, other)->revoked, ==, 0);
}

/* The list outlives the CA that signed it. */
static void
test_revoked_and_rotated (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *serial = issue (fixture, "anna", NULL, NULL);
  g_auto (GStrv) serials = pki_registry_revoke (fixture->registry, serial, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (serials);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GHashTable) revoked = NULL;

      g_assert_true (i == 0 ? pki_authority_rotate (fixture->authority, &error)
                            : pki_authority_retire (fixture->authority, &error));
      close_all (fixture);
      open_all (fixture);
      revoked = pki_authority_revoked (fixture->authority, &error);
      g_assert_no_error (error);
      g_assert_true (g_hash_table_contains (revoked, serial));
    }
}

static void
test_bad_list (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = tree_in_pki (&fixture->tree, "crl.pem");
  g_autofree char *serial = issue (fixture, "anna", NULL, NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) serials = NULL;
  GError *error = NULL;

  tree_write (path, "nothing of the kind\n", 0600);
  g_assert_null (pki_authority_revoked (fixture->authority, &error));
  tree_expect_error (error, path, NULL);
  error = NULL;
  g_assert_null (pki_registry_revoke (fixture->registry, serial, &error));
  tree_expect_error (error, path, NULL);
  g_assert_cmpint (g_remove (path), ==, 0);
  /* Of another CA. */
  serials = pki_registry_revoke (fixture->registry, serial, NULL);
  text = tree_read (path);
  close_all (fixture);
  tree_tear_down (&fixture->tree, NULL);
  set_up (fixture, NULL);
  g_free (path);
  path = tree_in_pki (&fixture->tree, "crl.pem");
  tree_write (path, text, 0600);
  error = NULL;
  g_assert_null (pki_authority_revoked (fixture->authority, &error));
  tree_expect_error (error, path, "not signed", NULL);
}

/* Puts a record of a certificate that ended @days ago; returns the serial. */
static char *
put_ended (Fixture *fixture, int days)
{
  const ForgeSpec spec = { .common_name = "anna", .from = (-days - 7) * PKI_DAY_SECONDS, .to = -days * PKI_DAY_SECONDS };
  g_autoptr (Forged) forged = forge (&spec, NULL);
  g_autoptr (GPtrArray) certificates = forge_list (forged);
  g_autofree char *pem = forge_pem (forged);
  char *serial = g_strdup (pki_certificate_serial (certificates->pdata[0]));
  g_autofree char *name = g_strdup_printf ("issued/%s.pem", serial);
  g_autofree char *path = tree_in_pki (&fixture->tree, name);

  tree_write (path, pem, 0600);
  return serial;
}

/* Ended certificates of long ago go, with what was seen of them. */
static void
test_prune (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *valid = issue (fixture, "anna", NULL, NULL);
  g_autofree char *ended = put_ended (fixture, PKI_REGISTRY_KEEP_DAYS - 1);
  g_autofree char *old = put_ended (fixture, PKI_REGISTRY_KEEP_DAYS + 1);
  g_autofree char *seen_path = tree_in_pki (&fixture->tree, "seen");
  g_autofree char *seen = NULL;
  g_autoptr (GPtrArray) records = NULL;

  pki_registry_note (fixture->registry, old, "192.0.2.1:1");
  pki_registry_note (fixture->registry, ended, "192.0.2.2:1");
  g_assert_true (pki_registry_prune (fixture->registry, NULL));
  g_assert_true (pki_registry_flush (fixture->registry, NULL));
  records = list (fixture);
  g_assert_cmpuint (records->len, ==, 2);
  g_assert_nonnull (find (records, valid));
  g_assert_nonnull (find (records, ended));
  seen = tree_read (seen_path);
  g_assert_nonnull (strstr (seen, "192.0.2.2"));
  g_assert_null (strstr (seen, "192.0.2.1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/registry/list", Fixture, NULL, set_up, test_list, tear_down);
  g_test_add ("/registry/seen-damaged", Fixture, NULL, set_up, test_seen_damaged, tear_down);
  g_test_add ("/registry/revoke", Fixture, NULL, set_up, test_revoke, tear_down);
  g_test_add ("/registry/revoked-and-rotated", Fixture, NULL, set_up, test_revoked_and_rotated, tear_down);
  g_test_add ("/registry/bad-list", Fixture, NULL, set_up, test_bad_list, tear_down);
  g_test_add ("/registry/prune", Fixture, NULL, set_up, test_prune, tear_down);
  return g_test_run ();
}
