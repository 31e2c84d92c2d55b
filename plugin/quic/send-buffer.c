#include "quic/send-buffer.h"

static guint64
end_of (const QuicSendBuffer *buffer)
{
  return buffer->chunks != NULL ? base_chunks_end (buffer->chunks) : buffer->sent;
}

void
quic_send_buffer_append (QuicSendBuffer *buffer, GBytes *bytes)
{
  g_assert (!buffer->finished);
  if (buffer->chunks == NULL)
    buffer->chunks = base_chunks_new ();
  base_chunks_append (buffer->chunks, bytes);
}

gsize
quic_send_buffer_unsent (const QuicSendBuffer *buffer)
{
  return (gsize)(end_of (buffer) - buffer->sent);
}

gsize
quic_send_buffer_unacked (const QuicSendBuffer *buffer)
{
  if (buffer->chunks == NULL || buffer->abandoned)
    return 0;
  return (gsize)(base_chunks_end (buffer->chunks) - base_chunks_begin (buffer->chunks));
}

gboolean
quic_send_buffer_pending (const QuicSendBuffer *buffer)
{
  return quic_send_buffer_unsent (buffer) > 0 || (buffer->finished && !buffer->fin_sent);
}

gsize
quic_send_buffer_gather (const QuicSendBuffer *buffer, ngtcp2_vec *vectors, gsize max, gboolean *fin)
{
  guint64 offset = buffer->sent, end = end_of (buffer);
  gsize n = 0;

  while (offset < end && n < max)
    {
      const guint8 *data;
      gsize length = base_chunks_peek (buffer->chunks, offset, &data);

      vectors[n++] = (ngtcp2_vec){ .base = (guint8 *)data, .len = length };
      offset += length;
    }
  *fin = buffer->finished && offset == end;
  return n;
}

void
quic_send_buffer_sent (QuicSendBuffer *buffer, gsize length, gboolean fin)
{
  g_assert (length <= quic_send_buffer_unsent (buffer));
  buffer->sent += length;
  if (fin && quic_send_buffer_unsent (buffer) == 0)
    buffer->fin_sent = TRUE;
}

void
quic_send_buffer_acked (QuicSendBuffer *buffer, guint64 offset)
{
  if (buffer->chunks != NULL)
    base_chunks_drop_to (buffer->chunks, MIN (offset, buffer->sent));
}

void
quic_send_buffer_abandon (QuicSendBuffer *buffer)
{
  buffer->sent = end_of (buffer);
  buffer->finished = TRUE;
  buffer->fin_sent = TRUE;
  buffer->abandoned = TRUE;
}

void
quic_send_buffer_clear (QuicSendBuffer *buffer)
{
  quic_send_buffer_abandon (buffer);
  g_clear_pointer (&buffer->chunks, base_chunks_free);
}
