#include "harness/chains.h"

#include <string.h>

#define CA_USAGE (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)

const ForgeSpec chains_ca = { .common_name = "the CA", .ca = TRUE, .path_length = -1, .usage = CA_USAGE };

static void
trust_only (Chains *chains, const Forged *ca)
{
  g_autoptr (GPtrArray) list = forge_list (ca);
  g_autoptr (GError) error = NULL;

  pki_trust_add (chains->trust, list, "a test", &error);
  g_assert_no_error (error);
}

void
chains_set_up (Chains *chains, gconstpointer unused)
{
  ForgeSpec expired = chains_ca;

  expired.common_name = "the expired CA";
  expired.from = -10 * CHAINS_DAY;
  expired.to = -CHAINS_DAY;
  chains->ca = forge (&chains_ca, NULL);
  /* Of the same name: only its key differs. */
  chains->other_ca = forge (&chains_ca, NULL);
  chains->expired_ca = forge (&expired, NULL);
  chains->trust = pki_trust_new ();
  chains->made = g_ptr_array_new_with_free_func ((GDestroyNotify) forge_free);
  trust_only (chains, chains->ca);
  trust_only (chains, chains->expired_ca);
  g_assert_cmpuint (pki_trust_size (chains->trust), ==, 2);
}

void
chains_tear_down (Chains *chains, gconstpointer unused)
{
  forge_free (chains->ca);
  forge_free (chains->other_ca);
  forge_free (chains->expired_ca);
  pki_trust_unref (chains->trust);
  g_ptr_array_unref (chains->made);
}

static const char *
oid_of (Chains *chains, const char *purpose)
{
  gboolean server = chains->purpose == PKI_PURPOSE_SERVER;

  if (g_strcmp0 (purpose, CHAINS_OWN) == 0)
    return server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
  if (g_strcmp0 (purpose, CHAINS_OTHER) == 0)
    return server ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;
  return purpose;
}

static Forged *
make (Chains *chains, const ForgeSpec *spec, const Forged *issuer)
{
  ForgeSpec resolved = *spec;
  Forged *forged;

  for (gsize i = 0; i < G_N_ELEMENTS (resolved.purposes); i++)
    resolved.purposes[i] = oid_of (chains, resolved.purposes[i]);
  forged = forge (&resolved, issuer);
  g_ptr_array_add (chains->made, forged);
  return forged;
}

static void
put (Chains *chains, const Forged *forged)
{
  g_assert_cmpuint (chains->n_sent, <, CHAINS_MAX);
  chains->sent[chains->n_sent++] = forged->der;
}

void
chains_by_ca (Chains *chains, const ForgeSpec *leaf)
{
  put (chains, make (chains, leaf, chains->ca));
}

static void
by_itself (Chains *chains, const ForgeSpec *leaf)
{
  put (chains, make (chains, leaf, NULL));
}

static void
by_other_ca (Chains *chains, const ForgeSpec *leaf)
{
  put (chains, make (chains, leaf, chains->other_ca));
  put (chains, chains->other_ca);
}

void
chains_by_expired_ca (Chains *chains, const ForgeSpec *leaf)
{
  put (chains, make (chains, leaf, chains->expired_ca));
}

/* An unrelated certificate on top, so that the last one sent says nothing of the CA. */
static void
by_expired_ca_and_decoy (Chains *chains, const ForgeSpec *leaf)
{
  chains_by_expired_ca (chains, leaf);
  put (chains, chains->other_ca);
}

static void
by_expired_ca_sent_along (Chains *chains, const ForgeSpec *leaf)
{
  chains_by_expired_ca (chains, leaf);
  put (chains, chains->expired_ca);
}

void
chains_by_intermediate (Chains *chains, const ForgeSpec *leaf, const ForgeSpec *intermediate)
{
  Forged *middle = make (chains, intermediate, chains->ca);

  put (chains, make (chains, leaf, middle));
  put (chains, middle);
}

static void
by_leaf (Chains *chains, const ForgeSpec *leaf)
{
  const ForgeSpec middle = { .common_name = "no CA", .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN } };

  chains_by_intermediate (chains, leaf, &middle);
}

static void
by_ca_without_signing (Chains *chains, const ForgeSpec *leaf)
{
  const ForgeSpec middle = { .common_name = "CA of CRLs", .ca = TRUE, .path_length = -1, .usage = GNUTLS_KEY_CRL_SIGN };

  chains_by_intermediate (chains, leaf, &middle);
}

static void
by_expired_intermediate (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec middle = chains_ca;

  middle.common_name = "an expired middle";
  middle.from = -3 * CHAINS_DAY;
  middle.to = -CHAINS_DAY;
  chains_by_intermediate (chains, leaf, &middle);
}

