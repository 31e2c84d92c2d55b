/* What ngtcp2 tells. Nothing here calls the user, or ngtcp2 back but for plain readings: everything is noted,
 * and told in the endpoint's next event phase. A callback's only failure value is
 * NGTCP2_ERR_CALLBACK_FAILURE; any other number would abort. */
#include "quic/endpoint-private.h"
#include "quic/stop-scan.h"

#include <gnutls/crypto.h>
#include <string.h>

/* ngtcp2's decrypt callback is not told for which connection it is called; it is always the one being read on
 * this thread. */
static _Thread_local QuicConnection *reading;

static void
note_stop (gint64 id, guint64 code, gpointer user_data)
{
  QuicConnection *connection = user_data;

  for (GList *item = connection->streams.head; item != NULL; item = item->next)
    if (((QuicStream *)item->data)->id == id)
      {
        quic_stream_stopped_by_peer (item->data, code);
        return;
      }
  if (connection->state == QUIC_STATE_OPEN && connection->early_stops == NULL)
    connection->early_stops = g_array_new (FALSE, FALSE, sizeof (QuicEarlyStop));
  /* The stream may be opened by this very packet; a packet holds fewer frames than this. */
  if (connection->early_stops != NULL && connection->early_stops->len < QUIC_MAX_STREAMS)
    g_array_append_val (connection->early_stops, ((QuicEarlyStop){ .id = id, .code = code }));
}

static int
decrypt_cb (uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context,
            const uint8_t *ciphertext, size_t length, const uint8_t *nonce, size_t nonce_length,
            const uint8_t *aad, size_t aad_length)
{
  int rv = ngtcp2_crypto_decrypt_cb (dest, aead, context, ciphertext, length, nonce, nonce_length, aad,
                                     aad_length);

  /* Streams exist in short-header packets only; the header form bit is bit 7 of the first byte. */
  if (rv == 0 && reading != NULL && reading->verified && aad_length > 0 && (aad[0] & 0x80) == 0
      && length > aead->max_overhead)
    quic_stop_scan (dest, length - aead->max_overhead, note_stop, reading);
  return rv;
}

int
quic_connection_read_packet (QuicConnection *connection, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
                             const guint8 *data, gsize length, guint64 now)
{
  int rv;

  reading = connection;
  rv = ngtcp2_conn_read_pkt (connection->conn, path, info, data, length, now);
  reading = NULL;
  if (connection->early_stops != NULL)
    {
      GArray *stops = g_steal_pointer (&connection->early_stops);

      for (guint i = 0; i < stops->len; i++)
        {
          QuicEarlyStop *stop = &g_array_index (stops, QuicEarlyStop, i);

          for (GList *item = connection->streams.head; item != NULL; item = item->next)
            if (((QuicStream *)item->data)->id == stop->id)
              quic_stream_stopped_by_peer (item->data, stop->code);
        }
      g_array_unref (stops);
    }
  return rv;
}

static int
recv_crypto_data_cb (ngtcp2_conn *conn, ngtcp2_encryption_level level, uint64_t offset, const uint8_t *data,
                     size_t length, void *user_data)
{
  QuicConnection *connection = user_data;
  int rv;

  if (connection->handshake == NULL)
    {
      /* Confirmed. A client has nothing to say after its Finished; a server may offer session tickets, which
       * are not wanted. */
      if (!connection->server)
        return 0;
      ngtcp2_conn_set_tls_alert (conn, GNUTLS_A_UNEXPECTED_MESSAGE);
      return NGTCP2_ERR_CRYPTO;
    }
  rv = ngtcp2_crypto_recv_crypto_data_cb (conn, level, offset, data, length, user_data);
  if (rv != 0 && connection->handshake->alert >= 0)
    ngtcp2_conn_set_tls_alert (conn, (uint8_t)connection->handshake->alert);
  return rv;
}

