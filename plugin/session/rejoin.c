/* Client: each lane asks for its other half over the new connection. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "session/frame-stream.h"

struct _SessionRejoin
{
  SessionChannelLane *slot;
  QuicStream *stream; /* NULL: none yet */
  SessionFrameReader *reader;
  SessionLanePosition theirs;
  gboolean answered, refused;
};

void
session_rejoin_free (Session *session, SessionRejoin *rejoin)
{
  g_queue_remove (&session->rejoins, rejoin);
  rejoin->slot->rejoin = NULL;
  if (rejoin->stream != NULL)
    {
      quic_stream_set_events (rejoin->stream, NULL, NULL);
      quic_stream_reset (rejoin->stream, QUIC_CODE_CANCELLED);
      quic_stream_stop_sending (rejoin->stream, QUIC_CODE_CANCELLED);
    }
  session_frame_reader_free (rejoin->reader);
  g_free (rejoin);
}

static Session *
session_of (SessionRejoin *rejoin)
{
  return session_channel_session (rejoin->slot->channel);
}

/* The stream changes hands in the pass that follows, not in the middle of its events. */
static void
settle (SessionRejoin *rejoin, gboolean refused)
{
  rejoin->answered = TRUE;
  rejoin->refused = refused;
  session_wake (session_of (rejoin));
}

static void
take_answer (SessionRejoin *rejoin, const char *name, GVariant *arguments, GError **error)
{
  if (g_str_equal (name, "refused"))
    settle (rejoin, TRUE);
  else if (!g_str_equal (name, "resumed"))
    base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer answered the resumption of a channel with nonsense"));
  else if (session_position_read (arguments, &rejoin->theirs, error)
           && session_lane_check_position (rejoin->slot->lane, &rejoin->theirs, error))
    settle (rejoin, FALSE);
}

static void
rejoin_readable_cb (QuicStream *stream, gpointer user_data)
{
  SessionRejoin *rejoin = user_data;
  g_autofree char *name = NULL;
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GError) error = NULL;

  if (rejoin->answered)
    return;
  switch (session_frame_stream_read (stream, rejoin->reader, &name, &arguments, &error))
    {
    case SESSION_FRAME_NONE:
    case SESSION_FRAME_WRONG:
      break;
    case SESSION_FRAME_READ:
      take_answer (rejoin, name, arguments, &error);
      break;
    case SESSION_FRAME_ENDED:
      base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer ended a resumed channel without an answer"));
      break;
    }
  if (error != NULL)
    session_fail (session_of (rejoin), QUIC_CODE_PROTOCOL, error);
}

static void
rejoin_torn_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  SessionRejoin *rejoin = user_data;

  if (!rejoin->answered)
    settle (rejoin, TRUE);
}

static void
rejoin_closed_cb (QuicStream *stream, gpointer user_data)
{
  SessionRejoin *rejoin = user_data;

  rejoin->stream = NULL;
  if (!rejoin->answered)
    settle (rejoin, TRUE);
}

static const QuicStreamEvents rejoin_events = {
  .readable = rejoin_readable_cb,
  .reset = rejoin_torn_cb,
  .stopped = rejoin_torn_cb,
  .closed = rejoin_closed_cb,
};

static gboolean
ask (Session *session, SessionRejoin *rejoin)
{
  SessionLanePosition mine;

  rejoin->stream = quic_connection_open_stream (session->connection);
  if (rejoin->stream == NULL)
    return FALSE; /* streams_available () brings us here again */
  quic_stream_set_events (rejoin->stream, &rejoin_events, rejoin);
  session_lane_position (rejoin->slot->lane, &mine);
  session_frame_stream_write (rejoin->stream, "resume", session_position_arguments (rejoin->slot, &mine), NULL);
  return TRUE;
}

static void
conclude (Session *session, SessionRejoin *rejoin)
{
  SessionLane *lane = rejoin->slot->lane;
  SessionLanePosition theirs = rejoin->theirs;
  QuicStream *stream = rejoin->refused ? NULL : g_steal_pointer (&rejoin->stream);

  session_rejoin_free (session, rejoin);
  if (stream != NULL)
    session_lane_reattach (lane, stream, &theirs);
  else
    session_lane_conclude (lane, QUIC_CODE_UNAVAILABLE, _ ("The other side has ended the channel"));
}

void
session_rejoins_pass (Session *session)
{
  GList *next;

  for (GList *link = session->rejoins.head; link != NULL && session->phase == SESSION_UP; link = next)
    {
      SessionRejoin *rejoin = link->data;

      next = link->next;
      if (rejoin->answered)
        conclude (session, rejoin);
      else if (rejoin->stream == NULL && !ask (session, rejoin))
        return;
    }
}

static void
rejoin_channel (Session *session, SessionChannel *channel)
{
  for (guint i = 0; i < session_channel_n_lanes (channel); i++)
    {
      SessionChannelLane *slot = session_channel_nth (channel, i);

      if (slot->unattached_queued)
        continue; /* it has never had a stream, and gets one as it would have */
      slot->rejoin = g_new0 (SessionRejoin, 1);
      slot->rejoin->slot = slot;
      slot->rejoin->reader = session_frame_reader_new ();
      g_queue_push_tail (&session->rejoins, slot->rejoin);
    }
}

void
session_rejoins_begin (Session *session)
{
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    rejoin_channel (session, channel);
}

void
session_rejoins_detach (Session *session)
{
  while (!g_queue_is_empty (&session->rejoins))
    {
      SessionRejoin *rejoin = g_queue_peek_head (&session->rejoins);

      /* Not torn: the peer may have joined its lane to it. */
      if (rejoin->stream != NULL)
        quic_stream_set_events (rejoin->stream, NULL, NULL);
      rejoin->stream = NULL;
      session_rejoin_free (session, rejoin);
    }
}
