/* One QUIC connection over ngtcp2 and GnuTLS. Its endpoint owns it; the user holds a pointer until the `closed` event, the last
 * one. It never touches a socket or a clock. Events come in passes of the endpoint, never from inside a call of this header. */
#pragma once

#include "net/address.h"
#include "pki/certificate.h"
#include "quic/stream.h"

G_BEGIN_DECLS

/* Application error codes of CONNECTION_CLOSE, RESET_STREAM and STOP_SENDING. */
typedef enum
{
  QUIC_CODE_NONE = 0,        /* goodbye */
  QUIC_CODE_REFUSED = 1,     /* not authorised; the number WezTerm's QUIC fork uses */
  QUIC_CODE_PROTOCOL = 2,    /* a frame that is none */
  QUIC_CODE_LIMIT = 3,       /* a limit was passed */
  QUIC_CODE_TIMEOUT = 4,     /* no hello, no open in time */
  QUIC_CODE_REPLACED = 5,    /* the session goes on over another connection */
  QUIC_CODE_CANCELLED = 6,   /* nobody reads or writes this any more */
  QUIC_CODE_UNAVAILABLE = 7, /* shutting down, or no service for it */
} QuicCode;

typedef enum
{
  QUIC_CLOSE_LOCAL,           /* quic_connection_close () */
  QUIC_CLOSE_PEER,            /* the peer sent CONNECTION_CLOSE */
  QUIC_CLOSE_IDLE,            /* idle timeout: nothing heard */
  QUIC_CLOSE_HANDSHAKE,       /* the handshake's deadline passed: nobody answered */
  QUIC_CLOSE_RESET,           /* stateless reset: the peer does not know us any more */
  QUIC_CLOSE_TLS,             /* TLS failed here or there; `alert` is set */
  QUIC_CLOSE_VERSION,         /* no common QUIC version */
  QUIC_CLOSE_ERROR,           /* the peer broke the protocol, or ours failed */
} QuicCloseCause;

typedef struct
{
  QuicCloseCause cause;
  gboolean application; /* whether @code is a QuicCode or a transport code of RFC 9000 section 20 */
  guint64 code;
  int alert;            /* TLS alert, -1 = none */
  GError *error;        /* a sentence for a person; in MUX_ERROR; never NULL but for a local close with QUIC_CODE_NONE */
} QuicCloseInfo;

typedef struct
{
  /* Server: the client's certificate is verified; may it be a user here? Called before any stream event. FALSE closes with
   * QUIC_CODE_REFUSED and @error's message as the reason. NULL = yes. */
  gboolean (*authorize) (QuicConnection *connection, PkiCertificate *peer, gpointer user_data, GError **error);
  /* Both sides are proven: handshake confirmed on a client, complete on a server (RFC 9001 4.1). */
  void (*connected) (QuicConnection *connection, gpointer user_data);
  /* The peer opened a bidirectional stream; set its events here. A stream left without events is reset. */
  void (*stream_opened) (QuicConnection *connection, QuicStream *stream, gpointer user_data);
  /* The peer allows more streams: quic_connection_open_stream () may succeed again. May be NULL. */
  void (*streams_available) (QuicConnection *connection, gpointer user_data);
  /* Once in every pass in which the connection was woken (quic_connection_wake ()), or its user deadline is due; before packets are
   * written, so what it queues leaves in the same pass. @now in ns. May be NULL. */
  void (*pass) (QuicConnection *connection, guint64 now, gpointer user_data);
  /* The validated path changed (migration, NAT rebinding). May be NULL. */
  void (*path_changed) (QuicConnection *connection, gpointer user_data);
  /* Last event; every stream was told `closed` before. @info is valid during the call. */
  void (*closed) (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data);
} QuicConnectionEvents;

typedef struct
{
  guint64 smoothed_rtt_us, min_rtt_us;
  guint64 cwnd, bytes_in_flight;
  guint64 bytes_in, bytes_out, packets_lost;
  guint64 heard; /* when a datagram of it came last: ns, 0 = never */
  guint migrations;
} QuicConnectionInfo;

/* @events must outlive the connection (static, as a rule). */
void quic_connection_set_events (QuicConnection *connection, const QuicConnectionEvents *events, gpointer user_data);
gboolean quic_connection_is_server (const QuicConnection *connection);
gboolean quic_connection_is_connected (const QuicConnection *connection);
/* TRUE when no ALPN was negotiated. */
gboolean quic_connection_is_raw (const QuicConnection *connection);
/* The peer's verified leaf, borrowed; NULL before it is verified. */
PkiCertificate *quic_connection_peer (const QuicConnection *connection);
const NetAddress *quic_connection_local (const QuicConnection *connection);
const NetAddress *quic_connection_remote (const QuicConnection *connection);
void quic_connection_info (const QuicConnection *connection, QuicConnectionInfo *info);
/* Received and sent; never falls. Cheaper than the whole. */
guint64 quic_connection_bytes (const QuicConnection *connection);
/* The `now` of the pass that runs, or of the last one: for arithmetic on deadlines, not for measuring. */
guint64 quic_connection_now (const QuicConnection *connection);

/* NULL when the peer's stream limit is reached (wait for streams_available) or the connection is over. */
QuicStream *quic_connection_open_stream (QuicConnection *connection);
/* Peer-opened streams it may have at once are limited (QUIC_MAX_STREAMS); credit comes back when one is closed. */
#define QUIC_MAX_STREAMS 256

/* Asks for a pass soon (this turn of the loop); many calls make one pass. */
void quic_connection_wake (QuicConnection *connection);
/* The user's own deadline (ns, BASE_NEVER = none): `pass` runs when it is due, and it is cleared then. */
void quic_connection_set_deadline (QuicConnection *connection, guint64 deadline);
/* Client: wants to send from @local (port included) from now on, under connection IDs of their own. That path is validated; until then the
 * old one is used (RFC 9000 9.2), or not even then with @at_once, for one that is known to lead nowhere. `path_changed` follows, and
 * nothing when the new path leads nowhere either. */
void quic_connection_migrate (QuicConnection *connection, const NetAddress *local, gboolean at_once);
/* 0 = no keep-alive. ngtcp2 sends a PING when nothing was received for so long. */
void quic_connection_set_keep_alive (QuicConnection *connection, guint64 interval_ms);

/* Ends it with CONNECTION_CLOSE @code and @reason (cut at 256 bytes). `closed` follows in the next pass. Idempotent. */
void quic_connection_close (QuicConnection *connection, QuicCode code, const char *reason);

G_END_DECLS
