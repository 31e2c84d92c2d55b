/* Who is believed: every case for a server's certificate and for a client's, each with its alert and words, and the good one after it. */
#include "forge.h"
#include "tree.h"

#include "pki/trust.h"

#include <mux/plugin.h>
#include <string.h>

#define HOST "server.test"
/* Stand for the purpose under test and for the other one. */
#define OWN "own"
#define OTHER "other"
#define SIGNING GNUTLS_KEY_DIGITAL_SIGNATURE
#define CA_USAGE (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)
#define DAY 86400
#define MAX_SENT 12

static const ForgeSpec ca_spec = { .common_name = "the CA", .ca = TRUE, .path_length = -1, .usage = CA_USAGE };

typedef struct
{
  Forged *ca, *other_ca, *expired_ca;
  PkiTrust *trust;
  PkiPurpose purpose;
  /* What the peer sends. */
  GPtrArray *made; /* of Forged, owned */
  gnutls_datum_t sent[MAX_SENT];
  guint n_sent;
} Fixture;

typedef struct
{
  const char *name;
  ForgeSpec leaf;
  /* Adds to what is sent; NULL: the leaf, by the CA. */
  void (*send) (Fixture *fixture, const ForgeSpec *leaf);
  int alert;
  const char *text;
  gboolean server_only;
} Case;

