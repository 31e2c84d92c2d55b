/* Packets out of a connection: streams by urgency and then in turn, several in one packet, packets of one
 * burst in one buffer. */
#include "quic/endpoint-private.h"

#include <string.h>

#define MAX_VECTORS 16

typedef struct
{
  QuicConnection *connection;
  guint64 now;
  guint8 *buffer;
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  guint64 data_left; /* of the peer's connection window, in this packet */
} Packet;

/* The stream whose turn it is. With the peer's window used up only a bare FIN can still leave. */
static QuicStream *
next_stream (const Packet *packet)
{
  QuicConnection *connection = packet->connection;

  for (guint urgency = 0; urgency < QUIC_URGENCIES; urgency++)
    for (GList *item = connection->sendable[urgency].head; item != NULL; item = item->next)
      if (packet->data_left > 0 || quic_stream_unsent (item->data) == 0)
        return item->data;
  return NULL;
}

/* A packet took @length bytes of @stream. */
static void
account (Packet *packet, QuicStream *stream, ngtcp2_ssize length, gboolean fin)
{
  packet->data_left -= MIN (packet->data_left, (guint64)length);
  quic_send_buffer_sent (&stream->send, (gsize)length, fin);
  if (length > 0)
    {
      stream->tell_writable = TRUE;
      quic_stream_mark (stream);
    }
  quic_stream_schedule (stream); /* to the end of its queue, or out of it */
}

/* Offers @stream's data for the packet, or with NULL completes it. Returns ngtcp2's result with what it means
 * for the stream done. */
static ngtcp2_ssize
offer (Packet *packet, QuicStream *stream)
{
  ngtcp2_conn *conn = packet->connection->conn;
  ngtcp2_vec vectors[MAX_VECTORS];
  ngtcp2_ssize taken = -1, n;
  gboolean fin = FALSE;
  gsize n_vectors = 0, offered = 0;

  if (stream == NULL)
    return ngtcp2_conn_writev_stream (conn, &packet->path.path, &packet->info, packet->buffer,
                                      QUIC_OUTBOX_PACKET, NULL, NGTCP2_WRITE_STREAM_FLAG_NONE, -1, NULL, 0,
                                      packet->now);
  n_vectors = quic_send_buffer_gather (&stream->send, vectors, MAX_VECTORS, &fin);
  for (gsize i = 0; i < n_vectors; i++)
    offered += vectors[i].len;
  n = ngtcp2_conn_writev_stream (conn, &packet->path.path, &packet->info, packet->buffer, QUIC_OUTBOX_PACKET,
                                 &taken,
                                 NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0),
                                 stream->id, vectors, n_vectors, packet->now);
  /* The stream's own window: with the connection's used up, nothing is offered. extend_max_stream_data_cb ()
   * schedules it again. */
  if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED)
    quic_stream_stall (stream);
  else if (n == NGTCP2_ERR_STREAM_SHUT_WR || n == NGTCP2_ERR_STREAM_NOT_FOUND)
    {
      quic_send_buffer_abandon (&stream->send);
      quic_stream_unschedule (stream);
    }
  else if (taken >= 0)
    account (packet, stream, taken, fin && (gsize)taken == offered);
  return n;
}

static gboolean
may_go_on (ngtcp2_ssize n)
{
  return n == NGTCP2_ERR_WRITE_MORE || n == NGTCP2_ERR_STREAM_DATA_BLOCKED || n == NGTCP2_ERR_STREAM_SHUT_WR
         || n == NGTCP2_ERR_STREAM_NOT_FOUND;
}

/* One packet: its length, 0 when none can be sent now, or an error of ngtcp2. */
static ngtcp2_ssize
build (Packet *packet)
{
  QuicConnection *connection = packet->connection;
  ngtcp2_ssize n;

  packet->data_left = ngtcp2_conn_get_max_data_left (connection->conn);
  do
    n = offer (packet,
               connection->state == QUIC_STATE_OPEN || connection->verified ? next_stream (packet) : NULL);
  while (may_go_on (n));
  return n;
}

static void
commit (Packet *packet, gsize length)
{
  QuicConnection *connection = packet->connection;
  const ngtcp2_path *path = &packet->path.path;
  NetAddress local, remote;
  gboolean probe = length > ngtcp2_conn_get_path_max_tx_udp_payload_size (connection->conn);

  if (!net_address_from_sockaddr (&local, path->local.addr, path->local.addrlen)
      || !net_address_from_sockaddr (&remote, path->remote.addr, path->remote.addrlen))
    {
      local = connection->local;
      remote = connection->remote;
    }
  connection->bytes_out += length;
  quic_outbox_commit (connection->endpoint->outbox, length, &local, &remote, packet->info.ecn, probe);
}

static void
submit_new_token (QuicConnection *connection)
{
  QuicEndpoint *endpoint = connection->endpoint;
  guint8 token[QUIC_TOKEN_MAX];
  gsize length = quic_token_regular (&endpoint->tokens, token, &connection->remote, endpoint->now);

  connection->new_token = FALSE;
  /* Without it the next handshake may cost a Retry, no more. */
  if (length > 0 && ngtcp2_conn_submit_new_token (connection->conn, token, length) != 0)
    quic_connection_fail (connection, NGTCP2_ERR_NOMEM);
}

QuicWriteResult
quic_connection_write (QuicConnection *connection, guint *packets)
{
  QuicEndpoint *endpoint = connection->endpoint;
  Packet packet = { .connection = connection, .now = endpoint->now };
  gsize quantum = ngtcp2_conn_get_send_quantum (connection->conn), written = 0;
  QuicWriteResult result = QUIC_WRITE_AGAIN;

  ngtcp2_path_storage_zero (&packet.path);
  if (connection->new_token)
    submit_new_token (connection);
  if (connection->migrate)
    quic_connection_begin_migration (connection);
  for (*packets = 0; *packets < QUIC_TURN_PACKETS && written < quantum; ++*packets)
    {
      ngtcp2_ssize n;

      packet.buffer = quic_outbox_reserve (endpoint->outbox);
      if (packet.buffer == NULL)
        {
          result = QUIC_WRITE_BLOCKED;
          break;
        }
      n = build (&packet);
      if (n <= 0)
        {
          result = QUIC_WRITE_DONE;
          if (n < 0)
            quic_connection_fail (connection, (int)n);
          break;
        }
      commit (&packet, (gsize)n);
      written += (gsize)n;
    }
  if (written > 0)
    ngtcp2_conn_update_pkt_tx_time (connection->conn, endpoint->now);
  return result;
}
