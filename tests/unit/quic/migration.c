/* A client that goes on from another address of its own: nothing is lost, and who watches both paths cannot tell that they are one. */
#include "harness/pair.h"

#include <string.h>

#include "quic/cid-table.h"

#define FIRST "192.0.2.1"
#define SECOND "203.0.113.7"

static Certs *certs;

/* Which connection ID was seen with which address of the client, in clear text, in either direction. */
typedef struct
{
  Pair *pair;
  GHashTable *ids; /* GBytes → address */
  guint on_two;    /* datagrams with an ID that was seen with another address before */
  guint from_first, from_second;
  gboolean drop_second;
} Watcher;

static gboolean
watch_cb (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  Watcher *watcher = user_data;
  const NetAddress *client = link_filtered (watcher->pair->link, LINK_CLIENT);
  char *text = net_address_to_string (client);
  gboolean second = g_str_has_prefix (text, SECOND);
  GBytes *id;
  const char *before;

  *(second ? &watcher->from_second : &watcher->from_first) += from == LINK_CLIENT;
  if ((data[0] & 0x80) != 0 || length < 1 + QUIC_CID_LENGTH)
    {
      g_free (text);
      return TRUE; /* of the handshake */
    }
  id = g_bytes_new (data + 1, QUIC_CID_LENGTH);
  before = g_hash_table_lookup (watcher->ids, id);
  watcher->on_two += before != NULL && !g_str_equal (before, text);
  g_hash_table_replace (watcher->ids, id, text);
  return !(second && watcher->drop_second);
}

static void
watcher_begin (Watcher *watcher, Pair *pair)
{
  *watcher = (Watcher){ .pair = pair, .ids = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, g_free) };
  link_set_filter (pair->link, watch_cb, watcher);
  link_add_host (pair->link, LINK_CLIENT, SECOND);
}

static void
watcher_end (Watcher *watcher)
{
  link_set_filter (watcher->pair->link, NULL, NULL);
  g_hash_table_unref (watcher->ids);
}

static Pair *
pair_new_slow (guint32 seed, guint64 rate)
{
  Pair *pair = pair_new (certs, seed);

  link_conditions (pair->link)->delay = 25 * BASE_MILLISECOND;
  link_conditions (pair->link)->rate = rate;
  link_conditions (pair->link)->queue = 100000;
  pair->server_echo = TRUE;
  return pair;
}

static void
migrate (Peer *client, const char *host, gboolean at_once)
{
  NetAddress address = *quic_connection_local (client->connection);

  g_assert_true (net_address_from_numeric (&address, host, net_address_port (&address)));
  quic_connection_migrate (client->connection, &address, at_once);
}

/* Both sides use the @paths-th path. */
typedef struct
{
  Peer *client;
  guint paths;
} Arrived;

static gboolean
has_arrived (gpointer data)
{
  Arrived *arrived = data;

  return arrived->client->paths == arrived->paths && pair_last_server (arrived->client->pair)->paths == arrived->paths;
}

static void
assert_at (Peer *client, const char *host)
{
  g_autofree char *local = net_address_to_string (quic_connection_local (client->connection));
  g_autofree char *remote = net_address_to_string (quic_connection_remote (pair_last_server (client->pair)->connection));

  g_assert_true (g_str_has_prefix (local, host));
  g_assert_cmpstr (local, ==, remote);
}

static void
finish (Pair *pair, Flow *flow)
{
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, 300 * BASE_SECOND));
  g_assert_cmpstr (flow_sent (flow), ==, flow_received (flow));
}

/* To and fro while bytes go both ways. */
static void
test_follow (void)
{
  g_autoptr (Pair) pair = pair_new_slow (1, 1000000);
  Watcher watcher;
  Peer *client;
  Flow *flow;

  watcher_begin (&watcher, pair);
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 12 * 1024 * 1024);
  for (guint turn = 1; turn <= 6; turn++)
    {
      Arrived arrived = { client, turn };
      gboolean second = turn % 2 == 1;
      const guint *left = second ? &watcher.from_first : &watcher.from_second;
      guint before;

      link_run (pair->link, BASE_SECOND);
      migrate (client, second ? SECOND : FIRST, FALSE);
      g_assert_true (link_run_until (pair->link, has_arrived, &arrived, 5 * BASE_SECOND));
      assert_at (client, second ? SECOND : FIRST);
      /* Who has left does not look back, but to answer a server that asks whether he is still there. */
      before = *left;
      link_run (pair->link, BASE_SECOND / 2);
      g_assert_cmpuint (*left - before, <=, 3);
    }
  g_assert_false (flow->closed);
  finish (pair, flow);
  g_assert_cmpuint (watcher.on_two, ==, 0);
  g_assert_cmpuint (g_hash_table_size (watcher.ids), >=, 2 * 7);
  watcher_end (&watcher);
}

/* The old network is gone before anybody knows of the new one; bytes are on their way. */
static void
test_old_path_gone (void)
{
  g_autoptr (Pair) pair = pair_new_slow (2, 1000000);
  Watcher watcher;
  Peer *client;
  Flow *flow;
  guint64 received;

  watcher_begin (&watcher, pair);
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 2 * 1024 * 1024);
  link_run (pair->link, BASE_SECOND);
  link_kill_first_host (pair->link, LINK_CLIENT);
  link_run (pair->link, 3 * BASE_SECOND);
  received = flow->received;
  migrate (client, SECOND, TRUE);
  /* "Fast back": at a round trip of 50 ms. */
  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (flow->received, >, received);
  assert_at (client, SECOND);
  finish (pair, flow);
  g_assert_cmpuint (watcher.on_two, ==, 0);
  watcher_end (&watcher);
}

