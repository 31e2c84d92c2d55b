#include "session/channel-stream.h"
#include "quic/connection.h"
#include "session/channel-input.h"
#include "session/channel-output.h"

#define SESSION_TYPE_CHANNEL_STREAM (session_channel_stream_get_type ())
G_DECLARE_FINAL_TYPE (SessionChannelStream, session_channel_stream, SESSION, CHANNEL_STREAM, GIOStream)

struct _SessionChannelStream
{
  GIOStream parent;
  SessionLane *lane;
  GInputStream *input;
  GOutputStream *output;
};

G_DEFINE_FINAL_TYPE (SessionChannelStream, session_channel_stream, G_TYPE_IO_STREAM)

static GInputStream *
get_input_stream (GIOStream *stream)
{
  return SESSION_CHANNEL_STREAM (stream)->input;
}

static GOutputStream *
get_output_stream (GIOStream *stream)
{
  return SESSION_CHANNEL_STREAM (stream)->output;
}

/* Closes both halves, whether or not a call on them is pending (GIO's own would refuse then): a read that
   waits ends with G_IO_ERROR_CLOSED. */
static void
close_both (SessionChannelStream *self)
{
  session_lane_finish (self->lane);
  session_lane_stop (self->lane);
  session_channel_input_interrupt (SESSION_CHANNEL_INPUT (self->input));
  g_output_stream_close (self->output, NULL, NULL);
  g_input_stream_close (self->input, NULL, NULL);
}

static gboolean
close_fn (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  close_both (SESSION_CHANNEL_STREAM (stream));
  return TRUE;
}

static void
close_async (GIOStream *stream, int priority, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, close_async);
  g_task_set_priority (task, priority);
  close_both (SESSION_CHANNEL_STREAM (stream));
  g_task_return_boolean (task, TRUE);
}

static gboolean
close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
dispose (GObject *object)
{
  SessionChannelStream *self = SESSION_CHANNEL_STREAM (object);

  /* Before GIOStream's own dispose, which would close it as if all were well. */
  if (session_lane_object (self->lane) == self)
    {
      session_lane_set_object (self->lane, NULL);
      session_lane_cancel (self->lane, QUIC_CODE_CANCELLED);
      session_channel_input_interrupt (SESSION_CHANNEL_INPUT (self->input));
    }
  G_OBJECT_CLASS (session_channel_stream_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  SessionChannelStream *self = SESSION_CHANNEL_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  session_lane_unref (self->lane);
  G_OBJECT_CLASS (session_channel_stream_parent_class)->finalize (object);
}

static void
session_channel_stream_class_init (SessionChannelStreamClass *class)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (class);

  G_OBJECT_CLASS (class)->dispose = dispose;
  G_OBJECT_CLASS (class)->finalize = finalize;
  stream_class->get_input_stream = get_input_stream;
  stream_class->get_output_stream = get_output_stream;
  stream_class->close_fn = close_fn;
  stream_class->close_async = close_async;
  stream_class->close_finish = close_finish;
}

static void
session_channel_stream_init (SessionChannelStream *self)
{
}

SessionLane *
session_channel_stream_lane (GIOStream *stream)
{
  if (!SESSION_IS_CHANNEL_STREAM (stream))
    return NULL;
  return SESSION_CHANNEL_STREAM (stream)->lane;
}

GIOStream *
session_channel_stream_new (SessionLane *lane)
{
  SessionChannelStream *self = g_object_new (SESSION_TYPE_CHANNEL_STREAM, NULL);

  self->lane = session_lane_ref (lane);
  self->input = session_channel_input_new (lane);
  self->output = session_channel_output_new (lane);
  session_lane_set_object (lane, self);
  return G_IO_STREAM (self);
}
