#include "harness/pair.h"

static const QuicConnectionEvents connection_events;

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
  ((Peer *)user_data)->streams_available++;
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
  ((Peer *)user_data)->paths++;
}

static void
closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  Peer *peer = user_data;

  g_assert_true (peer->connection == connection && !peer->closed);
  for (guint i = 0; i < peer->flows->len; i++)
    g_assert_true (((Flow *)peer->flows->pdata[i])->closed);
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

  pair->server
      = quic_endpoint_new_server (&pair->server_config, pair->server_tls, pair->certs->secret, link_sink (),
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
  pair->client
      = quic_endpoint_new_client (secret, link_sink (), link_sink_data (pair->link, LINK_CLIENT), &error);
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
  peer->connection = quic_endpoint_connect (
      pair->client, link_address (pair->link, LINK_CLIENT), link_address (pair->link, LINK_SERVER),
      pair->client_tls, &pair->client_config, &connection_events, peer, link_now (pair->link), &error);
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
  pair->client_tls
      = quic_tls_new_client (certs->client, certs->trust, "server.test", TRUE, QUIC_ALPN, &error);
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

gboolean
peer_is_connected (gpointer peer)
{
  return ((Peer *)peer)->connected;
}

gboolean
peer_is_closed (gpointer peer)
{
  return ((Peer *)peer)->closed;
}
