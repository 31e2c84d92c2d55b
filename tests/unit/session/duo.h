/* Two sessions on a simulated link, or one session and a peer played by hand, and what they were told. */
#pragma once

#include "harness/certs.h"
#include "harness/link.h"
#include "session/frame.h"
#include "session/session.h"

G_BEGIN_DECLS

typedef struct _Duo Duo;
typedef struct _Side Side;

/* One GIOStream, read and written to the end by asynchronous calls. */
typedef struct
{
  Side *side;
  GIOStream *stream; /* NULL: dropped */
  GVariant *request;
  GString *events; /* one word after the other: "resize 24x80;" */
  gboolean paused, reading, writing, eof;
  gboolean echo;
  guint64 received, to_send, sent;
  gboolean finish, finished; /* closes the output after to_send */
  gsize piece;               /* what one read or write asks for */
  GChecksum *received_sum, *sent_sum;
  GByteArray *bytes; /* the first received ones, up to 64 KiB */
  GError *read_error, *write_error;
  guint64 write_refused_at; /* bytes taken when writing first had to wait */
} Tap;

typedef enum { ANSWER_ACCEPT, ANSWER_REFUSE, ANSWER_NONE } Answer;

struct _Side
{
  Duo *duo;
  gboolean server;
  Session *session; /* NULL when played by hand */
  QuicConnection *connection; /* by hand: NULL once closed */
  GPtrArray *hands;           /* by hand: of Hand */
  GVariant *hello;
  gboolean hand_connected, hand_deaf, closed;
  GError *error;
  guint64 close_code;
  GPtrArray *taps;       /* server: in the order of asking */
  Answer answer;
  gboolean keep_unwelcome, echo, paused;
  char *csr;
  guint restarting;
  guint unanswered; /* channels asked for */
  /* With `resumes` */
  guint away, back;        /* how often */
  guint newcomers, turned; /* server: connections after the first that have not ended; those that came to nothing */
  gboolean forgetful;      /* server: knows of no session */
  const char *const *services; /* server: told to who comes back or takes over, NULL = the usual */
};

/* One stream of a peer played by hand. */
typedef struct
{
  Side *side;
  QuicStream *stream; /* NULL once closed */
  GByteArray *bytes;
  gboolean fin, reset, stopped;
  guint64 reset_code, stop_code;
} Hand;

struct _Duo
{
  Certs *certs;
  Link *link;
  QuicEndpoint *endpoints[2];
  QuicTls *tls[2];
  gboolean raw, hand_client, hand_server;
  gboolean resumes;      /* sessions outlive their connections */
  guint redialling;      /* connections of the client that are not up */
  Side client, server, taker;
};

/* An answer to session_open (). */
typedef struct
{
  Side *side;
  Tap *tap;
  GError *error;
  gboolean answered;
} Asked;

/* Does not connect yet: set raw, hand_client, hand_server before duo_connect (). */
Duo *duo_new (guint32 seed);
void duo_connect (Duo *duo);
/* duo_connect (), and the client is welcome. */
Duo *duo_new_welcome (guint32 seed);
/* Ends what is not over yet. */
void duo_free (Duo *duo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Duo, duo_free)

/* The client makes another connection, and its session goes on over that as soon as it is up. */
void duo_redial (Duo *duo);
/* The same for @side, the client or the taker. */
void duo_redial_side (Duo *duo, Side *side);
/* duo_redial (), and waits until both sides are back. */
void duo_come_back (Duo *duo);
/* Another connection by the same client, played by hand: what was there stays the session's. */
void duo_intrude (Duo *duo, Side *intruder);
/* Another client takes the session over, over a connection of its own. */
void duo_take (Duo *duo);
/* Lets fake time pass, with the main context. */
void duo_run (Duo *duo, guint64 milliseconds);
#define duo_until(duo, condition) duo_until_limit (duo, condition, 30 * 1000)
/* Steps until @condition; aborts after @limit ms of fake time. */
#define duo_until_limit(duo, condition, limit)                                                               \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    guint64 until_ = link_now ((duo)->link) + (guint64) (limit) * BASE_MILLISECOND;                          \
    while (!(condition))                                                                                     \
      if (!duo_step (duo, until_))                                                                           \
        g_error ("%s:%d: not within %u ms: %s", __FILE__, __LINE__, (guint) (limit), #condition);           \
  }                                                                                                          \
  G_STMT_END
gboolean duo_step (Duo *duo, guint64 until);

Asked *duo_ask (Duo *duo, const char *request);
void asked_free (Asked *asked);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Asked, asked_free)
/* Opens one and waits for both ends. */
void duo_channel (Duo *duo, Tap **client, Tap **server);

Tap *tap_new (Side *side, GIOStream *stream, GVariant *request);
/* What a tap sends, from @offset on. */
void tap_pattern (guint8 *data, guint64 offset, gsize length);
void tap_send (Tap *tap, guint64 length, gboolean finish);
void tap_write (Tap *tap, const char *text);
void tap_finish (Tap *tap);
void tap_resume (Tap *tap);
void tap_drop (Tap *tap);
const char *tap_received (Tap *tap);
const char *tap_sent (Tap *tap);
guint64 tap_count (Tap *tap, const char *key);
/* What came first, as text; valid until more comes. */
const char *tap_text (Tap *tap);

/* By hand: the client has said hello and is welcome; returns its control stream. */
Hand *duo_greet (Duo *duo);
Hand *hand_open (Side *side);
Hand *hand_adopt (Side *side, QuicStream *stream);
Hand *hand_nth (Side *side, guint index);
void hand_write (Hand *hand, const void *data, gsize length);
/* A frame; @arguments in GVariant text. */
void hand_say (Hand *hand, const char *name, const char *arguments);
/* Takes a complete frame out of what came; NULL if there is none. "name {…}". */
char *hand_hear (Hand *hand);

G_END_DECLS
