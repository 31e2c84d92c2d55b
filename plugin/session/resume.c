/* A session that goes on over another connection: what stays when one is lost, and how a server's session takes over
 * what came with the next. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define BASE_LOG_ROOM "session"
#include "base/error.h"
#include "base/log.h"
#include "session/frame-stream.h"

/* Positions on the wire */

GVariant *
session_position_arguments (SessionChannelLane *slot, const SessionLanePosition *mine)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "channel", "t", session_channel_id (slot->channel));
  if (*session_lane_name (slot->lane) != '\0')
    g_variant_dict_insert (&dict, "lane", "s", session_lane_name (slot->lane));
  g_variant_dict_insert (&dict, "received", "t", mine->received);
  if (mine->from != mine->received)
    g_variant_dict_insert (&dict, "from", "t", mine->from);
  if (mine->done)
    g_variant_dict_insert (&dict, "done", "b", TRUE);
  if (mine->torn)
    g_variant_dict_insert (&dict, "reset", "t", mine->code);
  return g_variant_dict_end (&dict);
}

gboolean
session_position_read (GVariant *arguments, SessionLanePosition *theirs, GError **error)
{
  *theirs = (SessionLanePosition){ 0 };
  if (!g_variant_lookup (arguments, "received", "t", &theirs->received))
    return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer resumes a channel without a count"));
  theirs->from = theirs->received;
  g_variant_lookup (arguments, "from", "t", &theirs->from);
  g_variant_lookup (arguments, "done", "b", &theirs->done);
  theirs->torn = g_variant_lookup (arguments, "reset", "t", &theirs->code);
  return TRUE;
}

/* Both sides */

gboolean
session_may_go_on (const Session *session)
{
  return session->established && !session->raw && !session->on_purpose && session->error == NULL && !session->told_closed;
}

void
session_go_on (Session *session)
{
  session->phase = SESSION_UP;
  if (!session->server)
    session_rejoins_begin (session);
  session_notices_repeat (session);
  session_wake (session);
  base_debug ("session %s goes on", session->id);
}

void
session_detach (Session *session)
{
  GHashTableIter iter;
  gpointer channel;

  session_rejoins_detach (session);
  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    for (guint i = 0; i < session_channel_n_lanes (channel); i++)
      session_lane_detach (session_channel_nth (channel, i)->lane);
  session_openings_detach (session);
  session_incoming_end (session);
  g_clear_pointer (&session->control, session_control_free);
  session_timer_set (session, &session->greeting, BASE_NEVER);
  session_timer_set (session, &session->farewell, BASE_NEVER);
  session_timer_set (session, &session->counting, BASE_NEVER);
  session->renew_asked = FALSE;
}

static void
orphan_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
}

static const QuicConnectionEvents orphan_events = { .closed = orphan_closed_cb };

void
session_leave_connection (Session *session)
{
  QuicConnection *connection = session->connection;

  if (connection == NULL)
    return;
  if (session->events->leaves != NULL)
    session->events->leaves (session, connection, session->user_data);
  session_detach (session);
  session->connection = NULL;
  session->dropped = session->restarting = FALSE; /* that was about this one */
  quic_connection_set_events (connection, &orphan_events, NULL);
  quic_connection_close (connection, QUIC_CODE_REPLACED, "the session goes on over another connection");
}

void
session_resume (Session *session, QuicConnection *connection)
{
  g_return_if_fail (!session->server && *session->id != '\0' && !session->told_closed);

  session_leave_connection (session);
  session->phase = SESSION_STARTING;
  session_take_connection (session, connection);
}

/* Server */

void
session_welcome_back (Session *newcomer, Session *session, const SessionWelcome *welcome)
{
  if (newcomer->phase != SESSION_ASKED)
    return; /* it went meanwhile */
  if (newcomer->taken != session->taken)
    {
      session_close (newcomer, "gone", "Another client has taken the session over");
      return;
    }
  newcomer->successor_of = session_ref (session);
  memcpy (newcomer->id_bytes, session->id_bytes, sizeof newcomer->id_bytes);
  session_say_welcome (newcomer, welcome, NULL);
  /* Who proves nothing is not waited for. */
  session_timer_set (newcomer, &newcomer->greeting, session_now (newcomer) + SESSION_GREETING_TIMEOUT);
}

