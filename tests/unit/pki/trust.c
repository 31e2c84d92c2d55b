/* Who is believed: every case for a server's certificate and for a client's, each with its alert and words, and the good one after it. */
#include "harness/chains.h"
#include "tree.h"

#include <mux/plugin.h>
#include <string.h>

static PkiCertificate *
verify_at (Chains *chains, const char *host, gint64 offset, int *alert, GError **error)
{
  *alert = -1;
  return pki_trust_verify (chains->trust, chains->sent, chains->n_sent, chains->purpose,
                           chains->purpose == PKI_PURPOSE_SERVER ? host : NULL,
                           g_get_real_time () / G_USEC_PER_SEC + offset, alert, error);
}

static void
expect_good (Chains *chains, const char *host)
{
  g_autoptr (PkiCertificate) leaf = NULL;
  g_autoptr (GError) error = NULL;
  int alert;

  leaf = verify_at (chains, host, 0, &alert, &error);
  g_assert_no_error (error);
  g_assert_nonnull (leaf);
  g_assert_cmpint (alert, ==, 0);
}

static void
expect_bad (Chains *chains, const char *host, int expected, const char *text)
{
  g_autoptr (PkiCertificate) leaf = NULL;
  g_autoptr (GError) error = NULL;
  int alert;

  leaf = verify_at (chains, host, 0, &alert, &error);
  g_assert_null (leaf);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_TLS);
  g_assert_cmpint (alert, ==, expected);
  tree_expect_error (g_steal_pointer (&error), text, NULL);
}

static void
test_bad (Chains *chains, gconstpointer purpose)
{
  guint n = 0;

  chains->purpose = GPOINTER_TO_UINT (purpose);
  for (gsize i = 0; i < n_bad_chains; i++)
    {
      const BadChain *one = &bad_chains[i];

      if (one->server_only && chains->purpose != PKI_PURPOSE_SERVER)
        continue;
      g_test_message ("%s", one->name);
      chains_send_bad (chains, one);
      expect_bad (chains, CHAINS_HOST, one->alert, one->text);
      /* What came before must not have changed what comes next. */
      chains_start_again (chains);
      chains_by_ca (chains, &chains_good_leaf);
      expect_good (chains, CHAINS_HOST);
      n++;
    }
  g_test_message ("%u bad chains refused, the good one taken after each", n);
  g_assert_cmpuint (n, >=, 25);
}

static void
test_good (Chains *chains, gconstpointer purpose)
{
  static const ForgeSpec leaves[] = {
    { CHAINS_GOOD_LEAF },
    { CHAINS_GOOD_LEAF, .algorithm = GNUTLS_PK_RSA, .bits = 2048 },
    { CHAINS_GOOD_LEAF, .bits = GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP384R1) },
    { CHAINS_GOOD_LEAF, .algorithm = GNUTLS_PK_EDDSA_ED25519, .bits = 256 },
    { .dns = { CHAINS_HOST }, .purposes = { CHAINS_OWN } },
    { CHAINS_LEAF, .purposes = { CHAINS_OTHER, CHAINS_OWN } },
    { .dns = { "SERVER.test" }, .purposes = { CHAINS_OWN } },
    { .dns = { "other.test", "*.test", CHAINS_HOST }, .purposes = { CHAINS_OWN } },
    { CHAINS_GOOD_LEAF, .uri = "https://example.test/" },
  };

  chains->purpose = GPOINTER_TO_UINT (purpose);
  for (gsize i = 0; i < G_N_ELEMENTS (leaves); i++)
    {
      chains_start_again (chains);
      chains_by_ca (chains, &leaves[i]);
      expect_good (chains, CHAINS_HOST);
      chains_start_again (chains);
      chains_by_intermediate (chains, &leaves[i], &chains_ca);
      expect_good (chains, CHAINS_HOST);
    }
}

/* The clock is an argument, for the CA too. */
static void
test_clock (Chains *chains, gconstpointer unused)
{
  static const struct
  {
    gint64 offset;
    gboolean good;
  } clocks[] = { { -3700, FALSE }, { -3500, TRUE }, { CHAINS_DAY - 100, TRUE }, { CHAINS_DAY + 100, FALSE }, { 10 * 365 * CHAINS_DAY, FALSE } };

  chains->purpose = PKI_PURPOSE_CLIENT;
  chains_by_ca (chains, &chains_good_leaf);
  for (gsize i = 0; i < G_N_ELEMENTS (clocks); i++)
    {
      g_autoptr (PkiCertificate) leaf = NULL;
      int alert;

      leaf = verify_at (chains, NULL, clocks[i].offset, &alert, NULL);
      g_assert_cmpint (alert, ==, clocks[i].good ? 0 : 45);
      g_assert_cmpint (leaf != NULL, ==, clocks[i].good);
    }
  /* When the expired CA was valid, so was what it issued. */
  chains_start_again (chains);
  {
    const ForgeSpec old = { CHAINS_GOOD_LEAF, .from = -9 * CHAINS_DAY, .to = -2 * CHAINS_DAY };
    g_autoptr (PkiCertificate) leaf = NULL;
    int alert;

    chains_by_expired_ca (chains, &old);
    leaf = verify_at (chains, NULL, -5 * CHAINS_DAY, &alert, NULL);
    g_assert_nonnull (leaf);
  }
}