static void
trust_only (Fixture *fixture, const Forged *ca)
{
  g_autoptr (GPtrArray) list = forge_list (ca);
  g_autoptr (GError) error = NULL;

  pki_trust_add (fixture->trust, list, "a test", &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  ForgeSpec expired = ca_spec;

  expired.common_name = "the expired CA";
  expired.from = -10 * DAY;
  expired.to = -DAY;
  fixture->ca = forge (&ca_spec, NULL);
  /* Of the same name: only its key differs. */
  fixture->other_ca = forge (&ca_spec, NULL);
  fixture->expired_ca = forge (&expired, NULL);
  fixture->trust = pki_trust_new ();
  fixture->made = g_ptr_array_new_with_free_func ((GDestroyNotify) forge_free);
  trust_only (fixture, fixture->ca);
  trust_only (fixture, fixture->expired_ca);
  g_assert_cmpuint (pki_trust_size (fixture->trust), ==, 2);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  forge_free (fixture->ca);
  forge_free (fixture->other_ca);
  forge_free (fixture->expired_ca);
  pki_trust_unref (fixture->trust);
  g_ptr_array_unref (fixture->made);
}

static const char *
oid_of (Fixture *fixture, const char *purpose)
{
  gboolean server = fixture->purpose == PKI_PURPOSE_SERVER;

  if (g_strcmp0 (purpose, OWN) == 0)
    return server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
  if (g_strcmp0 (purpose, OTHER) == 0)
    return server ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;
  return purpose;
}

static Forged *
make (Fixture *fixture, const ForgeSpec *spec, const Forged *issuer)
{
  ForgeSpec resolved = *spec;
  Forged *forged;

  for (gsize i = 0; i < G_N_ELEMENTS (resolved.purposes); i++)
    resolved.purposes[i] = oid_of (fixture, resolved.purposes[i]);
  forged = forge (&resolved, issuer);
  g_ptr_array_add (fixture->made, forged);
  return forged;
}

static void
put (Fixture *fixture, const Forged *forged)
{
  g_assert_cmpuint (fixture->n_sent, <, MAX_SENT);
  fixture->sent[fixture->n_sent++] = forged->der;
}

static void
by_ca (Fixture *fixture, const ForgeSpec *leaf)
{
  put (fixture, make (fixture, leaf, fixture->ca));
}

static void
by_itself (Fixture *fixture, const ForgeSpec *leaf)
{
  put (fixture, make (fixture, leaf, NULL));
}

static void
by_other_ca (Fixture *fixture, const ForgeSpec *leaf)
{
  put (fixture, make (fixture, leaf, fixture->other_ca));
  put (fixture, fixture->other_ca);
}

static void
by_expired_ca (Fixture *fixture, const ForgeSpec *leaf)
{
  put (fixture, make (fixture, leaf, fixture->expired_ca));
}

/* An unrelated certificate on top, so that the last one sent says nothing of the CA. */
static void
by_expired_ca_and_decoy (Fixture *fixture, const ForgeSpec *leaf)
{
  by_expired_ca (fixture, leaf);
  put (fixture, fixture->other_ca);
}

static void
by_expired_ca_sent_along (Fixture *fixture, const ForgeSpec *leaf)
{
  by_expired_ca (fixture, leaf);
  put (fixture, fixture->expired_ca);
}

/* One CA below the trusted one, which the peer sends. */
static void
by_intermediate (Fixture *fixture, const ForgeSpec *leaf, const ForgeSpec *intermediate)
{
  Forged *middle = make (fixture, intermediate, fixture->ca);

  put (fixture, make (fixture, leaf, middle));
  put (fixture, middle);
}

static void
by_leaf (Fixture *fixture, const ForgeSpec *leaf)
{
  const ForgeSpec middle = { .common_name = "no CA", .usage = SIGNING, .purposes = { OWN } };

  by_intermediate (fixture, leaf, &middle);
}

static void
by_ca_without_signing (Fixture *fixture, const ForgeSpec *leaf)
{
  const ForgeSpec middle = { .common_name = "CA of CRLs", .ca = TRUE, .path_length = -1, .usage = GNUTLS_KEY_CRL_SIGN };

  by_intermediate (fixture, leaf, &middle);
}

static void
by_expired_intermediate (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec middle = ca_spec;

  middle.common_name = "an expired middle";
  middle.from = -3 * DAY;
  middle.to = -DAY;
  by_intermediate (fixture, leaf, &middle);
}

static void
by_other_purpose (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec middle = ca_spec;

  middle.common_name = "CA for something else";
  middle.purposes[0] = OTHER;
  by_intermediate (fixture, leaf, &middle);
}

static void
by_weak_intermediate (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec middle = ca_spec;

  middle.common_name = "a weak middle";
  middle.algorithm = GNUTLS_PK_RSA;
  middle.bits = 1024;
  by_intermediate (fixture, leaf, &middle);
}

static void
by_constrained (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec middle = ca_spec;

  middle.common_name = "CA for elsewhere";
  middle.permitted_dns = "elsewhere.test";
  by_intermediate (fixture, leaf, &middle);
}

static void
by_thousand_constraints (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec middle = ca_spec;

  middle.common_name = "CA of a thousand noes";
  middle.n_excluded = 1000;
  by_intermediate (fixture, leaf, &middle);
}

static void
below_path_length (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec first = ca_spec, second = ca_spec;
  Forged *upper, *lower;

  first.common_name = "only leaves below";
  first.path_length = 0;
  second.common_name = "one too many";
  upper = make (fixture, &first, fixture->ca);
  lower = make (fixture, &second, upper);
  put (fixture, make (fixture, leaf, lower));
  put (fixture, lower);
  put (fixture, upper);
}

/* Nine certificates with the leaf. */
static void
by_deep_chain (Fixture *fixture, const ForgeSpec *leaf)
{
  const Forged *chain[8], *issuer = fixture->ca;
  ForgeSpec middle = ca_spec;

  for (gsize i = 0; i < G_N_ELEMENTS (chain); i++)
    {
      g_autofree char *name = g_strdup_printf ("middle %zu", i);

      middle.common_name = name;
      issuer = chain[i] = make (fixture, &middle, issuer);
    }
  put (fixture, make (fixture, leaf, issuer));
  for (gsize i = G_N_ELEMENTS (chain); i > 0; i--)
    put (fixture, chain[i - 1]);
}

static void
revoked (Fixture *fixture, const ForgeSpec *leaf)
{
  Forged *forged = make (fixture, leaf, fixture->ca);
  g_autofree char *crl = forge_crl (fixture->ca, forged, -60, DAY);
  g_autoptr (GError) error = NULL;

  pki_trust_add_crl (fixture->trust, crl, strlen (crl), &error);
  g_assert_no_error (error);
  put (fixture, forged);
}

static void
nothing (Fixture *fixture, const ForgeSpec *leaf)
{
}

static void
garbage (Fixture *fixture, const ForgeSpec *leaf)
{
  static const guint8 noise[300] = { 0x30, 0x82, 0x01, 0x28, 0x30 };

  fixture->sent[fixture->n_sent++] = (gnutls_datum_t){ (unsigned char *) noise, sizeof noise };
}

static void
cut_short (Fixture *fixture, const ForgeSpec *leaf)
{
  by_ca (fixture, leaf);
  fixture->sent[0].size -= 20;
}

static void
too_much (Fixture *fixture, const ForgeSpec *leaf)
{
  ForgeSpec middle = ca_spec;

  by_ca (fixture, leaf);
  middle.padding = 15000;
  for (guint i = 0; i < 5; i++)
    put (fixture, make (fixture, &middle, fixture->ca));
}

#define LEAF .common_name = "alice", .usage = SIGNING, .dns = { HOST }
#define GOOD_LEAF LEAF, .purposes = { OWN }
static const ForgeSpec good_leaf = { GOOD_LEAF };

static const Case cases[] = {
  { "none", {}, nothing, 116, "no certificate" },
  { "garbage", {}, garbage, 42, "cannot be read" },
  { "cut short", { GOOD_LEAF }, cut_short, 42, "cannot be read" },
  { "self-signed", { GOOD_LEAF }, by_itself, 48, "not trusted here" },
  { "other CA of the same name", { GOOD_LEAF }, by_other_ca, 48, "not trusted here" },
  { "other CA of the same name, without key identifiers", { GOOD_LEAF, .no_key_identifiers = TRUE }, by_other_ca, 42, "signature" },
  { "wrong signature", { GOOD_LEAF, .break_signature = TRUE }, NULL, 42, "signature" },
  { "expired", { GOOD_LEAF, .from = -2 * DAY, .to = -60 }, NULL, 45, "has expired" },
  { "not valid yet", { GOOD_LEAF, .from = 600, .to = DAY }, NULL, 45, "not valid yet" },
  { "expired CA", { GOOD_LEAF }, by_expired_ca, 45, "CA of the peer's certificate has expired" },
  { "expired CA sent along", { GOOD_LEAF }, by_expired_ca_sent_along, 45, "expired" },
  { "expired CA behind a decoy", { GOOD_LEAF }, by_expired_ca_and_decoy, 45, "expired" },
  { "expired intermediate", { GOOD_LEAF }, by_expired_intermediate, 45, "expired" },
  { "revoked", { GOOD_LEAF }, revoked, 44, "revoked" },
  { "purpose of the other side", { LEAF, .purposes = { OTHER } }, NULL, 43, "purpose" },
  { "no purpose", { LEAF }, NULL, 43, "extended key usage" },
  { "any purpose", { LEAF, .purposes = { GNUTLS_KP_ANY } }, NULL, 43, "extended key usage" },
  { "purpose of something else", { LEAF, .purposes = { GNUTLS_KP_CODE_SIGNING } }, NULL, 43, "purpose" },
  { "CA for the other purpose", { GOOD_LEAF }, by_other_purpose, 43, "purpose" },
  { "not for signatures", { .common_name = "alice", .dns = { HOST }, .purposes = { OWN }, .usage = GNUTLS_KEY_KEY_ENCIPHERMENT },
    NULL, 43, "key usage" },
  { "version 1", { .common_name = "alice", .version_1 = TRUE }, NULL, 43, "extended key usage" },
  { "CA as leaf", { GOOD_LEAF, .ca = TRUE, .path_length = -1 }, NULL, 42, "presents a CA" },
  { "issued by a leaf", { GOOD_LEAF }, by_leaf, 48, "no CA" },
  { "issued by a CA that may not", { GOOD_LEAF }, by_ca_without_signing, 42, "constraints" },
  { "below a path length", { GOOD_LEAF }, below_path_length, 42, "constraints" },
  { "outside the name constraints", { GOOD_LEAF }, by_constrained, 42, "constraints" },
  { "a thousand constraints", { GOOD_LEAF }, by_thousand_constraints, 42, "too many name constraints" },
  { "deep chain", { GOOD_LEAF }, by_deep_chain, 42, "9 certificates" },
  { "long certificate", { GOOD_LEAF, .padding = 17000 }, NULL, 42, "each of 16384" },
  { "long chain", { GOOD_LEAF }, too_much, 42, "at most 8 of 65536" },
  { "RSA of 1024 bits", { GOOD_LEAF, .algorithm = GNUTLS_PK_RSA, .bits = 1024 }, NULL, 42, "too weak (RSA, 1024 bits)" },
  { "P-224", { GOOD_LEAF, .bits = GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP224R1) }, NULL, 42, "too weak" },
  { "weak intermediate", { GOOD_LEAF }, by_weak_intermediate, 42, "too weak" },
  { "SHA-1", { GOOD_LEAF, .digest = GNUTLS_DIG_SHA1 }, NULL, 42, "weak algorithm" },
  { "unknown critical extension", { GOOD_LEAF, .critical_extension = TRUE }, NULL, 43, "critical extension" },

  { "other host", { .usage = SIGNING, .purposes = { OWN }, .dns = { "other.test" } }, NULL, 42,
    "is for other.test, not for " HOST, TRUE },
  { "host only as CN", { .common_name = HOST, .usage = SIGNING, .purposes = { OWN } }, NULL, 42, "no name at all", TRUE },
  { "host as CN beside another name", { .common_name = HOST, .usage = SIGNING, .purposes = { OWN }, .dns = { "other.test" } },
    NULL, 42, "not for", TRUE },
  { "host as CN behind a name with NUL",
    { .common_name = HOST, .usage = SIGNING, .purposes = { OWN }, .dns = { HOST "\001.evil.test" } }, NULL, 42, "not for", TRUE },
  { "host with NUL after it", { .usage = SIGNING, .purposes = { OWN }, .dns = { HOST "\001" } }, NULL, 42, "no name at all", TRUE },
  { "host with NUL before it", { .usage = SIGNING, .purposes = { OWN }, .dns = { "\001" HOST } }, NULL, 42, "no name at all", TRUE },
  { "host as CN beside an address", { .common_name = HOST, .usage = SIGNING, .purposes = { OWN }, .address = "127.0.0.1" }, NULL,
    42, "is for 127.0.0.1", TRUE },
  { "wildcard over two labels", { .usage = SIGNING, .purposes = { OWN }, .dns = { "*.test.example", "*" } }, NULL, 42, "not for",
    TRUE },
};

