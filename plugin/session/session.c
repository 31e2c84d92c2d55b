#define BASE_LOG_ROOM "session"
#include "session/session-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/log.h"

/* Small helpers of the whole room */

guint64
session_now (const Session *session)
{
  return session->connection != NULL ? quic_connection_now (session->connection) : 0;
}

void
session_wake (Session *session)
{
  if (session->connection != NULL)
    quic_connection_wake (session->connection);
}

gboolean
session_is_alive (const Session *session)
{
  return session->connection != NULL && session->phase != SESSION_OVER;
}

static void
arm (Session *session)
{
  BaseHeapNode *first = base_heap_peek (session->timers);

  if (session->connection != NULL)
    quic_connection_set_deadline (session->connection, first != NULL ? first->deadline : BASE_NEVER);
}

void
session_timer_set (Session *session, SessionTimer *timer, guint64 deadline)
{
  if (deadline == BASE_NEVER && timer->node.place == 0)
    return;
  base_heap_set (session->timers, &timer->node, deadline);
  arm (session);
}

void
session_close_connection (Session *session, QuicCode code, const char *reason)
{
  session->phase = SESSION_OVER;
  if (session->control != NULL)
    session_control_stop (session->control);
  quic_connection_close (session->connection, code, reason);
}

void
session_fail (Session *session, QuicCode code, const GError *error)
{
  if (!session_is_alive (session))
    return;
  base_debug ("session %s fails: %s", session->id, error->message);
  if (session->error == NULL)
    session->error = g_error_copy (error);
  session_close_connection (session, code, error->message);
}

void
session_drop (Session *session, QuicCode code, const GError *error)
{
  if (!session_is_alive (session))
    return;
  base_info ("session %s loses its connection: %s", session->id, error->message);
  session->dropped = TRUE;
  session_close_connection (session, code, error->message);
}

void
session_say (Session *session, const char *name, GVariant *arguments)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (arguments);
  g_autoptr (GError) error = NULL;

  if (session->control == NULL || !session_is_alive (session))
    return;
  if (!session_control_send (session->control, name, sunk, &error))
    session_fail (session, QUIC_CODE_LIMIT, error);
}

void
session_probe (Session *session)
{
  /* Of no channel: the peer has nothing to do with it. */
  if (session->phase == SESSION_UP && !session->raw)
    session_say (session, "received", g_variant_new_parsed ("{'channel': <%t>, 'count': <%t>}", (guint64) 0, (guint64) 0));
}

/* The connection's events */

static void
connected_cb (QuicConnection *connection, gpointer user_data)
{
  g_autoptr (Session) session = session_ref (user_data);

  if (session->phase == SESSION_STARTING)
    session_start (session);
}

static void
stream_opened_cb (QuicConnection *connection, QuicStream *stream, gpointer user_data)
{
  Session *session = user_data;

  if (!session->server)
    return; /* only the side that dialled opens streams: without events it is reset */
  if (session->raw || quic_stream_id (stream) != 0)
    session_incoming_add (session, stream);
  else if (session_is_alive (session))
    session->control = session_control_new (stream, &session_control_events, session);
}

static void
streams_available_cb (QuicConnection *connection, gpointer user_data)
{
  session_wake (user_data);
}

static void
run_timers (Session *session, guint64 now)
{
  BaseHeapNode *node;

  while (session->phase != SESSION_OVER && (node = base_heap_peek (session->timers)) != NULL
         && node->deadline <= now)
    {
      SessionTimer *timer = BASE_CONTAINER_OF (node, SessionTimer, node);

      base_heap_set (session->timers, node, BASE_NEVER);
      timer->due (timer->owner, now);
    }
}

static void
pass_cb (QuicConnection *connection, guint64 now, gpointer user_data)
{
  g_autoptr (Session) session = session_ref (user_data);

  if (session->phase == SESSION_STARTING)
    session_start (session);
  run_timers (session, now);
  if (session->phase == SESSION_UP)
    {
      session_incoming_admit (session);
      session_openings_pass (session);
      session_rejoins_pass (session);
    }
  if (session->phase == SESSION_UP)
    {
      session_channels_flush (session);
      session_channels_count (session, FALSE);
      session_channels_check (session);
    }
  else if (session->phase == SESSION_ENDING)
    session_goodbye_pass (session, now);
  arm (session);
}

/* Why it ended: what this side or the peer's goodbye said before what the connection knows. NULL = on
   purpose. */
static GError *
end_error (Session *session, const QuicCloseInfo *info)
{
  if (session->error != NULL)
    return g_error_copy (session->error);
  if (session->on_purpose || info->error == NULL
      || (info->cause == QUIC_CLOSE_PEER && info->application && info->code == QUIC_CODE_NONE
          && (session->server || session->phase >= SESSION_UP)))
    return NULL;
  return g_error_copy (info->error);
}

void
session_end (Session *session, const GError *error, guint64 code)
{
  session->connection = NULL;
  session->phase = SESSION_OVER;
  session_detach (session);
  session_openings_end (session, error);
  session_renew_end (session, NULL, error);
  session_channels_end (session, code, error != NULL ? error->message : "");
  session_early_forget (session);
  session_notices_forget (session);
  g_clear_pointer (&session->successor_of, session_unref);
  session->told_closed = TRUE;
  session->events->closed (session, error, session->user_data);
  session_unref (session);
}

