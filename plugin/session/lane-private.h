/* What lane.c (its life, its stream, its channel), lane-resume.c (from one stream to the next) and lane-host.c (what
 * the GIOStream does with it) share. */
#pragma once

#include "session/lane.h"
#include "session/sender.h"

G_BEGIN_DECLS

struct _SessionLane
{
  guint references;
  char *name;
  gboolean raw;
  const SessionLaneOwner *owner;
  gpointer owner_data;
  gpointer object;
  gboolean taken;
  void (*ready) (gpointer data);
  gpointer ready_data;

  QuicStream *stream; /* NULL: not attached yet, or gone */
  gboolean attached;  /* there is or was one */
  gboolean open;
  guint64 code;

  SessionSender sender;
  guint64 counted; /* by the peer; less than sender.confirmed only of what somebody else sent before us */
  guint64 first_in, first_out; /* bytes of before that: who reads and writes here counts from them */
  guint64 told; /* the owner, of what the peer has */
  GError *output_error;

  GBytes *rest; /* what nobody had read when a stream went */
  gsize rest_read;
  gboolean rest_ended; /* the end follows the rest */
  guint64 received, delivered, announced;
  gboolean manual;
  gboolean at_end;  /* the reader saw the end */
  gboolean stopped; /* nobody reads any more */
  gboolean last_announced;
  GError *input_error;
};

/* lane.c */
void session_lane_take_stream (SessionLane *lane, QuicStream *stream);
/* The peer counted up to @count. */
void session_lane_take_count (SessionLane *lane, guint64 count);
gboolean session_lane_count_is_last (const SessionLane *lane);
/* Reading fails from now on, unless it is at the end; the first message stays. */
void session_lane_fail_input (SessionLane *lane, const char *message);
/* A waiting read looks again. */
void session_lane_report_ready (SessionLane *lane);
/* lane-resume.c: bytes of earlier streams that nobody read yet; and those of @stream, which must outlive it, to them. */
gsize session_lane_unread (const SessionLane *lane);
void session_lane_save_rest (SessionLane *lane, QuicStream *stream);

/* Tell the owner. */
void session_lane_report_wake (SessionLane *lane);
void session_lane_report_counted (SessionLane *lane);
void session_lane_report_ended (SessionLane *lane);
/* What is kept changed; @before: how much it was. */
void session_lane_report_kept (SessionLane *lane, gsize before);
/* Writing fails from now on, nothing is kept; the first message stays. */
void session_lane_fail_output (SessionLane *lane, const char *message);

G_END_DECLS