static int
handshake_completed_cb (ngtcp2_conn *conn, void *user_data)
{
  QuicConnection *connection = user_data;

  if (connection->handshake == NULL || connection->handshake->peer == NULL)
    return NGTCP2_ERR_CALLBACK_FAILURE;
  connection->verified = TRUE;
  connection->raw = quic_handshake_is_raw (connection->handshake);
  if (connection->server)
    {
      connection->confirmed = TRUE;
      connection->new_token = TRUE;
      quic_endpoint_want_events (connection->endpoint, connection);
    }
  return 0;
}

static int
handshake_confirmed_cb (ngtcp2_conn *conn, void *user_data)
{
  QuicConnection *connection = user_data;

  connection->confirmed = TRUE;
  quic_endpoint_want_events (connection->endpoint, connection);
  return 0;
}

static int
recv_stream_data_cb (ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data,
                     size_t length, void *user_data, void *stream_user_data)
{
  QuicStream *stream = stream_user_data;

  if (stream == NULL)
    return NGTCP2_ERR_CALLBACK_FAILURE;
  if (stream->read_stopped)
    return 0;
  quic_receive_buffer_append (&stream->receive, data, length);
  if (flags & NGTCP2_STREAM_DATA_FLAG_FIN)
    stream->receive.fin = TRUE;
  stream->tell_readable = TRUE;
  quic_stream_mark (stream);
  return 0;
}

static int
acked_stream_data_offset_cb (ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t length, void *user_data,
                             void *stream_user_data)
{
  QuicStream *stream = stream_user_data;

  if (stream == NULL || length == 0)
    return 0;
  quic_send_buffer_acked (&stream->send, offset + length);
  stream->tell_writable = TRUE;
  quic_stream_mark (stream);
  return 0;
}

static int
stream_open_cb (ngtcp2_conn *conn, int64_t id, void *user_data)
{
  QuicConnection *connection = user_data;
  QuicStream *stream = quic_stream_new (connection, id, TRUE);

  if (ngtcp2_conn_set_stream_user_data (conn, id, stream) != 0)
    {
      quic_stream_free (stream);
      return NGTCP2_ERR_CALLBACK_FAILURE;
    }
  quic_stream_mark (stream);
  return 0;
}

static int
stream_close_cb (ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *user_data,
                 void *stream_user_data)
{
  QuicConnection *connection = user_data;
  QuicStream *stream = stream_user_data;

  if (stream == NULL)
    return 0;
  connection->packets_lost += ngtcp2_conn_get_stream_loss_count (conn, id);
  stream->gone = TRUE;
  quic_stream_unschedule (stream);
  quic_send_buffer_clear (&stream->send);
  quic_stream_mark (stream);
  return 0;
}

static int
stream_reset_cb (ngtcp2_conn *conn, int64_t id, uint64_t final_size, uint64_t code, void *user_data,
                 void *stream_user_data)
{
  QuicStream *stream = stream_user_data;

  if (stream == NULL)
    return 0;
  stream->tell_reset = TRUE;
  stream->reset_code = code;
  quic_stream_mark (stream);
  return 0;
}

static int
extend_max_stream_data_cb (ngtcp2_conn *conn, int64_t id, uint64_t max_data, void *user_data,
                           void *stream_user_data)
{
  QuicStream *stream = stream_user_data;

  if (stream != NULL && stream->send_queue == &stream->connection->stalled)
    quic_stream_schedule (stream);
  return 0;
}

static int
extend_max_local_streams_cb (ngtcp2_conn *conn, uint64_t max_streams, void *user_data)
{
  QuicConnection *connection = user_data;

  connection->tell_streams = TRUE;
  quic_endpoint_want_events (connection->endpoint, connection);
  return 0;
}

static int
path_validation_cb (ngtcp2_conn *conn, uint32_t flags, const ngtcp2_path *path, const ngtcp2_path *old_path,
                    ngtcp2_path_validation_result result, void *user_data)
{
  QuicConnection *connection = user_data;

  if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS)
    return 0;
  connection->tell_path = TRUE;
  if (flags & NGTCP2_PATH_VALIDATION_FLAG_NEW_TOKEN)
    connection->new_token = TRUE;
  quic_endpoint_want_events (connection->endpoint, connection);
  return 0;
}