/* Whether the end of the connection is none of the session: nobody said so, and its peer may come again. */
static gboolean
may_come_back (Session *session, const QuicCloseInfo *info)
{
  if (!session->established || session->raw || session->successor_of != NULL || session->on_purpose
      || session->error != NULL || session->events->away == NULL)
    return FALSE;
  switch (info->cause)
    {
    case QUIC_CLOSE_IDLE:
    case QUIC_CLOSE_RESET:
      return TRUE;
    case QUIC_CLOSE_LOCAL:
      return session->dropped;
    case QUIC_CLOSE_PEER:
      if (!info->application)
        return TRUE;
      return session->server ? info->code == QUIC_CODE_REPLACED : session->restarting;
    default:
      return FALSE;
    }
}

void
session_go_away (Session *session, const GError *error)
{
  g_autoptr (GError) lost = NULL;
  g_autoptr (GError) restarts = NULL;

  session->connection = NULL;
  session->phase = SESSION_AWAY;
  session->dropped = FALSE;
  session_detach (session);
  base_error_set (&lost, MUX_ERROR_LOST, _("The connection was lost before the certificate was renewed"));
  session_renew_end (session, NULL, lost);
  if (session->restarting)
    base_error_set (&restarts, MUX_ERROR_RESTARTING, _("The host over there restarts"));
  session->restarting = FALSE;
  session->events->away (session, restarts != NULL ? restarts : error, session->user_data);
}

static void
closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  g_autoptr (Session) session = session_ref (user_data);
  g_autoptr (GError) error = NULL;

  if (session->events->leaves != NULL)
    session->events->leaves (session, connection, session->user_data);
  if (may_come_back (session, info))
    {
      session_go_away (session, info->error);
      return;
    }
  error = end_error (session, info);
  session_end (session, error, info->application ? info->code : QUIC_CODE_UNAVAILABLE);
}

void
session_abandon (Session *session, const GError *error)
{
  g_autoptr (Session) kept = session_ref (session);

  if (session->phase == SESSION_AWAY)
    session_end (session, error, QUIC_CODE_UNAVAILABLE);
}

static const QuicConnectionEvents connection_events = {
  .connected = connected_cb,
  .stream_opened = stream_opened_cb,
  .streams_available = streams_available_cb,
  .pass = pass_cb,
  .closed = closed_cb,
};

gpointer
session_user_data (const Session *session)
{
  return session->user_data;
}

QuicConnection *
session_connection (const Session *session)
{
  return session->connection;
}

gboolean
session_is_raw (const Session *session)
{
  return session->raw;
}

gboolean
session_is_established (const Session *session)
{
  return session->established && session->phase != SESSION_OVER;
}

void
session_update_keep_alive (Session *session)
{
  gboolean needed = session_is_in_use (session);

  if (session->keep_alive_ms == 0 || needed == session->keeps_alive)
    return;
  session->keeps_alive = needed;
  if (session->connection != NULL)
    quic_connection_set_keep_alive (session->connection, needed ? session->keep_alive_ms : 0);
}

void
session_set_keep_alive (Session *session, guint64 interval_ms)
{
  session->keep_alive_ms = interval_ms;
  session->keeps_alive = TRUE; /* its connections begin so */
  session_update_keep_alive (session);
}

void
session_take_connection (Session *session, QuicConnection *connection)
{
  session->connection = connection;
  session->keeps_alive = TRUE;
  session_update_keep_alive (session);
  quic_connection_set_events (connection, &connection_events, session);
  /* If it is connected already, the pass starts us. */
  quic_connection_wake (connection);
}

Session *
session_new (QuicConnection *connection, const char *agent, const SessionEvents *events, gpointer user_data)
{
  Session *session = g_new0 (Session, 1);

  session->references = 2; /* the caller's, and our own until `closed` */
  session->server = quic_connection_is_server (connection);
  session->agent = g_strdup (agent);
  session->events = events;
  session->user_data = user_data;
  session->timers = base_heap_new ();
  session->channels = g_hash_table_new (g_int64_hash, g_int64_equal);
  session->counting.due = session_counting_due;
  session->greeting.owner = session->counting.owner = session;
  session->window = SESSION_WINDOW_MIN;
  session_take_connection (session, connection);
  return session;
}

Session *
session_ref (Session *session)
{
  session->references++;
  return session;
}

void
session_unref (Session *session)
{
  if (--session->references > 0)
    return;
  g_assert (session->connection == NULL && session->control == NULL && session->kept == 0);
  g_assert (g_hash_table_size (session->channels) == 0 && session->openings.length == 0
            && session->incoming.length == 0
            && session->flushes.length == 0 && session->counts.length == 0 && session->checks.length == 0
            && session->unattached.length == 0 && session->early.length == 0
            && session->rejoins.length == 0 && session->notices.length == 0);
  base_heap_free (session->timers);
  g_hash_table_unref (session->channels);
  g_clear_error (&session->error);
  g_free (session->goodbye_code);
  g_free (session->goodbye_message);
  g_free (session->agent);
  g_free (session);
}
