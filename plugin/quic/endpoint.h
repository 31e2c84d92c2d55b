/* The connections of one UDP socket, without the socket: datagrams come in as arguments, datagrams go out through a sink, and so
 * does the wish for time. A *pass* is: quic_endpoint_receive () for each datagram read, then one quic_endpoint_pass (), which
 * delivers events, handles what is due, and writes packets; its work is bounded, and it asks to be called again if some is left. driver.h
 * puts it on a socket; tests put it on a simulated link with a fake clock. One bad peer ends one connection, nothing else. */
#pragma once

#include "net/udp.h"
#include "quic/connection.h"
#include "quic/tls.h"
#include "pki/secret.h"

G_BEGIN_DECLS

typedef struct _QuicEndpoint QuicEndpoint;

typedef struct
{
  /* Contract of net_udp_send (). After NET_SEND_BLOCKED the endpoint keeps the rest and writes no more until
   * quic_endpoint_writable (). */
  NetSendResult (*send) (const NetAddress *local, const NetAddress *remote, guint8 ecn, const guint8 *data,
                         gsize length, gsize segment_size, gsize *sent, gpointer user_data);
  /* Asks for a pass at @deadline at the latest (ns; 0 = at once). Called outside passes, when something was queued. */
  void (*wake) (guint64 deadline, gpointer user_data);
} QuicSink;

typedef enum { QUIC_CC_CUBIC, QUIC_CC_BBR, QUIC_CC_RENO } QuicCongestion;
typedef enum { QUIC_RETRY_AUTO, QUIC_RETRY_ALWAYS, QUIC_RETRY_NEVER } QuicRetry;

typedef struct
{
  guint64 max_idle_timeout_ms;      /* 30,000 */
  guint64 keep_alive_interval_ms;   /* 0 = none */
  guint64 handshake_timeout_ms;     /* absolute; 10,000 */
  QuicCongestion congestion;
  gboolean no_pmtud;                /* tests */
} QuicConnectionConfig;

typedef struct
{
  QuicConnectionConfig connection;
  guint max_connections;  /* 10,000: above it a new one gets CONNECTION_REFUSED */
  guint max_half_open;    /* 256 */
  guint retry_from;       /* 16: half-open connections from which on `auto` asks for Retry */
  QuicRetry retry;
} QuicServerConfig;

/* Server: a connection's first valid Initial came; set its events (and keep the pointer until `closed`). Called in a pass. */
typedef void (*QuicAcceptFunc) (QuicEndpoint *endpoint, QuicConnection *connection, gpointer user_data);

typedef struct
{
  guint64 datagrams_in, dropped_short, dropped_unknown, dropped_limit;
  guint64 version_negotiations, retries, stateless_resets, refused;
  guint64 handshakes_completed; /* both sides proven, and let in */
  guint64 handshakes_failed;    /* ended before that, and not by this side's own wish */
  guint64 migrations;           /* a connection moved to another path */
  guint connections, half_open;
} QuicEndpointStats;

/* @secret: derives the keys of tokens, stateless resets and the CID hash; borrowed during the call. @tls is ref'd and can be swapped. */
QuicEndpoint *quic_endpoint_new_server (const QuicServerConfig *config, QuicTls *tls, const PkiSecret *secret,
                                        const QuicSink *sink, gpointer sink_data, QuicAcceptFunc accept,
                                        gpointer user_data, GError **error);
QuicEndpoint *quic_endpoint_new_client (const PkiSecret *secret, const QuicSink *sink, gpointer sink_data,
                                        GError **error);
/* Ends every connection without a word (after telling `closed`) and frees. Not from inside a callback. */
void quic_endpoint_free (QuicEndpoint *endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuicEndpoint, quic_endpoint_free)

void quic_endpoint_set_tls (QuicEndpoint *endpoint, QuicTls *tls);

/* Dials @remote from @local (the socket's address). Events follow in passes. */
QuicConnection *quic_endpoint_connect (QuicEndpoint *endpoint, const NetAddress *local, const NetAddress *remote,
                                       QuicTls *tls, const QuicConnectionConfig *config,
                                       const QuicConnectionEvents *events, gpointer user_data, guint64 now,
                                       GError **error);

/* Takes what one read returned; cheap, no events. @now must never fall between calls. */
void quic_endpoint_receive (QuicEndpoint *endpoint, const NetReceived *received, guint64 now);
/* Returns when the next pass is due (ns; 0 = at once, BASE_NEVER). */
guint64 quic_endpoint_pass (QuicEndpoint *endpoint, guint64 now);
/* The socket can be written again. A pass must follow. */
void quic_endpoint_writable (QuicEndpoint *endpoint);

/* Closes every connection with @code and accepts no new one. */
void quic_endpoint_shutdown (QuicEndpoint *endpoint, QuicCode code, const char *reason);
void quic_endpoint_stats (const QuicEndpoint *endpoint, QuicEndpointStats *stats);

G_END_DECLS
