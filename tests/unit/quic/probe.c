/* The question that needs no credentials, put to a real endpoint, and answers that are none. */
#include "harness/pair.h"

#include "quic/probe.h"

#include <string.h>

static Certs *certs;
static const guint8 nonce[QUIC_PROBE_NONCE] = "0123456789abcdef";

typedef struct
{
  guint8 data[2048];
  gsize length;
} Caught;

static gboolean catch (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  Caught *caught = user_data;

  if (from == LINK_SERVER)
    {
      g_assert_cmpuint (length, <=, sizeof caught->data);
      memcpy (caught->data, data, length);
      caught->length = length;
    }
  return TRUE;
}

/* What the server says to a question of @length. */
static Caught
ask (Pair *pair, const guint8 *question, gsize length)
{
  Caught caught = { .length = 0 };

  link_set_filter (pair->link, catch, &caught);
  link_inject (pair->link, LINK_SERVER, link_address (pair->link, LINK_CLIENT), question, length);
  link_run (pair->link, BASE_SECOND);
  link_set_filter (pair->link, NULL, NULL);
  return caught;
}

static void
test_endpoint (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 1);
  const gsize lengths[] = { QUIC_PROBE_MIN, 1452 };

  pair_start (pair);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      guint8 question[1452];
      QuicEndpointStats stats;
      Caught caught;

      quic_probe_write (question, lengths[i], nonce);
      caught = ask (pair, question, lengths[i]);
      g_assert_cmpint (quic_probe_read (caught.data, caught.length, nonce), ==, QUIC_PROBE_SPEAKS_V1);
      g_assert_cmpuint (caught.length, <, lengths[i]);
      /* It costs the server nothing that stays. */
      quic_endpoint_stats (pair->server, &stats);
      g_assert_cmpuint (stats.connections + stats.half_open, ==, 0);
      g_assert_cmpuint (stats.version_negotiations, ==, i + 1);
      /* Below the least size nobody answers. */
      g_assert_cmpuint (ask (pair, question, QUIC_PROBE_MIN - 1).length, ==, 0);
    }
}

/* Every way in which a datagram is no answer to this question. */
static void
test_no_answer (void)
{
  guint8 good[] = "\x80\0\0\0\0\x08"
                  "89abcdef"
                  "\x08"
                  "01234567"
                  "\x1a\x2a\x3a\x4a"
                  "\0\0\0\1";
  const gsize length = sizeof good - 1;
  guint8 broken[sizeof good];
  const gsize others[] = { 0, 1, 4, 5, 6, 13, 14, 15, 22 };

  g_assert_cmpint (quic_probe_read (good, length, nonce), ==, QUIC_PROBE_SPEAKS_V1);
  for (gsize i = 0; i < length; i++)
    {
      g_autofree guint8 *cut = g_memdup2 (good, MAX (i, 1));
      QuicProbeAnswer answer = quic_probe_read (cut, i, nonce);

      /* With one version less it is still an answer. */
      g_assert_cmpint (answer, ==, i == length - 4 ? QUIC_PROBE_SPEAKS_OTHERS : QUIC_PROBE_NO_ANSWER);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      memcpy (broken, good, sizeof good);
      broken[others[i]] ^= 0x80;
      g_assert_cmpint (quic_probe_read (broken, length, nonce), ==, QUIC_PROBE_NO_ANSWER);
    }
  memcpy (broken, good, sizeof good);
  broken[length - 1] = 2;
  g_assert_cmpint (quic_probe_read (broken, length, nonce), ==, QUIC_PROBE_SPEAKS_OTHERS);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_func ("/quic/probe/endpoint", test_endpoint);
  g_test_add_func ("/quic/probe/no-answer", test_no_answer);
  status = g_test_run ();
  certs_free (certs);
  return status;
}
