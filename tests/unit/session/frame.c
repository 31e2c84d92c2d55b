#include "session/frame.h"

#include <mux/plugin.h>
#include <string.h>

/* Feeds @length bytes as a stream would: never more than wanted. Returns how many frames came, or -1 at an
   error. */
static int
feed_all (const guint8 *data, gsize length, gsize step, char **last_name, GVariant **last_arguments,
          GError **error)
{
  g_autoptr (SessionFrameReader) reader = session_frame_reader_new ();
  int frames = 0;

  while (length > 0)
    {
      gsize part = MIN (MIN (session_frame_reader_wants (reader), step), length);
      g_autofree char *name = NULL;
      g_autoptr (GVariant) arguments = NULL;

      g_assert_cmpuint (part, >, 0);
      if (!session_frame_reader_feed (reader, data, part, &name, &arguments, error))
        {
          g_assert_null (name);
          g_assert_null (arguments);
          return -1;
        }
      data += part;
      length -= part;
      if (name == NULL)
        continue;
      frames++;
      g_assert_true (session_frame_reader_is_empty (reader));
      if (last_name != NULL)
        {
          g_free (*last_name);
          g_clear_pointer (last_arguments, g_variant_unref);
          *last_name = g_steal_pointer (&name);
          *last_arguments = g_steal_pointer (&arguments);
        }
    }
  return frames;
}

static GBytes *
sample (void)
{
  GVariant *arguments = g_variant_new_parsed ("{'channel': <%t>, 'name': <'stderr'>, 'argv': <['a', 'b c']>}",
                                              (guint64) 7);
  g_autoptr (GError) error = NULL;
  GBytes *frame = session_frame_encode ("lane", arguments, &error);

  g_assert_no_error (error);
  return frame;
}

static void
test_vector (void)
{
  /* By hand: the length, then the string "bye", its zero, padding to 8, no entries, and the offset of the
     string's end. */
  static const guint8 expected[] = { 0, 0, 0, 9, 'b', 'y', 'e', 0, 0, 0, 0, 0, 4 };
  g_autoptr (GBytes) frame = session_frame_encode ("bye", NULL, NULL);
  g_autofree char *name = NULL;
  g_autoptr (GVariant) arguments = NULL;

  g_assert_cmpmem (g_bytes_get_data (frame, NULL), g_bytes_get_size (frame), expected, sizeof expected);
  g_assert_cmpint (feed_all (expected, sizeof expected, 100, &name, &arguments, NULL), ==, 1);
  g_assert_cmpstr (name, ==, "bye");
  g_assert_cmpuint (g_variant_n_children (arguments), ==, 0);
}

static void
test_round_trip (void)
{
  g_autoptr (GBytes) frame = sample ();
  gsize size;
  const guint8 *data = g_bytes_get_data (frame, &size);

  for (gsize step = 1; step < size + 2; step++)
    {
      g_autofree char *name = NULL;
      g_autoptr (GVariant) arguments = NULL;
      g_autofree const char **argv = NULL;
      guint64 channel = 0;

      g_assert_cmpint (feed_all (data, size, step, &name, &arguments, NULL), ==, 1);
      g_assert_cmpstr (name, ==, "lane");
      g_assert_true (g_variant_lookup (arguments, "channel", "t", &channel));
      g_assert_cmpuint (channel, ==, 7);
      g_assert_true (g_variant_lookup (arguments, "argv", "^a&s", &argv));
      g_assert_cmpstr (argv[1], ==, "b c");
    }
}

static void
test_two_and_raw (void)
{
  g_autoptr (GBytes) frame = sample ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gsize size;
  const guint8 *data = g_bytes_get_data (frame, &size);

  g_byte_array_append (bytes, data, size);
  g_byte_array_append (bytes, data, size);
  g_assert_cmpint (feed_all (bytes->data, bytes->len, 3, NULL, NULL, NULL), ==, 2);
  /* A truncated frame is no error, and no frame. */
  for (gsize cut = 0; cut < size; cut++)
    g_assert_cmpint (feed_all (data, cut, 100, NULL, NULL, NULL), ==, 0);
}

static void
test_lengths (void)
{
  static const guint32 bad[] = { 0, SESSION_FRAME_MAX + 1, 0x10000000, 0xffffffff };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      guint32 length = GUINT32_TO_BE (bad[i]);
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (feed_all ((const guint8 *) &length, 4, 1, NULL, NULL, &error), ==, -1);
      g_assert_error (error, MUX_ERROR, MUX_ERROR_PROTOCOL);
    }
}

static void
test_largest (void)
{
  g_autofree char *text = g_strnfill (SESSION_FRAME_MAX, 'x');
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) frame = NULL;
  gsize fits = 0;

  g_assert_null (session_frame_encode ("open", g_variant_new_parsed ("{'term': <%s>}", text), &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_LIMIT);
  for (gsize length = SESSION_FRAME_MAX - 1; frame == NULL; length--)
    {
      text[length] = '\0';
      fits = length;
      frame = session_frame_encode ("open", g_variant_new_parsed ("{'term': <%s>}", text), NULL);
    }
  /* A GVariant's own offsets grow in steps. */
  g_assert_cmpuint (g_bytes_get_size (frame), >, 4 + SESSION_FRAME_MAX - 8);
  g_assert_cmpuint (fits, >, SESSION_FRAME_MAX - 64);
  g_assert_cmpint (feed_all (g_bytes_get_data (frame, NULL), g_bytes_get_size (frame), 1000, NULL, NULL,
                             NULL), ==, 1);
}

