/* Address validation tokens: good for whom they were made, in their time, and for nothing else. */
#include "quic/token.h"

#include <string.h>

#define NOW (1000 * NGTCP2_SECONDS)
#define MUTANTS 100000

typedef struct
{
  QuicTokenKeys keys;
  NetAddress remote;
  ngtcp2_cid odcid, scid;
  guint8 token[QUIC_TOKEN_MAX];
  ngtcp2_pkt_hd hd;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiSecret) secret = pki_secret_new_random (&error);
  const guint8 ids[18] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 };

  g_assert_no_error (error);
  g_assert_true (quic_token_keys_init (&fixture->keys, secret, &error));
  g_assert_true (net_address_from_numeric (&fixture->remote, "192.0.2.7", 5000));
  ngtcp2_cid_init (&fixture->odcid, ids, 18);
  ngtcp2_cid_init (&fixture->scid, ids + 4, 8);
  fixture->hd
      = (ngtcp2_pkt_hd){ .version = NGTCP2_PROTO_VER_V1, .dcid = fixture->scid, .token = fixture->token };
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  quic_token_keys_clear (&fixture->keys);
}

static QuicTokenVerdict
verify_at (Fixture *fixture, guint64 now)
{
  ngtcp2_cid odcid = { 0 };
  QuicTokenVerdict verdict = quic_token_verify (&fixture->keys, &fixture->hd, &fixture->remote, now, &odcid);

  g_assert_true (verdict != QUIC_TOKEN_RETRY || ngtcp2_cid_eq (&odcid, &fixture->odcid));
  return verdict;
}

static void
make_retry (Fixture *fixture)
{
  fixture->hd.tokenlen = quic_token_retry (&fixture->keys, fixture->token, fixture->hd.version,
                                           &fixture->remote, &fixture->scid, &fixture->odcid, NOW);
  g_assert_cmpuint (fixture->hd.tokenlen, >, 32);
}

static void
test_retry (Fixture *fixture, gconstpointer data)
{
  NetAddress good = fixture->remote;

  make_retry (fixture);
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_RETRY);
  g_assert_cmpint (verify_at (fixture, NOW + 9 * NGTCP2_SECONDS), ==, QUIC_TOKEN_RETRY);
  g_assert_cmpint (verify_at (fixture, NOW + 10 * NGTCP2_SECONDS), ==, QUIC_TOKEN_INVALID);
  net_address_set_port (&fixture->remote, 5001);
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_INVALID);
  g_assert_true (net_address_from_numeric (&fixture->remote, "192.0.2.8", 5000));
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_INVALID);
  fixture->remote = good;
  fixture->hd.dcid.data[0] ^= 1;
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_INVALID);
  fixture->hd.dcid.data[0] ^= 1;
  fixture->hd.version = NGTCP2_PROTO_VER_V2;
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_INVALID);
}

static void
test_regular (Fixture *fixture, gconstpointer data)
{
  fixture->hd.tokenlen = quic_token_regular (&fixture->keys, fixture->token, &fixture->remote, NOW);
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_REGULAR);
  /* A new port is the same client behind its NAT. */
  net_address_set_port (&fixture->remote, 5001);
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_REGULAR);
  g_assert_cmpint (verify_at (fixture, NOW + 24 * 3600 * NGTCP2_SECONDS), ==, QUIC_TOKEN_NONE);
  g_assert_true (net_address_from_numeric (&fixture->remote, "192.0.2.8", 5000));
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_NONE);
  fixture->hd.tokenlen = 0;
  g_assert_cmpint (verify_at (fixture, NOW), ==, QUIC_TOKEN_NONE);
}

/* Of many mutants, bits flipped, cut, lengthened, none passes. */
static void
test_mutants (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  guint8 good[QUIC_TOKEN_MAX], mutant[QUIC_TOKEN_MAX + 16];
  gsize length;

  make_retry (fixture);
  length = fixture->hd.tokenlen;
  memcpy (good, fixture->token, length);
  fixture->hd.token = mutant;
  for (guint i = 0; i < MUTANTS; i++)
    {
      gint flips = g_rand_int_range (random, 1, 5);
      QuicTokenVerdict verdict;

      memset (mutant, 0, sizeof mutant);
      memcpy (mutant, good, length);
      fixture->hd.tokenlen = i % 3 == 0 ? (gsize)g_rand_int_range (random, 1, sizeof mutant + 1) : length;
      if (fixture->hd.tokenlen == length)
        for (; flips > 0 || memcmp (mutant, good, length) == 0; flips--)
          mutant[g_rand_int_range (random, 0, (gint32)length)]
              ^= (guint8)(1 << g_rand_int_range (random, 0, 8));
      verdict = verify_at (fixture, NOW);
      g_assert_true (verdict == QUIC_TOKEN_INVALID || verdict == QUIC_TOKEN_NONE);
    }
  fixture->hd.token = fixture->token;
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/quic/token/retry", Fixture, NULL, set_up, test_retry, tear_down);
  g_test_add ("/quic/token/regular", Fixture, NULL, set_up, test_regular, tear_down);
  g_test_add ("/quic/token/mutants", Fixture, NULL, set_up, test_mutants, tear_down);
  return g_test_run ();
}
