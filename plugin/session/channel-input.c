#include "session/channel-input.h"

struct _SessionChannelInput
{
  GInputStream parent;
  SessionLane *lane;
  /* The read that waits, NULL = none; GIO allows one at a time. */
  GTask *task;
  void *buffer;
  gsize length;
  GSource *interrupt;
};

static void pollable_init (GPollableInputStreamInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SessionChannelInput, session_channel_input, G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, pollable_init))

static gboolean
is_readable (GPollableInputStream *pollable)
{
  return session_lane_readable (SESSION_CHANNEL_INPUT (pollable)->lane);
}

static gboolean
can_poll (GPollableInputStream *pollable)
{
  return TRUE;
}

static GSource *
create_source (GPollableInputStream *pollable, GCancellable *cancellable)
{
  return session_channel_source_new (G_OBJECT (pollable), SESSION_CHANNEL_INPUT (pollable)->lane, FALSE,
                                     cancellable);
}

static gssize
read_nonblocking (GPollableInputStream *pollable, void *buffer, gsize length, GError **error)
{
  return session_lane_read (SESSION_CHANNEL_INPUT (pollable)->lane, buffer, length, error);
}

static void
pollable_init (GPollableInputStreamInterface *interface)
{
  interface->can_poll = can_poll;
  interface->is_readable = is_readable;
  interface->create_source = create_source;
  interface->read_nonblocking = read_nonblocking;
}

static gssize
read_fn (GInputStream *stream, void *buffer, gsize length, GCancellable *cancellable, GError **error)
{
  GError *local = NULL;
  gssize done = session_lane_read (SESSION_CHANNEL_INPUT (stream)->lane, buffer, length, &local);

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      g_clear_error (&local);
      local = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                                   "Nothing has come on the channel yet, and waiting here would also stop what "
                                   "brings it: "
                                   "use g_input_stream_read_async ()");
    }
  if (local != NULL)
    g_propagate_error (error, local);
  return done;
}

/* Finishes the waiting read if it can be. */
static void
complete (SessionChannelInput *self)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  gssize done;

  if (self->task == NULL || !session_lane_readable (self->lane))
    return;
  done = session_lane_read (self->lane, self->buffer, self->length, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      g_error_free (error);
      return;
    }
  task = g_steal_pointer (&self->task);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, done);
}

static void
ready_cb (gpointer data)
{
  complete (data);
}

static gboolean
interrupt_cb (gpointer data)
{
  SessionChannelInput *self = data;

  g_clear_pointer (&self->interrupt, g_source_unref);
  complete (self);
  return G_SOURCE_REMOVE;
}

void
session_channel_input_interrupt (SessionChannelInput *self)
{
  if (self->task == NULL || self->interrupt != NULL)
    return;
  self->interrupt = g_idle_source_new ();
  g_source_set_priority (self->interrupt, g_task_get_priority (self->task));
  g_source_set_static_name (self->interrupt, "mux-quic channel closed");
  g_source_set_callback (self->interrupt, interrupt_cb, g_object_ref (self), g_object_unref);
  g_source_attach (self->interrupt, g_task_get_context (self->task));
}

static void
read_async (GInputStream *stream, void *buffer, gsize length, int priority, GCancellable *cancellable,
            GAsyncReadyCallback callback, gpointer user_data)
{
  SessionChannelInput *self = SESSION_CHANNEL_INPUT (stream);
  GTask *task;

  if (cancellable != NULL || session_lane_readable (self->lane))
    {
      G_INPUT_STREAM_CLASS (session_channel_input_parent_class)
        ->read_async (stream, buffer, length, priority, cancellable, callback, user_data);
      return;
    }
  task = g_task_new (stream, NULL, callback, user_data);
  g_task_set_source_tag (task, read_async);
  g_task_set_priority (task, priority);
  g_return_if_fail (self->task == NULL);
  self->task = task;
  self->buffer = buffer;
  self->length = length;
}

/* Both ways make a GTask with an integer. */
static gssize
read_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), -1);
  return g_task_propagate_int (G_TASK (result), error);
}

static gboolean
close_fn (GInputStream *stream, GCancellable *cancellable, GError **error)
{
  session_lane_stop (SESSION_CHANNEL_INPUT (stream)->lane);
  return TRUE;
}

static void
close_async (GInputStream *stream, int priority, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, close_async);
  g_task_set_priority (task, priority);
  session_lane_stop (SESSION_CHANNEL_INPUT (stream)->lane);
  g_task_return_boolean (task, TRUE);
}

static gboolean
close_finish (GInputStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
finalize (GObject *object)
{
  SessionChannelInput *self = SESSION_CHANNEL_INPUT (object);

  g_assert (self->task == NULL && self->interrupt == NULL); /* each holds a reference on us */
  session_lane_set_ready (self->lane, NULL, NULL);
  session_lane_unref (self->lane);
  G_OBJECT_CLASS (session_channel_input_parent_class)->finalize (object);
}

static void
session_channel_input_class_init (SessionChannelInputClass *class)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = finalize;
  stream_class->read_fn = read_fn;
  stream_class->read_async = read_async;
  stream_class->read_finish = read_finish;
  stream_class->close_fn = close_fn;
  stream_class->close_async = close_async;
  stream_class->close_finish = close_finish;
}

static void
session_channel_input_init (SessionChannelInput *self)
{
}

GInputStream *
session_channel_input_new (SessionLane *lane)
{
  SessionChannelInput *self = g_object_new (SESSION_TYPE_CHANNEL_INPUT, NULL);

  self->lane = session_lane_ref (lane);
  session_lane_set_ready (lane, ready_cb, self);
  return G_INPUT_STREAM (self);
}
