/* Connections from the first packet to the last, on the simulated link. */
#include "harness/pair.h"

static Certs *certs;

/* A client is connected within 2 RTT (handshake, confirmation), a byte goes there and back, a goodbye reaches
 * the other side. */
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

static void
test_reason (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 2);
  Peer *client = pair_connected (pair), *server = pair_last_server (pair);
  g_autofree char *reason = g_strnfill (400, 'x');
  Flow *flow = peer_open (client);

  flow_write (flow, "before");
  link_run (pair->link, BASE_SECOND);
  /* What was written right before the goodbye arrives with it. */
  flow_write (peer_flow (server, 0), "last words");
  memcpy (reason, "going down: ", 12);
  quic_connection_close (server->connection, QUIC_CODE_UNAVAILABLE, reason);
  g_assert_false (server->closed);
  g_assert_true (link_run_until (pair->link, peer_is_closed, client, BASE_SECOND));
  g_assert_true (server->closed);
  g_assert_cmpuint (flow->received, ==, 10);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_PEER);
  g_assert_cmpuint (client->close.code, ==, QUIC_CODE_UNAVAILABLE);
  g_assert_nonnull (strstr (client->close.error->message, "going down: "));
  g_assert_cmpint (server->close.cause, ==, QUIC_CLOSE_LOCAL);
  g_assert_cmpuint (server->close.code, ==, QUIC_CODE_UNAVAILABLE);
}

/* The CONNECTION_CLOSE is lost: what the other side sends is answered by it again, not by a reset. */
static gboolean
lose_one (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  guint *left = user_data;

  if (from == LINK_SERVER && *left > 0)
    {
      --*left;
      return FALSE;
    }
  return TRUE;
}

static void
test_linger (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 3);
  Peer *client = pair_connected (pair);
  QuicEndpointStats stats;
  guint left = 1;

  link_run (pair->link, BASE_SECOND);
  link_set_filter (pair->link, lose_one, &left);
  quic_connection_close (pair_last_server (pair)->connection, QUIC_CODE_NONE, "bye");
  link_run (pair->link, 100 * BASE_MILLISECOND);
  g_assert_false (client->closed);
  g_assert_cmpuint (left, ==, 0);
  flow_write (peer_open (client), "hello?");
  g_assert_true (link_run_until (pair->link, peer_is_closed, client, 50 * BASE_MILLISECOND));
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_PEER);
  quic_endpoint_stats (pair->server, &stats);
  g_assert_cmpuint (stats.stateless_resets, ==, 0);
}

static void
test_idle (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 4);
  Peer *client = pair_connected (pair);

  link_run (pair->link, 29 * BASE_SECOND);
  g_assert_false (client->closed || pair_last_server (pair)->closed);
  link_run (pair->link, 2 * BASE_SECOND);
  g_assert_true (client->closed && pair_last_server (pair)->closed);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_IDLE);
  g_assert_cmpint (pair_last_server (pair)->close.cause, ==, QUIC_CLOSE_IDLE);
  g_assert_error (client->close.error, MUX_ERROR, MUX_ERROR_LOST);
}

/* With a keep-alive a quiet connection lives, at the price of a packet each way per interval; without traffic
 * nothing happens. */
static void
test_keep_alive (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 5);
  Peer *client;
  guint64 before;

  pair->client_config.keep_alive_interval_ms = 15000;
  client = pair_connected (pair);
  link_run (pair->link, 20 * BASE_SECOND);
  before = link_stats (pair->link, LINK_CLIENT)->datagrams;
  link_run (pair->link, 3600 * BASE_SECOND);
  g_assert_false (client->closed || pair_last_server (pair)->closed);
  g_assert_cmpuint (link_stats (pair->link, LINK_CLIENT)->datagrams - before, <=, 2 * 3600 / 15 + 10);
  /* Switched off: the idle timeout comes. */
  quic_connection_set_keep_alive (client->connection, 0);
  link_run (pair->link, 50 * BASE_SECOND);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_IDLE);
}

