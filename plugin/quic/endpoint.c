#include "quic/endpoint.h"

#include "base/error.h"
#include "quic/endpoint-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* With a full socket nothing can be done but wait; timers that are due anyway need not spin. */
#define BLOCKED_PAUSE (10 * BASE_MILLISECOND)

void
quic_endpoint_want_pass (QuicEndpoint *endpoint, guint64 deadline)
{
  if (endpoint->in_pass || endpoint->wake_asked)
    return;
  endpoint->wake_asked = deadline == 0;
  endpoint->sink.wake (deadline, endpoint->sink_data);
}

void
quic_endpoint_want_events (QuicEndpoint *endpoint, QuicConnection *connection)
{
  if (!connection->in_eventful)
    {
      connection->in_eventful = TRUE;
      g_queue_push_tail_link (&endpoint->eventful, &connection->event_link);
    }
  quic_endpoint_want_pass (endpoint, 0);
}

void
quic_endpoint_want_wake (QuicEndpoint *endpoint, QuicConnection *connection)
{
  if (connection->state > QUIC_STATE_OPEN)
    return;
  if (!connection->in_awake)
    {
      connection->in_awake = TRUE;
      g_queue_push_tail_link (&endpoint->awake, &connection->wake_link);
    }
  quic_endpoint_want_pass (endpoint, 0);
}

void
quic_endpoint_want_write (QuicEndpoint *endpoint, QuicConnection *connection)
{
  if (!connection->in_writable)
    {
      connection->in_writable = TRUE;
      g_queue_push_tail_link (&endpoint->writable, &connection->write_link);
    }
  quic_endpoint_want_pass (endpoint, 0);
}

void
quic_endpoint_leave_half_open (QuicEndpoint *endpoint, QuicConnection *connection)
{
  if (!connection->half_open)
    return;
  connection->half_open = FALSE;
  endpoint->stats.half_open--;
  quic_sources_leave (endpoint->sources, &connection->source);
  quic_backlog_unpark (&endpoint->backlog, endpoint->now);
}

void
quic_endpoint_forget (QuicEndpoint *endpoint, QuicConnection *connection)
{
  quic_endpoint_leave_half_open (endpoint, connection);
  if (connection->in_eventful)
    g_queue_unlink (&endpoint->eventful, &connection->event_link);
  if (connection->in_awake)
    g_queue_unlink (&endpoint->awake, &connection->wake_link);
  if (connection->in_writable)
    g_queue_unlink (&endpoint->writable, &connection->write_link);
  g_queue_unlink (&endpoint->connections, &connection->link);
  base_heap_set (endpoint->timers, &connection->timer, BASE_NEVER);
  quic_cid_table_remove_all (endpoint->cids, &connection->cids);
  quic_cid_table_remove_all (endpoint->resets, &connection->reset_tokens);
}

void
quic_endpoint_keep_token (QuicEndpoint *endpoint, const NetAddress *remote, const guint8 *token, gsize length)
{
  QuicClientToken *place = NULL;

  if (length == 0 || length > QUIC_TOKEN_MAX * 2)
    return;
  for (guint i = 0; i < QUIC_CLIENT_TOKENS && place == NULL; i++)
    if (endpoint->client_tokens[i].token != NULL
        && net_address_equal (&endpoint->client_tokens[i].remote, remote))
      place = &endpoint->client_tokens[i];
  if (place == NULL)
    place = &endpoint->client_tokens[endpoint->next_client_token++ % QUIC_CLIENT_TOKENS];
  g_clear_pointer (&place->token, g_bytes_unref);
  place->remote = *remote;
  place->token = g_bytes_new (token, length);
}

GBytes *
quic_endpoint_take_token (QuicEndpoint *endpoint, const NetAddress *remote)
{
  for (guint i = 0; i < QUIC_CLIENT_TOKENS; i++)
    if (endpoint->client_tokens[i].token != NULL
        && net_address_equal (&endpoint->client_tokens[i].remote, remote))
      return g_steal_pointer (&endpoint->client_tokens[i].token);
  return NULL;
}

static gboolean
expire (QuicEndpoint *endpoint)
{
  BaseHeapNode *node;

  for (guint n = 0; n < QUIC_PASS_TIMERS; n++)
    {
      node = base_heap_peek (endpoint->timers);
      if (node == NULL || node->deadline > endpoint->now)
        return FALSE;
      base_heap_set (endpoint->timers, node, BASE_NEVER);
      quic_connection_expire (BASE_CONTAINER_OF (node, QuicConnection, timer));
    }
  return TRUE;
}

