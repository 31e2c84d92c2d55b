/* Bytes in bulk: whole and in order whatever the network does, and no more of them in memory than the windows
 * say. */
#include "harness/pair.h"

static Certs *certs;

#define MEGABYTE (1024 * 1024)

typedef struct
{
  guint32 seed;
  guint loss, duplicate, corrupt;
  guint64 jitter;
  QuicCongestion congestion;
  guint64 length;
} Case;

static void
assert_whole (Flow *sender, Flow *receiver, guint64 length)
{
  g_assert_cmpuint (receiver->received, ==, length);
  g_assert_true (receiver->fin);
  g_assert_cmpstr (flow_sent (sender), ==, flow_received (receiver));
}

/* Both ways at once. */
static void
test_bulk (gconstpointer data)
{
  const Case *with = data;
  g_autoptr (Pair) pair = pair_new (certs, with->seed);
  LinkConditions *conditions = link_conditions (pair->link);
  Peer *client;
  Flow *here, *there;
  guint64 start;

  pair->client_config.congestion = pair->server_config.connection.congestion = with->congestion;
  conditions->loss = with->loss;
  conditions->duplicate = with->duplicate;
  conditions->corrupt = with->corrupt;
  conditions->jitter = with->jitter;
  client = pair_connected (pair);
  here = peer_open (client);
  flow_send (here, with->length);
  while (pair_last_server (pair)->flows->len == 0)
    g_assert_true (link_step (pair->link));
  there = peer_flow (pair_last_server (pair), 0);
  flow_send (there, with->length);
  start = link_now (pair->link);
  g_assert_true (link_run_until (pair->link, flow_is_closed, here, 2000 * BASE_SECOND));
  g_assert_true (link_run_until (pair->link, flow_is_closed, there, 100 * BASE_SECOND));
  assert_whole (here, there, with->length);
  assert_whole (there, here, with->length);
  g_test_message ("%.1f simulated seconds, %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT " datagrams",
                  (double)(link_now (pair->link) - start) / BASE_SECOND,
                  link_stats (pair->link, LINK_CLIENT)->datagrams,
                  link_stats (pair->link, LINK_SERVER)->datagrams);
}

/* A path that carries no more than 1280 bytes: probes for more are lost, nothing else. */
static void
test_small_mtu (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 7);
  Peer *client;
  Flow *flow;

  link_conditions (pair->link)->mtu = 1280;
  pair->server_echo = TRUE;
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, MEGABYTE);
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, 60 * BASE_SECOND));
  assert_whole (flow, flow, MEGABYTE);
}

/* A slow link with a deep queue, both sides' sockets full most of the time. */
static void
test_full_socket (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 8);
  Peer *client;
  Flow *flow;

  link_set_socket_room (pair->link, LINK_CLIENT, 3);
  link_set_socket_room (pair->link, LINK_SERVER, 5);
  pair->server_echo = TRUE;
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 4 * MEGABYTE);
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, 60 * BASE_SECOND));
  assert_whole (flow, flow, 4 * MEGABYTE);
}

/* A reader that does not read stops the writer at the window; then everything arrives. */
static void
test_back_pressure (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 9);
  Peer *client;
  Flow *here, *there;
  guint64 stopped_at;

  pair->server_paused = TRUE;
  client = pair_connected (pair);
  here = peer_open (client);
  flow_send (here, 8 * MEGABYTE);
  link_run (pair->link, 10 * BASE_SECOND);
  there = peer_flow (pair_last_server (pair), 0);
  stopped_at = quic_stream_readable (there->stream, NULL);
  g_assert_cmpuint (stopped_at, ==, 256 * 1024);
  g_assert_cmpuint (here->backlog_max, <=, 512 * 1024);
  link_run (pair->link, 15 * BASE_SECOND);
  g_assert_cmpuint (quic_stream_readable (there->stream, NULL), ==, stopped_at);
  flow_resume (there);
  quic_stream_finish (there->stream);
  g_assert_true (link_run_until (pair->link, flow_is_closed, here, 60 * BASE_SECOND));
  g_assert_cmpuint (there->received, ==, 8 * MEGABYTE);
  g_assert_cmpstr (flow_sent (here), ==, flow_received (there));
}