static void
test_nobody (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 6);
  Peer *client;
  guint64 start;

  link_conditions (pair->link)->down = TRUE;
  client = pair_connect (pair);
  start = link_now (pair->link);
  g_assert_true (link_run_until (pair->link, peer_is_closed, client, 60 * BASE_SECOND));
  g_assert_cmpuint (link_now (pair->link) - start, ==, 10 * BASE_SECOND);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_HANDSHAKE);
  g_assert_error (client->close.error, MUX_ERROR, MUX_ERROR_UNREACHABLE);
}

/* The client's first datagrams come twice, and again when their answer is late: it is still one connection.
 */
static void
test_twice (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 13);

  pair->server_echo = TRUE;
  link_conditions (pair->link)->duplicate = 1000;
  link_conditions (pair->link)->delay = 2 * BASE_SECOND;
  pair_connected (pair);
  link_run (pair->link, 10 * BASE_SECOND);
  g_assert_cmpuint (pair->servers->len, ==, 1);
  g_assert_false (pair_last_server (pair)->closed);
}

/* 50 handshakes through 30 % loss. */
static void
test_lossy_handshakes (void)
{
  guint connected = 0;

  for (guint seed = 0; seed < 50; seed++)
    {
      g_autoptr (Pair) pair = pair_new (certs, seed);
      Peer *client;

      pair->client_config.handshake_timeout_ms = pair->server_config.connection.handshake_timeout_ms = 60000;
      link_conditions (pair->link)->loss = 300;
      client = pair_connect (pair);
      connected += link_run_until (pair->link, peer_is_connected, client, 60 * BASE_SECOND);
    }
  g_assert_cmpuint (connected, ==, 50);
}

/* A NAT forgets every 5 s for a minute, port or address too, with output pending: the server follows, nothing is lost, and the client does
 * not notice. */
static void
test_rebinding (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 7);
  Peer *client, *server;
  Flow *flow;

  link_conditions (pair->link)->rate = 1000000;
  link_conditions (pair->link)->queue = 100000;
  pair->server_echo = TRUE;
  client = pair_connected (pair);
  server = pair_last_server (pair);
  flow = peer_open (client);
  flow_send (flow, 60 * 1024 * 1024);
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *host = g_strdup_printf ("192.0.2.%u", 10 + i);

      link_run (pair->link, 5 * BASE_SECOND);
      g_assert_false (flow->closed);
      link_rebind (pair->link, LINK_CLIENT, i % 2 == 0 ? NULL : host, (guint16)(42000 + i));
    }
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, 300 * BASE_SECOND));
  g_assert_cmpstr (flow_sent (flow), ==, flow_received (flow));
  g_assert_cmpuint (server->paths, ==, 12);
  g_assert_cmpuint (net_address_port (quic_connection_remote (server->connection)), ==, 42011);
  g_assert_cmpuint (client->paths, ==, 0);
}

/* Nothing heard for 20 s, with data waiting: it goes on where it was. (The probe timeout doubles each time,
 * RFC 9002 6.2.1, so the next probe may come another 20 s later: the idle timeout must be longer than that.)
 */
static void
test_blackout (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 8);
  Peer *client;
  Flow *flow;

  pair->server_echo = TRUE;
  pair->client_config.max_idle_timeout_ms = pair->server_config.connection.max_idle_timeout_ms = 120000;
  link_conditions (pair->link)->rate = 1000000;
  link_conditions (pair->link)->queue = 100000;
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 4 * 1024 * 1024);
  link_run (pair->link, 2 * BASE_SECOND);
  link_conditions (pair->link)->down = TRUE;
  link_run (pair->link, 20 * BASE_SECOND);
  link_conditions (pair->link)->down = FALSE;
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, 100 * BASE_SECOND));
  g_assert_cmpstr (flow_sent (flow), ==, flow_received (flow));
}

