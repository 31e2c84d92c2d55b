#include "session/channel.h"
#include "session/channel-stream.h"
#include "session/session-private.h"

struct _SessionChannel
{
  Session *session;
  guint64 id, token;
  GVariant *request;
  GIOStream *held;
  SessionChannelLane lanes[SESSION_MAX_LANES];
  guint n_lanes;
  gboolean open, refused, exited, waited;
  gboolean check_queued;
  SessionTimer grace;
};

static void
queue_check (SessionChannel *channel)
{
  if (!channel->check_queued)
    {
      channel->check_queued = TRUE;
      g_queue_push_tail (&channel->session->checks, channel);
    }
  session_wake (channel->session);
}

/* What lanes tell: notes for the next pass */

static void
wake_cb (SessionLane *lane, gpointer owner)
{
  SessionChannelLane *slot = owner;
  Session *session = slot->channel->session;

  if (!slot->flush_queued)
    {
      slot->flush_queued = TRUE;
      g_queue_push_tail (&session->flushes, slot);
      if (session->events->active != NULL)
        session->events->active (session, session->user_data);
    }
  session_wake (session);
}

static void
counted_cb (SessionLane *lane, gpointer owner)
{
  SessionChannelLane *slot = owner;
  Session *session = slot->channel->session;

  if (!slot->count_queued)
    {
      slot->count_queued = TRUE;
      g_queue_push_tail (&session->counts, slot);
    }
  /* Else the pass sets a timer; outside passes the time is not known. */
  session_wake (session);
}

static void
ended_cb (SessionLane *lane, gpointer owner)
{
  SessionChannelLane *slot = owner;

  queue_check (slot->channel);
}

static gsize
window_cb (SessionLane *lane, gsize kept, gpointer owner)
{
  SessionChannelLane *slot = owner;
  Session *session = slot->channel->session;
  QuicConnectionInfo info = { 0 };

  /* While there is no connection the last one's still holds. */
  if (session->connection != NULL)
    {
      quic_connection_info (session->connection, &info);
      session->window = CLAMP (2 * info.cwnd + SESSION_WINDOW_EXTRA, SESSION_WINDOW_MIN, SESSION_WINDOW_MAX);
    }
  return session->kept < SESSION_KEPT_MAX ? session->window : SESSION_KEPT_MIN;
}

static void
kept_cb (SessionLane *lane, gssize delta, gpointer owner)
{
  ((SessionChannelLane *) owner)->channel->session->kept += delta;
}

static void
confirmed_cb (SessionLane *lane, guint64 count, gpointer owner)
{
  session_channel_event (((SessionChannelLane *) owner)->channel, "received",
                         g_variant_new_parsed ("{'lane': <%s>, 'count': <%t>}", session_lane_name (lane), count));
}

static const SessionLaneOwner lane_owner = {
  .wake = wake_cb,
  .confirmed = confirmed_cb,
  .counted = counted_cb,
  .ended = ended_cb,
  .window = window_cb,
  .kept = kept_cb,
};

Session *
session_channel_session (const SessionChannel *channel)
{
  return channel->session;
}

guint64
session_channel_token (const SessionChannel *channel)
{
  return channel->token;
}

void
session_channel_set_token (SessionChannel *channel, guint64 token)
{
  channel->token = token;
}

guint64
session_channel_id (const SessionChannel *channel)
{
  return channel->id;
}

GVariant *
session_channel_request (const SessionChannel *channel)
{
  return channel->request;
}

SessionLane *
session_channel_main (const SessionChannel *channel)
{
  return channel->lanes[0].lane;
}

guint
session_channel_n_lanes (const SessionChannel *channel)
{
  return channel->n_lanes;
}

SessionChannelLane *
session_channel_nth (SessionChannel *channel, guint index)
{
  return &channel->lanes[index];
}

SessionChannelLane *
session_channel_find (SessionChannel *channel, const char *name)
{
  for (guint i = 0; i < channel->n_lanes; i++)
    if (g_str_equal (session_lane_name (channel->lanes[i].lane), name))
      return &channel->lanes[i];
  return NULL;
}

SessionChannelLane *
session_channel_add (SessionChannel *channel, const char *name)
{
  SessionChannelLane *slot;

  if (channel->n_lanes == SESSION_MAX_LANES)
    return NULL;
  slot = &channel->lanes[channel->n_lanes++];
  slot->channel = channel;
  slot->lane = session_lane_new (name, channel->session->raw, &lane_owner, slot);
  if (channel->open)
    session_lane_open (slot->lane);
  return slot;
}

void
session_channel_open (SessionChannel *channel)
{
  channel->open = TRUE;
  for (guint i = 0; i < channel->n_lanes; i++)
    session_lane_open (channel->lanes[i].lane);
}

gboolean
session_channel_is_open (const SessionChannel *channel)
{
  return channel->open;
}

void
session_channel_hold (SessionChannel *channel, GIOStream *stream)
{
  g_autoptr (GIOStream) old = channel->held;

  channel->held = stream != NULL ? g_object_ref (stream) : NULL;
}

QuicStream *
session_channel_refuse (SessionChannel *channel)
{
  channel->refused = TRUE;
  queue_check (channel);
  return session_lane_release (channel->lanes[0].lane);
}

