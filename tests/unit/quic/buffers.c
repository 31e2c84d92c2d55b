/* The two halves of a stream's memory. */
#include "quic/receive-buffer.h"
#include "quic/send-buffer.h"

#include <string.h>

static void
append (QuicSendBuffer *buffer, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));

  quic_send_buffer_append (buffer, bytes);
}

static void
test_send (void)
{
  QuicSendBuffer buffer = { 0 };
  ngtcp2_vec vectors[2];
  gboolean fin;

  g_assert_false (quic_send_buffer_pending (&buffer));
  g_assert_cmpuint (quic_send_buffer_gather (&buffer, vectors, 2, &fin), ==, 0);
  append (&buffer, "one");
  append (&buffer, "two");
  append (&buffer, "three");
  buffer.finished = TRUE;
  g_assert_cmpuint (quic_send_buffer_unsent (&buffer), ==, 11);
  g_assert_cmpuint (quic_send_buffer_gather (&buffer, vectors, 2, &fin), ==, 2);
  g_assert_false (fin);
  quic_send_buffer_sent (&buffer, 4, FALSE);
  g_assert_cmpuint (quic_send_buffer_gather (&buffer, vectors, 2, &fin), ==, 2);
  g_assert_true (fin);
  g_assert_cmpmem (vectors[0].base, vectors[0].len, "wo", 2);
  g_assert_cmpmem (vectors[1].base, vectors[1].len, "three", 5);
  quic_send_buffer_sent (&buffer, 7, TRUE);
  g_assert_false (quic_send_buffer_pending (&buffer));
  g_assert_cmpuint (quic_send_buffer_unacked (&buffer), ==, 11);
  quic_send_buffer_acked (&buffer, 5);
  g_assert_cmpuint (quic_send_buffer_unacked (&buffer), ==, 6);
  quic_send_buffer_acked (&buffer, 11);
  g_assert_cmpuint (quic_send_buffer_unacked (&buffer), ==, 0);
  quic_send_buffer_clear (&buffer);
}

/* A FIN alone waits for its packet too. */
static void
test_send_fin (void)
{
  QuicSendBuffer buffer = { .finished = TRUE };
  ngtcp2_vec vector;
  gboolean fin;

  g_assert_true (quic_send_buffer_pending (&buffer));
  g_assert_cmpuint (quic_send_buffer_gather (&buffer, &vector, 1, &fin), ==, 0);
  g_assert_true (fin);
  quic_send_buffer_sent (&buffer, 0, TRUE);
  g_assert_false (quic_send_buffer_pending (&buffer));
}

static void
test_send_abandon (void)
{
  QuicSendBuffer buffer = { 0 };

  append (&buffer, "never mind");
  quic_send_buffer_sent (&buffer, 4, FALSE);
  quic_send_buffer_abandon (&buffer);
  g_assert_cmpuint (quic_send_buffer_unsent (&buffer), ==, 0);
  g_assert_cmpuint (quic_send_buffer_unacked (&buffer), ==, 0);
  g_assert_false (quic_send_buffer_pending (&buffer));
  g_assert_nonnull (buffer.chunks);
  quic_send_buffer_acked (&buffer, 4);
  quic_send_buffer_clear (&buffer);
  g_assert_null (buffer.chunks);
}

/* Against a plain array, with pieces of every size. */
static void
test_receive (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  g_autoptr (GByteArray) model = g_byte_array_new ();
  QuicReceiveBuffer buffer = { 0 };
  guint8 piece[40000], out[40000];
  guint8 next = 0;

  for (guint step = 0; step < 20000; step++)
    {
      gsize length = (gsize)g_rand_int_range (random, 0, step % 50 == 0 ? sizeof piece : 1500);

      if (g_rand_boolean (random) && model->len < 500000)
        {
          for (gsize i = 0; i < length; i++)
            piece[i] = next++;
          quic_receive_buffer_append (&buffer, piece, length);
          g_byte_array_append (model, piece, (guint)length);
        }
      else
        {
          gsize n = quic_receive_buffer_read (&buffer, out, length);

          g_assert_cmpuint (n, ==, MIN (length, model->len));
          g_assert_cmpmem (out, n, model->data, n);
          if (n > 0)
            g_byte_array_remove_range (model, 0, (guint)n);
        }
      g_assert_cmpuint (buffer.length, ==, model->len);
    }
  g_assert_cmpuint (quic_receive_buffer_clear (&buffer), ==, model->len);
  g_assert_null (buffer.first);
  g_assert_null (buffer.last);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quic/send-buffer/life", test_send);
  g_test_add_func ("/quic/send-buffer/fin", test_send_fin);
  g_test_add_func ("/quic/send-buffer/abandon", test_send_abandon);
  g_test_add_func ("/quic/receive-buffer/model", test_receive);
  return g_test_run ();
}
