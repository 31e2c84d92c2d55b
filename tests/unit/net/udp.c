/* Real sockets on loopback: families, dual stack, local addresses, ECN, adoption, refusals. */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/ip.h>
#include <unistd.h>

/* One datagram from @client to @server's port at @host, the answer from where it was sent to, every ECN value
 * each way. */
static void
exchange (NetUdp *server, NetUdp *client, const char *host)
{
  NetAddress expected_local = at_port_of (host, server);

  for (guint8 ecn = 0; ecn < 4; ecn++)
    {
      NetAddress client_address, server_address;
      NetReceived received;

      send_text (client, NULL, &expected_local, ecn, "question");
      received = receive (server);
      g_assert_cmpmem (received.data, received.length, "question", 8);
      g_assert_cmpuint (received.segment_size, ==, 8);
      g_assert_cmpuint (received.ecn, ==, ecn);
      assert_address (&received.local, &expected_local);
      g_assert_cmpuint (net_address_port (&received.remote), ==, net_address_port (net_udp_local (client)));
      client_address = received.remote;
      server_address = received.local;

      send_text (server, &server_address, &client_address, 3 - ecn, "answer");
      received = receive (client);
      g_assert_cmpmem (received.data, received.length, "answer", 6);
      g_assert_cmpuint (received.ecn, ==, 3 - ecn);
      assert_address (&received.remote, &expected_local);
      assert_address (&received.local, &client_address);
    }
  g_assert_cmpuint (net_udp_stats (server)->datagrams_in, ==, 4);
  g_assert_cmpuint (net_udp_stats (server)->bytes_in, ==, 4 * 8);
  g_assert_cmpuint (net_udp_stats (server)->datagrams_out, ==, 4);
  g_assert_cmpuint (net_udp_stats (server)->bytes_out, ==, 4 * 6);
  g_assert_cmpuint (net_udp_stats (server)->send_errors, ==, 0);
}

typedef struct
{
  const char *name, *server, *client, *at;
  NetUdpFlags flags;
} Pair;

static const Pair pairs[] = {
  { "ipv4", "127.0.0.1", "127.0.0.1", "127.0.0.1", 0 },
  { "ipv4-other-local", "0.0.0.0", "127.0.0.1", "127.0.0.5", 0 },
  { "ipv4-no-offload", "0.0.0.0", "127.0.0.1", "127.0.0.5", NET_UDP_NO_OFFLOAD },
  { "ipv6", "::1", "::1", "::1", 0 },
  { "ipv6-only", "::", "::1", "::1", 0 },
  { "dual-stack-with-ipv6", "::", "::1", "::1", NET_UDP_DUAL_STACK },
  { "dual-stack-with-ipv4", "::", "127.0.0.1", "127.0.0.1", NET_UDP_DUAL_STACK },
  { "dual-stack-with-ipv4-other-local", "::", "127.0.0.1", "127.0.0.6", NET_UDP_DUAL_STACK },
};

static void
test_pair (gconstpointer data)
{
  const Pair *pair = data;
  g_autoptr (NetUdp) server = NULL;
  g_autoptr (NetUdp) client = NULL;

  if (skip_without (pair->server) || skip_without (pair->client))
    return;
  server = open_on (pair->server, pair->flags);
  client = open_on (pair->client, pair->flags & NET_UDP_NO_OFFLOAD);
  exchange (server, client, pair->at);
}

/* Both forms of an IPv4 address are taken on both kinds of socket. */
static void
test_mapped_forms (void)
{
  g_autoptr (NetUdp) dual = NULL;
  g_autoptr (NetUdp) plain = open_on ("127.0.0.1", 0);
  NetAddress remote, local;

  if (skip_without ("::"))
    return;
  dual = open_on ("::", NET_UDP_DUAL_STACK);
  for (guint form = 0; form < 4; form++)
    {
      NetReceived received;

      remote = *net_udp_local (plain);
      local = numeric ("127.0.0.9", 0);
      if (form & 1)
        net_address_map (&remote);
      if (form & 2)
        net_address_map (&local);
      send_text (dual, &local, &remote, 2, "x");
      received = receive (plain);
      g_assert_cmpuint (received.ecn, ==, 2);
      local = at_port_of ("127.0.0.9", dual);
      assert_address (&received.remote, &local);
    }
  remote = at_port_of ("::ffff:127.0.0.1", dual);
  send_text (plain, NULL, &remote, 1, "y");
  g_assert_cmpuint (receive (dual).ecn, ==, 1);

  remote = numeric ("::ffff:127.0.0.1", 0);
  net_udp_free (g_steal_pointer (&plain));
  plain = net_udp_open (&remote, 0, NULL);
  g_assert_nonnull (plain);
  g_assert_cmpint (net_address_family (net_udp_local (plain)), ==, AF_INET);
}