static void
by_other_purpose (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec middle = chains_ca;

  middle.common_name = "CA for something else";
  middle.purposes[0] = CHAINS_OTHER;
  chains_by_intermediate (chains, leaf, &middle);
}

static void
by_weak_intermediate (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec middle = chains_ca;

  middle.common_name = "a weak middle";
  middle.algorithm = GNUTLS_PK_RSA;
  middle.bits = 1024;
  chains_by_intermediate (chains, leaf, &middle);
}

static void
by_constrained (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec middle = chains_ca;

  middle.common_name = "CA for elsewhere";
  middle.permitted_dns = "elsewhere.test";
  chains_by_intermediate (chains, leaf, &middle);
}

static void
by_thousand_constraints (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec middle = chains_ca;

  middle.common_name = "CA of a thousand noes";
  middle.n_excluded = 1000;
  chains_by_intermediate (chains, leaf, &middle);
}

static void
below_path_length (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec first = chains_ca, second = chains_ca;
  Forged *upper, *lower;

  first.common_name = "only leaves below";
  first.path_length = 0;
  second.common_name = "one too many";
  upper = make (chains, &first, chains->ca);
  lower = make (chains, &second, upper);
  put (chains, make (chains, leaf, lower));
  put (chains, lower);
  put (chains, upper);
}

/* Nine certificates with the leaf. */
static void
by_deep_chain (Chains *chains, const ForgeSpec *leaf)
{
  const Forged *chain[8], *issuer = chains->ca;
  ForgeSpec middle = chains_ca;

  for (gsize i = 0; i < G_N_ELEMENTS (chain); i++)
    {
      g_autofree char *name = g_strdup_printf ("middle %zu", i);

      middle.common_name = name;
      issuer = chain[i] = make (chains, &middle, issuer);
    }
  put (chains, make (chains, leaf, issuer));
  for (gsize i = G_N_ELEMENTS (chain); i > 0; i--)
    put (chains, chain[i - 1]);
}

static void
revoked (Chains *chains, const ForgeSpec *leaf)
{
  Forged *forged = make (chains, leaf, chains->ca);
  g_autoptr (GPtrArray) list = forge_list (forged);
  g_autoptr (GHashTable) serials = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_hash_table_add (serials, g_strdup (pki_certificate_serial (list->pdata[0])));
  pki_trust_revoke (chains->trust, serials);
  put (chains, forged);
}

static void
nothing (Chains *chains, const ForgeSpec *leaf)
{
}

static void
garbage (Chains *chains, const ForgeSpec *leaf)
{
  static const guint8 noise[300] = { 0x30, 0x82, 0x01, 0x28, 0x30 };

  chains->sent[chains->n_sent++] = (gnutls_datum_t){ (unsigned char *) noise, sizeof noise };
}

static void
cut_short (Chains *chains, const ForgeSpec *leaf)
{
  chains_by_ca (chains, leaf);
  chains->sent[0].size -= 20;
}

static void
too_much (Chains *chains, const ForgeSpec *leaf)
{
  ForgeSpec middle = chains_ca;

  chains_by_ca (chains, leaf);
  middle.padding = 15000;
  for (guint i = 0; i < 5; i++)
    put (chains, make (chains, &middle, chains->ca));
}

const ForgeSpec chains_good_leaf = { CHAINS_GOOD_LEAF };


