/* How a connection begins and how its memory goes: settings, transport parameters, IDs. */
#include "quic/endpoint-private.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>
#include <gnutls/crypto.h>

/* Flow control: what a stream and a connection may hold unread at first, and what auto-tuning grows them to.
 */
#define STREAM_WINDOW (256 * 1024)
#define STREAM_WINDOW_MAX (6 * 1024 * 1024)
#define CONNECTION_WINDOW (1024 * 1024)
#define CONNECTION_WINDOW_MAX (16 * 1024 * 1024)
/* Connection IDs that the peer may keep for us: one in use, spares for paths that change in quick succession.
 */
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
         && ngtcp2_crypto_generate_stateless_reset_token (reset_token, endpoint->reset_key,
                                                          sizeof endpoint->reset_key, cid)
                == 0
         && quic_cid_table_add (endpoint->cids, cid->data, length, connection, &connection->cids);
}

static int
new_client_conn (QuicConnection *connection, const QuicConnectionSetup *setup, const ngtcp2_path *path,
                 const ngtcp2_cid *scid, const ngtcp2_settings *settings,
                 const ngtcp2_transport_params *params)
{
  ngtcp2_cid dcid = { .datalen = CLIENT_DCID_LENGTH };

  if (gnutls_rnd (GNUTLS_RND_RANDOM, dcid.data, dcid.datalen) != 0)
    return NGTCP2_ERR_INTERNAL;
  return ngtcp2_conn_client_new (&connection->conn, &dcid, scid, path, NGTCP2_PROTO_VER_V1,
                                 &quic_client_callbacks, settings, params, NULL, connection);
}

static int
new_server_conn (QuicConnection *connection, const QuicConnectionSetup *setup, const ngtcp2_path *path,
                 const ngtcp2_cid *scid, const ngtcp2_settings *settings,
                 const ngtcp2_transport_params *params)
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

static int
set_up (QuicConnection *connection, const QuicConnectionSetup *setup)
{
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_path path = quic_connection_path (&connection->local, &connection->remote);
  ngtcp2_cid scid;
  int rv;

  fill_settings (setup, connection->endpoint->now, &settings);
  fill_params (setup, &params);
  if (!quic_connection_new_cid (connection, &scid, QUIC_CID_LENGTH, params.stateless_reset_token))
    return NGTCP2_ERR_INTERNAL;
  params.stateless_reset_token_present = connection->server ? 1 : 0;
  rv = (connection->server ? new_server_conn : new_client_conn) (connection, setup, &path, &scid, &settings,
                                                                 &params);
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
  connection->link.data = connection->event_link.data = connection->wake_link.data
      = connection->write_link.data = connection;
  g_queue_push_tail_link (&endpoint->connections, &connection->link);
  endpoint->live++;
  connection->handshake = quic_handshake_new (setup->tls, connection->server, error);
  rv = connection->handshake != NULL ? set_up (connection, setup) : NGTCP2_ERR_INTERNAL;
  if (rv == 0)
    return connection;
  base_error_set (error, MUX_ERROR_FAILED, _ ("A QUIC connection could not be made: %s"),
                  ngtcp2_strerror (rv));
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
