#include "session/lane-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "base/error.h"
#include "quic/connection.h"

#define CONNECTION_ENDED _ ("The connection of the channel ended")

void
session_lane_report_ready (SessionLane *lane)
{
  if (lane->ready != NULL)
    lane->ready (lane->ready_data);
}

void
session_lane_report_wake (SessionLane *lane)
{
  if (lane->owner != NULL)
    lane->owner->wake (lane, lane->owner_data);
}

void
session_lane_report_counted (SessionLane *lane)
{
  if (lane->owner != NULL && session_lane_has_count (lane, NULL))
    lane->owner->counted (lane, lane->owner_data);
}

void
session_lane_report_ended (SessionLane *lane)
{
  /* The last count is due when a half has ended. */
  session_lane_report_counted (lane);
  if (lane->owner != NULL)
    lane->owner->ended (lane, lane->owner_data);
}

void
session_lane_report_kept (SessionLane *lane, gsize before)
{
  gssize delta = (gssize) session_sender_kept (&lane->sender) - (gssize) before;

  if (lane->owner != NULL && delta != 0)
    lane->owner->kept (lane, delta, lane->owner_data);
}

static void
drop_kept (SessionLane *lane)
{
  gsize before = session_sender_kept (&lane->sender);

  session_sender_drop (&lane->sender);
  session_lane_report_kept (lane, before);
}

static void
set_failed (GError **error, const char *message)
{
  if (*error == NULL)
    *error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, message);
}

void
session_lane_fail_output (SessionLane *lane, const char *message)
{
  set_failed (&lane->output_error, message);
  drop_kept (lane);
}

void
session_lane_fail_input (SessionLane *lane, const char *message)
{
  if (!lane->at_end)
    set_failed (&lane->input_error, message);
}

/* Events of the QUIC stream */

static void
readable_cb (QuicStream *stream, gpointer user_data)
{
  session_lane_report_ready (user_data);
}

void
session_lane_take_count (SessionLane *lane, guint64 count)
{
  gsize before = session_sender_kept (&lane->sender);

  lane->counted = count;
  if (count < lane->sender.confirmed)
    return;
  session_sender_confirm (&lane->sender, count);
  session_lane_report_kept (lane, before);
  /* Acknowledgements are many: a host hears of them in steps, and of the last one. */
  if (!lane->manual || lane->owner == NULL || count == lane->told
      || (session_sender_kept (&lane->sender) > 0 && count - lane->told < SESSION_LANE_COUNT_STEP && lane->raw))
    return;
  lane->told = count;
  lane->owner->confirmed (lane, count - lane->first_out, lane->owner_data);
}

/* Without frames there are no counts: what QUIC has acknowledged is all that can be known. */
static void
confirm_raw (SessionLane *lane)
{
  if (lane->raw && lane->output_error == NULL)
    session_lane_take_count (lane, lane->sender.pushed - quic_stream_unacked (lane->stream));
}

static void
writable_cb (QuicStream *stream, gpointer user_data)
{
  g_autoptr (SessionLane) lane = session_lane_ref (user_data);

  confirm_raw (lane);
  session_lane_flush (lane);
}

static void
reset_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  g_autoptr (SessionLane) lane = session_lane_ref (user_data);

  if (lane->code == 0)
    lane->code = code;
  session_lane_fail_input (lane, _ ("The other side reset the channel"));
  /* A stream whose one half was torn is of no use to a program. */
  if (lane->output_error == NULL && !lane->sender.finish)
    quic_stream_reset (stream, code);
  session_lane_fail_output (lane, _ ("The other side reset the channel"));
  session_lane_report_ended (lane);
  session_lane_report_ready (lane);
}

static void
stopped_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  g_autoptr (SessionLane) lane = session_lane_ref (user_data);

  if (lane->code == 0)
    lane->code = code;
  /* As with a pipe whose reader went: writing fails, what comes the other way can still be read. */
  session_lane_fail_output (lane, _ ("Nobody reads the other end of the channel any more"));
  session_lane_report_ended (lane);
}

static void
closed_cb (QuicStream *stream, gpointer user_data)
{
  g_autoptr (SessionLane) lane = session_lane_ref (user_data);

  if (!lane->raw && !quic_connection_is_connected (quic_stream_connection (stream)))
    {
      /* Whether that is the end of the channel as well is for the session to say. */
      session_lane_detach (lane);
      return;
    }
  confirm_raw (lane);
  session_lane_save_rest (lane, stream);
  lane->stream = NULL;
  if (!lane->rest_ended)
    session_lane_fail_input (lane, CONNECTION_ENDED);
  if (lane->raw || !lane->sender.finished)
    session_lane_fail_output (lane, CONNECTION_ENDED);
  session_lane_report_ended (lane);
  session_lane_report_ready (lane);
}

static const QuicStreamEvents stream_events = {
  .readable = readable_cb,
  .writable = writable_cb,
  .reset = reset_cb,
  .stopped = stopped_cb,
  .closed = closed_cb,
};

/* For the channel */

void
session_lane_take_stream (SessionLane *lane, QuicStream *stream)
{
  lane->attached = TRUE;
  lane->stream = stream;
  quic_stream_set_events (stream, &stream_events, lane);
}

void
session_lane_attach (SessionLane *lane, QuicStream *stream)
{
  g_return_if_fail (!lane->attached);

  session_lane_take_stream (lane, stream);
  /* What the host decided while there was no stream yet. */
  if (lane->output_error != NULL)
    quic_stream_reset (stream, lane->code);
  if (lane->stopped || lane->input_error != NULL)
    quic_stream_stop_sending (stream, lane->code);
  session_lane_report_wake (lane);
}

