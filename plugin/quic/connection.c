#include "quic/connection.h"

#include "base/error.h"
#include "quic/endpoint-private.h"

#include <glib/gi18n-lib.h>
#include <gnutls/crypto.h>
#include <string.h>

/* Flow control: what a stream and a connection may hold unread at first, and what auto-tuning grows them to. */
#define STREAM_WINDOW (256 * 1024)
#define STREAM_WINDOW_MAX (6 * 1024 * 1024)
#define CONNECTION_WINDOW (1024 * 1024)
#define CONNECTION_WINDOW_MAX (16 * 1024 * 1024)
/* Connection IDs that the peer may keep for us: one in use, spares for paths that change in quick succession. */
#define ACTIVE_CID_LIMIT 4
/* Peers that offer longer IDs than any version has are refused by ngtcp2. */
#define CLIENT_DCID_LENGTH 18

static ngtcp2_cc_algo
congestion (QuicCongestion choice)
{
  switch (choice)
    {
    case QUIC_CC_BBR:
      return NGTCP2_CC_ALGO_BBR;
    case QUIC_CC_RENO:
      return NGTCP2_CC_ALGO_RENO;
    case QUIC_CC_CUBIC:
    default:
      return NGTCP2_CC_ALGO_CUBIC;
    }
}

static void
fill_settings (const QuicConnectionSetup *setup, guint64 now, ngtcp2_settings *settings)
{
  ngtcp2_settings_default (settings);
  settings->cc_algo = congestion (setup->config->congestion);
  settings->initial_ts = now;
  settings->max_window = CONNECTION_WINDOW_MAX;
  settings->max_stream_window = STREAM_WINDOW_MAX;
  settings->no_pmtud = setup->config->no_pmtud ? 1 : 0;
  /* The deadline is ours, because a client waits for the confirmation too. */
  settings->handshake_timeout = UINT64_MAX;
  if (setup->initial != NULL && setup->validated)
    {
      settings->token = setup->initial->token;
      settings->tokenlen = setup->initial->tokenlen;
      settings->token_type = setup->odcid != NULL ? NGTCP2_TOKEN_TYPE_RETRY : NGTCP2_TOKEN_TYPE_NEW_TOKEN;
    }
  else if (setup->token != NULL)
    {
      settings->token = g_bytes_get_data (setup->token, &settings->tokenlen);
      settings->token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
    }
}

static void
fill_params (const QuicConnectionSetup *setup, ngtcp2_transport_params *params)
{
  ngtcp2_transport_params_default (params);
  params->initial_max_stream_data_bidi_local = STREAM_WINDOW;
  params->initial_max_stream_data_bidi_remote = STREAM_WINDOW;
  params->initial_max_data = CONNECTION_WINDOW;
  params->initial_max_streams_bidi = QUIC_MAX_STREAMS;
  params->initial_max_streams_uni = 0;
  params->max_idle_timeout = setup->config->max_idle_timeout_ms * NGTCP2_MILLISECONDS;
  params->active_connection_id_limit = ACTIVE_CID_LIMIT;
  if (setup->initial == NULL)
    return;
  params->original_dcid_present = 1;
  params->original_dcid = setup->odcid != NULL ? *setup->odcid : setup->initial->dcid;
  if (setup->odcid != NULL)
    {
      params->retry_scid = setup->initial->dcid;
      params->retry_scid_present = 1;
    }
}

gboolean
quic_connection_new_cid (QuicConnection *connection, ngtcp2_cid *cid, gsize length, guint8 *reset_token)
{
  QuicEndpoint *endpoint = connection->endpoint;

  cid->datalen = length;
  return gnutls_rnd (GNUTLS_RND_RANDOM, cid->data, length) == 0
         && ngtcp2_crypto_generate_stateless_reset_token (reset_token, endpoint->reset_key, sizeof endpoint->reset_key,
                                                          cid)
                == 0
         && quic_cid_table_add (endpoint->cids, cid->data, length, connection, &connection->cids);
}

static int
new_client_conn (QuicConnection *connection, const QuicConnectionSetup *setup, const ngtcp2_path *path,
                 const ngtcp2_cid *scid, const ngtcp2_settings *settings, const ngtcp2_transport_params *params)
{
  ngtcp2_cid dcid = { .datalen = CLIENT_DCID_LENGTH };

  if (gnutls_rnd (GNUTLS_RND_RANDOM, dcid.data, dcid.datalen) != 0)
    return NGTCP2_ERR_INTERNAL;
  return ngtcp2_conn_client_new (&connection->conn, &dcid, scid, path, NGTCP2_PROTO_VER_V1, &quic_client_callbacks,
                                 settings, params, NULL, connection);
}

static int
new_server_conn (QuicConnection *connection, const QuicConnectionSetup *setup, const ngtcp2_path *path,
                 const ngtcp2_cid *scid, const ngtcp2_settings *settings, const ngtcp2_transport_params *params)
{
  const ngtcp2_pkt_hd *initial = setup->initial;

  /* A second Initial of the same client must find this connection. */
  connection->first_dcid = initial->dcid;
  if (!quic_cid_table_add (connection->endpoint->cids, initial->dcid.data, initial->dcid.datalen, connection,
                           &connection->cids))
    return NGTCP2_ERR_INVALID_STATE;
  return ngtcp2_conn_server_new (&connection->conn, &initial->scid, scid, path, initial->version,
                                 &quic_server_callbacks, settings, params, NULL, connection);
}

