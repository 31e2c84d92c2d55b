#include "session/channel-input.h"

/* The child of a pollable source. It has no descriptor and no timer: a lane only ever becomes ready in a
   dispatch of the context that it belongs to, and the loop asks prepare () before it goes to sleep again. */
typedef struct
{
  GSource source;
  SessionLane *lane;
  gboolean output;
} LaneSource;

static gboolean
is_ready (GSource *source)
{
  LaneSource *self = (LaneSource *) source;

  return self->output ? session_lane_writable (self->lane) : session_lane_readable (self->lane);
}

static gboolean
prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return is_ready (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return G_SOURCE_CONTINUE; /* the parent calls the callback */
}

static void
finalize (GSource *source)
{
  session_lane_unref (((LaneSource *) source)->lane);
}

static GSourceFuncs lane_source_funcs = {
  .prepare = prepare,
  .check = is_ready,
  .dispatch = dispatch,
  .finalize = finalize,
};

GSource *
session_channel_source_new (GObject *stream, SessionLane *lane, gboolean output, GCancellable *cancellable)
{
  GSource *source = g_pollable_source_new_full (stream, NULL, cancellable);
  GSource *child = g_source_new (&lane_source_funcs, sizeof (LaneSource));

  ((LaneSource *) child)->lane = session_lane_ref (lane);
  ((LaneSource *) child)->output = output;
  g_source_set_static_name (child, "mux-quic channel");
  g_source_add_child_source (source, child);
  g_source_unref (child);
  return source;
}
