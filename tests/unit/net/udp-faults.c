/* What the kernel answers on a bad day, played by scripted system calls on sockets that are otherwise real.
 */
#include "sockets.h"

#include "scripted-calls.h"

typedef struct
{
  NetUdp *server, *client;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  reset ();
  fixture->server = open_on ("127.0.0.1", NET_UDP_NO_OFFLOAD);
  fixture->client = open_on ("127.0.0.1", 0);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  reset ();
  net_udp_free (fixture->server);
  net_udp_free (fixture->client);
}

static NetSendResult
send_many (Fixture *fixture, const char *text, gsize segment_size, gsize *sent)
{
  static const NetAddress unset;

  return net_udp_send (fixture->client, &unset, net_udp_local (fixture->server), 0, (const guint8 *) text,
                       strlen (text), segment_size, sent);
}

static void
expect (Fixture *fixture, const char *text)
{
  NetReceived received = receive (fixture->server);

  g_assert_cmpmem (received.data, received.length, text, strlen (text));
}

static void
expect_nothing (Fixture *fixture)
{
  NetReceived received;

  g_assert_false (net_udp_receive (fixture->server, &received));
}

static gboolean
skip_without_gso (Fixture *fixture)
{
  if (!net_udp_has_gso (fixture->client))
    g_test_skip ("this kernel has no UDP_SEGMENT");
  return !net_udp_has_gso (fixture->client);
}

static void
test_blocked_single (Fixture *fixture, gconstpointer unused)
{
  gsize sent = 99;

  PLAY (sends, EAGAIN);
  g_assert_cmpint (send_many (fixture, "abc", 3, &sent), ==, NET_SEND_BLOCKED);
  g_assert_cmpuint (sent, ==, 0);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 0);
  g_assert_cmpuint (net_udp_stats (fixture->client)->datagrams_out, ==, 0);
  expect_nothing (fixture);
  g_assert_cmpint (send_many (fixture, "abc", 3, &sent), ==, NET_SEND_DONE);
  expect (fixture, "abc");
}

/* Blocked in the second of three batches: what was sent is whole segments, and told. */
static void
test_blocked_between_batches (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (NET_UDP_MAX_SEGMENTS * 2 + 9, 'x');
  gsize sent = 0;

  if (skip_without_gso (fixture))
    return;
  PLAY (sends, 0, EAGAIN);
  g_assert_cmpint (send_many (fixture, text, 1, &sent), ==, NET_SEND_BLOCKED);
  g_assert_cmpuint (sent, ==, NET_UDP_MAX_SEGMENTS);
  g_assert_cmpuint (net_udp_stats (fixture->client)->datagrams_out, ==, NET_UDP_MAX_SEGMENTS);
  g_assert_cmpint (send_many (fixture, text + sent, 1, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, NET_UDP_MAX_SEGMENTS + 9);
  for (gsize i = 0; i < strlen (text); i++)
    expect (fixture, "x");
  expect_nothing (fixture);
}

static void
test_interrupted (Fixture *fixture, gconstpointer unused)
{
  gsize sent;

  PLAY (sends, EINTR, EINTR);
  g_assert_cmpint (send_many (fixture, "abc", 3, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 0);
  PLAY (receives, EINTR, EINTR);
  expect (fixture, "abc");
  g_assert_cmpuint (net_udp_stats (fixture->server)->receive_errors, ==, 0);
}

static void
test_transient (Fixture *fixture, gconstpointer unused)
{
  static const int errors[] = { ENOBUFS,  EPERM,         ECONNREFUSED, EMSGSIZE, ENETUNREACH, EHOSTUNREACH,
                                ENETDOWN, EADDRNOTAVAIL, EACCES,       ENOMEM,   EINVAL,      EIO };
  gboolean gso = net_udp_has_gso (fixture->client);
  gsize sent;

  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      PLAY (sends, errors[i]);
      g_assert_cmpint (send_many (fixture, "lost", 4, &sent), ==, NET_SEND_DONE);
      g_assert_cmpuint (sent, ==, 4);
      g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, i + 1);
    }
  /* A single send says nothing about segmentation. */
  g_assert_true (net_udp_has_gso (fixture->client) == gso);
  g_assert_cmpint (send_many (fixture, "well", 4, &sent), ==, NET_SEND_DONE);
  expect (fixture, "well");
  expect_nothing (fixture);
}

