/* The streams of a pair: what is written, read and told. */
#include "harness/pair.h"

#include <string.h>

#define BACKLOG (256 * 1024)
#define PIECE 16384

static const QuicStreamEvents stream_events;

Flow *
flow_new (Peer *peer, QuicStream *stream)
{
  Flow *flow = g_new0 (Flow, 1);

  flow->peer = peer;
  flow->stream = stream;
  flow->id = quic_stream_id (stream);
  flow->sent_sum = g_checksum_new (G_CHECKSUM_SHA256);
  flow->received_sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_ptr_array_add (peer->flows, flow);
  quic_stream_set_events (stream, &stream_events, flow);
  return flow;
}

void
flow_free (gpointer data)
{
  Flow *flow = data;

  g_checksum_free (flow->sent_sum);
  g_checksum_free (flow->received_sum);
  g_free (flow);
}

static void
put (Flow *flow, const void *data, gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  g_checksum_update (flow->sent_sum, data, (gssize)length);
  flow->queued += length;
  quic_stream_write (flow->stream, bytes);
  flow->backlog_max = MAX (flow->backlog_max, quic_stream_unsent (flow->stream));
}

static void
pump (Flow *flow)
{
  guint8 piece[PIECE];

  while (flow->stream != NULL && flow->to_send > 0 && quic_stream_unsent (flow->stream) < BACKLOG)
    {
      gsize length = (gsize)MIN (flow->to_send, sizeof piece);

      for (gsize i = 0; i < length; i++)
        piece[i] = (guint8)((flow->queued + i) * 2654435761u >> 13 ^ (guint64)flow->id);
      put (flow, piece, length);
      flow->to_send -= length;
      if (flow->to_send == 0)
        quic_stream_finish (flow->stream);
    }
}

static void
drain (Flow *flow)
{
  guint8 buffer[PIECE];
  gboolean fin;
  gsize n;

  while (flow->stream != NULL && !(flow->echo && quic_stream_unsent (flow->stream) > BACKLOG)
         && (n = quic_stream_read (flow->stream, buffer, sizeof buffer)) > 0)
    {
      flow->received += n;
      g_checksum_update (flow->received_sum, buffer, (gssize)n);
      if (flow->echo)
        put (flow, buffer, n);
    }
  if (flow->stream != NULL && quic_stream_readable (flow->stream, &fin) == 0 && fin)
    {
      flow->fin = TRUE;
      if (flow->echo)
        quic_stream_finish (flow->stream);
    }
}

static void
readable_cb (QuicStream *stream, gpointer user_data)
{
  Flow *flow = user_data;

  g_assert_true (flow->stream == stream && !flow->closed);
  if (!flow->paused)
    drain (flow);
}

static void
writable_cb (QuicStream *stream, gpointer user_data)
{
  Flow *flow = user_data;

  g_assert_true (flow->stream == stream && !flow->closed);
  pump (flow);
  if (flow->echo && !flow->paused)
    drain (flow);
}

static void
reset_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  Flow *flow = user_data;

  g_assert_false (flow->reset || flow->closed);
  flow->reset = TRUE;
  flow->reset_code = code;
}

static void
stopped_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  Flow *flow = user_data;

  g_assert_false (flow->stopped || flow->closed);
  flow->stopped = TRUE;
  flow->stop_code = code;
}

static void
stream_closed_cb (QuicStream *stream, gpointer user_data)
{
  Flow *flow = user_data;

  g_assert_true (flow->stream == stream && !flow->closed);
  flow->closed = TRUE;
  flow->stream = NULL;
}

static const QuicStreamEvents stream_events = {
  .readable = readable_cb,
  .writable = writable_cb,
  .reset = reset_cb,
  .stopped = stopped_cb,
  .closed = stream_closed_cb,
};

void
flow_send (Flow *flow, guint64 length)
{
  flow->to_send = length;
  pump (flow);
}

void
flow_write (Flow *flow, const char *text)
{
  put (flow, text, strlen (text));
}

void
flow_resume (Flow *flow)
{
  flow->paused = FALSE;
  drain (flow);
}

const char *
flow_sent (Flow *flow)
{
  return g_checksum_get_string (flow->sent_sum);
}

const char *
flow_received (Flow *flow)
{
  return g_checksum_get_string (flow->received_sum);
}

gboolean
flow_is_closed (gpointer flow)
{
  return ((Flow *)flow)->closed;
}