const BadChain bad_chains[] = {
  { "none", {}, nothing, 116, "no certificate" },
  { "garbage", {}, garbage, 42, "cannot be read" },
  { "cut short", { CHAINS_GOOD_LEAF }, cut_short, 42, "cannot be read" },
  { "self-signed", { CHAINS_GOOD_LEAF }, by_itself, 48, "not trusted here" },
  { "other CA of the same name", { CHAINS_GOOD_LEAF }, by_other_ca, 48, "not trusted here" },
  { "other CA of the same name, without key identifiers", { CHAINS_GOOD_LEAF, .no_key_identifiers = TRUE }, by_other_ca, 42, "signature" },
  { "wrong signature", { CHAINS_GOOD_LEAF, .break_signature = TRUE }, NULL, 42, "signature" },
  { "expired", { CHAINS_GOOD_LEAF, .from = -2 * CHAINS_DAY, .to = -60 }, NULL, 45, "has expired" },
  { "not valid yet", { CHAINS_GOOD_LEAF, .from = 600, .to = CHAINS_DAY }, NULL, 45, "not valid yet" },
  { "expired CA", { CHAINS_GOOD_LEAF }, chains_by_expired_ca, 45, "CA of the peer's certificate has expired" },
  { "expired CA sent along", { CHAINS_GOOD_LEAF }, by_expired_ca_sent_along, 45, "expired" },
  { "expired CA behind a decoy", { CHAINS_GOOD_LEAF }, by_expired_ca_and_decoy, 45, "expired" },
  { "expired intermediate", { CHAINS_GOOD_LEAF }, by_expired_intermediate, 45, "expired" },
  { "revoked", { CHAINS_GOOD_LEAF }, revoked, 44, "revoked" },
  { "purpose of the other side", { CHAINS_LEAF, .purposes = { CHAINS_OTHER } }, NULL, 43, "purpose" },
  { "no purpose", { CHAINS_LEAF }, NULL, 43, "extended key usage" },
  { "any purpose", { CHAINS_LEAF, .purposes = { GNUTLS_KP_ANY } }, NULL, 43, "extended key usage" },
  { "purpose of something else", { CHAINS_LEAF, .purposes = { GNUTLS_KP_CODE_SIGNING } }, NULL, 43, "purpose" },
  { "CA for the other purpose", { CHAINS_GOOD_LEAF }, by_other_purpose, 43, "purpose" },
  { "not for signatures", { .common_name = "alice", .dns = { CHAINS_HOST }, .purposes = { CHAINS_OWN }, .usage = GNUTLS_KEY_KEY_ENCIPHERMENT },
    NULL, 43, "key usage", .tls_alert = 80 },
  { "version 1", { .common_name = "alice", .version_1 = TRUE }, NULL, 43, "extended key usage" },
  { "CA as leaf", { CHAINS_GOOD_LEAF, .ca = TRUE, .path_length = -1 }, NULL, 42, "presents a CA" },
  { "issued by a leaf", { CHAINS_GOOD_LEAF }, by_leaf, 48, "no CA" },
  { "issued by a CA that may not", { CHAINS_GOOD_LEAF }, by_ca_without_signing, 42, "constraints" },
  { "below a path length", { CHAINS_GOOD_LEAF }, below_path_length, 42, "constraints" },
  { "outside the name constraints", { CHAINS_GOOD_LEAF }, by_constrained, 42, "constraints" },
  { "a thousand constraints", { CHAINS_GOOD_LEAF }, by_thousand_constraints, 42, "too many name constraints" },
  { "deep chain", { CHAINS_GOOD_LEAF }, by_deep_chain, 42, "9 certificates" },
  { "long certificate", { CHAINS_GOOD_LEAF, .padding = 17000 }, NULL, 42, "each of 16384" },
  { "long chain", { CHAINS_GOOD_LEAF }, too_much, 42, "at most 8 of 65536" },
  { "RSA of 1024 bits", { CHAINS_GOOD_LEAF, .algorithm = GNUTLS_PK_RSA, .bits = 1024 }, NULL, 42, "too weak (RSA, 1024 bits)" },
  { "P-224", { CHAINS_GOOD_LEAF, .bits = GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP224R1) }, NULL, 42, "too weak", .tls_alert = 47 },
  { "weak intermediate", { CHAINS_GOOD_LEAF }, by_weak_intermediate, 42, "too weak" },
  { "SHA-1", { CHAINS_GOOD_LEAF, .digest = GNUTLS_DIG_SHA1 }, NULL, 42, "weak algorithm" },
  { "unknown critical extension", { CHAINS_GOOD_LEAF, .critical_extension = TRUE }, NULL, 43, "critical extension" },

  { "other host", { .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .dns = { "other.test" } }, NULL, 42,
    "is for other.test, not for " CHAINS_HOST, TRUE },
  { "host only as CN", { .common_name = CHAINS_HOST, .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN } }, NULL, 42, "no name at all", TRUE },
  { "host as CN beside another name", { .common_name = CHAINS_HOST, .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .dns = { "other.test" } },
    NULL, 42, "not for", TRUE },
  { "host as CN behind a name with NUL",
    { .common_name = CHAINS_HOST, .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .dns = { CHAINS_HOST "\001.evil.test" } }, NULL, 42, "not for", TRUE },
  { "host with NUL after it", { .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .dns = { CHAINS_HOST "\001" } }, NULL, 42, "no name at all", TRUE },
  { "host with NUL before it", { .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .dns = { "\001" CHAINS_HOST } }, NULL, 42, "no name at all", TRUE },
  { "host as CN beside an address", { .common_name = CHAINS_HOST, .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .address = "127.0.0.1" }, NULL,
    42, "is for 127.0.0.1", TRUE },
  { "wildcard over two labels", { .usage = CHAINS_SIGNING, .purposes = { CHAINS_OWN }, .dns = { "*.test.example", "*" } }, NULL, 42, "not for",
    TRUE },
};
const gsize n_bad_chains = G_N_ELEMENTS (bad_chains);

void
chains_start_again (Chains *chains)
{
  g_ptr_array_set_size (chains->made, 0);
  chains->n_sent = 0;
}

void
chains_send_bad (Chains *chains, const BadChain *bad)
{
  chains_start_again (chains);
  (bad->send == NULL ? chains_by_ca : bad->send) (chains, &bad->leaf);
}