static int
recv_stateless_reset_cb (ngtcp2_conn *conn, const ngtcp2_pkt_stateless_reset *reset, void *user_data)
{
  ((QuicConnection *)user_data)->got_reset = TRUE;
  return 0;
}

static int
recv_new_token_cb (ngtcp2_conn *conn, const uint8_t *token, size_t length, void *user_data)
{
  QuicConnection *connection = user_data;

  quic_endpoint_keep_token (connection->endpoint, &connection->remote, token, length);
  return 0;
}

static void
rand_cb (uint8_t *dest, size_t length, const ngtcp2_rand_ctx *context)
{
  /* Not for keys (ngtcp2 says), and there is no way to fail: an untouched buffer would do. */
  if (gnutls_rnd (GNUTLS_RND_NONCE, dest, length) != 0)
    memset (dest, 0, length);
}

static int
get_new_connection_id_cb (ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token, size_t length, void *user_data)
{
  return quic_connection_new_cid (user_data, cid, length, token) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int
remove_connection_id_cb (ngtcp2_conn *conn, const ngtcp2_cid *cid, void *user_data)
{
  QuicConnection *connection = user_data;

  quic_cid_table_remove (connection->endpoint->cids, cid->data, cid->datalen, &connection->cids);
  return 0;
}

/* The IDs we send to, with the tokens by which the peer would disown them. */
static int
dcid_status_cb (ngtcp2_conn *conn, ngtcp2_connection_id_status_type type, uint64_t sequence,
                const ngtcp2_cid *cid, const uint8_t *token, void *user_data)
{
  QuicConnection *connection = user_data;
  QuicCidTable *resets = connection->endpoint->resets;

  if (token == NULL)
    return 0;
  if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE)
    quic_cid_table_add (resets, token, NGTCP2_STATELESS_RESET_TOKENLEN, connection,
                        &connection->reset_tokens);
  else
    quic_cid_table_remove (resets, token, NGTCP2_STATELESS_RESET_TOKENLEN, &connection->reset_tokens);
  return 0;
}

#define COMMON_CALLBACKS                                                                                     \
  .recv_crypto_data = recv_crypto_data_cb, .handshake_completed = handshake_completed_cb,                    \
  .encrypt = ngtcp2_crypto_encrypt_cb, .decrypt = decrypt_cb, .hp_mask = ngtcp2_crypto_hp_mask_cb,           \
  .recv_stream_data = recv_stream_data_cb, .acked_stream_data_offset = acked_stream_data_offset_cb,          \
  .stream_open = stream_open_cb, .stream_close = stream_close_cb, .stream_reset = stream_reset_cb,           \
  .recv_stateless_reset = recv_stateless_reset_cb,                                                           \
  .extend_max_local_streams_bidi = extend_max_local_streams_cb,                                              \
  .extend_max_stream_data = extend_max_stream_data_cb, .rand = rand_cb,                                      \
  .get_new_connection_id = get_new_connection_id_cb, .remove_connection_id = remove_connection_id_cb,        \
  .update_key = ngtcp2_crypto_update_key_cb, .path_validation = path_validation_cb,                          \
  .dcid_status = dcid_status_cb, .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,          \
  .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,                                     \
  .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,                                       \
  .version_negotiation = ngtcp2_crypto_version_negotiation_cb

const ngtcp2_callbacks quic_client_callbacks = {
  COMMON_CALLBACKS,
  .client_initial = ngtcp2_crypto_client_initial_cb,
  .recv_retry = ngtcp2_crypto_recv_retry_cb,
  .handshake_confirmed = handshake_confirmed_cb,
  .recv_new_token = recv_new_token_cb,
};

const ngtcp2_callbacks quic_server_callbacks = {
  COMMON_CALLBACKS,
  .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
};