gboolean
session_lane_is_attached (const SessionLane *lane)
{
  return lane->attached;
}

QuicStream *
session_lane_stream (const SessionLane *lane)
{
  return lane->stream;
}

QuicStream *
session_lane_release (SessionLane *lane)
{
  QuicStream *stream = g_steal_pointer (&lane->stream);

  if (stream != NULL)
    quic_stream_set_events (stream, NULL, NULL);
  return stream;
}

void
session_lane_open (SessionLane *lane)
{
  lane->open = TRUE;
  session_lane_report_wake (lane);
}

void
session_lane_disown (SessionLane *lane, guint64 code, const char *message)
{
  lane->open = TRUE;
  if (lane->code == 0)
    lane->code = code;
  if (*message == '\0')
    message = CONNECTION_ENDED;
  if (!lane->rest_ended)
    session_lane_fail_input (lane, message);
  session_lane_fail_output (lane, message);
  lane->owner = NULL;
  lane->owner_data = NULL;
  session_lane_report_ready (lane);
}

void
session_lane_flush (SessionLane *lane)
{
  if (lane->stream != NULL && lane->open && lane->output_error == NULL)
    session_sender_flush (&lane->sender, lane->stream);
}

gboolean
session_lane_count_is_last (const SessionLane *lane)
{
  return lane->stopped || lane->input_error != NULL || (lane->at_end && lane->delivered == lane->received);
}

gboolean
session_lane_has_count (const SessionLane *lane, gboolean *urgent)
{
  gboolean last = session_lane_count_is_last (lane) && !lane->last_announced;

  if (lane->raw || lane->last_announced)
    return FALSE;
  if (urgent != NULL)
    *urgent = last || lane->delivered - lane->announced >= SESSION_LANE_COUNT_STEP;
  return last || lane->delivered > lane->announced;
}

gboolean
session_lane_announce (SessionLane *lane, guint64 *count, gboolean *done)
{
  if (!session_lane_has_count (lane, NULL))
    return FALSE;
  *count = lane->announced = lane->delivered;
  *done = lane->last_announced = session_lane_count_is_last (lane);
  if (*done)
    session_lane_report_ended (lane);
  return TRUE;
}

gboolean
session_lane_received (SessionLane *lane, guint64 count, gboolean done, GError **error)
{
  gsize unsent = lane->stream != NULL ? quic_stream_unsent (lane->stream) : 0;
  /* Frames before the first raw byte are in `unsent` too. */
  guint64 carried = lane->sender.pushed - MIN (unsent, lane->sender.pushed);

  if (lane->output_error != NULL)
    return TRUE; /* nothing is kept: the count crossed the reset */
  if (count < lane->counted)
    return base_error_set (error, MUX_ERROR_PROTOCOL,
                           _ ("The peer's count of a channel fell from %" PRIu64 " to %" PRIu64),
                           lane->counted, count);
  if (count > carried)
    return base_error_set (error, MUX_ERROR_PROTOCOL,
                           _ ("The peer counts %" PRIu64 " bytes of a channel that sent %" PRIu64),
                           count, carried);
  session_lane_take_count (lane, count);
  if (done && (count < session_sender_sent (&lane->sender) || !lane->sender.finish))
    session_lane_fail_output (lane, _ ("Nobody reads the other end of the channel any more"));
  session_lane_report_ended (lane);
  return TRUE;
}

gboolean
session_lane_is_done (const SessionLane *lane)
{
  gboolean input = lane->at_end || lane->stopped || lane->input_error != NULL;
  gboolean output = lane->output_error != NULL
                    || (lane->sender.finished && (lane->raw || session_sender_kept (&lane->sender) == 0));

  return lane->stream == NULL && lane->attached && input && output && (lane->raw || lane->last_announced);
}

const char *
session_lane_name (const SessionLane *lane)
{
  return lane->name;
}

gpointer
session_lane_owner (const SessionLane *lane)
{
  return lane->owner_data;
}

void
session_lane_counts (const SessionLane *lane, SessionLaneCounts *counts)
{
  *counts = (SessionLaneCounts){
    .sent = session_sender_sent (&lane->sender),
    .confirmed = lane->sender.confirmed,
    .received = lane->received,
    .delivered = lane->delivered,
    .announced = lane->announced,
    .code = lane->code,
  };
}

SessionLane *
session_lane_new (const char *name, gboolean raw, const SessionLaneOwner *owner, gpointer data)
{
  SessionLane *lane = g_new0 (SessionLane, 1);

  lane->references = 1;
  lane->name = g_strdup (name);
  lane->raw = raw;
  lane->owner = owner;
  lane->owner_data = data;
  session_sender_init (&lane->sender);
  return lane;
}

SessionLane *
session_lane_ref (SessionLane *lane)
{
  lane->references++;
  return lane;
}

void
session_lane_unref (SessionLane *lane)
{
  if (--lane->references > 0)
    return;
  g_assert (lane->stream == NULL && lane->owner == NULL && lane->object == NULL);
  session_sender_clear (&lane->sender);
  g_clear_pointer (&lane->rest, g_bytes_unref);
  g_clear_error (&lane->input_error);
  g_clear_error (&lane->output_error);
  g_free (lane->name);
  g_free (lane);
}
