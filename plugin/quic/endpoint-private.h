/* What the files of an endpoint share: endpoint.c (its life, the passes), receive.c (datagrams in), and the connections, which ask it
 * for time and turns. */
#pragma once

#include "quic/backlog.h"
#include "quic/connection-private.h"
#include "quic/outbox.h"
#include "quic/throttle.h"

G_BEGIN_DECLS

/* Half-open connections of one source; a retried client has one address like any other. */
#define QUIC_HALF_OPEN_PER_SOURCE 8
/* Stateless resets a second, and other answers to strangers. */
#define QUIC_RESETS_PER_SECOND 100
#define QUIC_ANSWERS_PER_SECOND 20000
/* Per pass: datagrams that cost public-key arithmetic, timers, packets written; and packets of one connection's turn. */
#define QUIC_PASS_HANDSHAKES 8
#define QUIC_PASS_TIMERS 256
#define QUIC_PASS_PACKETS 256
#define QUIC_TURN_PACKETS 64
/* Tokens for the next connection that a client endpoint remembers. */
#define QUIC_CLIENT_TOKENS 8

typedef struct
{
  NetAddress remote;
  GBytes *token;
} QuicClientToken;

struct _QuicEndpoint
{
  QuicSink sink;
  gpointer sink_data;
  gboolean server;
  QuicServerConfig config;
  QuicTls *tls;
  QuicAcceptFunc accept;
  gpointer user_data;

  QuicTokenKeys tokens;
  guint8 reset_key[PKI_SECRET_SIZE];
  QuicCidTable *cids;
  QuicCidTable *resets; /* by the peer's stateless reset tokens */
  QuicClientToken client_tokens[QUIC_CLIENT_TOKENS];
  guint next_client_token;

  GQueue connections, eventful, awake, writable;
  BaseHeap *timers;
  QuicBacklog backlog;
  QuicOutbox *outbox;
  QuicSources *sources;
  QuicThrottle resets_throttle, answers_throttle;

  guint64 now;
  gboolean in_pass, wake_asked;
  gboolean down; /* shut down: no new connection */
  guint live;    /* connections that the user was not told closed */
  QuicEndpointStats stats;
};

/* Each asks for a pass when none runs. */
void quic_endpoint_want_events (QuicEndpoint *endpoint, QuicConnection *connection);
void quic_endpoint_want_wake (QuicEndpoint *endpoint, QuicConnection *connection);
void quic_endpoint_want_write (QuicEndpoint *endpoint, QuicConnection *connection);
void quic_endpoint_want_pass (QuicEndpoint *endpoint, guint64 deadline);

/* The connection is no longer half open, be it open or over. */
void quic_endpoint_leave_half_open (QuicEndpoint *endpoint, QuicConnection *connection);
/* Takes it out of every list and table. */
void quic_endpoint_forget (QuicEndpoint *endpoint, QuicConnection *connection);

void quic_endpoint_keep_token (QuicEndpoint *endpoint, const NetAddress *remote, const guint8 *token, gsize length);
/* Transfer full, each token once; NULL when there is none. */
GBytes *quic_endpoint_take_token (QuicEndpoint *endpoint, const NetAddress *remote);

/* receive.c: handles datagrams of the backlog, at most QUIC_PASS_HANDSHAKES; TRUE when some are left. */
gboolean quic_endpoint_advance_handshakes (QuicEndpoint *endpoint);

G_END_DECLS
