#include "quic/stream.h"

#include "quic/connection-private.h"
#include "quic/endpoint-private.h"

#define DEFAULT_URGENCY 1

void
quic_stream_mark (QuicStream *stream)
{
  QuicConnection *connection = stream->connection;

  if (!stream->marked)
    {
      stream->marked = TRUE;
      g_queue_push_tail_link (&connection->marked, &stream->marked_link);
    }
  quic_endpoint_want_events (connection->endpoint, connection);
}

void
quic_stream_unschedule (QuicStream *stream)
{
  if (stream->send_queue != NULL)
    g_queue_unlink (stream->send_queue, &stream->send_link);
  stream->send_queue = NULL;
}

static void
put_in (QuicStream *stream, GQueue *queue)
{
  quic_stream_unschedule (stream);
  g_queue_push_tail_link (queue, &stream->send_link);
  stream->send_queue = queue;
}

void
quic_stream_schedule (QuicStream *stream)
{
  if (stream->gone || !quic_send_buffer_pending (&stream->send))
    {
      quic_stream_unschedule (stream);
      return;
    }
  put_in (stream, &stream->connection->sendable[stream->urgency]);
  quic_endpoint_want_write (stream->connection->endpoint, stream->connection);
}

void
quic_stream_stall (QuicStream *stream)
{
  put_in (stream, &stream->connection->stalled);
}

static gboolean
is_live (const QuicStream *stream)
{
  return !stream->gone && stream->connection->conn != NULL && stream->connection->state <= QUIC_STATE_OPEN;
}

void
quic_stream_set_events (QuicStream *stream, const QuicStreamEvents *events, gpointer user_data)
{
  stream->events = events;
  stream->user_data = user_data;
}

gint64
quic_stream_id (const QuicStream *stream)
{
  return stream->id;
}

QuicConnection *
quic_stream_connection (const QuicStream *stream)
{
  return stream->connection;
}

gsize
quic_stream_readable (const QuicStream *stream, gboolean *fin)
{
  if (fin != NULL)
    *fin = stream->receive.fin;
  return stream->receive.length;
}

/* Gives @length bytes of flow-control credit back to the peer. */
static void
give_credit (QuicStream *stream, gsize length)
{
  QuicConnection *connection = stream->connection;

  if (length == 0 || connection->conn == NULL || connection->state > QUIC_STATE_OPEN)
    return;
  /* Out of memory is the only failure; the peer then waits for good, and the idle timeout ends it. */
  if (!stream->gone && ngtcp2_conn_extend_max_stream_offset (connection->conn, stream->id, length) != 0)
    quic_connection_fail (connection, NGTCP2_ERR_NOMEM);
  else
    {
      ngtcp2_conn_extend_max_offset (connection->conn, length);
      quic_endpoint_want_write (connection->endpoint, connection);
    }
}

gsize
quic_stream_read (QuicStream *stream, void *buffer, gsize length)
{
  gsize done = quic_receive_buffer_read (&stream->receive, buffer, length);

  give_credit (stream, done);
  /* `closed` waited for the last byte to be read. */
  if (stream->gone && stream->receive.length == 0)
    quic_stream_mark (stream);
  return done;
}

void
quic_stream_write (QuicStream *stream, GBytes *bytes)
{
  if (!is_live (stream) || stream->send.finished || g_bytes_get_size (bytes) == 0)
    return;
  quic_send_buffer_append (&stream->send, bytes);
  if (stream->send_queue == NULL)
    quic_stream_schedule (stream);
}

void
quic_stream_finish (QuicStream *stream)
{
  if (!is_live (stream) || stream->send.finished)
    return;
  stream->send.finished = TRUE;
  if (stream->send_queue == NULL)
    quic_stream_schedule (stream);
}

void
quic_stream_reset (QuicStream *stream, guint64 code)
{
  QuicConnection *connection = stream->connection;

  if (!is_live (stream) || stream->send.abandoned)
    return;
  quic_send_buffer_abandon (&stream->send);
  quic_stream_unschedule (stream);
  if (ngtcp2_conn_shutdown_stream_write (connection->conn, 0, stream->id, code) != 0)
    quic_connection_fail (connection, NGTCP2_ERR_NOMEM);
  else
    quic_endpoint_want_write (connection->endpoint, connection);
}

void
quic_stream_stop_sending (QuicStream *stream, guint64 code)
{
  QuicConnection *connection = stream->connection;

  if (stream->read_stopped)
    return;
  stream->read_stopped = TRUE;
  give_credit (stream, quic_receive_buffer_clear (&stream->receive));
  if (stream->gone)
    quic_stream_mark (stream);
  if (!is_live (stream))
    return;
  if (ngtcp2_conn_shutdown_stream_read (connection->conn, 0, stream->id, code) != 0)
    quic_connection_fail (connection, NGTCP2_ERR_NOMEM);
  else
    quic_endpoint_want_write (connection->endpoint, connection);
}

void
quic_stream_stopped_by_peer (QuicStream *stream, guint64 code)
{
  if (stream->was_stopped || stream->gone
      || (stream->send.finished && quic_stream_unacked (stream) == 0 && stream->send.fin_sent
          && !stream->send.abandoned))
    return;
  stream->was_stopped = TRUE;
  stream->stop_code = code;
  stream->tell_stopped = TRUE;
  quic_send_buffer_abandon (&stream->send);
  quic_stream_unschedule (stream);
  quic_stream_mark (stream);
}

gsize
quic_stream_unsent (const QuicStream *stream)
{
  return quic_send_buffer_unsent (&stream->send);
}

gsize
quic_stream_unacked (const QuicStream *stream)
{
  return quic_send_buffer_unacked (&stream->send);
}

void
quic_stream_set_urgency (QuicStream *stream, guint urgency)
{
  gboolean scheduled = stream->send_queue != NULL && stream->send_queue != &stream->connection->stalled;

  stream->urgency = MIN (urgency, QUIC_URGENCIES - 1);
  if (scheduled)
    quic_stream_schedule (stream);
}

QuicStream *
quic_stream_new (QuicConnection *connection, gint64 id, gboolean remote)
{
  QuicStream *stream = g_new0 (QuicStream, 1);

  stream->connection = connection;
  stream->id = id;
  stream->remote = remote;
  stream->announced = !remote;
  stream->urgency = DEFAULT_URGENCY;
  stream->link.data = stream->marked_link.data = stream->send_link.data = stream;
  g_queue_push_tail_link (&connection->streams, &stream->link);
  return stream;
}

void
quic_stream_free (QuicStream *stream)
{
  QuicConnection *connection = stream->connection;

  quic_stream_unschedule (stream);
  if (stream->marked)
    g_queue_unlink (&connection->marked, &stream->marked_link);
  g_queue_unlink (&connection->streams, &stream->link);
  quic_receive_buffer_clear (&stream->receive);
  quic_send_buffer_clear (&stream->send);
  g_free (stream);
}
