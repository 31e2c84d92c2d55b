#include "harness/pair.h"

#include <string.h>

#define BACKLOG (256 * 1024)
#define PIECE 16384

static const QuicStreamEvents stream_events;
static const QuicConnectionEvents connection_events;

static Flow *
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

static void
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

  g_checksum_update (flow->sent_sum, data, (gssize) length);
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
      gsize length = (gsize) MIN (flow->to_send, sizeof piece);

      for (gsize i = 0; i < length; i++)
        piece[i] = (guint8) ((flow->queued + i) * 2654435761u >> 13 ^ (guint64) flow->id);
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
      g_checksum_update (flow->received_sum, buffer, (gssize) n);
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

static gboolean
authorize_cb (QuicConnection *connection, PkiCertificate *certificate, gpointer user_data, GError **error)
{
  Peer *peer = user_data;

  g_assert_false (peer->connected);
  g_assert_nonnull (certificate);
  if (!peer->pair->refuse)
    return TRUE;
  g_set_error_literal (error, MUX_ERROR, MUX_ERROR_REFUSED, "not on the list");
  return FALSE;
}

static void
connected_cb (QuicConnection *connection, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_false (peer->connected || peer->closed);
  g_assert_nonnull (quic_connection_peer (connection));
  peer->connected = TRUE;
  peer->raw = quic_connection_is_raw (connection);
}

static void
stream_opened_cb (QuicConnection *connection, QuicStream *stream, gpointer user_data)
{
  Peer *peer = user_data;
  Flow *flow;

  g_assert_true (peer->connected && !peer->closed);
  if (peer->pair->leave_streams)
    return;
  flow = flow_new (peer, stream);
  flow->echo = peer->server && peer->pair->server_echo;
  flow->paused = peer->server && peer->pair->server_paused;
}

static void
streams_available_cb (QuicConnection *connection, gpointer user_data)
{
  ((Peer *) user_data)->streams_available++;
}

static void
pass_cb (QuicConnection *connection, guint64 now, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_cmpuint (now, ==, link_now (peer->pair->link));
  peer->passes++;
}

static void
path_changed_cb (QuicConnection *connection, gpointer user_data)
{
  ((Peer *) user_data)->paths++;
}

static void
closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_true (peer->connection == connection && !peer->closed);
  for (guint i = 0; i < peer->flows->len; i++)
    g_assert_true (((Flow *) peer->flows->pdata[i])->closed);
  peer->closed = TRUE;
  peer->connection = NULL;
  peer->close = *info;
  g_assert_true (info->error != NULL || (info->cause == QUIC_CLOSE_LOCAL && info->code == QUIC_CODE_NONE));
  peer->close.error = info->error != NULL ? g_error_copy (info->error) : NULL;
}

static const QuicConnectionEvents connection_events = {
  .authorize = authorize_cb,
  .connected = connected_cb,
  .stream_opened = stream_opened_cb,
  .streams_available = streams_available_cb,
  .pass = pass_cb,
  .path_changed = path_changed_cb,
  .closed = closed_cb,
};

static Peer *
peer_new (Pair *pair, gboolean server)
{
  Peer *peer = g_new0 (Peer, 1);

  peer->pair = pair;
  peer->server = server;
  peer->flows = g_ptr_array_new_with_free_func (flow_free);
  g_ptr_array_add (server ? pair->servers : pair->clients, peer);
  return peer;
}

static void
peer_free (gpointer data)
{
  Peer *peer = data;

  g_clear_error (&peer->close.error);
  g_ptr_array_unref (peer->flows);
  g_free (peer);
}

static void
accept_cb (QuicEndpoint *endpoint, QuicConnection *connection, gpointer user_data)
{
  Peer *peer = peer_new (user_data, TRUE);

  peer->connection = connection;
  quic_connection_set_events (connection, &connection_events, peer);
}

static void
start_server (Pair *pair)
{
  g_autoptr (GError) error = NULL;

  pair->server = quic_endpoint_new_server (&pair->server_config, pair->server_tls, pair->certs->secret, link_sink (),
                                           link_sink_data (pair->link, LINK_SERVER), accept_cb, pair, &error);
  g_assert_no_error (error);
  link_attach (pair->link, LINK_SERVER, pair->server);
}

