/* What the files of a session share. session.c: its life and passes; id.c; greeting.c: hello and welcome;
   messages.c: what is said on the control stream; notices.c: what of it must arrive; resume.c: from one
   connection to the next; takeover.c: from one client to the next; rejoin.c; goodbye.c; counts.c; requests.c: what a client asks for; early.c; opening.c: channels we ask for; incoming.c:
   streams the peer opens; channel.c: what is open; renew.c; host-calls.c. Nobody outside the room includes
   this. */
#pragma once

#include "base/heap.h"
#include "session/channel.h"
#include "session/control-stream.h"
#include "session/session.h"

G_BEGIN_DECLS

/* From the connection's being up to the hello, from a stream's opening to its first frame: absolute, so
   that a byte a second does not help. */
#define SESSION_GREETING_TIMEOUT (10 * BASE_SECOND)
/* For a server's answer to hello: a host may ask somebody. */
#define SESSION_WELCOME_TIMEOUT (30 * BASE_SECOND)
/* For the peer to acknowledge our goodbye. */
#define SESSION_GOODBYE_TIMEOUT (2 * BASE_SECOND)
/* Counts are told after so long, if they did not grow much before. */
#define SESSION_COUNT_DELAY (50 * BASE_MILLISECOND)
/* Asking side: `exited` comes on another stream than the last bytes, so it may come after them. A channel
   whose bytes are through waits so long for it, before it is told to be closed. */
#define SESSION_EXIT_GRACE (10 * BASE_SECOND)
/* What all lanes of a session keep together; above it each lane still keeps SESSION_KEPT_MIN, so that none
   starves. */
#define SESSION_KEPT_MAX (16 * 1024 * 1024)
#define SESSION_KEPT_MIN (64 * 1024)
/* Window of one lane: twice the congestion window, that is about what is under way and what comes back as
   counts, plus the step of the counts twice. */
#define SESSION_WINDOW_EXTRA (512 * 1024)
#define SESSION_WINDOW_MIN (1024 * 1024)
#define SESSION_WINDOW_MAX (8 * 1024 * 1024)
/* Control messages that came before the channel they are about was known here. */
#define SESSION_MAX_EARLY 64
/* A peer's words in our errors and logs. */
#define SESSION_MAX_TEXT 512

typedef enum
{
  SESSION_STARTING, /* the connection is not up */
  SESSION_GREETING, /* client: hello is said; server: it is awaited */
  SESSION_ASKED,    /* server: the host decides */
  SESSION_UP,
  SESSION_AWAY,   /* without a connection, until another one comes */
  SESSION_ENDING, /* goodbye is said, its acknowledgement awaited */
  SESSION_OVER,   /* the connection is being closed, or is gone */
} SessionPhase;

struct _SessionTimer
{
  BaseHeapNode node;
  void (*due) (gpointer owner, guint64 now);
  gpointer owner;
};

struct _Session
{
  guint references;
  QuicConnection *connection; /* NULL after its end */
  gboolean server, raw;
  gboolean established; /* it was up once */
  gboolean taking;      /* client: asks for one that another client began */
  guint taken;          /* how often a client took it over from another; who does not know that has lost it */
  gboolean dropped;     /* its connection ends by our own will, not the session */
  gboolean restarting;  /* client: … by the peer's */
  SessionPhase phase;
  char *agent;
  const SessionEvents *events;
  gpointer user_data;
  guint8 id_bytes[SESSION_ID_SIZE];
  char id[2 * SESSION_ID_SIZE + 1];
  Session *successor_of; /* server: says that it goes on with that one, and has to prove it */
  GError *error;      /* why it ends, when it is a fault */
  gboolean on_purpose; /* somebody said goodbye without one */
  gboolean told_closed;
  char *goodbye_code, *goodbye_message; /* ours */

  SessionControl *control;
  BaseHeap *timers;
  SessionTimer greeting, farewell, counting;

  GHashTable *channels;  /* guint64 * → SessionChannel */
  guint64 last_channel;  /* server: the last number given */
  gsize kept;            /* by all lanes */
  gsize window;          /* of a lane, by the last connection */
  guint64 keep_alive_ms;
  gboolean keeps_alive;  /* client: there is something to be kept alive for */
  GQueue flushes;        /* of SessionChannelLane: bytes for their stream */
  GQueue counts;         /* of SessionChannelLane: a count to tell */
  GQueue unattached;     /* client, of SessionChannelLane: without a stream yet */
  GQueue checks;         /* of SessionChannel: perhaps done */
  GQueue openings;       /* client, of SessionOpening */
  guint64 last_opening;  /* client: the last token given to one */
  GQueue rejoins;        /* client, of SessionRejoin */
  GQueue notices;        /* of SessionNotice, in order */
  guint64 notices_said, notices_heard; /* the last numbers */
  GQueue incoming;       /* server, of SessionIncoming */
  GQueue early;          /* client, of SessionEarly */

