/* The ways out of this machine, as far as every machine has them. */
#include "net/route.h"

static NetAddress
numeric (const char *host, guint16 port)
{
  NetAddress address;

  g_assert_true (net_address_from_numeric (&address, host, port));
  return address;
}

static void
test_source (void)
{
  NetAddress remote = numeric ("127.0.0.9", 9001), source = numeric ("192.0.2.1", 7), kept = source;
  NetAddress nowhere = numeric ("255.255.255.255", 9001); /* a socket must ask for broadcast (socket(7)): refused anywhere */
  g_autofree char *text = NULL;

  g_assert_false (net_route_source (&nowhere, &source));
  g_assert_true (net_address_equal (&source, &kept));
  g_assert_true (net_route_source (&remote, &source));
  text = net_address_to_string (&source);
  g_assert_cmpstr (text, ==, "127.0.0.1:0");
}

static void
test_source_ipv6 (void)
{
  NetAddress remote = numeric ("::1", 9001), source;

  if (!net_route_is_here (&remote))
    {
      g_test_skip ("no IPv6 here");
      return;
    }
  g_assert_true (net_route_source (&remote, &source));
  g_assert_true (net_address_same_host (&source, &remote));
  g_assert_cmpuint (net_address_port (&source), ==, 0);
}

static void
test_is_here (void)
{
  NetAddress here = numeric ("127.0.0.1", 1), wildcard = numeric ("0.0.0.0", 1);
  NetAddress elsewhere = numeric ("192.0.2.1", 0); /* for documentation (RFC 5737) */

  g_assert_true (net_route_is_here (&here)); /* the port does not matter, nor who may have it */
  g_assert_true (net_route_is_here (&wildcard));
  g_assert_false (net_route_is_here (&elsewhere));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/route/source", test_source);
  g_test_add_func ("/net/route/source-ipv6", test_source_ipv6);
  g_test_add_func ("/net/route/is-here", test_is_here);
  return g_test_run ();
}
