/* A session: the control stream and the channels of the protocol `mux/1` (DESIGN 4.4) over a QUIC connection, client or server side. Without
 * ALPN (raw) every peer-opened stream is a channel without frames. Reference-counted. Pure protocol: the connection gives it time
 * and bytes. Events come in passes, never from inside a call of this header.
 *
 * To the room above a channel is a GIOStream (channel-stream.h): its halves are pollable. Each lane of it keeps the bytes it sent until the
 * peer's count covers them, within a bounded window, and counts what its reader took, so that a session can later be carried on over another connection. */
#pragma once

#include <gio/gio.h>
#include "quic/connection.h"

G_BEGIN_DECLS

typedef struct _Session Session;

#define SESSION_VERSION 1
#define SESSION_ID_SIZE 16
#define SESSION_MAX_CHANNELS 128
#define SESSION_MAX_LANES 4

typedef struct
{
  /* Server: the control stream's hello is in (or a raw connection is up); the identity is that of the connection's certificate. Answer with
   * session_welcome () or session_close (), now or later. Client: the welcome is in, @details is its a{sv}. */
  void (*hello) (Session *session, GVariant *details, gpointer user_data);
  /* Server: a channel is asked for; answer with session_accept () or session_refuse (). @request: the a{sv} of `open`; raw: empty. */
  void (*channel_opened) (Session *session, GIOStream *channel, GVariant *request, gpointer user_data);
  /* "resize", "signal", "exited", "received" (manual lanes only), "closed": see mux/host.h. */
  void (*channel_event) (Session *session, GIOStream *channel, const char *event, GVariant *details,
                         gpointer user_data);
  /* Server: `renew` with a CSR; answer with session_renewed (). */
  void (*renew) (Session *session, const char *csr, gpointer user_data);
  /* The connection is lost, and the session waits: here for session_resume () (client), or for its client (server). NULL: it ends
   * instead. */
  void (*away) (Session *session, const GError *error, gpointer user_data);
  /* It goes on over another connection. Server: @newcomer came with it, and is over then. May be NULL. */
  void (*back) (Session *session, Session *newcomer, gpointer user_data);
  /* Client: something waits to be sent. Also from inside calls of this header: it must not call back. May be NULL. */
  void (*active) (Session *session, gpointer user_data);
  /* Client: the peer restarts and wants to be back in @after seconds; `away` follows. May be NULL. */
  void (*restarting) (Session *session, guint after, gpointer user_data);
  /* Over: all its channels were told "closed" before. @error NULL = on purpose (ours or the peer's goodbye without fault). Last event. */
  void (*closed) (Session *session, const GError *error, gpointer user_data);
  /* The last look at a connection that is no longer the session's, or is over. May be NULL. */
  void (*leaves) (Session *session, QuicConnection *connection, gpointer user_data);
} SessionEvents;

/* Takes over @connection's events. @agent: name and version told to the peer (client). The connection may be still handshaking. The
 * returned reference is the caller's; the session keeps itself alive until `closed`. */
Session *session_new (QuicConnection *connection, const char *agent, const SessionEvents *events,
                      gpointer user_data);
Session *session_ref (Session *session);
void session_unref (Session *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Session, session_unref)

/* Lower-case hex of the 16-byte id; "" before the welcome. */
const char *session_id (const Session *session);
/* The same in SESSION_ID_SIZE bytes, all 0 before the welcome; borrowed. */
const guint8 *session_id_bytes (const Session *session);
/* Reads what session_id () says; FALSE when @text is none. */
gboolean session_id_parse (const char *text, guint8 bytes[SESSION_ID_SIZE]);
/* NULL when the connection is gone. */
QuicConnection *session_connection (const Session *session);
gboolean session_is_raw (const Session *session);
gboolean session_is_established (const Session *session);
/* Whether another connection may carry it on: it was welcome once, and neither side has ended it. */
gboolean session_may_go_on (const Session *session);

gpointer session_user_data (const Session *session);

/* What a server tells a client that is welcome. */
typedef struct
{
  const char *user;
  const char *const *services; /* names */
  guint timeout;               /* seconds for which the session waits for its client while that is away */
  guint waiting;               /* other sessions of the same identity that wait for their clients */
} SessionWelcome;