static PkiCertificate *
verify_at (Fixture *fixture, const char *host, gint64 offset, int *alert, GError **error)
{
  *alert = -1;
  return pki_trust_verify (fixture->trust, fixture->sent, fixture->n_sent, fixture->purpose,
                           fixture->purpose == PKI_PURPOSE_SERVER ? host : NULL,
                           g_get_real_time () / G_USEC_PER_SEC + offset, alert, error);
}

static void
expect_good (Fixture *fixture, const char *host)
{
  g_autoptr (PkiCertificate) leaf = NULL;
  g_autoptr (GError) error = NULL;
  int alert;

  leaf = verify_at (fixture, host, 0, &alert, &error);
  g_assert_no_error (error);
  g_assert_nonnull (leaf);
  g_assert_cmpint (alert, ==, 0);
}

static void
expect_bad (Fixture *fixture, const char *host, int expected, const char *text)
{
  g_autoptr (PkiCertificate) leaf = NULL;
  g_autoptr (GError) error = NULL;
  int alert;

  leaf = verify_at (fixture, host, 0, &alert, &error);
  g_assert_null (leaf);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_TLS);
  g_assert_cmpint (alert, ==, expected);
  tree_expect_error (g_steal_pointer (&error), text, NULL);
}

static void
start_again (Fixture *fixture)
{
  g_ptr_array_set_size (fixture->made, 0);
  fixture->n_sent = 0;
}