void
pair_start (Pair *pair)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiSecret) secret = NULL;

  if (pair->server != NULL)
    return;
  start_server (pair);
  secret = pki_secret_new_random (&error);
  g_assert_no_error (error);
  pair->client = quic_endpoint_new_client (secret, link_sink (), link_sink_data (pair->link, LINK_CLIENT), &error);
  g_assert_no_error (error);
  link_attach (pair->link, LINK_CLIENT, pair->client);
}

void
pair_restart_server (Pair *pair)
{
  link_attach (pair->link, LINK_SERVER, NULL);
  quic_endpoint_free (pair->server);
  start_server (pair);
}

Peer *
pair_connect (Pair *pair)
{
  g_autoptr (GError) error = NULL;
  Peer *peer;

  pair_start (pair);
  peer = peer_new (pair, FALSE);
  peer->connection = quic_endpoint_connect (pair->client, link_address (pair->link, LINK_CLIENT),
                                            link_address (pair->link, LINK_SERVER), pair->client_tls,
                                            &pair->client_config, &connection_events, peer, link_now (pair->link), &error);
  g_assert_no_error (error);
  g_assert_nonnull (peer->connection);
  return peer;
}

Peer *
pair_last_server (Pair *pair)
{
  g_assert_cmpuint (pair->servers->len, >, 0);
  return pair->servers->pdata[pair->servers->len - 1];
}

Peer *
pair_connected (Pair *pair)
{
  Peer *peer = pair_connect (pair);

  g_assert_true (link_run_until (pair->link, peer_is_connected, peer, 30 * BASE_SECOND));
  g_assert_true (pair_last_server (pair)->connected);
  return peer;
}

Pair *
pair_new (Certs *certs, guint32 seed)
{
  g_autoptr (GError) error = NULL;
  Pair *pair = g_new0 (Pair, 1);

  pair->link = link_new (seed);
  pair->certs = certs;
  pair->client_config = (QuicConnectionConfig){ .max_idle_timeout_ms = 30000, .handshake_timeout_ms = 10000 };
  pair->server_config = (QuicServerConfig){ .connection = pair->client_config,
                                            .max_connections = 10000,
                                            .max_half_open = 256,
                                            .retry_from = 16,
                                            .retry = QUIC_RETRY_AUTO };
  pair->clients = g_ptr_array_new_with_free_func (peer_free);
  pair->servers = g_ptr_array_new_with_free_func (peer_free);
  pair->server_tls = quic_tls_new_server (certs->server, certs->trust, FALSE, &error);
  g_assert_no_error (error);
  pair->client_tls = quic_tls_new_client (certs->client, certs->trust, "server.test", TRUE, QUIC_ALPN, &error);
  g_assert_no_error (error);
  return pair;
}

void
pair_free (Pair *pair)
{
  g_clear_pointer (&pair->client, quic_endpoint_free);
  g_clear_pointer (&pair->server, quic_endpoint_free);
  for (guint i = 0; i < pair->clients->len; i++)
    g_assert_true (peer_is_closed (pair->clients->pdata[i]));
  for (guint i = 0; i < pair->servers->len; i++)
    g_assert_true (peer_is_closed (pair->servers->pdata[i]));
  g_ptr_array_unref (pair->clients);
  g_ptr_array_unref (pair->servers);
  quic_tls_unref (pair->client_tls);
  quic_tls_unref (pair->server_tls);
  link_free (pair->link);
  g_free (pair);
}

Flow *
peer_open (Peer *peer)
{
  QuicStream *stream = quic_connection_open_stream (peer->connection);

  return stream != NULL ? flow_new (peer, stream) : NULL;
}

Flow *
peer_flow (Peer *peer, guint index)
{
  g_assert_cmpuint (index, <, peer->flows->len);
  return peer->flows->pdata[index];
}

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
peer_is_connected (gpointer peer)
{
  return ((Peer *) peer)->connected;
}

gboolean
peer_is_closed (gpointer peer)
{
  return ((Peer *) peer)->closed;
}

gboolean
flow_is_closed (gpointer flow)
{
  return ((Flow *) flow)->closed;
}