void
session_channel_event (SessionChannel *channel, const char *event, GVariant *details)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (details);
  g_autoptr (GIOStream) stream = session_lane_object (channel->lanes[0].lane);
  Session *session = channel->session;

  if (stream == NULL)
    return;
  g_object_ref (stream);
  if (session->events->channel_event != NULL)
    session->events->channel_event (session, stream, event, sunk, session->user_data);
}

void
session_channel_set_exited (SessionChannel *channel)
{
  channel->exited = TRUE;
  queue_check (channel);
}

static void
grace_due (gpointer owner, guint64 now)
{
  SessionChannel *channel = owner;

  channel->waited = TRUE;
  queue_check (channel);
}

SessionChannel *
session_channel_new (Session *session, guint64 id, GVariant *request)
{
  SessionChannel *channel = g_new0 (SessionChannel, 1);

  channel->session = session;
  channel->id = id;
  channel->request = g_variant_ref_sink (request);
  channel->grace.due = grace_due;
  channel->grace.owner = channel;
  session_channel_add (channel, "");
  g_hash_table_insert (session->channels, &channel->id, channel);
  session_update_keep_alive (session);
  return channel;
}

static void
unqueue (Session *session, SessionChannelLane *slot)
{
  if (slot->rejoin != NULL)
    session_rejoin_free (session, slot->rejoin);
  if (slot->flush_queued)
    g_queue_remove (&session->flushes, slot);
  if (slot->count_queued)
    g_queue_remove (&session->counts, slot);
  if (slot->unattached_queued)
    g_queue_remove (&session->unattached, slot);
  slot->flush_queued = slot->count_queued = slot->unattached_queued = FALSE;
}

/* Cuts a lane off; a stream that is still there is torn. */
static void
drop_lane (Session *session, SessionChannelLane *slot, guint64 code, const char *message)
{
  QuicStream *stream = session_lane_release (slot->lane);

  if (stream != NULL)
    {
      quic_stream_reset (stream, code != QUIC_CODE_NONE ? code : QUIC_CODE_CANCELLED);
      quic_stream_stop_sending (stream, code != QUIC_CODE_NONE ? code : QUIC_CODE_CANCELLED);
    }
  session_lane_disown (slot->lane, code, message);
  unqueue (session, slot);
  session_lane_unref (slot->lane);
}

void
session_channel_free (SessionChannel *channel, guint64 code, const char *message, gboolean tell)
{
  Session *session = channel->session;
  SessionLaneCounts counts;

  g_hash_table_remove (session->channels, &channel->id);
  session_update_keep_alive (session);
  session_timer_set (session, &channel->grace, BASE_NEVER);
  session_lane_counts (channel->lanes[0].lane, &counts);
  if (counts.code != 0)
    code = counts.code;
  if (tell)
    session_channel_event (channel, "closed",
                           g_variant_new_parsed ("{'code': <%t>, 'message': <%s>}", code, message));
  session_channel_hold (channel, NULL);
  for (guint i = 0; i < channel->n_lanes; i++)
    drop_lane (session, &channel->lanes[i], code, message);
  if (channel->check_queued)
    g_queue_remove (&session->checks, channel);
  g_variant_unref (channel->request);
  g_free (channel);
}

/* Whether its bytes are through, and what is said beside them too, as far as can be known. */
static gboolean
is_done (SessionChannel *channel)
{
  Session *session = channel->session;
  gboolean watched = FALSE, torn = FALSE;

  if (channel->refused)
    return TRUE;
  for (guint i = 0; i < channel->n_lanes; i++)
    {
      SessionLane *lane = channel->lanes[i].lane;
      SessionLaneCounts counts;

      /* A lane that only one side ever asked for ends with the others. */
      if (i > 0 && (!session_lane_is_attached (lane) || !session_lane_was_taken (lane)))
        continue;
      if (!session_lane_is_done (lane))
        return FALSE;
      session_lane_counts (lane, &counts);
      torn |= counts.code != 0;
      watched |= session_lane_object (lane) != NULL;
    }
  /* A program's last byte may overtake its exit status: at the server, whose host has it a moment later, and on the way. */
  if (session->raw || channel->exited || channel->waited || torn || !watched)
    return TRUE;
  if (channel->grace.node.place == 0)
    session_timer_set (session, &channel->grace, session_now (session) + SESSION_EXIT_GRACE);
  return FALSE;
}

void
session_channels_check (Session *session)
{
  SessionChannel *channel;

  while ((channel = g_queue_pop_head (&session->checks)) != NULL)
    {
      channel->check_queued = FALSE;
      if (is_done (channel))
        session_channel_free (channel, QUIC_CODE_NONE, "", !channel->refused);
    }
}

void
session_channels_flush (Session *session)
{
  SessionChannelLane *slot;

  while ((slot = g_queue_pop_head (&session->flushes)) != NULL)
    {
      slot->flush_queued = FALSE;
      session_lane_flush (slot->lane);
    }
}

void
session_channels_end (Session *session, guint64 code, const char *message)
{
  GHashTableIter iter;
  SessionChannel *channel;

  while (TRUE)
    {
      g_hash_table_iter_init (&iter, session->channels);
      if (!g_hash_table_iter_next (&iter, NULL, (gpointer *) &channel))
        break;
      session_channel_free (channel, code, message, !channel->refused);
    }
}
