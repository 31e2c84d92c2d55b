/* Datagrams in: to their connection, or answered without one, or dropped and counted. */
#include "quic/endpoint-private.h"

#include "quic/stateless.h"

#include <gnutls/crypto.h>
#include <string.h>

/* A client's first datagram is at least so long (RFC 9000 14.1). */
#define INITIAL_MIN NGTCP2_MAX_UDP_PAYLOAD_SIZE

typedef struct
{
  QuicEndpoint *endpoint;
  const NetReceived *received;
  const guint8 *data;
  gsize length;
} Datagram;

/* Sends what belongs to no connection; lost when the socket is full, like any datagram. */
static gboolean
answer (const Datagram *datagram, const guint8 *packet, gsize length)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  gsize sent;

  if (length == 0 || quic_outbox_is_blocked (endpoint->outbox))
    return FALSE;
  return endpoint->sink.send (&datagram->received->local, &datagram->received->remote, 0, packet, length,
                              length, &sent, endpoint->sink_data)
         == NET_SEND_DONE;
}

static void
answer_version (const Datagram *datagram, const ngtcp2_version_cid *header)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  guint8 packet[QUIC_STATELESS_MAX];

  if (!endpoint->server || datagram->length < INITIAL_MIN
      || !quic_throttle_take (&endpoint->answers_throttle, endpoint->now))
    endpoint->stats.dropped_unknown++;
  else if (answer (datagram, packet, quic_stateless_version_negotiation (packet, sizeof packet, header)))
    endpoint->stats.version_negotiations++;
}

static void
refuse (const Datagram *datagram, const ngtcp2_pkt_hd *hd, guint64 code)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  guint8 packet[QUIC_STATELESS_MAX];

  if (quic_throttle_take (&endpoint->answers_throttle, endpoint->now)
      && answer (datagram, packet, quic_stateless_refuse (packet, sizeof packet, hd, code)))
    endpoint->stats.refused++;
  else
    endpoint->stats.dropped_limit++;
}

static void
retry (const Datagram *datagram, const ngtcp2_pkt_hd *hd)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  guint8 packet[QUIC_STATELESS_MAX], token[QUIC_TOKEN_MAX];
  ngtcp2_cid scid = { .datalen = QUIC_CID_LENGTH };
  gsize length = 0;

  if (quic_throttle_take (&endpoint->answers_throttle, endpoint->now)
      && gnutls_rnd (GNUTLS_RND_RANDOM, scid.data, scid.datalen) == 0)
    length = quic_token_retry (&endpoint->tokens, token, hd->version, &datagram->received->remote, &scid,
                               &hd->dcid, endpoint->now);
  if (length > 0
      && answer (datagram, packet, quic_stateless_retry (packet, sizeof packet, hd, &scid, token, length)))
    endpoint->stats.retries++;
  else
    endpoint->stats.dropped_limit++;
}

/* Whether a client without a token must prove its address first. */
static gboolean
wants_retry (const QuicEndpoint *endpoint, const NetAddress *remote)
{
  switch (endpoint->config.retry)
    {
    case QUIC_RETRY_ALWAYS:
      return TRUE;
    case QUIC_RETRY_NEVER:
      return FALSE;
    case QUIC_RETRY_AUTO:
    default:
      return endpoint->stats.half_open + endpoint->backlog.openings >= endpoint->config.retry_from
             || quic_sources_full (endpoint->sources, remote);
    }
}