static void
test_host_names (Chains *chains, gconstpointer unused)
{
  static const ForgeSpec spec
      = { .common_name = "cn.test", .dns = { "a.example.test", "*.wild.test", "xn--bcher-kva.test", "10.9.8.7" },
          .address = "192.0.2.1", .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN } };
  static const ForgeSpec six = { .address = "2001:db8::1", .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN } };
  static const ForgeSpec hidden = { .common_name = "cn.test", .dns = { "a.example.test" }, .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN },
                                    .uri = "https://long.test/0123456789012345678901234567890123456789012345678901234567890123456789"
                                           "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
                                           "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345" };
  static const char *const good[] = { "a.example.test", "A.Example.TEST", "a.example.test.", "x.wild.test", "bücher.test", "192.0.2.1" };
  static const char *const bad[]
      = { "b.example.test", "example.test", "wild.test", "x.y.wild.test", "cn.test", "10.9.8.7", "192.0.2.2", "*.wild.test",
          "", ".", "a.example.test..", "a example.test", "::ffff:192.0.2.1", "3221225985", "192.0.2.01" };

  chains->purpose = PKI_PURPOSE_SERVER;
  chains_by_ca (chains, &spec);
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    expect_good (chains, good[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    expect_bad (chains, bad[i], 42, "not for");
  chains_start_again (chains);
  chains_by_ca (chains, &six);
  expect_good (chains, "2001:DB8:0::1");
  expect_good (chains, "[2001:db8::1]");
  expect_bad (chains, "2001:db8::2", 42, "is for 2001:db8::1, not for 2001:db8::2");
  /* A name that GnuTLS stumbles over must not make it look at the CN. */
  chains_start_again (chains);
  chains_by_ca (chains, &hidden);
  expect_bad (chains, "cn.test", 42, "not for");
}

static void
refuse_anchor (Chains *chains, const ForgeSpec *spec, const char *text)
{
  g_autoptr (Forged) anchor = forge (spec, NULL);
  g_autoptr (GPtrArray) list = forge_list (anchor);
  guint before = pki_trust_size (chains->trust);
  GError *error = NULL;

  g_assert_false (pki_trust_add (chains->trust, list, "bundle.pem", &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
  g_assert_cmpuint (pki_trust_size (chains->trust), ==, before);
  tree_expect_error (error, "bundle.pem: certificate 1", text, NULL);
}

static void
test_bad_anchors (Chains *chains, gconstpointer unused)
{
  const ForgeSpec leaf = { .common_name = "leaf", .usage = CHAINS_SIGNING };
  ForgeSpec weak = chains_ca, busy = chains_ca;

  weak.algorithm = GNUTLS_PK_RSA;
  weak.bits = 1024;
  busy.n_excluded = 65;
  refuse_anchor (chains, &leaf, "no CA");
  refuse_anchor (chains, &weak, "RSA, 1024 bits");
  refuse_anchor (chains, &busy, "more than 64 name constraints");
}

static void
test_paths (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (Forged) first = forge (&chains_ca, NULL);
  g_autoptr (Forged) second = forge (&chains_ca, NULL);
  g_autofree char *first_pem = forge_pem (first);
  g_autofree char *second_pem = forge_pem (second);
  g_autofree char *file = tree_in_root (tree, "a.pem");
  g_autofree char *other_file = tree_in_root (tree, "b.crt");
  g_autofree char *note = tree_in_root (tree, "README");
  g_autofree char *missing = tree_in_root (tree, "missing.pem");
  GError *error = NULL;

  tree_write (file, first_pem, 0644);
  tree_write (other_file, second_pem, 0644);
  tree_write (note, "no certificate", 0644);
  g_assert_true (pki_trust_add_path (trust, file, NULL));
  g_assert_cmpuint (pki_trust_size (trust), ==, 1);
  g_assert_true (pki_trust_add_path (trust, tree->root, NULL));
  g_assert_cmpuint (pki_trust_size (trust), ==, 3);
  g_assert_false (pki_trust_add_path (trust, note, &error));
  tree_expect_error (error, note, "no certificate", NULL);
  error = NULL;
  g_assert_false (pki_trust_add_path (trust, missing, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  tree_expect_error (error, missing, NULL);
  tree_write (other_file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0644);
  error = NULL;
  g_assert_false (pki_trust_add_path (trust, tree->root, &error));
  tree_expect_error (error, other_file, NULL);
}

#define ADD(path, data, function) g_test_add (path, Chains, data, chains_set_up, function, chains_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/pki/trust/bad-servers", GUINT_TO_POINTER (PKI_PURPOSE_SERVER), test_bad);
  ADD ("/pki/trust/bad-clients", GUINT_TO_POINTER (PKI_PURPOSE_CLIENT), test_bad);
  ADD ("/pki/trust/good-servers", GUINT_TO_POINTER (PKI_PURPOSE_SERVER), test_good);
  ADD ("/pki/trust/good-clients", GUINT_TO_POINTER (PKI_PURPOSE_CLIENT), test_good);
  ADD ("/pki/trust/clock", NULL, test_clock);
  ADD ("/pki/trust/host-names", NULL, test_host_names);
  ADD ("/pki/trust/bad-anchors", NULL, test_bad_anchors);
  g_test_add ("/pki/trust/paths", Tree, NULL, tree_set_up, test_paths, tree_tear_down);
  return g_test_run ();
}