/* Many streams that nobody reads fill the connection's window, and go on when they are read. */
static void
test_connection_window (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 10);
  Peer *client, *server;
  guint64 held = 0;

  pair->server_paused = TRUE;
  client = pair_connected (pair);
  for (guint i = 0; i < 4; i++)
    flow_send (peer_open (client), MEGABYTE);
  link_run (pair->link, 5 * BASE_SECOND);
  server = pair_last_server (pair);
  g_assert_cmpuint (server->flows->len, ==, 4);
  for (guint i = 0; i < 4; i++)
    flow_send (peer_open (client), MEGABYTE);
  link_run (pair->link, 5 * BASE_SECOND);
  g_assert_cmpuint (server->flows->len, ==, 4);
  for (guint i = 0; i < server->flows->len; i++)
    held += quic_stream_readable (peer_flow (server, i)->stream, NULL);
  g_assert_cmpuint (held, ==, MEGABYTE);
  for (guint i = 0; i < server->flows->len; i++)
    flow_resume (peer_flow (server, i));
  pair->server_paused = FALSE;
  link_run (pair->link, 10 * BASE_SECOND);
  g_assert_cmpuint (server->flows->len, ==, 8);
  for (guint i = 0; i < 8; i++)
    flow_resume (peer_flow (server, i));
  link_run (pair->link, 10 * BASE_SECOND);
  for (guint i = 0; i < 8; i++)
    {
      Flow *there = peer_flow (server, i);

      /* They were opened in the order of their first bytes' arrival. */
      assert_whole (peer_flow (client, (guint)(there->id / 4)), there, MEGABYTE);
      quic_stream_finish (there->stream);
    }
  link_run (pair->link, BASE_SECOND);
  for (guint i = 0; i < 8; i++)
    g_assert_true (peer_flow (client, i)->closed);
}

/* On a bottleneck, a keystroke does not wait for the bulk that was queued before it on the same connection.
 */
static void
test_urgency (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 11);
  LinkConditions *conditions = link_conditions (pair->link);
  Peer *client;
  Flow *bulk, *keys;

  conditions->rate = 2500000;
  conditions->queue = 64000;
  client = pair_connected (pair);
  bulk = peer_open (client);
  quic_stream_set_urgency (bulk->stream, 2);
  flow_send (bulk, 20 * MEGABYTE);
  link_run (pair->link, 2 * BASE_SECOND);
  keys = peer_open (client);
  flow_write (keys, "x");
  g_assert_cmpuint (quic_stream_unsent (bulk->stream), >, 100000);
  while (quic_stream_unsent (keys->stream) > 0)
    g_assert_true (link_step (pair->link));
  g_assert_cmpuint (quic_stream_unsent (bulk->stream), >, 100000);
}

int
main (int argc, char *argv[])
{
  static const Case cases[] = {
    { .seed = 1, .length = 10 * MEGABYTE },
    { .seed = 2, .length = 10 * MEGABYTE, .loss = 20, .jitter = 3000000 },
    { .seed = 3, .length = 10 * MEGABYTE, .loss = 20, .duplicate = 20, .corrupt = 10, .jitter = 5000000 },
    { .seed = 4, .length = 3 * MEGABYTE, .loss = 100, .jitter = 5000000 },
    { .seed = 5, .length = 3 * MEGABYTE, .loss = 100, .duplicate = 50, .corrupt = 50, .jitter = 20000000 },
    { .seed = 6, .length = 3 * MEGABYTE, .loss = 20, .congestion = QUIC_CC_BBR },
    { .seed = 7, .length = 3 * MEGABYTE, .loss = 20, .congestion = QUIC_CC_RENO },
  };
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("/quic/transfer/bulk/%u", cases[i].seed);

      g_test_add_data_func (name, &cases[i], test_bulk);
    }
  g_test_add_func ("/quic/transfer/small-mtu", test_small_mtu);
  g_test_add_func ("/quic/transfer/full-socket", test_full_socket);
  g_test_add_func ("/quic/transfer/back-pressure", test_back_pressure);
  g_test_add_func ("/quic/transfer/connection-window", test_connection_window);
  g_test_add_func ("/quic/transfer/urgency", test_urgency);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
