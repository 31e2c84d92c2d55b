#include "control/pump.h"

#include <string.h>

/* Buffers moved in one dispatch, so that other sources have their turn. */
#define ROUNDS 8

struct _ControlPump
{
  GInputStream *from;
  GOutputStream *to;
  GMainContext *context;
  GSource *source;  /* the one thing waited for */
  gsize next, left; /* in buffer */
  guint64 count;
  ControlPumpProgress progress;
  ControlPumpDone done;
  gpointer user_data;
  guint8 buffer[CONTROL_PUMP_BUFFER];
};

static void
unwatch (ControlPump *pump)
{
  if (pump->source != NULL)
    g_source_destroy (pump->source);
  g_clear_pointer (&pump->source, g_source_unref);
}

static gboolean ready_cb (GObject *stream, gpointer data);

static void
watch (ControlPump *pump, GSource *source)
{
  unwatch (pump);
  pump->source = source;
  g_source_set_static_name (source, "mux-quic: control pump");
  g_source_set_callback (source, G_SOURCE_FUNC (ready_cb), pump, NULL);
  g_source_attach (source, pump->context);
}

static void
finish (ControlPump *pump, const GError *error, gboolean writing)
{
  unwatch (pump);
  pump->done (pump, error, writing, pump->user_data);
}

/* FALSE when it ended or must wait. */
static gboolean
flush (ControlPump *pump)
{
  guint64 before = pump->count;
  g_autoptr (GError) error = NULL;

  while (pump->left > 0 && error == NULL)
    {
      gssize n = g_pollable_output_stream_write_nonblocking (
          G_POLLABLE_OUTPUT_STREAM (pump->to), pump->buffer + pump->next, pump->left, NULL, &error);

      if (n <= 0)
        continue;
      pump->next += (gsize)n;
      pump->left -= (gsize)n;
      pump->count += (guint64)n;
    }
  if (pump->count > before && pump->progress != NULL)
    pump->progress (pump, pump->count, pump->user_data);
  if (error == NULL)
    return TRUE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    watch (pump, g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (pump->to), NULL));
  else
    finish (pump, error, TRUE);
  return FALSE;
}

static gboolean
ready_cb (GObject *stream, gpointer data)
{
  ControlPump *pump = data;

  for (guint round = 0; round < ROUNDS; round++)
    {
      g_autoptr (GError) error = NULL;
      gssize n;

      if (!flush (pump))
        return G_SOURCE_REMOVE;
      n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (pump->from), pump->buffer,
                                                    sizeof pump->buffer, NULL, &error);
      if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;
      if (n <= 0)
        {
          finish (pump, error, FALSE);
          return G_SOURCE_REMOVE;
        }
      pump->next = 0;
      pump->left = (gsize)n;
    }
  if (flush (pump))
    watch (pump, g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (pump->from), NULL));
  return G_SOURCE_REMOVE;
}

ControlPump *
control_pump_new (GInputStream *from, GOutputStream *to, GMainContext *context, ControlPumpProgress progress,
                  ControlPumpDone done, gpointer user_data)
{
  ControlPump *pump = g_new (ControlPump, 1);

  /* The buffer stays as it is. */
  memset (pump, 0, G_STRUCT_OFFSET (ControlPump, buffer));
  pump->from = g_object_ref (from);
  pump->to = g_object_ref (to);
  pump->context = g_main_context_ref (context);
  pump->progress = progress;
  pump->done = done;
  pump->user_data = user_data;
  watch (pump, g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (from), NULL));
  return pump;
}

void
control_pump_free (ControlPump *pump)
{
  unwatch (pump);
  g_object_unref (pump->from);
  g_object_unref (pump->to);
  g_main_context_unref (pump->context);
  g_free (pump);
}