  SessionRenewFunc renew_func; /* client: waits for `renewed` */
  gpointer renew_data;
  gboolean renew_asked; /* server: the host owes an answer */
};

/* session.c */
void session_timer_set (Session *session, SessionTimer *timer, guint64 deadline);
guint64 session_now (const Session *session);
void session_wake (Session *session);
gboolean session_is_alive (const Session *session);
/* Ends the connection with @code at once; the first error wins. */
void session_fail (Session *session, QuicCode code, const GError *error);
void session_close_connection (Session *session, QuicCode code, const char *reason);
/* Ends the connection with @code, not the session. */
void session_drop (Session *session, QuicCode code, const GError *error);
/* A channel came or went. */
void session_update_keep_alive (Session *session);
/* Takes over the events of @connection. */
void session_take_connection (Session *session, QuicConnection *connection);
/* It has no connection any more, and waits for another one. */
void session_go_away (Session *session, const GError *error);
/* It is over, with its connection: everybody is told. */
void session_end (Session *session, const GError *error, guint64 code);
/* On the control stream; a message that cannot be sent ends the session. */
void session_say (Session *session, const char *name, GVariant *arguments);

/* id.c */
void session_set_id (Session *session, const guint8 *bytes);

/* messages.c */
extern const SessionControlEvents session_control_events;
/* "resize", "signal", "exited"; MUX_ERROR_PROTOCOL. */
gboolean session_messages_event (Session *session, const char *name, GVariant *arguments, GError **error);

/* early.c */
void session_early_keep (Session *session, guint64 channel, const char *name, GVariant *arguments);
void session_early_replay (Session *session, SessionChannel *channel);
void session_early_forget (Session *session);

/* goodbye.c */
/* Goodbye was said: closes the connection when that is heard, or will not be. */
void session_goodbye_pass (Session *session, guint64 now);

/* counts.c */
void session_counting_due (gpointer session, guint64 now);

/* requests.c: what begins on @stream */
void session_take_open (Session *session, QuicStream *stream, GVariant *request);
void session_take_lane (Session *session, QuicStream *stream, GVariant *arguments);

/* greeting.c: starts once the connection is up */
void session_start (Session *session);
/* @more: other keys of it (a{sv}), or NULL. */
void session_say_welcome (Session *session, const SessionWelcome *welcome, GVariant *more);

/* notices.c; arguments are completed and ended by it */
void session_notice_say (Session *session, guint64 channel, const char *name, GVariantDict *arguments);
void session_notices_acknowledged (Session *session);
void session_notices_repeat (Session *session);
void session_notices_forget (Session *session);
gboolean session_notice_is_news (Session *session, GVariant *arguments);

/* rejoin.c */
void session_rejoins_begin (Session *session);
void session_rejoins_pass (Session *session);
void session_rejoins_detach (Session *session);
void session_rejoin_free (Session *session, SessionRejoin *rejoin);

/* resume.c */
/* A position as `resume` and `resumed` carry it; floating. */
GVariant *session_position_arguments (SessionChannelLane *slot, const SessionLanePosition *mine);
gboolean session_position_read (GVariant *arguments, SessionLanePosition *theirs, GError **error);
/* Another connection is there, and welcome. */
void session_go_on (Session *session);
/* The connection is lost, or left. */
void session_detach (Session *session);
/* Leaves a connection that still is one. */
void session_leave_connection (Session *session);
/* Server: the connection of @newcomer is that of `successor_of` from here on. */
void session_succeed_now (Session *newcomer);
/* Server: @newcomer becomes what it says it continues, if that may be by now; returns that, or NULL. @proven: it knows more than
   the number. */
Session *session_succeed (Session *newcomer, gboolean proven);
/* Whether `resume` with @arguments could be answered now. */
gboolean session_check_resume (Session *session, GVariant *arguments, GError **error);
void session_take_resume (Session *session, QuicStream *stream, GVariant *arguments);

/* takeover.c: the welcome to a client that takes a session over */
gboolean session_take_state (Session *session, GVariant *arguments, GError **error);

/* renew.c */
void session_renew_end (Session *session, GVariant *renewed, const GError *error);

/* opening.c */
void session_openings_pass (Session *session);
void session_openings_detach (Session *session);
void session_openings_end (Session *session, const GError *error);

/* incoming.c */
void session_incoming_add (Session *session, QuicStream *stream);
/* Raw: those that came before the welcome. */
void session_incoming_admit (Session *session);
void session_incoming_end (Session *session);
void session_incoming_move (Session *from, Session *to);
/* `refused`, and the end of the stream; or both halves torn. */
void session_refuse_stream (QuicStream *stream, const char *code, const char *message);
void session_tear_stream (QuicStream *stream, QuicCode code);

G_END_DECLS
