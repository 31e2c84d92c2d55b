/* What is sent together, what alone, and what a full socket leaves behind. */
#include "quic/outbox.h"

#include <string.h>

typedef struct
{
  gsize length, segment;
  guint8 ecn, first;
} Sent;

static GArray *sent;
static gsize room; /* bytes until the socket is full */

static NetSendResult
send_cb (const NetAddress *local, const NetAddress *remote, guint8 ecn, const guint8 *data, gsize length,
         gsize segment_size, gsize *sent_length, gpointer user_data)
{
  gsize fits = length;

  if (length > room)
    fits = room / segment_size * segment_size;
  *sent_length = fits;
  room -= fits;
  if (fits > 0)
    g_array_append_val (sent,
                        ((Sent){ .length = fits, .segment = segment_size, .ecn = ecn, .first = data[0] }));
  return fits == length ? NET_SEND_DONE : NET_SEND_BLOCKED;
}

static const QuicSink sink = { .send = send_cb };
static NetAddress local, remote, other;

static void
add (QuicOutbox *outbox, gsize length, guint8 mark, const NetAddress *to, guint8 ecn, gboolean alone)
{
  guint8 *buffer = quic_outbox_reserve (outbox);

  g_assert_nonnull (buffer);
  memset (buffer, mark, length);
  quic_outbox_commit (outbox, length, &local, to, ecn, alone);
}

static void
expect (guint index, gsize length, gsize segment, guint8 first)
{
  const Sent *at = &g_array_index (sent, Sent, index);

  g_assert_cmpuint (index, <, sent->len);
  g_assert_cmpuint (at->length, ==, length);
  g_assert_cmpuint (at->segment, ==, segment);
  g_assert_cmpuint (at->first, ==, first);
}

static void
test_runs (void)
{
  QuicOutbox *outbox = quic_outbox_new (&sink, NULL);

  sent = g_array_new (FALSE, FALSE, sizeof (Sent));
  room = G_MAXSIZE;
  add (outbox, 1200, 1, &remote, 2, FALSE);
  add (outbox, 1200, 2, &remote, 2, FALSE);
  add (outbox, 700, 3, &remote, 2, FALSE); /* shorter: the last of its run */
  add (outbox, 700, 4, &remote, 2, FALSE);
  add (outbox, 700, 5, &remote, 1, FALSE); /* another mark */
  add (outbox, 700, 6, &other, 1, FALSE);  /* another path */
  add (outbox, 1400, 7, &other, 1, TRUE);  /* a probe */
  add (outbox, 1200, 8, &other, 1, FALSE);
  add (outbox, 1300, 9, &other, 1, FALSE); /* longer */
  g_assert_cmpuint (sent->len, ==, 0);
  g_assert_true (quic_outbox_flush (outbox));
  g_assert_cmpuint (sent->len, ==, 7);
  expect (0, 3100, 1200, 1);
  expect (1, 700, 700, 4);
  expect (2, 700, 700, 5);
  expect (3, 700, 700, 6);
  expect (4, 1400, 1400, 7);
  expect (5, 1200, 1200, 8);
  expect (6, 1300, 1300, 9);
  g_array_set_size (sent, 0);
  for (guint i = 0; i < 200; i++)
    add (outbox, 1200, (guint8)i, &remote, 0, FALSE);
  quic_outbox_flush (outbox);
  for (guint i = 0; i < sent->len; i++)
    g_assert_cmpuint (g_array_index (sent, Sent, i).length, <=, NET_UDP_MAX_BATCH);
  g_assert_cmpuint (sent->len, ==, 4);
  quic_outbox_free (outbox);
  g_array_unref (sent);
}

static void
test_blocked (void)
{
  QuicOutbox *outbox = quic_outbox_new (&sink, NULL);

  sent = g_array_new (FALSE, FALSE, sizeof (Sent));
  room = 2500;
  for (guint i = 1; i <= 5; i++)
    add (outbox, 1200, (guint8)i, &remote, 0, FALSE);
  add (outbox, 1000, 9, &other, 0, FALSE);
  g_assert_false (quic_outbox_flush (outbox));
  g_assert_true (quic_outbox_is_blocked (outbox));
  g_assert_null (quic_outbox_reserve (outbox));
  expect (0, 2400, 1200, 1);
  room = G_MAXSIZE;
  g_assert_false (quic_outbox_flush (outbox));
  quic_outbox_unblock (outbox);
  g_assert_true (quic_outbox_flush (outbox));
  expect (1, 3600, 1200, 3);
  expect (2, 1000, 1000, 9);
  g_assert_nonnull (quic_outbox_reserve (outbox));
  quic_outbox_free (outbox);
  g_array_unref (sent);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_assert_true (net_address_from_numeric (&local, "192.0.2.1", 1));
  g_assert_true (net_address_from_numeric (&remote, "192.0.2.2", 2));
  g_assert_true (net_address_from_numeric (&other, "192.0.2.3", 3));
  g_test_add_func ("/quic/outbox/runs", test_runs);
  g_test_add_func ("/quic/outbox/blocked", test_blocked);
  return g_test_run ();
}
