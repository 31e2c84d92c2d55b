/* What the user is told of a connection and its streams, in the endpoint's event phase. The user may call
 * anything of connection.h and stream.h meanwhile; what that causes is told in the next pass. */
#include "quic/endpoint-private.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>

/* Server: asks the user whether the peer may come in. */
static gboolean
authorize (QuicConnection *connection)
{
  g_autoptr (GError) error = NULL;

  if (!connection->server || connection->events->authorize == NULL
      || connection->events->authorize (connection, connection->peer, connection->user_data, &error))
    return TRUE;
  quic_connection_close (connection, QUIC_CODE_REFUSED, error != NULL ? error->message : "");
  return FALSE;
}

static void
open_up (QuicConnection *connection)
{
  QuicEndpoint *endpoint = connection->endpoint;

  connection->peer = g_steal_pointer (&connection->handshake->peer);
  g_clear_pointer (&connection->handshake, quic_handshake_free);
  if (connection->server)
    {
      quic_cid_table_remove (endpoint->cids, connection->first_dcid.data, connection->first_dcid.datalen,
                             &connection->cids);
      quic_endpoint_leave_half_open (endpoint, connection);
    }
  connection->handshake_deadline = BASE_NEVER;
  connection->state = QUIC_STATE_OPEN;
  if (!authorize (connection))
    return;
  connection->opened = TRUE;
  endpoint->stats.handshakes_completed++;
  connection->events->connected (connection, connection->user_data);
}

/* Nobody took the stream. */
static void
turn_away (QuicStream *stream)
{
  quic_stream_reset (stream, QUIC_CODE_CANCELLED);
  quic_stream_stop_sending (stream, QUIC_CODE_CANCELLED);
}

static void
announce (QuicStream *stream)
{
  QuicConnection *connection = stream->connection;

  stream->announced = TRUE;
  if (connection->events->stream_opened != NULL)
    connection->events->stream_opened (connection, stream, connection->user_data);
  if (stream->events == NULL)
    turn_away (stream);
}

static void
tell_closed_stream (QuicStream *stream)
{
  const QuicStreamEvents *events = stream->events;
  QuicConnection *connection = stream->connection;

  if (events != NULL && events->closed != NULL)
    events->closed (stream, stream->user_data);
  if (stream->remote && stream->gone && connection->conn != NULL && connection->state <= QUIC_STATE_OPEN)
    {
      ngtcp2_conn_extend_max_streams_bidi (connection->conn, 1);
      quic_endpoint_want_write (connection->endpoint, connection);
    }
  quic_stream_free (stream);
}

static void
tell_reset (QuicStream *stream, const QuicStreamEvents *events)
{
  gsize dropped = quic_receive_buffer_clear (&stream->receive);
  QuicConnection *connection = stream->connection;

  stream->read_stopped = TRUE;
  stream->tell_readable = FALSE;
  if (dropped > 0 && connection->conn != NULL && connection->state <= QUIC_STATE_OPEN)
    ngtcp2_conn_extend_max_offset (connection->conn, dropped);
  if (events->reset != NULL)
    events->reset (stream, stream->reset_code, stream->user_data);
}

#define TAKE(stream, flag) ((stream)->flag ? ((stream)->flag = FALSE, TRUE) : FALSE)

static void
tell_stream (QuicStream *stream)
{
  const QuicStreamEvents *events;

  if (!stream->announced)
    announce (stream);
  events = stream->events;
  if (events != NULL)
    {
      if (TAKE (stream, tell_reset))
        tell_reset (stream, events);
      if (TAKE (stream, tell_readable) && events->readable != NULL
          && (stream->receive.length > 0 || stream->receive.fin))
        events->readable (stream, stream->user_data);
      if (TAKE (stream, tell_stopped) && events->stopped != NULL)
        events->stopped (stream, stream->stop_code, stream->user_data);
      if (TAKE (stream, tell_writable) && events->writable != NULL && !stream->send.abandoned)
        events->writable (stream, stream->user_data);
    }
  /* What the user has not read yet keeps it. */
  if (stream->gone && stream->receive.length == 0)
    tell_closed_stream (stream);
}

static void
tell_streams (QuicConnection *connection)
{
  /* What marks itself meanwhile waits for the next pass. */
  for (guint n = connection->marked.length; n > 0 && connection->marked.head != NULL; n--)
    {
      QuicStream *stream = g_queue_pop_head_link (&connection->marked)->data;

      stream->marked = FALSE;
      tell_stream (stream);
    }
}

static void
tell_closed (QuicConnection *connection)
{
  const QuicConnectionEvents *events = connection->events;

  quic_connection_last_words (connection);
  quic_endpoint_leave_half_open (connection->endpoint, connection);
  while (connection->streams.head != NULL)
    {
      QuicStream *stream = connection->streams.head->data;

      if (!stream->announced)
        stream->events = NULL;
      tell_closed_stream (stream);
    }
  /* Whom the user turned away was closed with a code of its own. */
  if (!connection->opened && (connection->close.cause != QUIC_CLOSE_LOCAL || connection->close.code == QUIC_CODE_REFUSED))
    connection->endpoint->stats.handshakes_failed++;
  connection->told_closed = TRUE;
  connection->endpoint->live--;
  if (events != NULL && events->closed != NULL)
    events->closed (connection, &connection->close, connection->user_data);
  connection->events = NULL;
  connection->user_data = NULL;
  g_clear_error (&connection->close.error);
  g_clear_pointer (&connection->peer, pki_certificate_unref);
}

void
quic_connection_tell (QuicConnection *connection)
{
  if (connection->told_closed)
    return;
  if (connection->state == QUIC_STATE_HANDSHAKE && connection->confirmed)
    {
      open_up (connection);
      if (connection->state != QUIC_STATE_OPEN)
        return; /* closed in the next pass */
    }
  if (connection->opened)
    {
      gboolean ending = connection->state >= QUIC_STATE_ENDING;

      if (connection->tell_path && !ending)
        quic_connection_tell_path (connection);
      if (TAKE (connection, tell_streams) && !ending && connection->events->streams_available != NULL)
        connection->events->streams_available (connection, connection->user_data);
      tell_streams (connection);
      if (!ending)
        return;
    }
  if (connection->state >= QUIC_STATE_ENDING)
    tell_closed (connection);
}

void
quic_connection_tell_pass (QuicConnection *connection)
{
  if (connection->opened && connection->state == QUIC_STATE_OPEN && connection->events->pass != NULL)
    connection->events->pass (connection, connection->endpoint->now, connection->user_data);
}
