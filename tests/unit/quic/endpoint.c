/* An endpoint at its doors: Retry, crowds, limits, versions, restarts, shutting down. */
#include "harness/pair.h"

#include <ngtcp2/ngtcp2.h>
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

static void
test_retry (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 1);

  pair->server_echo = TRUE;
  pair->server_config.retry = QUIC_RETRY_ALWAYS;
  assert_echo (pair_connected (pair));
  g_assert_cmpuint (stats_of (pair->server).retries, ==, 1);
  /* The token of NEW_TOKEN spares the second connection the round trip. */
  link_run (pair->link, BASE_SECOND);
  assert_echo (pair_connected (pair));
  g_assert_cmpuint (stats_of (pair->server).retries, ==, 1);
  /* Not from another address. */
  link_run (pair->link, BASE_SECOND);
  link_rebind (pair->link, LINK_CLIENT, NULL, 41000);
  pair_connected (pair);
  g_assert_cmpuint (stats_of (pair->server).half_open, ==, 0);
}

/* Every bit of a Retry token counts. */
static gboolean
spoil_token (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  ngtcp2_pkt_hd hd;
  guint *spoiled = user_data;

  if (from == LINK_CLIENT && ngtcp2_accept (&hd, data, length) == 0 && hd.tokenlen > 0)
    {
      data[(hd.token - data) + 1 + (gssize)(*spoiled % (hd.tokenlen - 1))] ^= 1;
      ++*spoiled;
    }
  return TRUE;
}

static void
test_forged_token (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 2);
  guint spoiled = 0;
  Peer *client;

  pair->server_config.retry = QUIC_RETRY_ALWAYS;
  link_set_filter (pair->link, spoil_token, &spoiled);
  client = pair_connect (pair);
  link_run (pair->link, 12 * BASE_SECOND);
  g_assert_true (client->closed && !client->connected);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_PEER);
  g_assert_cmpuint (client->close.code, ==, NGTCP2_INVALID_TOKEN);
  g_assert_cmpuint (pair->servers->len, ==, 0);
  g_assert_cmpuint (spoiled, >, 0);
}

/* Under load the server asks for Retry by itself, and everybody gets in. */
static void
test_crowd (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 3);
  QuicEndpointStats stats;

  pair->server_echo = TRUE;
  for (guint i = 0; i < 200; i++)
    pair_connect (pair);
  link_run (pair->link, 9 * BASE_SECOND);
  for (guint i = 0; i < 200; i++)
    {
      g_assert_true (peer_is_connected (pair->clients->pdata[i]));
      assert_echo (pair->clients->pdata[i]);
    }
  stats = stats_of (pair->server);
  g_assert_cmpuint (stats.retries, >, 0);
  g_assert_cmpuint (stats.half_open, ==, 0);
  g_assert_cmpuint (stats.connections, ==, 200);
}

static void
test_refused (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 5);
  Peer *third;

  pair->server_config.max_connections = 2;
  pair_connected (pair);
  pair_connected (pair);
  third = pair_connect (pair);
  g_assert_true (link_run_until (pair->link, peer_is_closed, third, BASE_SECOND));
  g_assert_cmpint (third->close.cause, ==, QUIC_CLOSE_PEER);
  g_assert_cmpuint (third->close.code, ==, NGTCP2_CONNECTION_REFUSED);
  g_assert_error (third->close.error, MUX_ERROR, MUX_ERROR_REFUSED);
  g_assert_cmpuint (stats_of (pair->server).refused, >, 0);
  quic_connection_close (((Peer *)pair->clients->pdata[0])->connection, QUIC_CODE_NONE, NULL);
  link_run (pair->link, BASE_SECOND);
  pair_connected (pair);
}

/* Version negotiation: for what could be a first datagram of an unknown version, not for less. */
static void
test_version (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 6);
  guint8 packet[1300] = { 0xc0, 0xba, 0xba, 0xba, 0xba, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 9, 9, 9 };
  guint64 before;

  pair_start (pair);
  link_inject (pair->link, LINK_SERVER, link_address (pair->link, LINK_CLIENT), packet, 1199);
  g_assert_cmpuint (stats_of (pair->server).version_negotiations, ==, 0);
  before = link_stats (pair->link, LINK_SERVER)->bytes;
  link_inject (pair->link, LINK_SERVER, link_address (pair->link, LINK_CLIENT), packet, 1200);
  g_assert_cmpuint (stats_of (pair->server).version_negotiations, ==, 1);
  g_assert_cmpuint (link_stats (pair->link, LINK_SERVER)->bytes - before, ==, 7 + 8 + 4 + 8);
}

/* A server that knows other versions only. */
static gboolean
unknown_version (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  if (from == LINK_CLIENT)
    data[1] = 0x77;
  else /* what the server offers, made worthless */
    for (gsize i = length - 8; i < length; i++)
      data[i] = 0x1a;
  return TRUE;
}

static void
test_no_version (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 7);
  Peer *client;

  link_set_filter (pair->link, unknown_version, NULL);
  client = pair_connect (pair);
  g_assert_true (link_run_until (pair->link, peer_is_closed, client, BASE_SECOND));
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_VERSION);
}

/* The server dies and comes back with its seed: the client learns it with its next packet, one round trip
 * later. */
static void
test_restart (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 8);
  Peer *client;
  guint64 start;

  client = pair_connected (pair);
  link_run (pair->link, BASE_SECOND);
  pair_restart_server (pair);
  start = link_now (pair->link);
  flow_write (peer_open (client), "anyone there?");
  g_assert_true (link_run_until (pair->link, peer_is_closed, client, BASE_SECOND));
  g_assert_cmpuint (link_now (pair->link) - start, <=, 21 * BASE_MILLISECOND);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_RESET);
  g_assert_error (client->close.error, MUX_ERROR, MUX_ERROR_LOST);
  g_assert_cmpuint (stats_of (pair->server).stateless_resets, ==, 1);
  pair_connected (pair);
}

static void
test_shutdown (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 12);
  Peer *clients[5], *late;

  for (guint i = 0; i < 5; i++)
    clients[i] = pair_connected (pair);
  quic_endpoint_shutdown (pair->server, QUIC_CODE_UNAVAILABLE, "maintenance");
  link_run (pair->link, BASE_SECOND);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_true (clients[i]->closed);
      g_assert_cmpuint (clients[i]->close.code, ==, QUIC_CODE_UNAVAILABLE);
      g_assert_nonnull (strstr (clients[i]->close.error->message, "maintenance"));
    }
  late = pair_connect (pair);
  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (late->close.code, ==, NGTCP2_CONNECTION_REFUSED);
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_func ("/quic/endpoint/retry", test_retry);
  g_test_add_func ("/quic/endpoint/forged-token", test_forged_token);
  g_test_add_func ("/quic/endpoint/crowd", test_crowd);
  g_test_add_func ("/quic/endpoint/refused", test_refused);
  g_test_add_func ("/quic/endpoint/version", test_version);
  g_test_add_func ("/quic/endpoint/no-version", test_no_version);
  g_test_add_func ("/quic/endpoint/restart", test_restart);
  g_test_add_func ("/quic/endpoint/shutdown", test_shutdown);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
