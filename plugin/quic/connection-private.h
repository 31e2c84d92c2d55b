/* What the files of a connection share: setup.c (its beginning), connection.c (packets in,
 * timers, public calls), paths.c (by which way they go), callbacks.c (what ngtcp2 tells), events.c (what the
 * user is told), writer.c (packets out), closing.c (its end), stream.c. Nobody else includes this but the endpoint. */
#pragma once

#include "base/heap.h"
#include "quic/cid-table.h"
#include "quic/connection.h"
#include "quic/endpoint.h"
#include "quic/handshake.h"
#include "quic/receive-buffer.h"
#include "quic/send-buffer.h"

G_BEGIN_DECLS

#define QUIC_URGENCIES 4
#define QUIC_MAX_REASON 256

typedef enum
{
  QUIC_STATE_HANDSHAKE, /* not yet connected */
  QUIC_STATE_OPEN,
  QUIC_STATE_ENDING, /* over for the user; CONNECTION_CLOSE is still to be written, or nothing is */
  QUIC_STATE_LINGER, /* closing or draining period (RFC 9000 10.2): ngtcp2's part is freed, the IDs are kept */
} QuicState;

struct _QuicStream
{
  QuicConnection *connection;
  const QuicStreamEvents *events;
  gpointer user_data;
  gint64 id;
  GList link;        /* in connection->streams; also marks membership by its data */
  GList marked_link; /* in connection->marked */
  GList send_link;   /* in connection->sendable[urgency] or ->stalled */
  GQueue *send_queue; /* which of them, NULL = none */
  QuicSendBuffer send;
  QuicReceiveBuffer receive;
  guint64 reset_code, stop_code;
  guint urgency : 3;
  guint remote : 1; /* the peer opened it */
  guint announced : 1; /* stream_opened was told, or ours */
  guint marked : 1;
  /* what to tell in the next pass */
  guint tell_readable : 1, tell_writable : 1, tell_reset : 1, tell_stopped : 1;
  guint was_stopped : 1;   /* the peer sent STOP_SENDING */
  guint read_stopped : 1;  /* we did, or its data is of no use any more */
  guint gone : 1;          /* ngtcp2 closed it */
};

/* STOP_SENDING for a stream that the same packet may open. */
typedef struct
{
  gint64 id;
  guint64 code;
} QuicEarlyStop;

struct _QuicConnection
{
  QuicEndpoint *endpoint;
  ngtcp2_conn *conn;        /* NULL in QUIC_STATE_LINGER */
  QuicHandshake *handshake; /* NULL once confirmed */
  PkiCertificate *peer;
  const QuicConnectionEvents *events;
  gpointer user_data;
  QuicState state;
  NetAddress local, remote; /* of the last validated path */
  NetAddress wanted;        /* client: where it is asked to send from; see `migrate` */
  NetAddress candidate;     /* client: where it began to send from, or to prove that it can, last; unset = nowhere else yet */

  guint server : 1, raw : 1;
  guint half_open : 1;          /* counted so by its endpoint */
  guint verified : 1;           /* TLS is complete */
  guint confirmed : 1;          /* connected may be told */
  guint opened : 1;             /* connected was told */
  guint told_closed : 1;
  guint silent : 1;             /* ends without CONNECTION_CLOSE */
  guint draining : 1;           /* the peer ended it: nothing may be sent any more */
  guint tell_path : 1, tell_streams : 1;
  guint migrate : 1, migrate_at_once : 1; /* client: to `wanted`, in the next turn of writing */
  guint new_token : 1;          /* server: a NEW_TOKEN is due */
  guint got_reset : 1;          /* stateless reset seen */
  guint spoke : 1;              /* what was queued before a goodbye was written */

  GList link;       /* in endpoint->connections */
  GList event_link; /* in endpoint->eventful */
  GList wake_link;  /* in endpoint->awake */
  GList write_link; /* in endpoint->writable */
  guint in_eventful : 1, in_awake : 1, in_writable : 1;

  BaseHeapNode timer;
  guint64 user_deadline, handshake_deadline, linger_until;
  guint64 heard; /* a packet that was good */

  QuicCidList cids, reset_tokens;
  NetAddress source;     /* server: whom quic_sources counts */
  ngtcp2_cid first_dcid; /* server: what the client called us first, in the table until the handshake ends */