static void
test_bad (Fixture *fixture, gconstpointer purpose)
{
  guint n = 0;

  fixture->purpose = GPOINTER_TO_UINT (purpose);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Case *one = &cases[i];

      if (one->server_only && fixture->purpose != PKI_PURPOSE_SERVER)
        continue;
      g_test_message ("%s", one->name);
      start_again (fixture);
      (one->send == NULL ? by_ca : one->send) (fixture, &one->leaf);
      expect_bad (fixture, HOST, one->alert, one->text);
      /* What came before must not have changed what comes next. */
      start_again (fixture);
      by_ca (fixture, &good_leaf);
      expect_good (fixture, HOST);
      n++;
    }
  g_test_message ("%u bad chains refused, the good one taken after each", n);
  g_assert_cmpuint (n, >=, 25);
}

static void
test_good (Fixture *fixture, gconstpointer purpose)
{
  static const ForgeSpec leaves[] = {
    { GOOD_LEAF },
    { GOOD_LEAF, .algorithm = GNUTLS_PK_RSA, .bits = 2048 },
    { GOOD_LEAF, .bits = GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP384R1) },
    { GOOD_LEAF, .algorithm = GNUTLS_PK_EDDSA_ED25519, .bits = 256 },
    { .dns = { HOST }, .purposes = { OWN } },
    { LEAF, .purposes = { OTHER, OWN } },
    { .dns = { "SERVER.test" }, .purposes = { OWN } },
    { .dns = { "other.test", "*.test", HOST }, .purposes = { OWN } },
    { GOOD_LEAF, .uri = "https://example.test/" },
  };

  fixture->purpose = GPOINTER_TO_UINT (purpose);
  for (gsize i = 0; i < G_N_ELEMENTS (leaves); i++)
    {
      start_again (fixture);
      by_ca (fixture, &leaves[i]);
      expect_good (fixture, HOST);
      start_again (fixture);
      by_intermediate (fixture, &leaves[i], &ca_spec);
      expect_good (fixture, HOST);
    }
}