static void
tell (QuicEndpoint *endpoint)
{
  /* What is queued meanwhile is told in the next pass, so that no two connections can keep each other busy in
   * this one. */
  for (guint n = endpoint->eventful.length; n > 0 && endpoint->eventful.head != NULL; n--)
    {
      QuicConnection *connection = g_queue_pop_head_link (&endpoint->eventful)->data;

      connection->in_eventful = FALSE;
      quic_connection_tell (connection);
      quic_connection_arm (connection);
    }
  for (guint n = endpoint->awake.length; n > 0 && endpoint->awake.head != NULL; n--)
    {
      QuicConnection *connection = g_queue_pop_head_link (&endpoint->awake)->data;

      connection->in_awake = FALSE;
      quic_connection_tell_pass (connection);
      quic_connection_arm (connection);
    }
}

/* One turn of @connection; returns how many packets it took. It goes back into the queue if there is more. */
static guint
write_turn (QuicEndpoint *endpoint, QuicConnection *connection)
{
  guint packets = 1;

  connection->in_writable = FALSE;
  switch (connection->state)
    {
    case QUIC_STATE_HANDSHAKE:
    case QUIC_STATE_OPEN:
      if (quic_connection_write (connection, &packets) != QUIC_WRITE_DONE)
        quic_endpoint_want_write (endpoint, connection);
      break;
    case QUIC_STATE_ENDING:
      if (!quic_connection_finish (connection))
        quic_endpoint_want_write (endpoint, connection);
      break;
    case QUIC_STATE_LINGER:
      break;
    }
  quic_connection_arm (connection);
  return packets;
}

static void
write_packets (QuicEndpoint *endpoint)
{
  guint packets = 0;

  while (packets < QUIC_PASS_PACKETS && endpoint->writable.head != NULL
         && !quic_outbox_is_blocked (endpoint->outbox))
    packets += write_turn (endpoint, g_queue_pop_head_link (&endpoint->writable)->data);
  quic_outbox_flush (endpoint->outbox);
}

static guint64
next_pass (const QuicEndpoint *endpoint, gboolean more)
{
  BaseHeapNode *node = base_heap_peek (endpoint->timers);
  guint64 deadline = node != NULL ? node->deadline : BASE_NEVER;
  gboolean blocked = quic_outbox_is_blocked (endpoint->outbox);

  if (more || endpoint->eventful.length > 0 || endpoint->awake.length > 0)
    return 0;
  if (blocked)
    return deadline == BASE_NEVER ? BASE_NEVER : MAX (deadline, endpoint->now + BLOCKED_PAUSE);
  return endpoint->writable.length > 0 ? 0 : deadline;
}

guint64
quic_endpoint_pass (QuicEndpoint *endpoint, guint64 now)
{
  gboolean more;

  g_assert (!endpoint->in_pass);
  endpoint->in_pass = TRUE;
  endpoint->wake_asked = FALSE;
  endpoint->now = MAX (endpoint->now, now);
  more = quic_endpoint_advance_handshakes (endpoint);
  more |= expire (endpoint);
  tell (endpoint);
  write_packets (endpoint);
  /* Telling may have let parked datagrams go. */
  more |= endpoint->backlog.waiting.length > 0;
  endpoint->in_pass = FALSE;
  return next_pass (endpoint, more);
}

void
quic_endpoint_writable (QuicEndpoint *endpoint)
{
  quic_outbox_unblock (endpoint->outbox);
}

void
quic_endpoint_set_tls (QuicEndpoint *endpoint, QuicTls *tls)
{
  quic_tls_ref (tls);
  quic_tls_unref (endpoint->tls);
  endpoint->tls = tls;
}

QuicConnection *
quic_endpoint_connect (QuicEndpoint *endpoint, const NetAddress *local, const NetAddress *remote,
                       QuicTls *tls, const QuicConnectionConfig *config, const QuicConnectionEvents *events,
                       gpointer user_data, guint64 now, GError **error)
{
  g_autoptr (GBytes) token = NULL;
  QuicConnectionSetup setup = { .local = local, .remote = remote, .config = config, .tls = tls };
  QuicConnection *connection;

  if (endpoint->down)
    {
      base_error_set (error, MUX_ERROR_FAILED, _ ("No connection is made while shutting down"));
      return NULL;
    }
  endpoint->now = MAX (endpoint->now, now);
  token = quic_endpoint_take_token (endpoint, remote);
  setup.token = token;
  connection = quic_connection_new (endpoint, &setup, error);
  if (connection == NULL)
    return NULL;
  quic_connection_set_events (connection, events, user_data);
  quic_endpoint_want_write (endpoint, connection);
  return connection;
}