void session_welcome (Session *session, const SessionWelcome *welcome);
/* Server, when hello names a `session`: @newcomer says it is the client of @session. That the identity is the same is the
 * caller's to check. `back` of @session and `closed` of @newcomer follow when it has proven it. */
void session_welcome_back (Session *newcomer, Session *session, const SessionWelcome *welcome);
/* Server, when hello says `take`: @newcomer is another client of the same identity and takes @session over, from the client that
 * it had if that is still there. `back` of @session and `closed` of @newcomer come from inside. */
void session_welcome_taker (Session *newcomer, Session *session, const SessionWelcome *welcome);
/* Client, of a new one: asks for a session that another client began, for the one with the id @bytes or (NULL) for the last that
 * waits. Its channels are there (session_channel ()) when `hello` comes. */
void session_take (Session *session, const guint8 bytes[SESSION_ID_SIZE]);
/* Client: goes on over @connection, which is up; a connection that it still has is left. `back` or `away` follows, or `closed`, when
 * the session is gone there. */
void session_resume (Session *session, QuicConnection *connection);
/* Client: the interval (ms, 0 = none) at which its connections are kept alive while there is a channel, or one is asked for. Without one
 * nothing is sent: a connection that nobody uses may end, and the radio sleep. */
void session_set_keep_alive (Session *session, guint64 interval_ms);
/* Says something, only to be heard, so that a path is looked at. */
void session_probe (Session *session);
/* Ends a session that is away; `closed` comes from inside. */
void session_abandon (Session *session, const GError *error);
/* Says goodbye with @code ("bye", "refused", "shutdown", …) and @message, then closes the connection; `closed` follows. */
void session_close (Session *session, const char *code, const char *message);
/* Server: says `restarting {after}` and closes the connection; `closed` follows here. The client's session goes away, and dials again in
 * about @after seconds. Who does not speak `mux/1`, or is not welcome yet, gets a goodbye. */
void session_restart (Session *session, guint after);

/* Client: asks for a channel. @func is called once, in a later pass, with the channel (transfer full) or an error
 * (MUX_ERROR_REFUSED with the peer's words, MUX_ERROR_LIMIT, or the session's end). */
typedef void (*SessionOpenFunc) (Session *session, GIOStream *channel, const GError *error,
                                 gpointer user_data);
void session_open (Session *session, GVariant *request, SessionOpenFunc func, gpointer user_data);

void session_accept (Session *session, GIOStream *channel);
void session_refuse (Session *session, GIOStream *channel, const char *code, const char *message);

/* See MuxSessionOps.lane (), send_event (), set_manual (), confirm (), describe_channel (). */
GIOStream *session_lane (Session *session, GIOStream *channel, const char *name, GError **error);
void session_send_event (Session *session, GIOStream *channel, const char *event, GVariant *details);
/* Whether @event can be said with @details (a{sv}): over another the other side would end the session. */
gboolean session_event_is_valid (const char *event, GVariant *details);
void session_set_manual (Session *session, GIOStream *stream);
void session_confirm (Session *session, GIOStream *stream, guint64 count);
GVariant *session_describe_channel (Session *session, GIOStream *channel);
/* The GIOStream of an open channel: transfer full; NULL when there is none, or its host has let go of it. */
GIOStream *session_channel (Session *session, guint64 id);
/* aa{sv} of all channels. */
GVariant *session_describe_channels (Session *session);
guint session_n_channels (const Session *session);
/* Server: whether one of its channels is a terminal, which a person may want to have back. */
gboolean session_has_terminal (const Session *session);
/* Whether there is a channel, or one is asked for. */
gboolean session_is_in_use (const Session *session);

/* Client: `renew {csr}`; @func once with {certificate s, ca s, expires x} or an error. One at a time. */
typedef void (*SessionRenewFunc) (Session *session, GVariant *renewed, const GError *error,
                                  gpointer user_data);
void session_renew (Session *session, const char *csr, SessionRenewFunc func, gpointer user_data);
/* Server: the answer; @certificate NULL refuses with @message. */
void session_renewed (Session *session, const char *certificate, const char *ca, gint64 expires,
                      const char *message);

G_END_DECLS