/* The clock is an argument, for the CA too. */
static void
test_clock (Fixture *fixture, gconstpointer unused)
{
  static const struct
  {
    gint64 offset;
    gboolean good;
  } clocks[] = { { -3700, FALSE }, { -3500, TRUE }, { DAY - 100, TRUE }, { DAY + 100, FALSE }, { 10 * 365 * DAY, FALSE } };

  fixture->purpose = PKI_PURPOSE_CLIENT;
  by_ca (fixture, &good_leaf);
  for (gsize i = 0; i < G_N_ELEMENTS (clocks); i++)
    {
      g_autoptr (PkiCertificate) leaf = NULL;
      int alert;

      leaf = verify_at (fixture, NULL, clocks[i].offset, &alert, NULL);
      g_assert_cmpint (alert, ==, clocks[i].good ? 0 : 45);
      g_assert_cmpint (leaf != NULL, ==, clocks[i].good);
    }
  /* When the expired CA was valid, so was what it issued. */
  start_again (fixture);
  {
    const ForgeSpec old = { GOOD_LEAF, .from = -9 * DAY, .to = -2 * DAY };
    g_autoptr (PkiCertificate) leaf = NULL;
    int alert;

    by_expired_ca (fixture, &old);
    leaf = verify_at (fixture, NULL, -5 * DAY, &alert, NULL);
    g_assert_nonnull (leaf);
  }
}

