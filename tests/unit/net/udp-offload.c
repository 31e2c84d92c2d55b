/* Segmentation and coalescing: many datagrams in few system calls, and the same datagrams whatever either end
 * can do. */
#include "sockets.h"

/* Every byte tells its datagram and its place in it, so that a shift, swap or cut cannot hide. */
static void
fill (guint8 *data, gsize length, gsize segment_size)
{
  for (gsize i = 0; i < length; i++)
    data[i] = (guint8) (i / segment_size * 131 + i % segment_size * 7);
}

/* Reads until @length bytes came, checks each datagram, and returns how many there were. */
static guint
collect (NetUdp *udp, const guint8 *expected, gsize length, gsize segment_size, guint8 ecn)
{
  gsize offset = 0;
  guint datagrams = 0;

  while (offset < length)
    {
      NetReceived received = receive (udp);

      g_assert_cmpuint (received.ecn, ==, ecn);
      g_assert_cmpuint (received.length, >, 0);
      for (gsize at = 0; at < received.length; at += received.segment_size)
        {
          gsize size = MIN (received.segment_size, received.length - at);

          g_assert_cmpuint (size, ==, MIN (segment_size, length - offset));
          g_assert_cmpmem (received.data + at, size, expected + offset, size);
          offset += size;
          datagrams++;
        }
    }
  return datagrams;
}

typedef struct
{
  const char *name;
  const char *server, *client, *at;
  NetUdpFlags server_flags, client_flags;
  gsize segment_size, length;
} Case;

#define NONE NET_UDP_NO_OFFLOAD

static const Case cases[] = {
  { "ipv4/40-segments", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 1200, 40 * 1200 },
  { "ipv4/gso-to-plain", "127.0.0.1", "127.0.0.1", "127.0.0.1", NONE, 0, 1200, 40 * 1200 },
  { "ipv4/plain-to-gro", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, NONE, 1200, 40 * 1200 },
  { "ipv4/plain-to-plain", "127.0.0.1", "127.0.0.1", "127.0.0.1", NONE, NONE, 1200, 40 * 1200 },
  { "ipv4/short-last", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 1200, 39 * 1200 + 1 },
  { "ipv4/short-last-to-plain", "127.0.0.1", "127.0.0.1", "127.0.0.1", NONE, 0, 1200, 39 * 1200 + 1 },
  { "ipv4/64-segments", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 1000, 64 * 1000 },
  { "ipv4/more-than-a-batch", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 1200, 150 * 1200 + 7 },
  { "ipv4/more-than-64-segments", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 20, 100 * 20 },
  { "ipv4/one", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 1200, 1200 },
  { "ipv4/largest", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0, 0, 65507, 65507 },
  { "ipv6/40-segments", "::1", "::1", "::1", 0, 0, 1200, 40 * 1200 },
  { "ipv6/gso-to-plain", "::1", "::1", "::1", NONE, 0, 1200, 40 * 1200 },
  { "dual-stack/from-ipv4", "::", "127.0.0.1", "127.0.0.4", NET_UDP_DUAL_STACK, 0, 1200, 40 * 1200 },
  { "dual-stack/from-ipv6", "::", "::1", "::1", NET_UDP_DUAL_STACK, 0, 1200, 40 * 1200 },
  { "dual-stack/to-ipv4", "127.0.0.1", "::", "127.0.0.1", 0, NET_UDP_DUAL_STACK, 1200, 40 * 1200 },
};

static void
test_case (gconstpointer user_data)
{
  const Case *row = user_data;
  g_autofree guint8 *data = g_malloc (row->length);
  g_autoptr (NetUdp) server = NULL;
  g_autoptr (NetUdp) client = NULL;
  NetAddress local = { .length = 0 }, remote;
  guint datagrams = (guint) ((row->length + row->segment_size - 1) / row->segment_size);
  gsize sent;

  if (skip_without (row->server) || skip_without (row->client))
    return;
  server = open_on (row->server, row->server_flags);
  client = open_on (row->client, row->client_flags);
  remote = at_port_of (row->at, server);
  fill (data, row->length, row->segment_size);

  g_assert_cmpint (net_udp_send (client, &local, &remote, 1, data, row->length, row->segment_size, &sent), ==,
                   NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, row->length);
  g_assert_cmpuint (collect (server, data, row->length, row->segment_size, 1), ==, datagrams);

  g_assert_cmpuint (net_udp_stats (client)->send_errors, ==, 0);
  g_assert_cmpuint (net_udp_stats (client)->datagrams_out, ==, datagrams);
  g_assert_cmpuint (net_udp_stats (client)->bytes_out, ==, row->length);
  g_assert_cmpuint (net_udp_stats (server)->datagrams_in, ==, datagrams);
  g_assert_cmpuint (net_udp_stats (server)->bytes_in, ==, row->length);
  if (net_udp_has_gso (client))
    {
      gsize batch = MIN (NET_UDP_MAX_SEGMENTS, MAX (NET_UDP_MAX_BATCH / row->segment_size, 1));

      g_assert_cmpuint (net_udp_stats (client)->send_calls, ==, (datagrams + batch - 1) / batch);
    }
  else
    g_assert_cmpuint (net_udp_stats (client)->send_calls, ==, datagrams);
}

/* What the offload is for: 40 datagrams, one call each way. */
static void
test_calls (void)
{
  g_autoptr (NetUdp) server = open_on ("127.0.0.1", 0);
  g_autoptr (NetUdp) client = open_on ("127.0.0.1", 0);
  guint8 data[40 * 1200];
  NetAddress unset = { .length = 0 };
  gsize sent;

  if (!net_udp_has_gso (client) || !net_udp_has_gro (server))
    {
      g_test_skip ("this kernel has no UDP offload");
      return;
    }
  fill (data, sizeof data, 1200);
  g_assert_cmpint (net_udp_send (client, &unset, net_udp_local (server), 0, data, sizeof data, 1200, &sent),
                   ==, NET_SEND_DONE);
  g_assert_cmpuint (collect (server, data, sizeof data, 1200, 0), ==, 40);
  g_assert_cmpuint (net_udp_stats (client)->send_calls, ==, 1);
  g_assert_cmpuint (net_udp_stats (server)->receive_calls, ==, 1);
}

static void
test_flag (void)
{
  g_autoptr (NetUdp) with = open_on ("127.0.0.1", 0);
  g_autoptr (NetUdp) without = open_on ("127.0.0.1", NET_UDP_NO_OFFLOAD);

  g_test_message ("GSO %d, GRO %d", net_udp_has_gso (with), net_udp_has_gro (with));
  g_assert_false (net_udp_has_gso (without));
  g_assert_false (net_udp_has_gro (without));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/net/udp-offload/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/net/udp-offload/calls", test_calls);
  g_test_add_func ("/net/udp-offload/flag", test_flag);
  return g_test_run ();
}
