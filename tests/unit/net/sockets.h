/* What the socket tests share: opening on loopback, and receiving what was sent over it. */
#pragma once

#include "net/udp.h"

#include <poll.h>
#include <string.h>

/* Only a test that fails waits so long. */
#define PATIENCE_MS 10000

static inline NetAddress
numeric (const char *host, guint16 port)
{
  NetAddress address;
  gboolean parsed = net_address_from_numeric (&address, host, port);

  g_assert_true (parsed);
  return address;
}

static inline NetUdp *
open_on (const char *host, NetUdpFlags flags)
{
  g_autoptr (GError) error = NULL;
  NetAddress address = numeric (host, 0);
  NetUdp *udp = net_udp_open (&address, flags, &error);

  g_assert_no_error (error);
  g_assert_nonnull (udp);
  return udp;
}

/* Whether this machine has @host, without which a test of it has no meaning. */
static inline gboolean
skip_without (const char *host)
{
  NetAddress address = numeric (host, 0);
  g_autoptr (NetUdp) udp = net_udp_open (&address, 0, NULL);

  if (udp == NULL)
    g_test_skip (host);
  return udp == NULL;
}

static inline NetAddress
at_port_of (const char *host, const NetUdp *udp)
{
  return numeric (host, net_address_port (net_udp_local (udp)));
}

static inline void
await (NetUdp *udp)
{
  struct pollfd ready = { .fd = net_udp_fd (udp), .events = POLLIN };

  g_assert_cmpint (poll (&ready, 1, PATIENCE_MS), ==, 1);
}

static inline NetReceived
receive (NetUdp *udp)
{
  NetReceived received;

  await (udp);
  g_assert_true (net_udp_receive (udp, &received));
  return received;
}

static inline void
send_text (NetUdp *udp, const NetAddress *local, const NetAddress *remote, guint8 ecn, const char *text)
{
  static const NetAddress unset;
  gsize length = strlen (text), sent = G_MAXSIZE;

  g_assert_cmpint (net_udp_send (udp, local != NULL ? local : &unset, remote, ecn, (const guint8 *) text,
                                 length, length, &sent),
                   ==, NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, length);
}

static inline void
assert_address (const NetAddress *address, const NetAddress *expected)
{
  g_autofree char *text = net_address_to_string (address);
  g_autofree char *expected_text = net_address_to_string (expected);

  g_assert_cmpstr (text, ==, expected_text);
  g_assert_cmpint (net_address_family (address), ==, net_address_family (expected));
  g_assert_true (net_address_equal (address, expected));
}