static ngtcp2_path
path_of (const NetAddress *local, const NetAddress *remote)
{
  return (ngtcp2_path){
    .local = { .addr = (ngtcp2_sockaddr *) &local->u.any, .addrlen = local->length },
    .remote = { .addr = (ngtcp2_sockaddr *) &remote->u.any, .addrlen = remote->length },
  };
}

static int
set_up (QuicConnection *connection, const QuicConnectionSetup *setup)
{
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_path path = path_of (&connection->local, &connection->remote);
  ngtcp2_cid scid;
  int rv;

  fill_settings (setup, connection->endpoint->now, &settings);
  fill_params (setup, &params);
  if (!quic_connection_new_cid (connection, &scid, QUIC_CID_LENGTH, params.stateless_reset_token))
    return NGTCP2_ERR_INTERNAL;
  params.stateless_reset_token_present = connection->server ? 1 : 0;
  rv = (connection->server ? new_server_conn : new_client_conn) (connection, setup, &path, &scid, &settings, &params);
  if (rv != 0)
    return rv;
  quic_handshake_attach (connection->handshake, connection->conn);
  quic_connection_set_keep_alive (connection, setup->config->keep_alive_interval_ms);
  return 0;
}

QuicConnection *
quic_connection_new (QuicEndpoint *endpoint, const QuicConnectionSetup *setup, GError **error)
{
  QuicConnection *connection = g_new0 (QuicConnection, 1);
  int rv;

  connection->endpoint = endpoint;
  connection->server = setup->initial != NULL;
  connection->local = *setup->local;
  connection->remote = *setup->remote;
  connection->user_deadline = BASE_NEVER;
  connection->handshake_deadline = endpoint->now + setup->config->handshake_timeout_ms * BASE_MILLISECOND;
  connection->link.data = connection->event_link.data = connection->wake_link.data = connection->write_link.data
      = connection;
  g_queue_push_tail_link (&endpoint->connections, &connection->link);
  endpoint->live++;
  connection->handshake = quic_handshake_new (setup->tls, connection->server, error);
  rv = connection->handshake != NULL ? set_up (connection, setup) : NGTCP2_ERR_INTERNAL;
  if (rv == 0)
    return connection;
  base_error_set (error, MUX_ERROR_FAILED, _ ("A QUIC connection could not be made: %s"), ngtcp2_strerror (rv));
  connection->told_closed = TRUE;
  endpoint->live--;
  quic_connection_free (connection);
  return NULL;
}

void
quic_connection_free (QuicConnection *connection)
{
  g_assert (connection->told_closed);
  g_assert (connection->streams.length == 0);
  quic_endpoint_forget (connection->endpoint, connection);
  g_clear_pointer (&connection->handshake, quic_handshake_free);
  g_clear_pointer (&connection->conn, ngtcp2_conn_del);
  g_clear_pointer (&connection->close_packet, g_bytes_unref);
  g_clear_pointer (&connection->peer, pki_certificate_unref);
  g_clear_error (&connection->close.error);
  g_assert (connection->cids.first == NULL && connection->reset_tokens.first == NULL);
  g_free (connection->close_reason);
  g_free (connection);
}

void
quic_connection_read (QuicConnection *connection, const NetAddress *local, const NetAddress *remote, guint8 ecn,
                      const guint8 *data, gsize length)
{
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
  /* A client's path is the one it dialled: its socket may be bound to the wildcard, and the system chooses. */
  path = path_of (connection->server ? local : &connection->local, remote);
  rv = quic_connection_read_packet (connection, &path, &info, data, length, endpoint->now);
  if (rv != 0)
    quic_connection_fail (connection, rv);
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
quic_connection_set_events (QuicConnection *connection, const QuicConnectionEvents *events, gpointer user_data)
{
  connection->events = events;
  connection->user_data = user_data;
}

gpointer
quic_connection_user_data (const QuicConnection *connection)
{
  return connection->user_data;
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

void
quic_connection_info (const QuicConnection *connection, QuicConnectionInfo *info)
{
  ngtcp2_conn_info now;

  *info = (QuicConnectionInfo){ .bytes_in = connection->bytes_in,
                                .bytes_out = connection->bytes_out,
                                .packets_lost = connection->packets_lost,
                                .migrations = connection->migrations };
  if (connection->conn == NULL)
    return;
  ngtcp2_conn_get_conn_info (connection->conn, &now);
  info->smoothed_rtt_us = now.smoothed_rtt / NGTCP2_MICROSECONDS;
  info->min_rtt_us = now.min_rtt == UINT64_MAX ? 0 : now.min_rtt / NGTCP2_MICROSECONDS;
  info->cwnd = now.cwnd;
  info->bytes_in_flight = now.bytes_in_flight;
  for (const GList *item = connection->streams.head; item != NULL; item = item->next)
    info->packets_lost += ngtcp2_conn_get_stream_loss_count (connection->conn, ((QuicStream *) item->data)->id);
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

  if (connection->state != QUIC_STATE_OPEN
      || ngtcp2_conn_open_bidi_stream (connection->conn, &id, NULL) != 0)
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
        length = (gsize) (g_utf8_find_prev_char (reason, reason + QUIC_MAX_REASON + 1) - reason);
      connection->close_reason = g_strndup (reason, length);
    }
  if (code != QUIC_CODE_NONE)
    base_error_set (&error, code == QUIC_CODE_REFUSED ? MUX_ERROR_REFUSED : MUX_ERROR_LOST, "%s",
                    connection->close_reason != NULL ? connection->close_reason : _ ("The connection was closed here"));
  quic_connection_end (connection, QUIC_CLOSE_LOCAL, TRUE, code, -1, error);
}
