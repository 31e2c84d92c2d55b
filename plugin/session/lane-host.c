/* What the GIOStream above does with a lane. */
#include "session/lane-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "quic/connection.h"

gboolean
session_lane_readable (const SessionLane *lane)
{
  gboolean fin = FALSE;

  if (!lane->open)
    return FALSE;
  if (lane->stopped || lane->input_error != NULL || lane->rest_ended || session_lane_unread (lane) > 0)
    return TRUE;
  return lane->stream != NULL && (quic_stream_readable (lane->stream, &fin) > 0 || fin);
}

/* How many bytes may be written now. */
static gsize
room (const SessionLane *lane)
{
  gsize kept = session_sender_kept (&lane->sender);
  gsize backlog = session_sender_waiting (&lane->sender);
  gsize window = lane->owner != NULL ? lane->owner->window ((SessionLane *) lane, kept, lane->owner_data) : 0;

  if (lane->stream != NULL)
    backlog += quic_stream_unsent (lane->stream);
  if (!lane->open || backlog >= SESSION_LANE_BACKLOG || kept >= window)
    return 0;
  /* Not what is left of the backlog: that would chop a flood into crumbs. */
  return MIN (window - kept, SESSION_LANE_WRITE_MAX);
}

gboolean
session_lane_writable (const SessionLane *lane)
{
  return (lane->open && (lane->output_error != NULL || lane->sender.finish)) || room (lane) > 0;
}

static gssize
read_rest (SessionLane *lane, void *buffer, gsize length)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (lane->rest, &size);

  length = MIN (length, size - lane->rest_read);
  memcpy (buffer, data + lane->rest_read, length);
  lane->rest_read += length;
  if (lane->rest_read == size)
    g_clear_pointer (&lane->rest, g_bytes_unref);
  return length;
}

/* Looks whether nothing will follow, now that nothing is there. */
static gssize
read_end (SessionLane *lane, GError **error)
{
  gboolean fin = lane->rest_ended;

  if (!fin && lane->input_error == NULL && lane->stream != NULL)
    quic_stream_readable (lane->stream, &fin);
  if (fin)
    {
      if (!lane->at_end)
        {
          lane->at_end = TRUE;
          session_lane_report_ended (lane);
        }
      return 0;
    }
  if (lane->input_error != NULL)
    g_propagate_error (error, g_error_copy (lane->input_error));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Nothing to read from the channel now");
  return -1;
}

gssize
session_lane_read (SessionLane *lane, void *buffer, gsize length, GError **error)
{
  gsize done = 0;

  if (lane->stopped)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _ ("The channel is closed for reading"));
      return -1;
    }
  if (!lane->open)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The channel is not accepted yet");
      return -1;
    }
  if (length == 0)
    return 0;
  if (session_lane_unread (lane) > 0)
    done = read_rest (lane, buffer, length);
  else if (lane->stream != NULL && lane->input_error == NULL)
    done = quic_stream_read (lane->stream, buffer, length);
  if (done == 0)
    return read_end (lane, error);
  lane->received += done;
  if (!lane->manual)
    lane->delivered = lane->received;
  session_lane_report_counted (lane);
  return done;
}

gssize
session_lane_write (SessionLane *lane, const void *data, gsize length, GError **error)
{
  gsize before = session_sender_kept (&lane->sender);

  if (lane->sender.finish)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _ ("The channel is closed for writing"));
      return -1;
    }
  if (lane->output_error != NULL)
    {
      g_propagate_error (error, g_error_copy (lane->output_error));
      return -1;
    }
  length = MIN (length, room (lane));
  if (length == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The channel takes no bytes now");
      return -1;
    }
  session_sender_append (&lane->sender, data, length);
  session_lane_report_kept (lane, before);
  session_lane_report_wake (lane);
  return length;
}

void
session_lane_finish (SessionLane *lane)
{
  if (lane->sender.finish)
    return;
  lane->sender.finish = TRUE;
  session_lane_report_wake (lane);
  session_lane_report_ended (lane);
}

void
session_lane_stop (SessionLane *lane)
{
  if (lane->stopped)
    return;
  lane->stopped = TRUE;
  g_clear_pointer (&lane->rest, g_bytes_unref);
  if (lane->stream != NULL && !lane->at_end)
    quic_stream_stop_sending (lane->stream, QUIC_CODE_CANCELLED);
  session_lane_report_ended (lane);
}

void
session_lane_cancel (SessionLane *lane, guint64 code)
{
  gboolean output_open = !lane->sender.finish && lane->output_error == NULL;

  if (lane->code == 0 && (output_open || !(lane->at_end || lane->stopped || lane->input_error != NULL)))
    lane->code = code;
  if (output_open)
    {
      if (lane->stream != NULL)
        quic_stream_reset (lane->stream, code);
      session_lane_fail_output (lane, _ ("The channel was dropped"));
    }
  session_lane_stop (lane);
  session_lane_report_ended (lane);
}

void
session_lane_set_manual (SessionLane *lane)
{
  g_return_if_fail (lane->received == lane->first_in);
  lane->manual = TRUE;
}

void
session_lane_confirm (SessionLane *lane, guint64 count)
{
  g_return_if_fail (lane->manual && count <= lane->received - lane->first_in);
  g_return_if_fail (lane->first_in + count >= lane->delivered);
  lane->delivered = lane->first_in + count;
  session_lane_report_counted (lane);
}

void
session_lane_set_object (SessionLane *lane, gpointer object)
{
  lane->object = object;
  lane->taken = TRUE;
}

gpointer
session_lane_object (const SessionLane *lane)
{
  return lane->object;
}

gboolean
session_lane_was_taken (const SessionLane *lane)
{
  return lane->taken;
}

void
session_lane_set_ready (SessionLane *lane, void (*ready) (gpointer data), gpointer data)
{
  lane->ready = ready;
  lane->ready_data = data;
}
