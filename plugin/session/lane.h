/* One byte stream of a channel, both ways, with its counts: what was sent and is kept until the peer has
   counted it, and what came and was handed out. The QUIC stream below it can be missing (not opened yet)
   and can go before the lane does: bytes that were not read yet stay readable, bytes that are not counted
   yet stay kept.

   Reference-counted, shared by the channel and the GIOStream above; either may go first. Tells its channel
   (the owner) what it needs; the owner never hears anything from inside its own calls but `wake`,
   `counted` and `ended`, which must only take notes. The `ready` function is called in passes of the
   connection only. Errors are G_IO_ERROR. */
#pragma once

#include <gio/gio.h>
#include "quic/stream.h"

G_BEGIN_DECLS

/* Bytes that no packet has carried yet and that a lane accepts all the same: enough for one full GSO
   batch, so that a fast link never waits for the program; few enough that behind a slow link the queue
   stays in the program, where an interrupt still can reach it. */
#define SESSION_LANE_BACKLOG (64 * 1024)
/* What one write takes at most. */
#define SESSION_LANE_WRITE_MAX (64 * 1024)
/* A count is told when it grew by so much, or after SESSION_COUNT_DELAY. */
#define SESSION_LANE_COUNT_STEP (256 * 1024)
/* Above so much heat (bytes sent lately) a lane is bulk, below the second number it is interactive again;
   see lane.c. */
#define SESSION_LANE_HOT (128 * 1024)
#define SESSION_LANE_COLD (32 * 1024)
/* Of what an interrupted lane has and nobody read, so much is kept; the rest is sent again. */
#define SESSION_LANE_REST_MAX (1024 * 1024)

typedef struct _SessionLane SessionLane;

typedef struct
{
  /* Something waits for session_lane_flush () in the next pass. */
  void (*wake) (SessionLane *lane, gpointer owner);
  /* There is something for session_lane_announce (). */
  void (*counted) (SessionLane *lane, gpointer owner);
  /* Of the bytes written on a manual lane, @count are known to be with the peer. */
  void (*confirmed) (SessionLane *lane, guint64 count, gpointer owner);
  /* A half came to its end: session_lane_is_done () may be TRUE now. */
  void (*ended) (SessionLane *lane, gpointer owner);
  /* How many bytes this lane may keep, which keeps @kept now. */
  gsize (*window) (SessionLane *lane, gsize kept, gpointer owner);
  /* What all lanes keep changed by @delta. */
  void (*kept) (SessionLane *lane, gssize delta, gpointer owner);
} SessionLaneOwner;

typedef struct
{
  guint64 sent, confirmed;                /* written by our reader's side; counted by the peer */
  guint64 received, delivered, announced; /* handed out; counted here; told to the peer */
  guint64 code;                           /* of the reset, 0 = none */
} SessionLaneCounts;

/* Where one side of an interrupted lane stands (DESIGN 4.4, `resume`). */
typedef struct
{
  guint64 received; /* the peer's bytes counted here */
  guint64 from;     /* the first of them that is not here: at least `received` */
  gboolean done;    /* nothing beyond `received` will ever be counted */
  gboolean torn;    /* our half was reset, with … */
  guint64 code;
} SessionLanePosition;

SessionLane *session_lane_new (const char *name, gboolean raw, const SessionLaneOwner *owner, gpointer data);
SessionLane *session_lane_ref (SessionLane *lane);
void session_lane_unref (SessionLane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SessionLane, session_lane_unref)

const char *session_lane_name (const SessionLane *lane);
gpointer session_lane_owner (const SessionLane *lane); /* NULL after disown */
void session_lane_counts (const SessionLane *lane, SessionLaneCounts *counts);

/* For the channel */

