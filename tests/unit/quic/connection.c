/* Connections from the first packet to the last, on the simulated link. */
#include "harness/pair.h"

static Certs *certs;

/* A client is connected within 2 RTT (handshake, confirmation), a byte goes there and back, a goodbye reaches the other side. */
static void
test_echo (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 1);
  guint64 start = link_now (pair->link);
  Peer *client;
  Flow *flow;

  pair->server_echo = TRUE;
  client = pair_connected (pair);
  g_assert_cmpuint (link_now (pair->link) - start, <=, 41 * BASE_MILLISECOND);
  g_assert_false (client->raw);
  flow = peer_open (client);
  flow_send (flow, 1000);
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, BASE_SECOND));
  g_assert_cmpuint (flow->received, ==, 1000);
  g_assert_true (flow->fin);
  g_assert_cmpstr (flow_sent (flow), ==, flow_received (flow));
  quic_connection_close (client->connection, QUIC_CODE_NONE, "done");
  link_run (pair->link, BASE_SECOND);
  g_assert_true (client->closed && pair_last_server (pair)->closed);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_LOCAL);
  g_assert_cmpint (pair_last_server (pair)->close.cause, ==, QUIC_CLOSE_PEER);
  g_assert_true (pair_last_server (pair)->close.application);
  g_assert_cmpuint (pair_last_server (pair)->close.code, ==, QUIC_CODE_NONE);
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_func ("/quic/connection/echo", test_echo);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