void
session_succeed_now (Session *newcomer)
{
  Session *session = g_steal_pointer (&newcomer->successor_of);

  session_leave_connection (session);
  session->control = g_steal_pointer (&newcomer->control);
  session_control_set_user_data (session->control, session);
  session_incoming_move (newcomer, session);
  newcomer->phase = SESSION_OVER;
  session_take_connection (session, g_steal_pointer (&newcomer->connection));
  session_go_on (session);
  if (session->events->back != NULL)
    session->events->back (session, newcomer, session->user_data);
  session_end (newcomer, NULL, QUIC_CODE_NONE);
  session_unref (session);
}

Session *
session_succeed (Session *newcomer, gboolean proven)
{
  Session *session = newcomer->successor_of;

  if (session == NULL)
    return NULL;
  if (!session_may_go_on (session))
    {
      g_clear_pointer (&newcomer->successor_of, session_unref);
      session_close (newcomer, "gone", "The session does not exist here any more");
      return NULL;
    }
  /* While the old connection lives, somebody who only says so does not cut it: he has to know what he resumes. */
  if (!proven && session->connection != NULL && g_hash_table_size (session->channels) > 0)
    return NULL;
  session_succeed_now (newcomer);
  return session;
}

/* The lane that is resumed. NULL without @error: the channel is gone, or the lane never came to be and *@channel is set. */
static SessionChannelLane *
find_lane (Session *session, GVariant *arguments, SessionChannel **channel, const char **name, GError **error)
{
  guint64 id = 0;

  *channel = NULL;
  *name = "";
  g_variant_lookup (arguments, "lane", "&s", name);
  if (!g_variant_lookup (arguments, "channel", "t", &id) || id == 0 || id > session->last_channel
      || strlen (*name) > SESSION_MAX_LANE_NAME)
    {
      base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer resumes a channel that never was"));
      return NULL;
    }
  *channel = g_hash_table_lookup (session->channels, &id);
  if (*channel == NULL)
    return NULL;
  if (!session_channel_is_open (*channel))
    {
      base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer resumes a channel that is not open"));
      return NULL;
    }
  return session_channel_find (*channel, *name);
}

gboolean
session_check_resume (Session *session, GVariant *arguments, GError **error)
{
  SessionLanePosition theirs;
  SessionChannelLane *slot;
  SessionChannel *channel;
  const char *name;
  g_autoptr (GError) failure = NULL;

  if (!session_position_read (arguments, &theirs, error))
    return FALSE;
  slot = find_lane (session, arguments, &channel, &name, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  /* One that is in use now will be interrupted. */
  return slot == NULL || session_lane_may_stand (slot->lane, &theirs, error);
}

void
session_take_resume (Session *session, QuicStream *stream, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  SessionLanePosition theirs, mine;
  SessionChannelLane *slot = NULL;
  SessionChannel *channel = NULL;
  const char *name = "";

  if (session_position_read (arguments, &theirs, &error))
    slot = find_lane (session, arguments, &channel, &name, &error);
  /* The connection broke on the way of the lane's first frame. */
  if (slot == NULL && channel != NULL && error == NULL)
    slot = session_channel_add (channel, name);
  if (error == NULL && slot != NULL)
    session_lane_check_position (slot->lane, &theirs, &error);
  if (error != NULL)
    {
      session_drop (session, QUIC_CODE_PROTOCOL, error);
      return;
    }
  if (slot == NULL)
    {
      session_refuse_stream (stream, "gone", "The channel has ended");
      return;
    }
  session_lane_position (slot->lane, &mine);
  session_frame_stream_write (stream, "resumed", session_position_arguments (slot, &mine), NULL);
  session_lane_reattach (slot->lane, stream, &theirs);
}