static void
test_batch_lost (Fixture *fixture, gconstpointer unused)
{
  gsize sent;

  if (skip_without_gso (fixture))
    return;
  segmented_error = ENOBUFS;
  g_assert_cmpint (send_many (fixture, "aabbc", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, 5);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 3);
  g_assert_true (net_udp_has_gso (fixture->client));
  expect_nothing (fixture);
}

/* Both errors with which kernels refuse to cut: every datagram still arrives, and the next batch does not try
 * again. */
static void
test_gso_refused (Fixture *fixture, gconstpointer data)
{
  gsize sent;

  if (skip_without_gso (fixture))
    return;
  segmented_error = GPOINTER_TO_INT (data);
  g_assert_cmpint (send_many (fixture, "aabbc", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, 5);
  g_assert_false (net_udp_has_gso (fixture->client));
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_calls, ==, 4);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 0);
  g_assert_cmpuint (net_udp_stats (fixture->client)->datagrams_out, ==, 3);
  expect (fixture, "aa");
  expect (fixture, "bb");
  expect (fixture, "c");
  g_assert_cmpint (send_many (fixture, "ddee", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_calls, ==, 6);
  expect (fixture, "dd");
  expect (fixture, "ee");
}

/* Blocked while sending singly: the rest goes later, nothing twice. */
static void
test_gso_refused_and_blocked (Fixture *fixture, gconstpointer unused)
{
  gsize sent;

  if (skip_without_gso (fixture))
    return;
  segmented_error = EIO;
  PLAY (sends, 0, EAGAIN);
  g_assert_cmpint (send_many (fixture, "aabbc", 2, &sent), ==, NET_SEND_BLOCKED);
  g_assert_cmpuint (sent, ==, 2);
  g_assert_cmpint (send_many (fixture, "bbc", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (sent, ==, 3);
  expect (fixture, "aa");
  expect (fixture, "bb");
  expect (fixture, "c");
  expect_nothing (fixture);
}

/* EIO is about cutting whatever becomes of the single sends. */
static void
test_gso_refused_and_lost (Fixture *fixture, gconstpointer unused)
{
  gsize sent;

  if (skip_without_gso (fixture))
    return;
  PLAY (sends, EIO, ENOBUFS, ENOBUFS, ENOBUFS);
  g_assert_cmpint (send_many (fixture, "aabbc", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 3);
  g_assert_false (net_udp_has_gso (fixture->client));
  expect_nothing (fixture);
}

/* EINVAL for the batch and for each of its datagrams is about the addresses, not about cutting. */
static void
test_gso_not_to_blame (Fixture *fixture, gconstpointer unused)
{
  gsize sent;

  if (skip_without_gso (fixture))
    return;
  PLAY (sends, EINVAL, EINVAL, EINVAL, EINVAL);
  g_assert_cmpint (send_many (fixture, "aabbc", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 3);
  g_assert_true (net_udp_has_gso (fixture->client));

  /* Older kernels say so of segments above the device's MTU, which a short last one may fit. */
  PLAY (sends, EINVAL, EMSGSIZE, EMSGSIZE, 0);
  g_assert_cmpint (send_many (fixture, "aabbc", 2, &sent), ==, NET_SEND_DONE);
  g_assert_cmpuint (net_udp_stats (fixture->client)->send_errors, ==, 5);
  g_assert_true (net_udp_has_gso (fixture->client));
  expect (fixture, "c");
  expect_nothing (fixture);
}

static void
test_receive_errors (Fixture *fixture, gconstpointer unused)
{
  gsize sent;

  g_assert_cmpint (send_many (fixture, "behind", 6, &sent), ==, NET_SEND_DONE);
  PLAY (receives, ECONNREFUSED, EHOSTUNREACH, EINTR, ENETUNREACH, EPROTO);
  expect (fixture, "behind");
  g_assert_cmpuint (net_udp_stats (fixture->server)->receive_errors, ==, 4);
}

/* Half a datagram is none, nor one whose control data, and with it the size of its parts, was cut. */
static void
test_receive_cut (Fixture *fixture, gconstpointer flag)
{
  gsize sent;

  g_assert_cmpint (send_many (fixture, "cutwhole", 3, &sent), ==, NET_SEND_DONE);
  extra_flags = GPOINTER_TO_INT (flag);
  expect (fixture, "who");
  expect (fixture, "le");
  g_assert_cmpuint (net_udp_stats (fixture->server)->receive_errors, ==, 1);
  g_assert_cmpuint (net_udp_stats (fixture->server)->datagrams_in, ==, 2);
}

/* An error that never goes away ends the call, in a bounded number of tries. */
static void
test_receive_broken (Fixture *fixture, gconstpointer unused)
{
  NetReceived received;

  PLAY (receives, EIO);
  receives.always = TRUE;
  g_assert_false (net_udp_receive (fixture->server, &received));
  g_assert_cmpuint (net_udp_stats (fixture->server)->receive_calls, <=, 64);
}

static void
test_no_ipv6 (void)
{
  g_autoptr (NetUdp) dual = NULL;
  g_autoptr (NetUdp) only = NULL;
  g_autoptr (GError) error = NULL;
  NetAddress any = numeric ("::", 0), one = numeric ("::1", 0);

  reset ();
  PLAY (sockets, EAFNOSUPPORT);
  dual = net_udp_open (&any, NET_UDP_DUAL_STACK, &error);
  g_assert_no_error (error);
  g_assert_cmpint (net_address_family (net_udp_local (dual)), ==, AF_INET);
  g_assert_true (net_address_is_wildcard (net_udp_local (dual)));

  PLAY (sockets, EAFNOSUPPORT);
  only = net_udp_open (&one, 0, &error);
  g_assert_null (only);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "[::1]:0"));
  reset ();
}

static void
test_no_descriptors (void)
{
  NetAddress address = numeric ("127.0.0.1", 0);
  g_autoptr (GError) error = NULL;

  reset ();
  PLAY (sockets, EMFILE);
  g_assert_null (net_udp_open (&address, 0, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  reset ();
}

int
main (int argc, char **argv)
{
#define ADD(path, func, data)                                                                                \
  g_test_add ("/net/udp-faults/" path, Fixture, GINT_TO_POINTER (data), set_up, func, tear_down)
  g_test_init (&argc, &argv, NULL);
  ADD ("blocked/single", test_blocked_single, 0);
  ADD ("blocked/between-batches", test_blocked_between_batches, 0);
  ADD ("interrupted", test_interrupted, 0);
  ADD ("transient", test_transient, 0);
  ADD ("batch-lost", test_batch_lost, 0);
  ADD ("gso-refused/EIO", test_gso_refused, EIO);
  ADD ("gso-refused/EINVAL", test_gso_refused, EINVAL);
  ADD ("gso-refused/blocked", test_gso_refused_and_blocked, 0);
  ADD ("gso-refused/lost", test_gso_refused_and_lost, 0);
  ADD ("gso-not-to-blame", test_gso_not_to_blame, 0);
  ADD ("receive/errors", test_receive_errors, 0);
  ADD ("receive/cut", test_receive_cut, MSG_TRUNC);
  ADD ("receive/control-cut", test_receive_cut, MSG_CTRUNC);
  ADD ("receive/broken", test_receive_broken, 0);
  g_test_add_func ("/net/udp-faults/no-ipv6", test_no_ipv6);
  g_test_add_func ("/net/udp-faults/no-descriptors", test_no_descriptors);
  return g_test_run ();
}