static void
expect_wrong (const guint8 *body, gsize length)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint32 header = GUINT32_TO_BE ((guint32) length);
  g_autoptr (GError) error = NULL;

  g_byte_array_append (bytes, (const guint8 *) &header, 4);
  g_byte_array_append (bytes, body, length);
  g_assert_cmpint (feed_all (bytes->data, bytes->len, 100, NULL, NULL, &error), ==, -1);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PROTOCOL);
}

static void
test_not_normal (void)
{
  static const guint8 padding[] = { 'b', 'y', 'e', 0, 1, 0, 0, 0, 4 };     /* padding that is not zero */
  static const guint8 offset[] = { 'b', 'y', 'e', 0, 0, 0, 0, 0, 200 };    /* an offset outside */
  static const guint8 no_zero[] = { 'b', 'y', 'e', '!', 0, 0, 0, 0, 4 };   /* a string without its end */
  static const guint8 not_utf8[] = { 'b', 0xff, 'e', 0, 0, 0, 0, 0, 4 };
  static const guint8 one[] = { 1 };

  expect_wrong (padding, sizeof padding);
  expect_wrong (offset, sizeof offset);
  expect_wrong (no_zero, sizeof no_zero);
  expect_wrong (not_utf8, sizeof not_utf8);
  expect_wrong (one, sizeof one);
}

static void
test_byte_order (void)
{
  g_autoptr (GBytes) frame = session_frame_encode ("resize",
                                                   g_variant_new_parsed ("{'rows': <uint32 0x01020304>}"),
                                                     NULL);
  static const guint8 little[] = { 4, 3, 2, 1, 0, 'u' };
  static const guint8 swapped_length[] = { 9, 0, 0, 0, 'b', 'y', 'e', 0, 0, 0, 0, 0, 4 };
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (memmem (g_bytes_get_data (frame, NULL), g_bytes_get_size (frame), little, sizeof little));
  /* The length is the other way round: this one announces 150 MB. */
  g_assert_cmpint (feed_all (swapped_length, sizeof swapped_length, 100, NULL, NULL, &error), ==, -1);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PROTOCOL);
}

static void
test_deep (void)
{
  GVariant *value = g_variant_new_string ("deep");
  g_autoptr (GBytes) frame = NULL;

  for (int i = 0; i < 60; i++)
    value = g_variant_new_variant (value);
  frame = session_frame_encode ("open", g_variant_new_parsed ("{'term': %@v}", g_variant_new_variant (value)),
                                NULL);
  g_assert_nonnull (frame);
  g_assert_cmpint (feed_all (g_bytes_get_data (frame, NULL), g_bytes_get_size (frame), 100, NULL, NULL, NULL),
                   ==, 1);
}

/* Seeded mutations: whatever comes out is either refused or a normal form that survives being encoded
   again. */
static void
test_mutations (void)
{
  g_autoptr (GBytes) frame = sample ();
  g_autoptr (GRand) random = g_rand_new_with_seed (4711);
  guint accepted = 0, refused = 0;

  for (guint round = 0; round < 20000; round++)
    {
      gsize size;
      g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (frame, &size), g_bytes_get_size (frame));
      g_autofree char *name = NULL;
      g_autoptr (GVariant) arguments = NULL;
      g_autoptr (GError) error = NULL;
      guint flips = g_rand_int_range (random, 1, 4);

      size = g_bytes_get_size (frame);
      for (guint i = 0; i < flips; i++)
        copy[g_rand_int_range (random, 4, (gint32) size)] = (guint8) g_rand_int_range (random, 0, 256);
      if (feed_all (copy, size, 64, &name, &arguments, &error) == 1)
        {
          g_autoptr (GBytes) again = session_frame_encode (name, arguments, NULL);

          accepted++;
          g_assert_cmpmem (g_bytes_get_data (again, NULL), g_bytes_get_size (again), copy, size);
        }
      else
        {
          refused++;
          g_assert_error (error, MUX_ERROR, MUX_ERROR_PROTOCOL);
        }
    }
  g_test_message ("%u accepted, %u refused", accepted, refused);
  g_assert_cmpuint (accepted, >, 100);
  g_assert_cmpuint (refused, >, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame/vector", test_vector);
  g_test_add_func ("/frame/round-trip", test_round_trip);
  g_test_add_func ("/frame/two-and-truncated", test_two_and_raw);
  g_test_add_func ("/frame/lengths", test_lengths);
  g_test_add_func ("/frame/largest", test_largest);
  g_test_add_func ("/frame/not-normal", test_not_normal);
  g_test_add_func ("/frame/byte-order", test_byte_order);
  g_test_add_func ("/frame/deep", test_deep);
  g_test_add_func ("/frame/mutations", test_mutations);
  return g_test_run ();
}