/* Takes over @stream's events. At most once. */
void session_lane_attach (SessionLane *lane, QuicStream *stream);
gboolean session_lane_is_attached (const SessionLane *lane);
/* For the frame that goes before the first byte; NULL: none, or gone. */
QuicStream *session_lane_stream (const SessionLane *lane);
/* Gives the stream back without events, or NULL; the lane is cut off from it. */
QuicStream *session_lane_release (SessionLane *lane);
/* Lets the host's side read and write (a channel that is not accepted yet does neither). */
void session_lane_open (SessionLane *lane);
/* The owner goes: what was not at its end fails with @message; nothing is kept. In a pass: a waiting read
   hears it. */
void session_lane_disown (SessionLane *lane, guint64 code, const char *message);
/* Hands what was written to the stream. */
void session_lane_flush (SessionLane *lane);
/* What to tell the peer: FALSE when there is nothing new. @urgent (may be NULL): it is due now, not in a
   while. */
gboolean session_lane_has_count (const SessionLane *lane, gboolean *urgent);
/* Takes the count for telling it. @done: it is the last one. */
gboolean session_lane_announce (SessionLane *lane, guint64 *count, gboolean *done);
/* The peer told us its count; MUX_ERROR_PROTOCOL when it fell or passes what was sent. */
gboolean session_lane_received (SessionLane *lane, guint64 count, gboolean done, GError **error);
/* The connection is lost, or left: the lane waits for another stream. Reading goes on with what is here, writing until the window
   is full. */
void session_lane_detach (SessionLane *lane);
/* Of a new one, on the asking side: carries on what another client began, where the peer stands; it still has everything from @kept on. */
void session_lane_begin_at (SessionLane *lane, const SessionLanePosition *theirs, guint64 kept);
/* To tell the peer; what it says of counts is told then. */
void session_lane_position (SessionLane *lane, SessionLanePosition *mine);
/* Whether it can go on where the peer stands; MUX_ERROR_PROTOCOL. */
gboolean session_lane_check_position (const SessionLane *lane, const SessionLanePosition *theirs, GError **error);
/* The same of one that need not be interrupted yet. */
gboolean session_lane_may_stand (const SessionLane *lane, const SessionLanePosition *theirs, GError **error);
/* Goes on over @stream. The position was checked. In a pass. */
void session_lane_reattach (SessionLane *lane, QuicStream *stream, const SessionLanePosition *theirs);
/* The peer is done with all of it: what is not at its end fails with @message. In a pass. */
void session_lane_conclude (SessionLane *lane, guint64 code, const char *message);
/* Nothing is left to send, to read or to count, and the stream is gone. */
gboolean session_lane_is_done (const SessionLane *lane);

/* For the GIOStream */

gboolean session_lane_readable (const SessionLane *lane);
gboolean session_lane_writable (const SessionLane *lane);
/* Bytes read, 0 at the end, -1 with G_IO_ERROR_WOULD_BLOCK, _CLOSED or _CONNECTION_CLOSED. */
gssize session_lane_read (SessionLane *lane, void *buffer, gsize length, GError **error);
gssize session_lane_write (SessionLane *lane, const void *data, gsize length, GError **error);
/* Our half ends after what was written. Idempotent. */
void session_lane_finish (SessionLane *lane);
/* Nobody reads any more. Idempotent. */
void session_lane_stop (SessionLane *lane);
/* The host dropped it: whatever is unfinished is reset with @code. */
void session_lane_cancel (SessionLane *lane, guint64 code);
void session_lane_set_manual (SessionLane *lane);
void session_lane_confirm (SessionLane *lane, guint64 count);

/* The GIOStream above, not referenced; NULL = none (any more). @ready: called in passes when reading may
   have become possible. */
void session_lane_set_object (SessionLane *lane, gpointer object);
gpointer session_lane_object (const SessionLane *lane);
/* Whether there ever was one. */
gboolean session_lane_was_taken (const SessionLane *lane);
void session_lane_set_ready (SessionLane *lane, void (*ready) (gpointer data), gpointer data);

G_END_DECLS
