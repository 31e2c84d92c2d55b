/* A lane from one connection to the next: what it still has of the old stream, where each side must go on, the new stream. */
#include "session/lane-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "quic/connection.h"

gsize
session_lane_unread (const SessionLane *lane)
{
  return lane->rest != NULL ? g_bytes_get_size (lane->rest) - lane->rest_read : 0;
}

void
session_lane_save_rest (SessionLane *lane, QuicStream *stream)
{
  gboolean fin = FALSE;
  gsize old = session_lane_unread (lane), length = quic_stream_readable (stream, &fin);

  if (lane->stopped || lane->input_error != NULL || lane->rest_ended)
    return;
  if (length > 0)
    {
      guint8 *data = g_malloc (old + length);

      if (old > 0)
        memcpy (data, (const guint8 *) g_bytes_get_data (lane->rest, NULL) + lane->rest_read, old);
      length = quic_stream_read (stream, data + old, length);
      g_clear_pointer (&lane->rest, g_bytes_unref);
      lane->rest = g_bytes_new_take (data, old + length);
      lane->rest_read = 0;
    }
  lane->rest_ended = fin;
}

/* Each connection brings another window of bytes; what is beyond the limit will be sent again. */
static void
trim_rest (SessionLane *lane)
{
  g_autoptr (GBytes) old = NULL;

  if (session_lane_unread (lane) <= SESSION_LANE_REST_MAX)
    return;
  old = g_steal_pointer (&lane->rest);
  lane->rest = g_bytes_new ((const guint8 *) g_bytes_get_data (old, NULL) + lane->rest_read, SESSION_LANE_REST_MAX);
  lane->rest_read = 0;
  lane->rest_ended = FALSE;
}

void
session_lane_detach (SessionLane *lane)
{
  QuicStream *stream = lane->stream;

  if (stream != NULL)
    {
      session_lane_save_rest (lane, stream);
      quic_stream_set_events (stream, NULL, NULL);
      lane->stream = NULL;
    }
  trim_rest (lane);
  lane->attached = FALSE;
  session_lane_report_ready (lane);
}

void
session_lane_begin_at (SessionLane *lane, const SessionLanePosition *theirs, guint64 kept)
{
  lane->received = lane->delivered = lane->announced = lane->first_in = kept;
  lane->counted = theirs->received;
  lane->told = lane->first_out = theirs->from;
  session_sender_begin_at (&lane->sender, theirs->from);
}

void
session_lane_position (SessionLane *lane, SessionLanePosition *mine)
{
  *mine = (SessionLanePosition){
    .received = lane->delivered,
    .from = lane->received + session_lane_unread (lane),
    .done = session_lane_count_is_last (lane),
    .torn = lane->output_error != NULL,
    .code = lane->code,
  };
  lane->announced = lane->delivered;
  lane->last_announced = mine->done;
}

gboolean
session_lane_may_stand (const SessionLane *lane, const SessionLanePosition *theirs, GError **error)
{
  if (lane->output_error != NULL)
    return TRUE; /* nothing is kept, nothing will be sent */
  if (theirs->received < lane->counted || theirs->from < theirs->received || theirs->from < lane->sender.confirmed
      || theirs->from > lane->sender.pushed)
    return base_error_set (error, MUX_ERROR_PROTOCOL,
                           _ ("The peer resumes a channel at %" PRIu64 " and %" PRIu64
                           ", which is not within %" PRIu64 " and %" PRIu64),
                           theirs->received, theirs->from, lane->counted, lane->sender.pushed);
  return TRUE;
}

gboolean
session_lane_check_position (const SessionLane *lane, const SessionLanePosition *theirs, GError **error)
{
  if (lane->attached)
    return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer resumes a lane of a channel that is not interrupted"));
  return session_lane_may_stand (lane, theirs, error);
}

static void
apply_position (SessionLane *lane, const SessionLanePosition *theirs)
{
  if (lane->output_error == NULL)
    {
      session_lane_take_count (lane, theirs->received);
      session_sender_rewind (&lane->sender, theirs->from);
      if (theirs->done && (theirs->received < session_sender_sent (&lane->sender) || !lane->sender.finish))
        session_lane_fail_output (lane, _ ("Nobody reads the other end of the channel any more"));
    }
  if (!theirs->torn)
    return;
  if (lane->code == 0)
    lane->code = theirs->code;
  session_lane_fail_input (lane, _ ("The other side reset the channel"));
  if (!lane->sender.finish)
    session_lane_fail_output (lane, _ ("The other side reset the channel"));
}

void
session_lane_reattach (SessionLane *lane, QuicStream *stream, const SessionLanePosition *theirs)
{
  session_lane_take_stream (lane, stream);
  apply_position (lane, theirs);
  /* Not a reset: that might overtake the frame before it, which has said so already. */
  if (lane->output_error != NULL)
    quic_stream_finish (stream);
  if (lane->stopped || lane->input_error != NULL)
    quic_stream_stop_sending (stream, lane->code);
  session_lane_report_wake (lane);
  session_lane_report_ended (lane);
  session_lane_report_ready (lane);
}

void
session_lane_conclude (SessionLane *lane, guint64 code, const char *message)
{
  lane->attached = TRUE;
  if (!lane->rest_ended && !lane->at_end && !lane->stopped && lane->code == 0)
    lane->code = code;
  if (!lane->rest_ended)
    session_lane_fail_input (lane, message);
  if (lane->sender.finish && lane->output_error == NULL)
    {
      /* It saw the end, or it would still be there. */
      session_lane_take_count (lane, lane->sender.pushed);
      lane->sender.finished = TRUE;
    }
  else
    session_lane_fail_output (lane, message);
  lane->last_announced = TRUE;
  session_lane_report_ended (lane);
  session_lane_report_ready (lane);
}
