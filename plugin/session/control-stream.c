#include "session/control-stream.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "base/error.h"
#include "session/frame-stream.h"

struct _SessionControl
{
  QuicStream *stream; /* NULL: gone */
  SessionFrameReader *reader;
  const SessionControlEvents *events;
  gpointer user_data;
  gboolean stopped;
  guint64 written;
};

static void
fail (SessionControl *control, const GError *error)
{
  if (control->stopped)
    return;
  control->stopped = TRUE;
  control->events->failed (error, control->user_data);
}

static void
readable_cb (QuicStream *stream, gpointer user_data)
{
  SessionControl *control = user_data;

  while (!control->stopped && control->stream != NULL)
    {
      g_autofree char *name = NULL;
      g_autoptr (GVariant) arguments = NULL;
      g_autoptr (GError) error = NULL;

      switch (session_frame_stream_read (stream, control->reader, &name, &arguments, &error))
        {
        case SESSION_FRAME_NONE:
          return;
        case SESSION_FRAME_READ:
          control->events->message (name, arguments, control->user_data);
          break;
        case SESSION_FRAME_ENDED:
          base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer ended the control stream without a goodbye"));
          fail (control, error);
          return;
        case SESSION_FRAME_WRONG:
          fail (control, error);
          return;
        }
    }
}

static void
writable_cb (QuicStream *stream, gpointer user_data)
{
  SessionControl *control = user_data;

  control->events->acknowledged (control->user_data);
}

static void
torn_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  base_error_set (&error, MUX_ERROR_PROTOCOL,
                  _ ("The peer reset the control stream (code %" PRIu64 ")"), code);
  fail (user_data, error);
}

static void
closed_cb (QuicStream *stream, gpointer user_data)
{
  SessionControl *control = user_data;

  /* What came together with the end of the connection was acknowledged, and will not be said again. */
  readable_cb (stream, control);
  control->stream = NULL;
  control->events->acknowledged (control->user_data);
}

static const QuicStreamEvents stream_events = {
  .readable = readable_cb,
  .writable = writable_cb,
  .reset = torn_cb,
  .stopped = torn_cb,
  .closed = closed_cb,
};

gboolean
session_control_send (SessionControl *control, const char *name, GVariant *arguments, GError **error)
{
  g_autoptr (GBytes) frame = session_frame_encode (name, arguments, error);

  if (frame == NULL)
    return FALSE;
  if (control->stream == NULL)
    return TRUE; /* the connection is ending: nobody hears it */
  if (quic_stream_unsent (control->stream) + g_bytes_get_size (frame) > SESSION_CONTROL_BACKLOG)
    return base_error_set (error, MUX_ERROR_LIMIT,
                           _ ("The peer asks for more answers than it takes: %d bytes wait on the control stream"),
                           SESSION_CONTROL_BACKLOG);
  quic_stream_write (control->stream, frame);
  control->written += g_bytes_get_size (frame);
  return TRUE;
}

void
session_control_set_user_data (SessionControl *control, gpointer user_data)
{
  control->user_data = user_data;
}

guint64
session_control_written (const SessionControl *control)
{
  return control->written;
}

guint64
session_control_acknowledged (const SessionControl *control)
{
  return control->stream != NULL ? control->written - quic_stream_unacked (control->stream) : 0;
}

void
session_control_stop (SessionControl *control)
{
  control->stopped = TRUE;
}

gboolean
session_control_is_acknowledged (const SessionControl *control)
{
  return control->stream == NULL || quic_stream_unacked (control->stream) == 0;
}

SessionControl *
session_control_new (QuicStream *stream, const SessionControlEvents *events, gpointer user_data)
{
  SessionControl *control = g_new0 (SessionControl, 1);

  control->stream = stream;
  control->reader = session_frame_reader_new ();
  control->events = events;
  control->user_data = user_data;
  quic_stream_set_events (stream, &stream_events, control);
  quic_stream_set_urgency (stream, 0);
  return control;
}

void
session_control_free (SessionControl *control)
{
  if (control == NULL)
    return;
  if (control->stream != NULL)
    quic_stream_set_events (control->stream, NULL, NULL);
  session_frame_reader_free (control->reader);
  g_free (control);
}