/* The other way leads nowhere: the old one is used on. */
static void
test_new_path_dead (void)
{
  g_autoptr (Pair) pair = pair_new_slow (3, 1000000);
  Watcher watcher;
  Peer *client;
  Flow *flow;

  watcher_begin (&watcher, pair);
  watcher.drop_second = TRUE;
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 4 * 1024 * 1024);
  link_run (pair->link, BASE_SECOND);
  migrate (client, SECOND, FALSE);
  finish (pair, flow);
  g_assert_cmpuint (watcher.from_second, >, 0);
  g_assert_cmpuint (client->paths + pair_last_server (pair)->paths, ==, 0);
  assert_at (client, FIRST);
  g_assert_false (client->closed);
  watcher_end (&watcher);
}

/* Left at once for one that leads nowhere, and back again. */
static void
test_at_once_and_back (void)
{
  g_autoptr (Pair) pair = pair_new_slow (5, 1000000);
  Watcher watcher;
  Peer *client;
  Flow *flow;
  guint64 received;

  watcher_begin (&watcher, pair);
  watcher.drop_second = TRUE;
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 4 * 1024 * 1024);
  link_run (pair->link, BASE_SECOND);
  migrate (client, SECOND, TRUE);
  link_run (pair->link, 3 * BASE_SECOND);
  g_assert_cmpuint (client->paths, ==, 0);
  received = flow->received;
  migrate (client, FIRST, FALSE);
  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (flow->received, >, received);
  finish (pair, flow);
  assert_at (client, FIRST);
  g_assert_cmpuint (watcher.on_two, ==, 0);
  watcher_end (&watcher);
}

/* Called where it means nothing, and changed faster than any path can be proven. */
static void
test_idle_talk (void)
{
  g_autoptr (Pair) pair = pair_new_slow (4, 0);
  Watcher watcher;
  Peer *client;
  Flow *flow;

  watcher_begin (&watcher, pair);
  client = pair_connect (pair);
  migrate (client, SECOND, FALSE); /* before the handshake */
  g_assert_true (link_run_until (pair->link, peer_is_connected, client, BASE_SECOND));
  migrate (client, FIRST, FALSE); /* where it is */
  quic_connection_migrate (pair_last_server (pair)->connection, link_address (pair->link, LINK_CLIENT), TRUE);
  link_run (pair->link, BASE_SECOND);
  g_assert_cmpuint (watcher.from_second, ==, 0);
  for (guint i = 0; i < 20; i++)
    {
      migrate (client, SECOND, FALSE);
      link_run (pair->link, BASE_MILLISECOND);
    }
  flow = peer_open (client);
  flow_send (flow, 100000);
  finish (pair, flow);
  g_assert_cmpuint (watcher.on_two, ==, 0);
  watcher_end (&watcher);
}

/* Addresses that come and go while the connection moves between them, some of them dead, some left before they were proven. */
typedef struct
{
  Pair *pair;
  guint dead; /* bit mask of `hosts` */
} Weather;

static const char *const hosts[] = { FIRST, SECOND, "198.51.100.9" };

static gboolean
weather_cb (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  Weather *weather = user_data;
  char text[NET_ADDRESS_STRLEN];

  net_address_format (link_filtered (weather->pair->link, LINK_CLIENT), text);
  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    if (g_str_has_prefix (text, hosts[i]))
      return (weather->dead & 1u << i) == 0;
  g_assert_not_reached ();
}

/* TRUE when all bytes came through once every way led somewhere again. */
static gboolean
flap (guint32 seed)
{
  g_autoptr (Pair) pair = pair_new_slow (seed, 1000000);
  Weather weather = { .pair = pair };
  Peer *client;
  Flow *flow;

  link_add_host (pair->link, LINK_CLIENT, hosts[1]);
  link_add_host (pair->link, LINK_CLIENT, hosts[2]);
  link_set_filter (pair->link, weather_cb, &weather);
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 1024 * 1024);
  for (guint turn = 0; turn < 20; turn++)
    {
      weather.dead = link_random (pair->link, 1u << G_N_ELEMENTS (hosts));
      migrate (client, hosts[link_random (pair->link, G_N_ELEMENTS (hosts))], link_random (pair->link, 2) == 0);
      link_run (pair->link, (10 + link_random (pair->link, 250)) * BASE_MILLISECOND);
      g_assert_false (client->closed);
    }
  weather.dead = 0;
  migrate (client, hosts[seed % G_N_ELEMENTS (hosts)], TRUE);
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, 300 * BASE_SECOND));
  link_set_filter (pair->link, NULL, NULL);
  if (client->closed)
    g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_IDLE);
  else
    g_assert_cmpstr (flow_sent (flow), ==, flow_received (flow));
  return !client->closed;
}

/* Of 100 very few run out of connection IDs, or of time, and the session dials for those. */
static void
test_flapping (void)
{
  guint survivors = 0;

  for (guint32 seed = 100; seed < 200; seed++)
    {
      gboolean survived = flap (seed);

      survivors += survived;
      if (!survived)
        g_test_message ("seed %u does not survive", seed);
    }
  g_assert_cmpuint (survivors, >=, 95);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add_func ("/quic/migration/follow", test_follow);
  g_test_add_func ("/quic/migration/old-path-gone", test_old_path_gone);
  g_test_add_func ("/quic/migration/new-path-dead", test_new_path_dead);
  g_test_add_func ("/quic/migration/at-once-and-back", test_at_once_and_back);
  g_test_add_func ("/quic/migration/idle-talk", test_idle_talk);
  g_test_add_func ("/quic/migration/flapping", test_flapping);
  status = g_test_run ();
  certs_free (certs);
  return status;
}
