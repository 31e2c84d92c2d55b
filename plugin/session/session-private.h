/* What the files of a session share. session.c: its life and passes; greeting.c: hello and welcome;
   messages.c: what is said on the control stream; early.c; opening.c: channels we ask for; incoming.c:
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
  SessionPhase phase;
  char *agent;
  const SessionEvents *events;
  gpointer user_data;
  char id[2 * SESSION_ID_SIZE + 1];
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
  GQueue flushes;        /* of SessionChannelLane: bytes for their stream */
  GQueue counts;         /* of SessionChannelLane: a count to tell */
  GQueue unattached;     /* client, of SessionChannelLane: without a stream yet */
  GQueue checks;         /* of SessionChannel: perhaps done */
  GQueue openings;       /* client, of SessionOpening */
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
/* On the control stream; a message that cannot be sent ends the session. */
void session_say (Session *session, const char *name, GVariant *arguments);

/* messages.c */
extern const SessionControlEvents session_control_events;
/* "resize", "signal", "exited"; MUX_ERROR_PROTOCOL. */
gboolean session_messages_event (Session *session, const char *name, GVariant *arguments, GError **error);

/* early.c */
void session_early_keep (Session *session, guint64 channel, const char *name, GVariant *arguments);
void session_early_replay (Session *session, SessionChannel *channel);
void session_early_forget (Session *session);

/* greeting.c: starts once the connection is up */
void session_start (Session *session);

/* renew.c */
void session_renew_end (Session *session, GVariant *renewed, const GError *error);

/* opening.c */
void session_openings_pass (Session *session);
void session_openings_end (Session *session, const GError *error);

/* incoming.c */
void session_incoming_add (Session *session, QuicStream *stream);
/* Raw: those that came before the welcome. */
void session_incoming_admit (Session *session);
void session_incoming_end (Session *session);

G_END_DECLS
