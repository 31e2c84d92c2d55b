/* Strangers at a server: floods of first packets, rubbish, resets; what they cost, and how much is ever said
 * to them. */
#include "harness/pair.h"

#include <string.h>

static Certs *certs;

static QuicEndpointStats
stats_of (QuicEndpoint *endpoint)
{
  QuicEndpointStats stats;

  quic_endpoint_stats (endpoint, &stats);
  return stats;
}

static void
assert_echo (Peer *client)
{
  Flow *flow = peer_open (client);

  flow_send (flow, 10000);
  g_assert_true (link_run_until (client->pair->link, flow_is_closed, flow, 10 * BASE_SECOND));
  g_assert_cmpstr (flow_sent (flow), ==, flow_received (flow));
}

/* Makes datagrams of a real client's first Initial, as from elsewhere. */
static GBytes *captured;

static gboolean
capture (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  if (from == LINK_CLIENT && captured == NULL)
    captured = g_bytes_new (data, length);
  return FALSE;
}

/* The same Initial from many addresses, or one: half-open connections stay bounded, and go after the
 * deadline. */
static void
test_half_open (gconstpointer data)
{
  gboolean one_source = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = pair_new (certs, 4);
  gsize length;
  guint8 *packet;
  QuicEndpointStats stats;
  guint most = 0;

  pair->server_config.retry = QUIC_RETRY_NEVER;
  link_set_filter (pair->link, capture, NULL);
  pair_connect (pair);
  link_step (pair->link);
  packet = (guint8 *)g_bytes_get_data (captured, &length);
  for (guint i = 0; i < 600; i++)
    {
      NetAddress remote;
      g_autofree char *host
          = one_source ? g_strdup ("203.0.113.1") : g_strdup_printf ("10.1.%u.%u", i / 250, i % 250 + 1);

      g_assert_true (net_address_from_numeric (&remote, host, (guint16)(2000 + i)));
      link_inject (pair->link, LINK_SERVER, &remote, packet, length);
      link_step (pair->link);
      most = MAX (most, stats_of (pair->server).half_open);
      /* The next client: the same bytes would be the same connection. */
      g_clear_pointer (&captured, g_bytes_unref);
      pair_connect (pair);
      while (captured == NULL)
        link_step (pair->link);
      packet = (guint8 *)g_bytes_get_data (captured, &length);
    }
  link_run (pair->link, 100 * BASE_MILLISECOND);
  stats = stats_of (pair->server);
  most = MAX (most, stats.half_open);
  g_assert_cmpuint (most, ==, one_source ? 8 : 256);
  link_run (pair->link, 25 * BASE_SECOND);
  stats = stats_of (pair->server);
  g_assert_cmpuint (stats.half_open, ==, 0);
  g_assert_cmpuint (stats.connections, ==, 0);
  for (guint i = 0; i < pair->servers->len; i++)
    g_assert_cmpint (((Peer *)pair->servers->pdata[i])->close.cause, ==, QUIC_CLOSE_HANDSHAKE);
  g_clear_pointer (&captured, g_bytes_unref);
  link_set_filter (pair->link, NULL, NULL);
  pair_connected (pair);
}

/* At most 100 resets a second, each shorter than its trigger; guessed ones kill nobody. */
static void
test_resets (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 9);
  Peer *client = pair_connected (pair);
  guint8 packet[200];
  guint64 before, out;
  const gsize lengths[] = { 21, 22, 30, 42, 43, 60, 200 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      memset (packet, 0x55, sizeof packet);
      before = link_stats (pair->link, LINK_SERVER)->bytes;
      link_inject (pair->link, LINK_SERVER, link_address (pair->link, LINK_CLIENT), packet, lengths[i]);
      out = link_stats (pair->link, LINK_SERVER)->bytes - before;
      g_assert_cmpuint (out, <, lengths[i]);
      g_assert_true (lengths[i] > 21 ? out > 0 : out == 0);
      link_run (pair->link, 2 * BASE_SECOND);
    }
  before = stats_of (pair->server).stateless_resets;
  for (guint i = 0; i < 100000; i++)
    {
      for (guint at = 0; at < 60; at += 4)
        {
          guint32 word = link_random (pair->link, G_MAXINT32);

          memcpy (packet + at, &word, sizeof word);
        }
      packet[0] = (guint8)(0x40 | (packet[0] & 0x3f));
      link_inject (pair->link, i % 2 == 0 ? LINK_SERVER : LINK_CLIENT,
                   link_address (pair->link, i % 2 == 0 ? LINK_CLIENT : LINK_SERVER), packet, 22 + i % 38);
    }
  g_assert_cmpuint (stats_of (pair->server).stateless_resets - before, <=, 100);
  link_run (pair->link, BASE_SECOND);
  g_assert_false (client->closed || pair_last_server (pair)->closed);
  g_assert_cmpuint (stats_of (pair->server).stateless_resets - before, <=, 200);
}

