#include "net/address.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

typedef struct
{
  const char *host;
  const char *formatted; /* NULL = not numeric */
  int family;
  gboolean wildcard, loopback;
} Row;

static const Row rows[] = {
  { "127.0.0.1", "127.0.0.1:9001", AF_INET, FALSE, TRUE },
  { "127.255.3.4", "127.255.3.4:9001", AF_INET, FALSE, TRUE },
  { "0.0.0.0", "0.0.0.0:9001", AF_INET, TRUE, FALSE },
  { "255.255.255.255", "255.255.255.255:9001", AF_INET, FALSE, FALSE },
  { "192.0.2.7", "192.0.2.7:9001", AF_INET, FALSE, FALSE },
  { "::", "[::]:9001", AF_INET6, TRUE, FALSE },
  { "::1", "[::1]:9001", AF_INET6, FALSE, TRUE },
  { "0:0:0:0:0:0:0:1", "[::1]:9001", AF_INET6, FALSE, TRUE },
  { "2001:DB8::5", "[2001:db8::5]:9001", AF_INET6, FALSE, FALSE },
  { "::ffff:127.0.0.1", "127.0.0.1:9001", AF_INET6, FALSE, TRUE },
  { "::ffff:0.0.0.0", "0.0.0.0:9001", AF_INET6, TRUE, FALSE },
  { "::ffff:192.0.2.7", "192.0.2.7:9001", AF_INET6, FALSE, FALSE },
  { "fe80::1", "[fe80::1]:9001", AF_INET6, FALSE, FALSE },
  { "fe80::1%lo", "[fe80::1%lo]:9001", AF_INET6, FALSE, FALSE },
  { "fe80::1%1", "[fe80::1%lo]:9001", AF_INET6, FALSE, FALSE },
  { "fe80::1%4000000000", "[fe80::1%4000000000]:9001", AF_INET6, FALSE, FALSE },
  { "ff02::fb%lo", "[ff02::fb%lo]:9001", AF_INET6, FALSE, FALSE },
  { "" },
  { "*" },
  { "localhost" },
  { "127.1" },
  { "127.0.0.1 " },
  { " 127.0.0.1" },
  { "0x7f.0.0.1" },
  { "127.0.0.256" },
  { "1.2.3.4.5" },
  { "127.0.0.1%lo" },
  { "[::1]" },
  { ":::1" },
  { "1:2:3:4:5:6:7:8:9" },
  { "::1%lo" },
  { "2001:db8::1%1" },
  { "fe80::1%" },
  { "fe80::1%no-such-interface" },
  { "fe80::1%0" },
  { "fe80::1%-1" },
  { "fe80::1%4294967296" },
  { "fe80::1%lo%lo" },
  { "%lo" },
  { "1111:2222:3333:4444:5555:6666:7777:8888:1111:2222:3333:4444:5555:6666:7777:8888" },
};

static void
test_table (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      NetAddress address = { .length = 0 };
      gboolean parsed = net_address_from_numeric (&address, rows[i].host, 9001);
      g_autofree char *text = NULL;

      g_test_message ("%s", rows[i].host);
      g_assert_true (parsed == (rows[i].formatted != NULL));
      if (!parsed)
        {
          g_assert_cmpuint (address.length, ==, 0);
          continue;
        }
      text = net_address_to_string (&address);
      g_assert_cmpstr (text, ==, rows[i].formatted);
      g_assert_cmpuint (strlen (text), <, NET_ADDRESS_STRLEN);
      g_assert_cmpint (net_address_family (&address), ==, rows[i].family);
      g_assert_cmpint (net_address_is_wildcard (&address), ==, rows[i].wildcard);
      g_assert_cmpint (net_address_is_loopback (&address), ==, rows[i].loopback);
      g_assert_cmpuint (net_address_port (&address), ==, 9001);
    }
}

static void
test_longest_fits (void)
{
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 0xffff, .sin6_scope_id = 4294967295u };
  NetAddress address;
  char buffer[NET_ADDRESS_STRLEN];

  memset (&in6.sin6_addr, 0xbb, sizeof in6.sin6_addr);
  in6.sin6_addr.s6_addr[0] = 0xfe;
  in6.sin6_addr.s6_addr[1] = 0x80;
  g_assert_true (net_address_from_sockaddr (&address, (struct sockaddr *) &in6, sizeof in6));
  g_assert_cmpstr (net_address_format (&address, buffer), ==,
                   "[fe80:bbbb:bbbb:bbbb:bbbb:bbbb:bbbb:bbbb%4294967295]:65535");
}

static void
test_unset (void)
{
  NetAddress unset = { .length = 0 }, other = { .length = 0 }, address;
  char buffer[NET_ADDRESS_STRLEN];

  g_assert_true (net_address_from_numeric (&address, "0.0.0.0", 0));
  g_assert_cmpstr (net_address_format (&unset, buffer), ==, "(none)");
  g_assert_cmpint (net_address_family (&unset), ==, AF_UNSPEC);
  g_assert_cmpuint (net_address_port (&unset), ==, 0);
  g_assert_false (net_address_is_wildcard (&unset));
  g_assert_false (net_address_is_loopback (&unset));
  g_assert_true (net_address_equal (&unset, &other));
  g_assert_false (net_address_equal (&unset, &address));
}