/* A long-header packet for no connection: a client's first, or nothing. */
static void
take_initial (const Datagram *datagram)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  ngtcp2_pkt_hd hd;
  ngtcp2_cid odcid;
  QuicTokenVerdict verdict;
  QuicPending *pending;

  if (!endpoint->server || ngtcp2_accept (&hd, datagram->data, datagram->length) != 0)
    {
      endpoint->stats.dropped_unknown++;
      return;
    }
  verdict = quic_token_verify (&endpoint->tokens, &hd, &datagram->received->remote, endpoint->now, &odcid);
  if (verdict == QUIC_TOKEN_INVALID)
    refuse (datagram, &hd, NGTCP2_INVALID_TOKEN);
  else if (endpoint->down || endpoint->live >= endpoint->config.max_connections)
    refuse (datagram, &hd, NGTCP2_CONNECTION_REFUSED);
  else if (verdict == QUIC_TOKEN_NONE && wants_retry (endpoint, &datagram->received->remote))
    retry (datagram, &hd);
  else if ((pending = quic_backlog_push (&endpoint->backlog, datagram->received, datagram->data,
                                         datagram->length, TRUE, endpoint->now))
           == NULL)
    endpoint->stats.dropped_limit++;
  else
    {
      pending->verdict = verdict;
      if (verdict == QUIC_TOKEN_RETRY)
        pending->odcid = odcid;
    }
}

/* A short-header packet for no connection of this endpoint: perhaps a stateless reset for one of them, else
 * the sign that the peer has a connection that we do not know any more. */
static void
take_stray (const Datagram *datagram, const ngtcp2_version_cid *header)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  guint8 packet[QUIC_STATELESS_MAX];
  ngtcp2_cid dcid;
  QuicConnection *connection = NULL;

  if (datagram->length >= QUIC_STATELESS_RESET_MIN)
    connection = quic_cid_table_lookup (endpoint->resets,
                                        datagram->data + datagram->length - NGTCP2_STATELESS_RESET_TOKENLEN,
                                        NGTCP2_STATELESS_RESET_TOKENLEN);
  if (connection != NULL)
    {
      quic_connection_read (connection, &datagram->received->local, &datagram->received->remote,
                            datagram->received->ecn, datagram->data, datagram->length);
      return;
    }
  endpoint->stats.dropped_unknown++;
  if (datagram->length <= QUIC_STATELESS_RESET_MIN
      || !quic_throttle_take (&endpoint->resets_throttle, endpoint->now))
    return;
  ngtcp2_cid_init (&dcid, header->dcid, header->dcidlen);
  if (answer (datagram, packet,
              quic_stateless_reset (packet, sizeof packet, endpoint->reset_key, sizeof endpoint->reset_key,
                                    &dcid, datagram->length)))
    endpoint->stats.stateless_resets++;
}

static void
take (const Datagram *datagram)
{
  QuicEndpoint *endpoint = datagram->endpoint;
  const NetReceived *received = datagram->received;
  ngtcp2_version_cid header;
  QuicConnection *connection;
  int rv;

  endpoint->stats.datagrams_in++;
  /* ngtcp2 aborts on an empty datagram. */
  rv = datagram->length == 0
           ? NGTCP2_ERR_INVALID_ARGUMENT
           : ngtcp2_pkt_decode_version_cid (&header, datagram->data, datagram->length, QUIC_CID_LENGTH);
  if (rv == NGTCP2_ERR_VERSION_NEGOTIATION)
    {
      answer_version (datagram, &header);
      return;
    }
  if (rv != 0)
    {
      endpoint->stats.dropped_short++;
      return;
    }
  connection = quic_cid_table_lookup (endpoint->cids, header.dcid, header.dcidlen);
  if (connection == NULL && header.version == 0 && (datagram->data[0] & 0x80) == 0)
    take_stray (datagram, &header);
  else if (connection == NULL)
    take_initial (datagram);
  else if (!connection->server || connection->state != QUIC_STATE_HANDSHAKE)
    quic_connection_read (connection, &received->local, &received->remote, received->ecn, datagram->data,
                          datagram->length);
  else if (quic_backlog_push (&endpoint->backlog, received, datagram->data, datagram->length, FALSE,
                              endpoint->now)
           == NULL)
    endpoint->stats.dropped_limit++;
}