void
quic_endpoint_shutdown (QuicEndpoint *endpoint, QuicCode code, const char *reason)
{
  endpoint->down = TRUE;
  for (GList *item = endpoint->connections.head; item != NULL; item = item->next)
    quic_connection_close (item->data, code, reason);
}

void
quic_endpoint_stats (const QuicEndpoint *endpoint, QuicEndpointStats *stats)
{
  *stats = endpoint->stats;
  stats->connections = endpoint->live;
}

static QuicEndpoint *
new_common (const PkiSecret *secret, const QuicSink *sink, gpointer sink_data, GError **error)
{
  g_autofree QuicEndpoint *endpoint = g_new0 (QuicEndpoint, 1);
  guint8 key[PKI_SECRET_SIZE];

  if (!quic_token_keys_init (&endpoint->tokens, secret, error)
      || !pki_secret_derive (secret, "stateless-reset", endpoint->reset_key, error)
      || !pki_secret_derive (secret, "cid-hash", key, error))
    return NULL;
  endpoint->sink = *sink;
  endpoint->sink_data = sink_data;
  endpoint->cids = quic_cid_table_new (key);
  endpoint->resets = quic_cid_table_new (key + QUIC_CID_KEY_SIZE);
  gnutls_memset (key, 0, sizeof key);
  endpoint->timers = base_heap_new ();
  endpoint->outbox = quic_outbox_new (sink, sink_data);
  endpoint->sources = quic_sources_new (QUIC_HALF_OPEN_PER_SOURCE);
  quic_backlog_init (&endpoint->backlog);
  quic_throttle_init (&endpoint->resets_throttle, QUIC_RESETS_PER_SECOND, QUIC_RESETS_PER_SECOND);
  quic_throttle_init (&endpoint->answers_throttle, QUIC_ANSWERS_PER_SECOND, QUIC_ANSWERS_PER_SECOND);
  return g_steal_pointer (&endpoint);
}

QuicEndpoint *
quic_endpoint_new_server (const QuicServerConfig *config, QuicTls *tls, const PkiSecret *secret,
                          const QuicSink *sink, gpointer sink_data, QuicAcceptFunc accept, gpointer user_data,
                          GError **error)
{
  QuicEndpoint *endpoint = new_common (secret, sink, sink_data, error);

  if (endpoint == NULL)
    return NULL;
  endpoint->server = TRUE;
  endpoint->config = *config;
  endpoint->tls = quic_tls_ref (tls);
  endpoint->accept = accept;
  endpoint->user_data = user_data;
  return endpoint;
}

QuicEndpoint *
quic_endpoint_new_client (const PkiSecret *secret, const QuicSink *sink, gpointer sink_data, GError **error)
{
  return new_common (secret, sink, sink_data, error);
}

void
quic_endpoint_free (QuicEndpoint *endpoint)
{
  g_assert (!endpoint->in_pass);
  endpoint->in_pass = TRUE;
  endpoint->down = TRUE;
  for (GList *item = endpoint->connections.head; item != NULL; item = item->next)
    {
      QuicConnection *connection = item->data;

      quic_connection_close (connection, QUIC_CODE_UNAVAILABLE, _ ("The QUIC endpoint was closed"));
      connection->silent = TRUE;
      quic_connection_tell (connection);
    }
  while (endpoint->connections.head != NULL)
    quic_connection_free (endpoint->connections.head->data);
  for (guint i = 0; i < QUIC_CLIENT_TOKENS; i++)
    g_clear_pointer (&endpoint->client_tokens[i].token, g_bytes_unref);
  quic_backlog_clear (&endpoint->backlog);
  quic_sources_free (endpoint->sources);
  quic_outbox_free (endpoint->outbox);
  base_heap_free (endpoint->timers);
  quic_cid_table_free (endpoint->resets);
  quic_cid_table_free (endpoint->cids);
  quic_token_keys_clear (&endpoint->tokens);
  gnutls_memset (endpoint->reset_key, 0, sizeof endpoint->reset_key);
  g_clear_pointer (&endpoint->tls, quic_tls_unref);
  g_free (endpoint);
}