/* A source of the other family, or none in particular, leaves the choice to the kernel. */
static void
test_source_left_to_kernel (void)
{
  g_autoptr (NetUdp) server = open_on ("127.0.0.1", 0);
  g_autoptr (NetUdp) client = open_on ("0.0.0.0", 0);
  const char *sources[] = { "0.0.0.0", "::", "2001:db8::1" };

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    {
      NetAddress source = numeric (sources[i], 77), expected = at_port_of ("127.0.0.1", client);
      NetReceived received;

      send_text (client, &source, net_udp_local (server), 0, "x");
      received = receive (server);
      assert_address (&received.remote, &expected);
    }
}

static void
test_link_local (void)
{
  struct ifaddrs *interfaces = NULL;
  NetAddress address = { .length = 0 };
  g_autoptr (NetUdp) server = NULL;
  g_autoptr (NetUdp) client = NULL;

  g_assert_cmpint (getifaddrs (&interfaces), ==, 0);
  for (struct ifaddrs *i = interfaces; i != NULL && address.length == 0; i = i->ifa_next)
    if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET6
        && IN6_IS_ADDR_LINKLOCAL (&((struct sockaddr_in6 *) i->ifa_addr)->sin6_addr))
      net_address_from_sockaddr (&address, i->ifa_addr, sizeof (struct sockaddr_in6));
  freeifaddrs (interfaces);
  if (address.length == 0)
    {
      g_test_skip ("no interface has a link-local address");
      return;
    }
  g_assert_cmpuint (address.u.in6.sin6_scope_id, !=, 0);
  server = open_on ("::", NET_UDP_DUAL_STACK);
  client = net_udp_open (&address, 0, NULL);
  if (client == NULL)
    {
      g_test_skip ("the link-local address is not usable yet");
      return;
    }
  net_address_set_port (&address, net_address_port (net_udp_local (server)));
  send_text (client, NULL, &address, 1, "question");
  {
    NetReceived received = receive (server);
    NetAddress local = received.local, remote = received.remote;

    assert_address (&local, &address);
    assert_address (&remote, net_udp_local (client));
    send_text (server, &local, &remote, 2, "answer");
    received = receive (client);
    assert_address (&received.remote, &address);
    g_assert_cmpuint (received.ecn, ==, 2);
  }
}

static void
test_empty_and_nothing (void)
{
  g_autoptr (NetUdp) server = open_on ("127.0.0.1", 0);
  g_autoptr (NetUdp) client = open_on ("127.0.0.1", 0);
  NetReceived received;

  g_assert_false (net_udp_receive (server, &received));
  send_text (client, NULL, net_udp_local (server), 0, "");
  received = receive (server);
  g_assert_cmpuint (received.length, ==, 0);
  g_assert_cmpuint (received.segment_size, ==, 0);
  assert_address (&received.remote, net_udp_local (client));
  g_assert_cmpuint (net_udp_stats (server)->datagrams_in, ==, 1);
  g_assert_cmpuint (net_udp_stats (client)->datagrams_out, ==, 1);
  g_assert_false (net_udp_receive (server, &received));
}

static int
option_of (NetUdp *udp, int level, int name)
{
  int value = -1;
  socklen_t length = sizeof value;

  g_assert_cmpint (getsockopt (net_udp_fd (udp), level, name, &value, &length), ==, 0);
  return value;
}

static void
assert_ready (NetUdp *udp, gboolean ipv4, gboolean ipv6)
{
  g_assert_true (fcntl (net_udp_fd (udp), F_GETFD) & FD_CLOEXEC);
  g_assert_true (fcntl (net_udp_fd (udp), F_GETFL) & O_NONBLOCK);
  if (ipv4)
    g_assert_cmpint (option_of (udp, IPPROTO_IP, IP_MTU_DISCOVER), ==, IP_PMTUDISC_PROBE);
  if (ipv6)
    {
      g_assert_cmpint (option_of (udp, IPPROTO_IPV6, IPV6_MTU_DISCOVER), ==, IPV6_PMTUDISC_PROBE);
      g_assert_cmpint (option_of (udp, IPPROTO_IPV6, IPV6_V6ONLY), ==, !ipv4);
    }
}

static void
test_options (void)
{
  g_autoptr (NetUdp) ipv4 = open_on ("127.0.0.1", 0);
  int plain = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 0;
  socklen_t length = sizeof size;

  assert_ready (ipv4, TRUE, FALSE);
  g_assert_cmpint (getsockopt (plain, SOL_SOCKET, SO_RCVBUF, &size, &length), ==, 0);
  close (plain);
  g_assert_cmpint (option_of (ipv4, SOL_SOCKET, SO_RCVBUF), >=, size);
  if (!skip_without ("::"))
    {
      g_autoptr (NetUdp) ipv6 = open_on ("::", 0);
      g_autoptr (NetUdp) dual = open_on ("::", NET_UDP_DUAL_STACK);

      assert_ready (ipv6, FALSE, TRUE);
      assert_ready (dual, TRUE, TRUE);
    }
}