static void
test_equal (void)
{
  static const struct
  {
    const char *a, *b;
    gboolean same;
  } pairs[] = {
    { "127.0.0.1", "127.0.0.1", TRUE },
    { "127.0.0.1", "127.0.0.2", FALSE },
    { "127.0.0.1", "::ffff:127.0.0.1", TRUE },
    { "::1", "::1", TRUE },
    { "::1", "127.0.0.1", FALSE },
    { "::", "0.0.0.0", FALSE },
    { "fe80::1%1", "fe80::1%1", TRUE },
    { "fe80::1%1", "fe80::1%2", FALSE },
    { "fe80::1%1", "fe80::1", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      NetAddress a, b;

      g_test_message ("%s %s", pairs[i].a, pairs[i].b);
      g_assert_true (net_address_from_numeric (&a, pairs[i].a, 1));
      g_assert_true (net_address_from_numeric (&b, pairs[i].b, 1));
      g_assert_true (net_address_equal (&a, &b) == pairs[i].same);
      g_assert_true (net_address_equal (&b, &a) == pairs[i].same);
      net_address_set_port (&b, 2);
      g_assert_cmpuint (net_address_port (&b), ==, 2);
      g_assert_false (net_address_equal (&a, &b));
      g_assert_true (net_address_same_host (&a, &b) == pairs[i].same);
    }
}

/* Whatever rubbish stood where the address or the sockaddr is written, the bytes that count are the same. */
static void
test_whole_bytes (void)
{
  struct sockaddr_in6 in6;
  NetAddress a, b, c;

  memset (&a, 0xaa, sizeof a);
  memset (&b, 0x55, sizeof b);
  g_assert_true (net_address_from_numeric (&a, "127.0.0.1", 7));
  g_assert_true (net_address_from_numeric (&b, "::ffff:127.0.0.1", 7));
  net_address_unmap (&b);
  g_assert_cmpmem (&a, sizeof a, &b, sizeof b);

  memset (&in6, 0x77, sizeof in6);
  in6.sin6_family = AF_INET6;
  in6.sin6_port = g_htons (7);
  in6.sin6_addr = in6addr_loopback;
  memset (&c, 0x33, sizeof c);
  g_assert_true (net_address_from_sockaddr (&c, (struct sockaddr *) &in6, sizeof in6));
  g_assert_true (net_address_from_numeric (&a, "::1", 7));
  g_assert_cmpmem (&a, sizeof a, &c, sizeof c);
}

static void
test_map (void)
{
  NetAddress address;

  g_assert_true (net_address_from_numeric (&address, "192.0.2.7", 9));
  net_address_map (&address);
  g_assert_cmpint (net_address_family (&address), ==, AF_INET6);
  g_assert_true (IN6_IS_ADDR_V4MAPPED (&address.u.in6.sin6_addr));
  g_assert_cmpuint (net_address_port (&address), ==, 9);
  net_address_map (&address);
  net_address_unmap (&address);
  g_assert_cmpint (net_address_family (&address), ==, AF_INET);
  g_assert_cmpuint (net_address_port (&address), ==, 9);

  g_assert_true (net_address_from_numeric (&address, "2001:db8::1", 9));
  net_address_unmap (&address);
  g_assert_cmpint (net_address_family (&address), ==, AF_INET6);
}

static void
test_refused_sockaddrs (void)
{
  struct sockaddr_storage storage = { .ss_family = AF_INET };
  NetAddress address;

  g_assert_false (
      net_address_from_sockaddr (&address, (struct sockaddr *) &storage, sizeof (struct sockaddr_in) - 1));
  g_assert_true (net_address_from_sockaddr (&address, (struct sockaddr *) &storage, sizeof storage));
  storage.ss_family = AF_INET6;
  g_assert_false (
      net_address_from_sockaddr (&address, (struct sockaddr *) &storage, sizeof (struct sockaddr_in6) - 1));
  storage.ss_family = AF_UNIX;
  g_assert_false (net_address_from_sockaddr (&address, (struct sockaddr *) &storage, sizeof storage));
  g_assert_false (net_address_from_sockaddr (&address, (struct sockaddr *) &storage, 0));
}

static void
test_gsocket (void)
{
  g_autoptr (GSocketAddress) ipv4 = g_inet_socket_address_new_from_string ("192.0.2.7", 80);
  g_autoptr (GSocketAddress) ipv6 = g_inet_socket_address_new_from_string ("fe80::7%lo", 80);
  g_autoptr (GSocketAddress) path = g_unix_socket_address_new ("/run/socket");
  NetAddress address;
  char buffer[NET_ADDRESS_STRLEN];

  g_assert_true (net_address_from_gsocket (&address, ipv4));
  g_assert_cmpstr (net_address_format (&address, buffer), ==, "192.0.2.7:80");
  g_assert_nonnull (ipv6);
  g_assert_true (net_address_from_gsocket (&address, ipv6));
  g_assert_cmpstr (net_address_format (&address, buffer), ==, "[fe80::7%lo]:80");
  g_assert_false (net_address_from_gsocket (&address, path));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/address/table", test_table);
  g_test_add_func ("/net/address/longest-fits", test_longest_fits);
  g_test_add_func ("/net/address/unset", test_unset);
  g_test_add_func ("/net/address/equal", test_equal);
  g_test_add_func ("/net/address/whole-bytes", test_whole_bytes);
  g_test_add_func ("/net/address/map", test_map);
  g_test_add_func ("/net/address/refused-sockaddrs", test_refused_sockaddrs);
  g_test_add_func ("/net/address/gsocket", test_gsocket);
  return g_test_run ();
}
