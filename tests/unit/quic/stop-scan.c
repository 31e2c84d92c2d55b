/* Frames of every type before a STOP_SENDING, and payloads cut anywhere. */
#include "quic/stop-scan.h"

typedef struct
{
  guint n;
  gint64 stream;
  guint64 code;
} Found;

static void
found_cb (gint64 stream, guint64 code, gpointer user_data)
{
  Found *found = user_data;

  found->n++;
  found->stream = stream;
  found->code = code;
}

static const guint8 payload[] = {
  0x00, 0x00,                                           /* PADDING */
  0x01,                                                 /* PING */
  0x02, 0x40, 0x99, 0x05, 0x01, 0x03, 0x00, 0x02,       /* ACK, one more range */
  0x03, 0x09, 0x05, 0x00, 0x03, 0x01, 0x02, 0x03,       /* ACK_ECN */
  0x04, 0x08, 0x07, 0x40, 0x64,                         /* RESET_STREAM */
  0x06, 0x00, 0x02, 0xff, 0xff,                         /* CRYPTO */
  0x07, 0x03, 0x05, 0x05, 0x05,                         /* NEW_TOKEN */
  0x0e, 0x04, 0x08, 0x02, 0x05, 0x05,                   /* STREAM with offset and length */
  0x0a, 0x04, 0x01, 0x05,                               /* STREAM with length */
  0x10, 0x80, 0x01, 0x00, 0x00,                         /* MAX_DATA */
  0x11, 0x04, 0x05, 0x12, 0x05, 0x13, 0x05, 0x14, 0x05, /* MAX_STREAM_DATA, MAX_STREAMS, DATA_BLOCKED */
  0x15, 0x04, 0x05, 0x16, 0x05, 0x17, 0x05,             /* STREAM_DATA_BLOCKED, STREAMS_BLOCKED */
  0x18, 0x02, 0x01, 0x04, 1,    2,    3,    4,    5,    5, 5, 5,
  5,    5,    5,    5,    5,    5,    5,    5,    5,    5, 5, 5, /* NEW_CONNECTION_ID */
  0x19, 0x05,                                                    /* RETIRE_CONNECTION_ID */
  0x1a, 5,    5,    5,    5,    5,    5,    5,    5,             /* PATH_CHALLENGE */
  0x1b, 5,    5,    5,    5,    5,    5,    5,    5,             /* PATH_RESPONSE */
  0x1e,                                                          /* HANDSHAKE_DONE */
  0x05, 0x0c, 0x43, 0xe8,                                        /* STOP_SENDING of 12 with 1000 */
  0x08, 0x04, 0x05, 0x04, 0x05,                                  /* STREAM to the end: no frame follows */
};

static void
test_all (void)
{
  Found found = { 0 };

  quic_stop_scan (payload, sizeof payload, found_cb, &found);
  g_assert_cmpuint (found.n, ==, 1);
  g_assert_cmpint (found.stream, ==, 12);
  g_assert_cmpuint (found.code, ==, 1000);
}

static void
test_cut (void)
{
  for (gsize length = 0; length < sizeof payload; length++)
    {
      g_autofree guint8 *copy = g_memdup2 (payload, MAX (length, 1));
      Found found = { 0 };

      quic_stop_scan (copy, length, found_cb, &found);
      g_assert_cmpuint (found.n, ==, length >= sizeof payload - 5 ? 1 : 0);
    }
}

static void
test_rubbish (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (6);
  Found found = { 0 };

  for (guint i = 0; i < 100000; i++)
    {
      gsize length = (gsize)g_rand_int_range (random, 1, 100);
      g_autofree guint8 *bytes = g_malloc (length);

      for (gsize at = 0; at < length; at++)
        bytes[at] = (guint8)g_rand_int_range (random, 0, at % 3 == 0 ? 0x20 : 256);
      quic_stop_scan (bytes, length, found_cb, &found);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quic/stop-scan/all", test_all);
  g_test_add_func ("/quic/stop-scan/cut", test_cut);
  g_test_add_func ("/quic/stop-scan/rubbish", test_rubbish);
  return g_test_run ();
}