static int
bound_fd (int family, int type)
{
  NetAddress address = numeric (family == AF_INET ? "127.0.0.1" : "::", 0);
  int fd = socket (family, type, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (bind (fd, &address.u.any, address.length), ==, 0);
  return fd;
}

static void
test_adopt (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (NetUdp) server = net_udp_adopt (bound_fd (AF_INET, SOCK_DGRAM), 0, &error);
  g_autoptr (NetUdp) client = open_on ("127.0.0.1", 0);

  g_assert_no_error (error);
  assert_ready (server, TRUE, FALSE);
  exchange (server, client, "127.0.0.1");
}

static void
test_adopt_dual_stack (void)
{
  g_autoptr (NetUdp) server = NULL;
  g_autoptr (NetUdp) client = open_on ("127.0.0.1", 0);
  g_autoptr (GError) error = NULL;

  if (skip_without ("::"))
    return;
  /* Linux makes them dual-stack by default; the flag is not even given. */
  server = net_udp_adopt (bound_fd (AF_INET6, SOCK_DGRAM), 0, &error);
  g_assert_no_error (error);
  exchange (server, client, "127.0.0.8");
}

static void
assert_closed (int fd)
{
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
  g_assert_cmpint (errno, ==, EBADF);
}

static void
test_adopt_refuses (void)
{
  int ends[2], fds[4];

  g_assert_cmpint (pipe (ends), ==, 0);
  close (ends[1]);
  fds[0] = ends[0];
  fds[1] = bound_fd (AF_INET, SOCK_STREAM);
  fds[2] = socket (AF_UNIX, SOCK_DGRAM, 0);
  fds[3] = socket (AF_INET, SOCK_DGRAM, 0); /* not bound */
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (net_udp_adopt (fds[i], 0, &error));
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      assert_closed (fds[i]);
    }
  g_assert_null (net_udp_adopt (fds[0], 0, NULL));
}

static void
test_in_use (void)
{
  g_autoptr (NetUdp) first = open_on ("127.0.0.1", 0);
  g_autoptr (GError) error = NULL;
  g_autofree char *address = net_address_to_string (net_udp_local (first));

  g_assert_null (net_udp_open (net_udp_local (first), 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, address));
}

static void
test_not_ours (void)
{
  g_autoptr (GError) error = NULL;
  NetAddress address = numeric ("192.0.2.211", 4321);

  g_assert_null (net_udp_open (&address, 0, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "192.0.2.211:4321"));
}

/* The system refuses each of these in its own way; to us they are lost packets, and the socket lives. */
static void
test_losses (void)
{
  g_autoptr (NetUdp) server = open_on ("127.0.0.1", 0);
  g_autoptr (NetUdp) client = open_on ("0.0.0.0", 0);
  NetAddress elsewhere = numeric ("198.51.100.211", 0), unset = { .length = 0 };
  NetAddress other_family = numeric ("::1", 9);
  g_autofree guint8 *large = g_malloc0 (65508);
  guint64 sent_before;
  gsize sent;

  g_assert_cmpint (net_udp_send (client, &unset, net_udp_local (server), 0, large, 65508, 65508, &sent), ==,
                   NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, 65508);
  g_assert_cmpuint (net_udp_stats (client)->send_errors, ==, 1);
  send_text (client, &elsewhere, net_udp_local (server), 0, "from an address that is gone");
  g_assert_cmpuint (net_udp_stats (client)->send_errors, ==, 2);
  send_text (client, NULL, &other_family, 0, "to a family the socket does not have");
  g_assert_cmpuint (net_udp_stats (client)->send_errors, ==, 3);

  /* The same with many at once does not talk the socket out of its offload. */
  if (net_udp_has_gso (client))
    {
      g_assert_cmpint (
          net_udp_send (client, &elsewhere, net_udp_local (server), 0, large, 10000, 1000, &sent), ==,
          NET_SEND_DONE);
      g_assert_cmpuint (sent, ==, 10000);
      g_assert_cmpuint (net_udp_stats (client)->send_errors, ==, 13);
      g_assert_true (net_udp_has_gso (client));
    }
  sent_before = net_udp_stats (client)->datagrams_out;
  send_text (client, NULL, net_udp_local (server), 0, "well");
  g_assert_cmpmem (receive (server).data, 4, "well", 4);
  g_assert_cmpuint (sent_before, ==, 0);
  g_assert_cmpuint (net_udp_stats (client)->datagrams_out, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *path = g_strconcat ("/net/udp/exchange/", pairs[i].name, NULL);

      g_test_add_data_func (path, &pairs[i], test_pair);
    }
  g_test_add_func ("/net/udp/mapped-forms", test_mapped_forms);
  g_test_add_func ("/net/udp/source-left-to-kernel", test_source_left_to_kernel);
  g_test_add_func ("/net/udp/link-local", test_link_local);
  g_test_add_func ("/net/udp/empty-and-nothing", test_empty_and_nothing);
  g_test_add_func ("/net/udp/options", test_options);
  g_test_add_func ("/net/udp/adopt", test_adopt);
  g_test_add_func ("/net/udp/adopt-dual-stack", test_adopt_dual_stack);
  g_test_add_func ("/net/udp/adopt-refuses", test_adopt_refuses);
  g_test_add_func ("/net/udp/in-use", test_in_use);
  g_test_add_func ("/net/udp/not-ours", test_not_ours);
  g_test_add_func ("/net/udp/losses", test_losses);
  return g_test_run ();
}
