/* Streams: half-close, reset, stop, the limit on their number, and the order of what their users are told. */
#include "harness/pair.h"

static Certs *certs;

static Flow *
wait_for_flow (Peer *peer, guint index)
{
  while (peer->flows->len <= index)
    g_assert_true (link_step (peer->pair->link));
  return peer_flow (peer, index);
}

/* Our half ends; the other goes on as long as it likes. */
static void
test_half_close (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 1);
  Peer *client = pair_connected (pair);
  Flow *here = peer_open (client), *there;

  flow_write (here, "question");
  quic_stream_finish (here->stream);
  there = wait_for_flow (pair_last_server (pair), 0);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (there->fin && !there->closed && !here->closed);
  g_assert_cmpuint (there->received, ==, 8);
  flow_write (there, "long answer");
  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (here->received, ==, 11);
  g_assert_false (here->fin);
  quic_stream_finish (there->stream);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (here->fin && here->closed && there->closed);
}

/* An end without a byte before it. */
static void
test_empty (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 2);
  Peer *client;
  Flow *here;

  pair->server_echo = TRUE;
  client = pair_connected (pair);
  here = peer_open (client);
  quic_stream_finish (here->stream);
  g_assert_true (link_run_until (pair->link, flow_is_closed, here, BASE_SECOND));
  g_assert_true (here->fin);
  g_assert_cmpuint (here->received, ==, 0);
}

static void
test_reset (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 3);
  Peer *client = pair_connected (pair);
  Flow *here = peer_open (client), *there;

  flow_send (here, 1000000);
  there = wait_for_flow (pair_last_server (pair), 0);
  quic_stream_reset (here->stream, 77);
  g_assert_cmpuint (quic_stream_unsent (here->stream), ==, 0);
  g_assert_cmpuint (quic_stream_unacked (here->stream), ==, 0);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (there->reset && !there->fin);
  g_assert_cmpuint (there->reset_code, ==, 77);
  flow_write (there, "still");
  quic_stream_finish (there->stream);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (here->fin && here->closed && there->closed);
  g_assert_cmpuint (here->received, ==, 5);
  g_assert_false (client->closed);
}

/* STOP_SENDING reaches a writer that is writing, and one that has nothing to write. */
static void
test_stop (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 4);
  Peer *client = pair_connected (pair);
  Flow *busy = peer_open (client), *quiet = peer_open (client);
  Flow *flows[2];

  flow_write (quiet, "hello");
  flow_send (busy, 50 * 1024 * 1024);
  for (guint i = 0; i < 2; i++)
    {
      flows[i] = wait_for_flow (pair_last_server (pair), i);
      quic_stream_stop_sending (flows[i]->stream, 90 + (guint64)flows[i]->id);
    }
  link_run (pair->link, BASE_SECOND);
  g_assert_true (busy->stopped && quiet->stopped);
  g_assert_cmpuint (busy->stop_code, ==, 90);
  g_assert_cmpuint (quiet->stop_code, ==, 94);
  g_assert_cmpuint (quic_stream_unsent (busy->stream), ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (flows[i]->reset);
      g_assert_cmpuint (flows[i]->reset_code, ==, 90 + (guint64)flows[i]->id);
      quic_stream_finish (flows[i]->stream);
    }
  link_run (pair->link, BASE_SECOND);
  g_assert_true (busy->closed && quiet->closed && flows[0]->closed && flows[1]->closed);
}

