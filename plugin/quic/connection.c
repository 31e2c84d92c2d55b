#include "quic/connection.h"

#include "base/error.h"
#include "quic/endpoint-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

void
quic_connection_read (QuicConnection *connection, const NetAddress *local, const NetAddress *remote,
                      guint8 ecn, const guint8 *data, gsize length)
{
  NetAddress arrival;
  QuicEndpoint *endpoint = connection->endpoint;
  ngtcp2_pkt_info info = { .ecn = ecn };
  ngtcp2_path path;
  int rv;

  if (connection->state == QUIC_STATE_LINGER)
    {
      quic_connection_linger (connection);
      return;
    }
  if (connection->state == QUIC_STATE_ENDING)
    return;
  connection->bytes_in += length;
  quic_connection_arrival (connection, local, &arrival);
  path = quic_connection_path (&arrival, remote);
  rv = quic_connection_read_packet (connection, &path, &info, data, length, endpoint->now);
  if (rv != 0)
    quic_connection_fail (connection, rv);
  else
    connection->heard = endpoint->now;
  quic_endpoint_want_write (endpoint, connection);
}

void
quic_connection_expire (QuicConnection *connection)
{
  guint64 now = connection->endpoint->now;

  if (connection->state == QUIC_STATE_LINGER)
    {
      if (now >= connection->linger_until && connection->told_closed)
        quic_connection_free (connection);
      return;
    }
  if (connection->state == QUIC_STATE_ENDING)
    return;
  if (now >= connection->handshake_deadline)
    {
      quic_connection_fail (connection, NGTCP2_ERR_HANDSHAKE_TIMEOUT);
      return;
    }
  if (now >= connection->user_deadline)
    {
      connection->user_deadline = BASE_NEVER;
      quic_endpoint_want_wake (connection->endpoint, connection);
    }
  if (ngtcp2_conn_get_expiry (connection->conn) <= now)
    {
      int rv = ngtcp2_conn_handle_expiry (connection->conn, now);

      if (rv != 0)
        quic_connection_fail (connection, rv);
      quic_endpoint_want_write (connection->endpoint, connection);
    }
  /* Those that write are armed after it. */
  if (!connection->in_writable)
    quic_connection_arm (connection);
}

/* Sets its timer to whatever comes first. */
void
quic_connection_arm (QuicConnection *connection)
{
  guint64 deadline = BASE_NEVER;

  switch (connection->state)
    {
    case QUIC_STATE_HANDSHAKE:
    case QUIC_STATE_OPEN:
      deadline = ngtcp2_conn_get_expiry (connection->conn);
      deadline = MIN (deadline, MIN (connection->user_deadline, connection->handshake_deadline));
      break;
    case QUIC_STATE_LINGER:
      deadline = connection->linger_until;
      break;
    case QUIC_STATE_ENDING: /* its turns of event and write come anyway */
      break;
    }
  base_heap_set (connection->endpoint->timers, &connection->timer, deadline);
}

void
quic_connection_set_events (QuicConnection *connection, const QuicConnectionEvents *events,
                            gpointer user_data)
{
  connection->events = events;
  connection->user_data = user_data;
}

gboolean
quic_connection_is_server (const QuicConnection *connection)
{
  return connection->server;
}

gboolean
quic_connection_is_connected (const QuicConnection *connection)
{
  return connection->state == QUIC_STATE_OPEN;
}

gboolean
quic_connection_is_raw (const QuicConnection *connection)
{
  return connection->raw;
}

PkiCertificate *
quic_connection_peer (const QuicConnection *connection)
{
  if (connection->peer == NULL && connection->handshake != NULL)
    return connection->handshake->peer;
  return connection->peer;
}

const NetAddress *
quic_connection_local (const QuicConnection *connection)
{
  return &connection->local;
}

const NetAddress *
quic_connection_remote (const QuicConnection *connection)
{
  return &connection->remote;
}

guint64
quic_connection_bytes (const QuicConnection *connection)
{
  return connection->bytes_in + connection->bytes_out;
}

void
quic_connection_info (const QuicConnection *connection, QuicConnectionInfo *info)
{
  ngtcp2_conn_info now;

  *info = (QuicConnectionInfo){ .bytes_in = connection->bytes_in,
                                .bytes_out = connection->bytes_out,
                                .packets_lost = connection->packets_lost,
                                .heard = connection->heard,
                                .migrations = connection->migrations };
  if (connection->conn == NULL)
    return;
  ngtcp2_conn_get_conn_info (connection->conn, &now);
  info->smoothed_rtt_us = now.smoothed_rtt / NGTCP2_MICROSECONDS;
  info->min_rtt_us = now.min_rtt == UINT64_MAX ? 0 : now.min_rtt / NGTCP2_MICROSECONDS;
  info->cwnd = now.cwnd;
  info->bytes_in_flight = now.bytes_in_flight;
  for (const GList *item = connection->streams.head; item != NULL; item = item->next)
    info->packets_lost
        += ngtcp2_conn_get_stream_loss_count (connection->conn, ((QuicStream *)item->data)->id);
}

guint64
quic_connection_now (const QuicConnection *connection)
{
  return connection->endpoint->now;
}

QuicStream *
quic_connection_open_stream (QuicConnection *connection)
{
  QuicStream *stream;
  gint64 id;

  if (connection->state != QUIC_STATE_OPEN || ngtcp2_conn_open_bidi_stream (connection->conn, &id, NULL) != 0)
    return NULL;
  stream = quic_stream_new (connection, id, FALSE);
  if (ngtcp2_conn_set_stream_user_data (connection->conn, id, stream) != 0)
    {
      quic_stream_free (stream);
      quic_connection_fail (connection, NGTCP2_ERR_INTERNAL);
      return NULL;
    }
  return stream;
}

void
quic_connection_wake (QuicConnection *connection)
{
  quic_endpoint_want_wake (connection->endpoint, connection);
}

void
quic_connection_set_deadline (QuicConnection *connection, guint64 deadline)
{
  if (connection->state > QUIC_STATE_OPEN)
    return;
  connection->user_deadline = deadline;
  quic_connection_arm (connection);
  if (deadline != BASE_NEVER)
    quic_endpoint_want_pass (connection->endpoint, deadline);
}

void
quic_connection_set_keep_alive (QuicConnection *connection, guint64 interval_ms)
{
  if (connection->conn == NULL || connection->state > QUIC_STATE_OPEN)
    return;
  ngtcp2_conn_set_keep_alive_timeout (connection->conn,
                                      interval_ms == 0 ? UINT64_MAX : interval_ms * NGTCP2_MILLISECONDS);
  quic_connection_arm (connection);
}

void
quic_connection_close (QuicConnection *connection, QuicCode code, const char *reason)
{
  GError *error = NULL;

  if (connection->state > QUIC_STATE_OPEN)
    return;
  if (reason != NULL && *reason != '\0')
    {
      gsize length = strlen (reason);

      /* Never half a character. */
      if (length > QUIC_MAX_REASON)
        length = (gsize)(g_utf8_find_prev_char (reason, reason + QUIC_MAX_REASON + 1) - reason);
      connection->close_reason = g_strndup (reason, length);
    }
  if (code != QUIC_CODE_NONE)
    base_error_set (&error, code == QUIC_CODE_REFUSED ? MUX_ERROR_REFUSED : MUX_ERROR_LOST, "%s",
                    connection->close_reason != NULL ? connection->close_reason
                                                     : _ ("The connection was closed here"));
  quic_connection_end (connection, QUIC_CLOSE_LOCAL, TRUE, code, -1, error);
}
