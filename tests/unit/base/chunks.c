/* The queue against a plain byte array that keeps everything, driven by a seeded generator. */
#include "base/chunks.h"

#include <string.h>

#define STEPS 5000

static void
test_empty (void)
{
  g_autoptr (BaseChunks) chunks = base_chunks_new ();
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  const guint8 *data = (const guint8 *) "x";

  base_chunks_append (chunks, nothing);
  g_assert_cmpuint (base_chunks_begin (chunks), ==, 0);
  g_assert_cmpuint (base_chunks_end (chunks), ==, 0);
  g_assert_cmpuint (base_chunks_peek (chunks, 0, &data), ==, 0);
  g_assert_null (base_chunks_slice (chunks, 0, 10));
  base_chunks_drop_to (chunks, 0);
}

static void
test_shares_memory (void)
{
  g_autoptr (BaseChunks) chunks = base_chunks_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("0123456789", 10);
  g_autoptr (GBytes) slice = NULL;
  const guint8 *data;

  base_chunks_append (chunks, bytes);
  g_assert_cmpuint (base_chunks_peek (chunks, 3, &data), ==, 7);
  g_assert_true (data == (const guint8 *) g_bytes_get_data (bytes, NULL) + 3);
  slice = base_chunks_slice (chunks, 3, 4);
  g_assert_cmpuint (g_bytes_get_size (slice), ==, 4);
  g_assert_true (g_bytes_get_data (slice, NULL) == data);
  g_assert_null (base_chunks_slice (chunks, 3, 0));
}

static void
mark_cb (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static void
test_frees_when_dropped (void)
{
  g_autoptr (BaseChunks) chunks = base_chunks_new ();
  gboolean first_freed = FALSE, second_freed = FALSE;
  GBytes *first = g_bytes_new_with_free_func ("abcd", 4, mark_cb, &first_freed);
  GBytes *second = g_bytes_new_with_free_func ("efgh", 4, mark_cb, &second_freed);
  GBytes *slice;

  base_chunks_append (chunks, first);
  base_chunks_append (chunks, second);
  g_bytes_unref (first);
  g_bytes_unref (second);
  slice = base_chunks_slice (chunks, 4, 2);

  base_chunks_drop_to (chunks, 3);
  g_assert_false (first_freed);
  base_chunks_drop_to (chunks, 4);
  g_assert_true (first_freed);
  base_chunks_drop_to (chunks, 2); /* already gone */
  g_assert_cmpuint (base_chunks_begin (chunks), ==, 4);
  base_chunks_drop_to (chunks, 8);
  g_assert_false (second_freed);
  g_bytes_unref (slice);
  g_assert_true (second_freed);
}

static void
test_bytes_stay_where_they_are (void)
{
  g_autoptr (BaseChunks) chunks = base_chunks_new ();
  g_autoptr (GBytes) first = g_bytes_new_take (g_strdup ("begin"), 5);
  const guint8 *before, *after;

  base_chunks_append (chunks, first);
  base_chunks_peek (chunks, 0, &before);
  for (guint i = 0; i < 100; i++)
    base_chunks_append (chunks, first);
  base_chunks_peek (chunks, 0, &after);
  g_assert_true (before == after);
}

/* Reads [@offset, end) through peek and through slices, and compares with @all. */
static void
compare (const BaseChunks *chunks, const GByteArray *all, guint64 offset, gsize max)
{
  while (offset < all->len)
    {
      const guint8 *data;
      gsize length = base_chunks_peek (chunks, offset, &data);
      g_autoptr (GBytes) slice = base_chunks_slice (chunks, offset, max);
      gsize slice_length;
      const void *slice_data = g_bytes_get_data (slice, &slice_length);

      g_assert_cmpuint (length, >, 0);
      g_assert_cmpmem (data, length, all->data + offset, length);
      g_assert_cmpmem (slice_data, slice_length, all->data + offset, MIN (length, max));
      offset += slice_length;
    }
  g_assert_cmpuint (offset, ==, base_chunks_end (chunks));
}

static void
test_model (void)
{
  for (guint32 seed = 1; seed <= 4; seed++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      g_autoptr (BaseChunks) chunks = base_chunks_new ();
      g_autoptr (GByteArray) all = g_byte_array_new ();
      guint64 begin = 0;

      for (guint step = 0; step < STEPS; step++)
        {
          /* Turns of growing and of shrinking, so that the ring wraps at many sizes. */
          gboolean growing = step / 200 % 2 == 0;

          if (g_rand_int_range (random, 0, 10) < (growing ? 8 : 3))
            {
              guint8 bytes[40];
              gsize length = (gsize) g_rand_int_range (random, 0, sizeof bytes);
              g_autoptr (GBytes) chunk = NULL;

              for (gsize i = 0; i < length; i++)
                bytes[i] = (guint8) g_rand_int (random);
              chunk = g_bytes_new (bytes, length);
              base_chunks_append (chunks, chunk);
              g_byte_array_append (all, bytes, length);
            }
          else if (begin < all->len)
            {
              begin += (guint64) g_rand_int_range (random, 0, (gint32) MIN (all->len - begin, 120) + 1);
              base_chunks_drop_to (chunks, begin);
            }
          g_assert_cmpuint (base_chunks_begin (chunks), ==, begin);
          g_assert_cmpuint (base_chunks_end (chunks), ==, all->len);
          if (step % 16 == 0)
            compare (chunks, all, begin, (gsize) g_rand_int_range (random, 1, 60));
          else
            compare (chunks, all, MAX (begin, all->len < 50 ? 0 : all->len - 50), 7);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/chunks/empty", test_empty);
  g_test_add_func ("/base/chunks/shares-memory", test_shares_memory);
  g_test_add_func ("/base/chunks/frees-when-dropped", test_frees_when_dropped);
  g_test_add_func ("/base/chunks/bytes-stay-where-they-are", test_bytes_stay_where_they_are);
  g_test_add_func ("/base/chunks/model", test_model);
  return g_test_run ();
}
