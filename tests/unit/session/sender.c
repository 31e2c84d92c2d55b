/* The sending half of a lane above a stream that only notes what it is told. */
#include "session/lane.h"
#include "session/sender.h"

#include <string.h>

/* Stands in for the QUIC room's stream, which this test does not link. */
struct _QuicStream
{
  GPtrArray *writes; /* of GBytes */
  gsize unsent;
  guint urgency;
  gboolean finished;
};

void
quic_stream_write (QuicStream *stream, GBytes *bytes)
{
  g_assert_false (stream->finished);
  g_ptr_array_add (stream->writes, g_bytes_ref (bytes));
  stream->unsent += g_bytes_get_size (bytes);
}

gsize
quic_stream_unsent (const QuicStream *stream)
{
  return stream->unsent;
}

void
quic_stream_finish (QuicStream *stream)
{
  stream->finished = TRUE;
}

void
quic_stream_set_urgency (QuicStream *stream, guint urgency)
{
  stream->urgency = urgency;
}

typedef struct
{
  SessionSender sender;
  QuicStream stream;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  session_sender_init (&fixture->sender);
  fixture->stream = (QuicStream){ .writes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref),
                                  .urgency = 1 };
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  session_sender_clear (&fixture->sender);
  g_ptr_array_unref (fixture->stream.writes);
}

static void
push (Fixture *fixture, const void *data, gsize length)
{
  session_sender_append (&fixture->sender, data, length);
  session_sender_flush (&fixture->sender, &fixture->stream);
}

/* Everything that was written, in order. */
static void
check_written (Fixture *fixture, guint8 first, gsize length)
{
  gsize at = 0;

  for (guint i = 0; i < fixture->stream.writes->len; i++)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (fixture->stream.writes->pdata[i], &size);

      for (gsize j = 0; j < size; j++, at++)
        g_assert_cmpuint (data[j], ==, (guint8) (first + at));
    }
  g_assert_cmpuint (at, ==, length);
}

static void
test_small_writes (Fixture *fixture, gconstpointer data)
{
  /* The first leaves at once; the rest is gathered behind it. */
  for (guint i = 0; i < 60000; i++)
    {
      guint8 byte = (guint8) i;

      push (fixture, &byte, 1);
      if (i == 0)
        g_assert_cmpuint (fixture->stream.writes->len, ==, 1);
    }
  g_assert_cmpuint (fixture->stream.writes->len, <=, 2 + 60000 / 4096);
  g_assert_cmpuint (session_sender_waiting (&fixture->sender), >, 0);
  g_assert_cmpuint (session_sender_sent (&fixture->sender), ==, 60000);
  fixture->stream.unsent = 0;
  session_sender_flush (&fixture->sender, &fixture->stream);
  g_assert_cmpuint (session_sender_waiting (&fixture->sender), ==, 0);
  check_written (fixture, 0, 60000);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  guint8 pattern[20000];

  for (gsize i = 0; i < sizeof pattern; i++)
    pattern[i] = (guint8) i;
  push (fixture, pattern, 10);
  push (fixture, pattern + 10, 10); /* gathered */
  push (fixture, pattern + 20, 15000);
  push (fixture, pattern + 15020, 5); /* gathered */
  fixture->sender.finish = TRUE;
  session_sender_flush (&fixture->sender, &fixture->stream);
  g_assert_true (fixture->stream.finished);
  check_written (fixture, 0, 15025);
}

static void
test_confirm (Fixture *fixture, gconstpointer data)
{
  guint8 pattern[5000] = { 0 };

  push (fixture, pattern, sizeof pattern);
  push (fixture, pattern, 100);
  session_sender_confirm (&fixture->sender, 4999);
  g_assert_cmpuint (session_sender_kept (&fixture->sender), ==, 101);
  fixture->stream.unsent = 0;
  session_sender_flush (&fixture->sender, &fixture->stream);
  session_sender_confirm (&fixture->sender, 5100);
  g_assert_cmpuint (session_sender_kept (&fixture->sender), ==, 0);
  push (fixture, pattern, 7);
  g_assert_cmpuint (session_sender_kept (&fixture->sender), ==, 7);
  session_sender_drop (&fixture->sender);
  g_assert_cmpuint (session_sender_kept (&fixture->sender), ==, 0);
  g_assert_cmpuint (session_sender_sent (&fixture->sender), ==, 5107);
}

/* Bulk in a flood behind a slow link and on a fast one, interactive again after typing. */
static void
test_urgency (Fixture *fixture, gconstpointer data)
{
  g_autofree guint8 *block = g_malloc0 (32 * 1024);

  for (guint fast = 0; fast < 2; fast++)
    {
      guint blocks = 0, keys = 0;

      g_assert_cmpuint (fixture->stream.urgency, ==, 1);
      while (fixture->stream.urgency == 1)
        {
          push (fixture, block, 32 * 1024);
          blocks++;
          if (fast)
            fixture->stream.unsent = 0;
        }
      g_assert_cmpuint (blocks, >=, 4);
      g_assert_cmpuint (blocks, <=, 5);
      for (guint i = 0; i < 100; i++)
        push (fixture, block, 32 * 1024);
      /* Still behind its own backlog: a keystroke more does not cool it. */
      fixture->stream.unsent = 1000;
      push (fixture, block, 1);
      g_assert_cmpuint (fixture->stream.urgency, ==, 2);
      while (fixture->stream.urgency == 2)
        {
          fixture->stream.unsent = 0;
          push (fixture, block, 1);
          keys++;
        }
      g_assert_cmpuint (keys, <=, 6);
    }
  /* An editor that redraws its screen of 4 KiB now and then never gets hot. */
  for (guint i = 0; i < 1000; i++)
    {
      fixture->stream.unsent = 0;
      push (fixture, block, 4096);
      g_assert_cmpuint (fixture->stream.urgency, ==, 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/sender/small-writes", Fixture, NULL, set_up, test_small_writes, tear_down);
  g_test_add ("/sender/order", Fixture, NULL, set_up, test_order, tear_down);
  g_test_add ("/sender/confirm", Fixture, NULL, set_up, test_confirm, tear_down);
  g_test_add ("/sender/urgency", Fixture, NULL, set_up, test_urgency, tear_down);
  return g_test_run ();
}