  GQueue streams, marked, stalled;
  GQueue sendable[QUIC_URGENCIES];

  QuicCloseInfo close;
  char *close_reason;   /* what CONNECTION_CLOSE says */
  GBytes *close_packet; /* in QUIC_STATE_LINGER: answers what still comes */
  guint linger_heard, linger_answer_at;

  GArray *early_stops; /* of QuicEarlyStop, while a packet is read */
  guint64 bytes_in, bytes_out, packets_lost;
  guint migrations;
};

/* callbacks.c */
extern const ngtcp2_callbacks quic_client_callbacks, quic_server_callbacks;
/* ngtcp2_conn_read_pkt (), and what it does not tell. */
int quic_connection_read_packet (QuicConnection *connection, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
                                 const guint8 *data, gsize length, guint64 now);

/* setup.c */
typedef struct
{
  const NetAddress *local, *remote;
  const QuicConnectionConfig *config;
  QuicTls *tls;
  /* server: */
  const ngtcp2_pkt_hd *initial;
  const ngtcp2_cid *odcid; /* of a Retry, else NULL */
  gboolean validated;
  /* client: */
  GBytes *token;
} QuicConnectionSetup;

QuicConnection *quic_connection_new (QuicEndpoint *endpoint, const QuicConnectionSetup *setup, GError **error);
/* The user was told `closed` before. */
void quic_connection_free (QuicConnection *connection);
gboolean quic_connection_new_cid (QuicConnection *connection, ngtcp2_cid *cid, gsize length, guint8 *reset_token);

/* paths.c */
/* Borrows both addresses. */
ngtcp2_path quic_connection_path (const NetAddress *local, const NetAddress *remote);
/* Sets *@arrival to the local address of the path by which a packet came that was sent to @local. */
void quic_connection_arrival (const QuicConnection *connection, const NetAddress *local, NetAddress *arrival);
/* Client: begins what quic_connection_migrate () asked for. */
void quic_connection_begin_migration (QuicConnection *connection);
/* ngtcp2 has validated a path, and may use another one now. */
void quic_connection_tell_path (QuicConnection *connection);

/* connection.c */
void quic_connection_read (QuicConnection *connection, const NetAddress *local, const NetAddress *remote, guint8 ecn,
                           const guint8 *data, gsize length);
void quic_connection_expire (QuicConnection *connection);
void quic_connection_arm (QuicConnection *connection);

/* events.c */
void quic_connection_tell (QuicConnection *connection);
void quic_connection_tell_pass (QuicConnection *connection);

/* writer.c */
typedef enum
{
  QUIC_WRITE_DONE,    /* nothing (more) to write now */
  QUIC_WRITE_AGAIN,   /* its turn is over, there is more */
  QUIC_WRITE_BLOCKED, /* the socket is full */
} QuicWriteResult;

QuicWriteResult quic_connection_write (QuicConnection *connection, guint *packets);

/* closing.c */
/* Ends the connection for the user; the first cause wins. @error: transfer full, may be NULL. */
void quic_connection_end (QuicConnection *connection, QuicCloseCause cause, gboolean application, guint64 code, int alert,
                          GError *error);
/* What a failed ngtcp2 call means. */
void quic_connection_fail (QuicConnection *connection, int liberr);
/* What was queued before a goodbye goes with it, as far as one burst carries; once. */
void quic_connection_last_words (QuicConnection *connection);
/* Writes CONNECTION_CLOSE if one is due, and begins to linger. FALSE when the socket is full. */
gboolean quic_connection_finish (QuicConnection *connection);
/* A packet for a connection that lingers. */
void quic_connection_linger (QuicConnection *connection);

/* stream.c */
QuicStream *quic_stream_new (QuicConnection *connection, gint64 id, gboolean remote);
void quic_stream_free (QuicStream *stream);
/* Puts it on the list of streams that have something to tell. */
void quic_stream_mark (QuicStream *stream);
/* Puts it where the writer finds it, if it has something to send. */
void quic_stream_schedule (QuicStream *stream);
void quic_stream_unschedule (QuicStream *stream);
void quic_stream_stall (QuicStream *stream);
void quic_stream_stopped_by_peer (QuicStream *stream, guint64 code);

G_END_DECLS