/* 100,000 datagrams of rubbish, empty ones among them, and mutants of real packets: nobody is disturbed. */
static void
test_rubbish (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 10);
  Peer *client;
  QuicEndpointStats stats;
  guint8 packet[1500];
  gsize length = 0;
  const guint8 *real;

  pair->server_echo = TRUE;
  client = pair_connected (pair);
  g_clear_pointer (&captured, g_bytes_unref);
  link_set_filter (pair->link, capture, NULL);
  pair_connect (pair);
  link_step (pair->link);
  link_set_filter (pair->link, NULL, NULL);
  real = g_bytes_get_data (captured, &length);
  for (guint i = 0; i < 100000; i++)
    {
      NetAddress remote = *link_address (pair->link, LINK_CLIENT);
      gsize size = link_random (pair->link, sizeof packet);

      if (i % 4 == 0)
        {
          memcpy (packet, real, length);
          packet[link_random (pair->link, 60)] ^= (guint8)(1 + link_random (pair->link, 255));
          size = i % 8 == 0 ? length : link_random (pair->link, (guint32)length);
        }
      else
        for (gsize at = 0; at < MIN (size, 80); at++)
          packet[at] = (guint8)link_random (pair->link, 256);
      if (i % 10 == 0)
        size = 0;
      if (i % 3 == 0)
        net_address_set_port (&remote, (guint16)(1024 + link_random (pair->link, 60000)));
      link_inject (pair->link, LINK_SERVER, &remote, packet, size);
      if (i % 100 == 0)
        link_step (pair->link);
    }
  link_run (pair->link, 15 * BASE_SECOND);
  g_clear_pointer (&captured, g_bytes_unref);
  stats = stats_of (pair->server);
  g_assert_cmpuint (stats.dropped_short, >=, 10000);
  g_assert_cmpuint (stats.half_open, ==, 0);
  g_assert_false (client->closed);
  assert_echo (client);
  assert_echo (pair_connected (pair));
}

/* A client that says its first word and then nothing more: the server never sends more than three times what
 * it got. */
typedef struct
{
  guint64 in, out;
  guint8 source;
} Sums;

static gboolean
first_only (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  Sums *sums = user_data;

  if (from == LINK_SERVER)
    {
      sums->out += length;
      return FALSE;
    }
  if (sums->in > 0)
    return FALSE;
  sums->in += length;
  return TRUE;
}

static void
test_amplification (void)
{
  for (guint seed = 0; seed < 100; seed++)
    {
      g_autoptr (Pair) pair = pair_new (certs, seed);
      Sums sums = { 0 };

      pair->server_config.retry = seed % 3 == 0 ? QUIC_RETRY_ALWAYS : QUIC_RETRY_NEVER;
      if (seed % 5 == 0)
        pair->server_config.max_connections = 0;
      link_set_filter (pair->link, first_only, &sums);
      pair_connect (pair);
      link_run (pair->link, 15 * BASE_SECOND);
      g_assert_cmpuint (sums.in, >=, 1200);
      g_assert_cmpuint (sums.out, >, 0);
      g_assert_cmpuint (sums.out, <=, 3 * sums.in);
    }
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_data_func ("/quic/strangers/half-open/many-sources", GINT_TO_POINTER (FALSE), test_half_open);
  g_test_add_data_func ("/quic/strangers/half-open/one-source", GINT_TO_POINTER (TRUE), test_half_open);
  g_test_add_func ("/quic/strangers/resets", test_resets);
  g_test_add_func ("/quic/strangers/rubbish", test_rubbish);
  g_test_add_func ("/quic/strangers/amplification", test_amplification);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