static void
test_host_names (Fixture *fixture, gconstpointer unused)
{
  static const ForgeSpec spec
      = { .common_name = "cn.test", .dns = { "a.example.test", "*.wild.test", "xn--bcher-kva.test", "10.9.8.7" },
          .address = "192.0.2.1", .usage = SIGNING, .purposes = { OWN } };
  static const ForgeSpec six = { .address = "2001:db8::1", .usage = SIGNING, .purposes = { OWN } };
  static const ForgeSpec hidden = { .common_name = "cn.test", .dns = { "a.example.test" }, .usage = SIGNING, .purposes = { OWN },
                                    .uri = "https://long.test/0123456789012345678901234567890123456789012345678901234567890123456789"
                                           "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
                                           "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345" };
  static const char *const good[] = { "a.example.test", "A.Example.TEST", "a.example.test.", "x.wild.test", "bücher.test", "192.0.2.1" };
  static const char *const bad[]
      = { "b.example.test", "example.test", "wild.test", "x.y.wild.test", "cn.test", "10.9.8.7", "192.0.2.2", "*.wild.test",
          "", ".", "a.example.test..", "a example.test", "::ffff:192.0.2.1", "3221225985", "192.0.2.01" };

  fixture->purpose = PKI_PURPOSE_SERVER;
  by_ca (fixture, &spec);
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    expect_good (fixture, good[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    expect_bad (fixture, bad[i], 42, "not for");
  start_again (fixture);
  by_ca (fixture, &six);
  expect_good (fixture, "2001:DB8:0::1");
  expect_good (fixture, "[2001:db8::1]");
  expect_bad (fixture, "2001:db8::2", 42, "is for 2001:db8::1, not for 2001:db8::2");
  /* A name that GnuTLS stumbles over must not make it look at the CN. */
  start_again (fixture);
  by_ca (fixture, &hidden);
  expect_bad (fixture, "cn.test", 42, "not for");
}

static void
add_bad_crl (Fixture *fixture, char *crl, const char *text)
{
  GError *error = NULL;

  g_assert_false (pki_trust_add_crl (fixture->trust, crl, strlen (crl), &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
  tree_expect_error (error, text, NULL);
  g_free (crl);
}

static void
test_crl (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *ours = NULL;
  g_autofree char *of_old = NULL;
  g_autofree char *both = NULL;
  g_autoptr (GError) error = NULL;
  Forged *of_ca;

  fixture->purpose = PKI_PURPOSE_CLIENT;
  by_ca (fixture, &good_leaf);
  of_ca = fixture->made->pdata[0];
  add_bad_crl (fixture, forge_crl (fixture->other_ca, of_ca, -60, DAY), "not signed by a trusted CA");
  add_bad_crl (fixture, forge_crl (fixture->ca, of_ca, -2 * DAY, -60), "expired");
  add_bad_crl (fixture, g_strdup ("not a list"), "no revocation list");
  expect_good (fixture, NULL);
  /* One list of each CA in one file. */
  ours = forge_crl (fixture->ca, of_ca, -60, DAY);
  of_old = forge_crl (fixture->expired_ca, NULL, -60, DAY);
  both = g_strconcat (ours, of_old, NULL);
  g_assert_false (pki_trust_add_crl (fixture->trust, both, (gsize) 2 << 20, NULL));
  pki_trust_add_crl (fixture->trust, ours, strlen (ours), &error);
  g_assert_no_error (error);
  expect_bad (fixture, NULL, 44, "revoked");
  start_again (fixture);
  by_ca (fixture, &good_leaf);
  expect_good (fixture, NULL);
}

static void
refuse_anchor (Fixture *fixture, const ForgeSpec *spec, const char *text)
{
  g_autoptr (Forged) anchor = forge (spec, NULL);
  g_autoptr (GPtrArray) list = forge_list (anchor);
  guint before = pki_trust_size (fixture->trust);
  GError *error = NULL;

  g_assert_false (pki_trust_add (fixture->trust, list, "bundle.pem", &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
  g_assert_cmpuint (pki_trust_size (fixture->trust), ==, before);
  tree_expect_error (error, "bundle.pem: certificate 1", text, NULL);
}

static void
test_bad_anchors (Fixture *fixture, gconstpointer unused)
{
  const ForgeSpec leaf = { .common_name = "leaf", .usage = SIGNING };
  ForgeSpec weak = ca_spec, busy = ca_spec;

  weak.algorithm = GNUTLS_PK_RSA;
  weak.bits = 1024;
  busy.n_excluded = 65;
  refuse_anchor (fixture, &leaf, "no CA");
  refuse_anchor (fixture, &weak, "RSA, 1024 bits");
  refuse_anchor (fixture, &busy, "more than 64 name constraints");
}

static void
test_paths (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (Forged) first = forge (&ca_spec, NULL);
  g_autoptr (Forged) second = forge (&ca_spec, NULL);
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

#define ADD(path, data, function) g_test_add (path, Fixture, data, set_up, function, tear_down)

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
  ADD ("/pki/trust/revocation-lists", NULL, test_crl);
  ADD ("/pki/trust/bad-anchors", NULL, test_bad_anchors);
  g_test_add ("/pki/trust/paths", Tree, NULL, tree_set_up, test_paths, tree_tear_down);
  return g_test_run ();
}