void
quic_endpoint_receive (QuicEndpoint *endpoint, const NetReceived *received, guint64 now)
{
  Datagram datagram = { .endpoint = endpoint, .received = received, .data = received->data };
  gsize left = received->length;

  g_assert (!endpoint->in_pass);
  endpoint->now = MAX (endpoint->now, now);
  endpoint->in_pass = TRUE; /* a pass follows: nobody needs to ask for one */
  do
    {
      datagram.length = received->segment_size > 0 ? MIN (left, received->segment_size) : left;
      take (&datagram);
      datagram.data += datagram.length;
      left -= datagram.length;
    }
  while (left > 0);
  endpoint->in_pass = FALSE;
}

/* The first Initial of a client: makes the connection and reads it. */
static void
open_connection (QuicEndpoint *endpoint, const QuicPending *pending, const ngtcp2_pkt_hd *hd)
{
  g_autoptr (GError) error = NULL;
  QuicConnectionSetup setup = {
    .local = &pending->local,
    .remote = &pending->remote,
    .config = &endpoint->config.connection,
    .tls = endpoint->tls,
    .initial = hd,
    .odcid = pending->verdict == QUIC_TOKEN_RETRY ? &pending->odcid : NULL,
    .validated = pending->verdict != QUIC_TOKEN_NONE,
  };
  QuicConnection *connection = quic_connection_new (endpoint, &setup, &error);

  if (connection == NULL)
    {
      endpoint->stats.dropped_limit++;
      return;
    }
  connection->half_open = TRUE;
  connection->source = pending->remote;
  quic_sources_enter (endpoint->sources, &pending->remote);
  endpoint->stats.half_open++;
  quic_connection_read (connection, &pending->local, &pending->remote, pending->ecn, pending->data,
                        pending->length);
  if (connection->state == QUIC_STATE_ENDING && connection->silent)
    {
      /* Not a handshake after all; nobody heard of it. */
      quic_endpoint_leave_half_open (endpoint, connection);
      connection->told_closed = TRUE;
      endpoint->live--;
      endpoint->stats.dropped_unknown++;
      quic_connection_free (connection);
      return;
    }
  endpoint->accept (endpoint, connection, endpoint->user_data);
  if (connection->events == NULL)
    quic_connection_close (connection, QUIC_CODE_UNAVAILABLE, NULL);
}

static void
open_pending (QuicEndpoint *endpoint, QuicPending *pending)
{
  const NetReceived received = { .local = pending->local, .remote = pending->remote };
  const Datagram datagram
      = { .endpoint = endpoint, .received = &received, .data = pending->data, .length = pending->length };
  ngtcp2_pkt_hd hd;

  if (ngtcp2_accept (&hd, pending->data, pending->length) != 0)
    endpoint->stats.dropped_unknown++;
  else if (endpoint->down || endpoint->live >= endpoint->config.max_connections)
    refuse (&datagram, &hd, NGTCP2_CONNECTION_REFUSED);
  else if (endpoint->stats.half_open >= endpoint->config.max_half_open)
    endpoint->stats.dropped_limit++;
  else if (quic_sources_full (endpoint->sources, &pending->remote))
    {
      quic_backlog_park (&endpoint->backlog, pending);
      return;
    }
  else
    open_connection (endpoint, pending, &hd);
  g_free (pending);
}

gboolean
quic_endpoint_advance_handshakes (QuicEndpoint *endpoint)
{
  for (guint n = 0; n < QUIC_PASS_HANDSHAKES; n++)
    {
      QuicPending *pending = quic_backlog_pop (&endpoint->backlog);
      ngtcp2_version_cid header;
      QuicConnection *connection;

      if (pending == NULL)
        return FALSE;
      connection
          = ngtcp2_pkt_decode_version_cid (&header, pending->data, pending->length, QUIC_CID_LENGTH) == 0
                ? quic_cid_table_lookup (endpoint->cids, header.dcid, header.dcidlen)
                : NULL;
      if (connection == NULL && pending->opening)
        {
          open_pending (endpoint, pending);
          continue;
        }
      if (connection != NULL)
        quic_connection_read (connection, &pending->local, &pending->remote, pending->ecn, pending->data,
                              pending->length);
      else
        endpoint->stats.dropped_unknown++;
      g_free (pending);
    }
  return endpoint->backlog.waiting.length > 0;
}