/* `pass` comes once however often it was asked for, and at the user's deadline. */
static void
test_passes (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 9);
  Peer *client = pair_connected (pair);
  guint64 start;

  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (client->passes, ==, 0);
  for (guint i = 0; i < 10; i++)
    quic_connection_wake (client->connection);
  g_assert_cmpuint (client->passes, ==, 0);
  link_run (pair->link, BASE_MILLISECOND);
  g_assert_cmpuint (client->passes, ==, 1);
  start = link_now (pair->link);
  quic_connection_set_deadline (client->connection, start + 700 * BASE_MILLISECOND);
  link_run (pair->link, 699 * BASE_MILLISECOND);
  g_assert_cmpuint (client->passes, ==, 1);
  link_run (pair->link, 2 * BASE_MILLISECOND);
  g_assert_cmpuint (client->passes, ==, 2);
  link_run (pair->link, 10 * BASE_SECOND);
  g_assert_cmpuint (client->passes, ==, 2);
  quic_connection_set_deadline (client->connection, link_now (pair->link) + BASE_SECOND);
  quic_connection_set_deadline (client->connection, BASE_NEVER);
  link_run (pair->link, 2 * BASE_SECOND);
  g_assert_cmpuint (client->passes, ==, 2);
}

/* A clock that falls back is none of ngtcp2's business. */
static void
test_clock (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 10);
  Peer *client = pair_connected (pair);
  guint64 now = link_now (pair->link);

  flow_write (peer_open (client), "backwards");
  quic_endpoint_pass (pair->client, now - BASE_SECOND);
  g_assert_cmpuint (quic_connection_now (client->connection), ==, now);
  link_run (pair->link, 12 * BASE_MILLISECOND);
  now = link_now (pair->link);
  quic_endpoint_pass (pair->server, now);
  quic_endpoint_pass (pair->server, 0);
  g_assert_cmpuint (quic_connection_now (pair_last_server (pair)->connection), ==, now);
  quic_connection_close (client->connection, QUIC_CODE_NONE, NULL);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (pair_last_server (pair)->closed);
}

static void
test_info (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 11);
  Peer *client;
  Flow *flow;
  QuicConnectionInfo info;

  pair->server_echo = TRUE;
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 100000);
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, BASE_SECOND));
  quic_connection_info (client->connection, &info);
  g_assert_cmpuint (info.min_rtt_us, ==, 20000);
  g_assert_cmpuint (info.smoothed_rtt_us, >=, 20000);
  g_assert_cmpuint (info.bytes_in, ==, link_stats (pair->link, LINK_SERVER)->bytes);
  g_assert_cmpuint (info.bytes_out, ==, link_stats (pair->link, LINK_CLIENT)->bytes);
  g_assert_cmpuint (info.cwnd, >, 0);
  g_assert_cmpstr (pki_certificate_common_name (quic_connection_peer (pair_last_server (pair)->connection)),
                   ==, "alice");
}

/* An hour without anything to do costs no pass at all. */
static void
test_quiet (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 12);
  guint steps = 0;
  guint64 until;

  pair->client_config.max_idle_timeout_ms = pair->server_config.connection.max_idle_timeout_ms = 7200000;
  pair_connected (pair);
  link_run (pair->link, 60 * BASE_SECOND); /* path MTU probes and the like */
  until = link_now (pair->link) + 3600 * BASE_SECOND;
  while (link_now (pair->link) < until && link_step (pair->link))
    steps++;
  g_assert_cmpuint (steps, <=, 4);
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_func ("/quic/connection/echo", test_echo);
  g_test_add_func ("/quic/connection/reason", test_reason);
  g_test_add_func ("/quic/connection/linger", test_linger);
  g_test_add_func ("/quic/connection/idle", test_idle);
  g_test_add_func ("/quic/connection/keep-alive", test_keep_alive);
  g_test_add_func ("/quic/connection/nobody", test_nobody);
  g_test_add_func ("/quic/connection/lossy-handshakes", test_lossy_handshakes);
  g_test_add_func ("/quic/connection/twice", test_twice);
  g_test_add_func ("/quic/connection/rebinding", test_rebinding);
  g_test_add_func ("/quic/connection/blackout", test_blackout);
  g_test_add_func ("/quic/connection/passes", test_passes);
  g_test_add_func ("/quic/connection/clock", test_clock);
  g_test_add_func ("/quic/connection/info", test_info);
  g_test_add_func ("/quic/connection/quiet", test_quiet);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
