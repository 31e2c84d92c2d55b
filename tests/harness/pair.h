/* A server and clients on a simulated link that move bytes through streams and write down what they were told: the ground that most QUIC
 * tests stand on. Peers are owned by the pair and stay after their connection is gone, so that a test can look at them. */
#pragma once

#include "harness/certs.h"
#include "harness/link.h"

#include <mux/plugin.h>

G_BEGIN_DECLS

typedef struct _Pair Pair;
typedef struct _Peer Peer;
typedef struct _Flow Flow;

/* One stream as its user sees it. */
struct _Flow
{
  Peer *peer;
  QuicStream *stream; /* NULL once closed */
  gint64 id;
  guint64 to_send;    /* bytes of a pattern still to be queued; then FIN */
  guint64 queued, received;
  gsize backlog_max;  /* most that was unsent at once */
  GChecksum *sent_sum, *received_sum;
  gboolean echo;      /* writes back what it reads, and FIN for FIN */
  gboolean paused;    /* does not read */
  gboolean fin, reset, stopped, closed;
  guint64 reset_code, stop_code;
};

/* One connection as its user sees it. */
struct _Peer
{
  Pair *pair;
  QuicConnection *connection; /* NULL once closed */
  gboolean server, connected, closed, raw;
  QuicCloseInfo close;        /* error is a copy */
  GPtrArray *flows;           /* of Flow, in the order of opening */
  guint passes, paths, streams_available;
};

struct _Pair
{
  Link *link;
  Certs *certs;
  QuicServerConfig server_config;
  QuicConnectionConfig client_config;
  QuicTls *server_tls, *client_tls;
  QuicEndpoint *server, *client;
  GPtrArray *clients, *servers; /* of Peer */
  /* For the flows that the server is told of. */
  gboolean server_echo, server_paused;
  gboolean refuse;              /* authorize says no */
  gboolean leave_streams;       /* stream_opened sets no events */
};

/* @certs is borrowed. */
Pair *pair_new (Certs *certs, guint32 seed);
void pair_free (Pair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

/* Makes the endpoints; called by the first pair_connect (), so configurations can be changed before. */
void pair_start (Pair *pair);
/* The server dies without a word and comes back with the same seed. */
void pair_restart_server (Pair *pair);
Peer *pair_connect (Pair *pair);
/* pair_connect (), and waits until both are connected (30 s). */
Peer *pair_connected (Pair *pair);
/* The server's side of the last accepted connection. */
Peer *pair_last_server (Pair *pair);

/* For the files of the pair. */
Flow *flow_new (Peer *peer, QuicStream *stream);
void flow_free (gpointer flow);

Flow *peer_open (Peer *peer);
Flow *peer_flow (Peer *peer, guint index);
/* Queues @length pattern bytes, kept back while much is unsent, then FIN. */
void flow_send (Flow *flow, guint64 length);
void flow_write (Flow *flow, const char *text);
void flow_resume (Flow *flow);
const char *flow_sent (Flow *flow);
const char *flow_received (Flow *flow);

gboolean peer_is_connected (gpointer peer);
gboolean peer_is_closed (gpointer peer);
gboolean flow_is_closed (gpointer flow);

G_END_DECLS