/* What a stopped stream still receives costs the connection no window: others go on for ever. */
static void
test_stop_credit (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 5);
  Peer *client = pair_connected (pair);

  for (guint i = 0; i < 40; i++)
    {
      Flow *here = peer_open (client), *there;

      flow_send (here, 200000);
      there = wait_for_flow (pair_last_server (pair), i);
      there->paused = TRUE;
      if (i % 2 == 0)
        link_run (pair->link, 100 * BASE_MILLISECOND);
      if (i % 4 < 2)
        quic_stream_stop_sending (there->stream, 1);
      else
        quic_stream_reset (here->stream, 1);
      quic_stream_finish (there->stream);
      link_run (pair->link, 200 * BASE_MILLISECOND);
      flow_resume (there);
      link_run (pair->link, 200 * BASE_MILLISECOND);
      g_assert_true (there->closed);
      if (here->stream != NULL)
        quic_stream_stop_sending (here->stream, 1);
    }
}

/* A stream that is over stays until its bytes are read, then it is told closed. */
static void
test_late_reader (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 6);
  Peer *client;
  Flow *here, *there;

  pair->server_paused = TRUE;
  client = pair_connected (pair);
  here = peer_open (client);
  flow_send (here, 5000);
  there = wait_for_flow (pair_last_server (pair), 0);
  quic_stream_finish (there->stream);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (here->closed && !there->closed);
  flow_resume (there);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (there->closed && there->fin);
  g_assert_cmpuint (there->received, ==, 5000);
}

/* 256 at once; more when some are closed, however many came before. */
static void
test_limit (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 7);
  Peer *client;
  guint before;

  pair->server_echo = TRUE;
  client = pair_connected (pair);
  for (guint i = 0; i < QUIC_MAX_STREAMS; i++)
    flow_write (peer_open (client), "ping");
  g_assert_null (quic_connection_open_stream (client->connection));
  link_run (pair->link, BASE_SECOND);
  before = client->streams_available;
  for (guint i = 0; i < QUIC_MAX_STREAMS; i++)
    {
      g_assert_cmpuint (peer_flow (client, i)->received, ==, 4);
      quic_stream_finish (peer_flow (client, i)->stream);
    }
  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (client->streams_available, >, before);
  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < QUIC_MAX_STREAMS; i++)
        {
          Flow *flow = peer_open (client);

          g_assert_nonnull (flow);
          flow_send (flow, 10);
        }
      link_run (pair->link, BASE_SECOND);
    }
  g_assert_cmpuint (client->flows->len, ==, 4 * QUIC_MAX_STREAMS);
  for (guint i = 0; i < client->flows->len; i++)
    g_assert_true (peer_flow (client, i)->closed);
}

/* A stream nobody takes is turned away, both halves. */
static void
test_left (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 8);
  Peer *client;
  Flow *here;

  pair->leave_streams = TRUE;
  client = pair_connected (pair);
  here = peer_open (client);
  flow_write (here, "anyone?");
  link_run (pair->link, BASE_SECOND);
  g_assert_true (here->reset && here->stopped && here->closed);
  g_assert_cmpuint (here->reset_code, ==, QUIC_CODE_CANCELLED);
  g_assert_cmpuint (here->stop_code, ==, QUIC_CODE_CANCELLED);
}

/* The server may open streams too. */
static void
test_from_server (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 9);
  Peer *client = pair_connected (pair);
  Flow *here = peer_open (pair_last_server (pair)), *there;

  flow_send (here, 3000);
  there = wait_for_flow (client, 0);
  quic_stream_finish (there->stream);
  link_run (pair->link, BASE_SECOND);
  g_assert_true (here->closed && there->closed);
  g_assert_cmpstr (flow_sent (here), ==, flow_received (there));
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_func ("/quic/stream/half-close", test_half_close);
  g_test_add_func ("/quic/stream/empty", test_empty);
  g_test_add_func ("/quic/stream/reset", test_reset);
  g_test_add_func ("/quic/stream/stop", test_stop);
  g_test_add_func ("/quic/stream/stop-credit", test_stop_credit);
  g_test_add_func ("/quic/stream/late-reader", test_late_reader);
  g_test_add_func ("/quic/stream/limit", test_limit);
  g_test_add_func ("/quic/stream/left", test_left);
  g_test_add_func ("/quic/stream/from-server", test_from_server);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
