#include "session/channel-output.h"
#include "session/channel-input.h"

struct _SessionChannelOutput
{
  GOutputStream parent;
  SessionLane *lane;
};

static void pollable_init (GPollableOutputStreamInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SessionChannelOutput, session_channel_output, G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM, pollable_init))

static gboolean
can_poll (GPollableOutputStream *pollable)
{
  return TRUE;
}

static gboolean
is_writable (GPollableOutputStream *pollable)
{
  return session_lane_writable (SESSION_CHANNEL_OUTPUT (pollable)->lane);
}

static GSource *
create_source (GPollableOutputStream *pollable, GCancellable *cancellable)
{
  return session_channel_source_new (G_OBJECT (pollable), SESSION_CHANNEL_OUTPUT (pollable)->lane, TRUE,
                                     cancellable);
}

static gssize
write_nonblocking (GPollableOutputStream *pollable, const void *buffer, gsize length, GError **error)
{
  return session_lane_write (SESSION_CHANNEL_OUTPUT (pollable)->lane, buffer, length, error);
}

static void
pollable_init (GPollableOutputStreamInterface *interface)
{
  interface->can_poll = can_poll;
  interface->is_writable = is_writable;
  interface->create_source = create_source;
  interface->write_nonblocking = write_nonblocking;
}

static gssize
write_fn (GOutputStream *stream, const void *buffer, gsize length, GCancellable *cancellable, GError **error)
{
  GError *local = NULL;
  gssize done = session_lane_write (SESSION_CHANNEL_OUTPUT (stream)->lane, buffer, length, &local);

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      g_clear_error (&local);
      local = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                                   "The channel takes no bytes now, and waiting here would also stop what carries "
                                   "them away: "
                                   "use g_output_stream_write_async ()");
    }
  if (local != NULL)
    g_propagate_error (error, local);
  return done;
}

static gboolean
close_fn (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  session_lane_finish (SESSION_CHANNEL_OUTPUT (stream)->lane);
  return TRUE;
}

static void
close_async (GOutputStream *stream, int priority, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, close_async);
  g_task_set_priority (task, priority);
  session_lane_finish (SESSION_CHANNEL_OUTPUT (stream)->lane);
  g_task_return_boolean (task, TRUE);
}

static gboolean
close_finish (GOutputStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
finalize (GObject *object)
{
  session_lane_unref (SESSION_CHANNEL_OUTPUT (object)->lane);
  G_OBJECT_CLASS (session_channel_output_parent_class)->finalize (object);
}

static void
session_channel_output_class_init (SessionChannelOutputClass *class)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = finalize;
  stream_class->write_fn = write_fn;
  stream_class->close_fn = close_fn;
  stream_class->close_async = close_async;
  stream_class->close_finish = close_finish;
}

static void
session_channel_output_init (SessionChannelOutput *self)
{
}

GOutputStream *
session_channel_output_new (SessionLane *lane)
{
  SessionChannelOutput *self = g_object_new (SESSION_TYPE_CHANNEL_OUTPUT, NULL);

  self->lane = session_lane_ref (lane);
  return G_OUTPUT_STREAM (self);
}
