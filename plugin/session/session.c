#include "session/session-private.h"


#define BASE_LOG_ROOM "session"
#include "base/error.h"
#include "base/log.h"
#include "session/channel-stream.h"

/* Which code of CONNECTION_CLOSE goes with a goodbye. */
static const struct
{
  const char *code;
  QuicCode quic;
} goodbye_codes[] = {
  { "refused", QUIC_CODE_REFUSED }, { "version", QUIC_CODE_PROTOCOL },     { "limit", QUIC_CODE_LIMIT },
  { "timeout", QUIC_CODE_TIMEOUT }, { "gone", QUIC_CODE_UNAVAILABLE },
  { "unavailable", QUIC_CODE_UNAVAILABLE },
};

static QuicCode
goodbye_quic_code (const char *code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (goodbye_codes); i++)
    if (g_str_equal (goodbye_codes[i].code, code))
      return goodbye_codes[i].quic;
  return QUIC_CODE_NONE;
}

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

static void
close_connection (Session *session, QuicCode code, const char *reason)
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
  close_connection (session, code, error->message);
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

/* End */

/* Goodbye is said; without its acknowledgement CONNECTION_CLOSE might overtake it. */
static void
end_if_heard (Session *session, gboolean now)
{
  if (session->phase == SESSION_ENDING && (now || session_control_is_acknowledged (session->control)))
    close_connection (session, goodbye_quic_code (session->goodbye_code), session->goodbye_message);
}

static void
farewell_due (gpointer owner, guint64 now)
{
  end_if_heard (owner, TRUE);
}

void
session_close (Session *session, const char *code, const char *message)
{
  if (!session_is_alive (session) || session->phase == SESSION_ENDING)
    return;
  session->on_purpose = TRUE;
  session->goodbye_code = g_strdup (code);
  session->goodbye_message = g_strdup (message != NULL ? message : "");
  if (session->control == NULL)
    {
      close_connection (session, goodbye_quic_code (code), session->goodbye_message);
      return;
    }
  session_say (session, "goodbye",
               g_variant_new_parsed ("{'code': <%s>, 'message': <%s>}", code, session->goodbye_message));
  if (session->phase != SESSION_OVER)
    session->phase = SESSION_ENDING;
  session_wake (session);
}

void
session_announce_restart (Session *session, guint after)
{
  if (session->phase == SESSION_UP)
    session_say (session, "restarting", g_variant_new_parsed ("{'after': <%u>}", (guint32) after));
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
    }
  if (session->phase == SESSION_UP)
    {
      session_channels_flush (session);
      session_channels_count (session, FALSE);
      session_channels_check (session);
    }
  else if (session->phase == SESSION_ENDING)
    {
      end_if_heard (session, FALSE);
      if (session->phase == SESSION_ENDING && session->farewell.node.place == 0)
        session_timer_set (session, &session->farewell, now + SESSION_GOODBYE_TIMEOUT);
    }
  arm (session);
}

static void
counting_due (gpointer owner, guint64 now)
{
  session_channels_count (owner, TRUE);
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

static void
closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  Session *session = user_data;
  g_autoptr (GError) error = end_error (session, info);
  guint64 code = info->application ? info->code : QUIC_CODE_UNAVAILABLE;

  session->connection = NULL;
  session->phase = SESSION_OVER;
  session_openings_end (session, error);
  session_renew_end (session, NULL, error);
  session_channels_end (session, code, error != NULL ? error->message : "");
  session_incoming_end (session);
  session_early_forget (session);
  g_clear_pointer (&session->control, session_control_free);
  session_timer_set (session, &session->greeting, BASE_NEVER);
  session_timer_set (session, &session->farewell, BASE_NEVER);
  session_timer_set (session, &session->counting, BASE_NEVER);
  session->told_closed = TRUE;
  session->events->closed (session, error, session->user_data);
  session_unref (session);
}

static const QuicConnectionEvents connection_events = {
  .connected = connected_cb,
  .stream_opened = stream_opened_cb,
  .streams_available = streams_available_cb,
  .pass = pass_cb,
  .closed = closed_cb,
};

const char *
session_id (const Session *session)
{
  return session->id;
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
  /* Somebody who is turned away hears goodbye, too. */
  return session->phase == SESSION_UP || (session->phase == SESSION_ENDING && *session->id != '\0');
}

Session *
session_new (QuicConnection *connection, const char *agent, const SessionEvents *events, gpointer user_data)
{
  Session *session = g_new0 (Session, 1);

  session->references = 2; /* the caller's, and our own until `closed` */
  session->connection = connection;
  session->server = quic_connection_is_server (connection);
  session->agent = g_strdup (agent);
  session->events = events;
  session->user_data = user_data;
  session->timers = base_heap_new ();
  session->channels = g_hash_table_new (g_int64_hash, g_int64_equal);
  session->farewell.due = farewell_due;
  session->counting.due = counting_due;
  session->greeting.owner = session->farewell.owner = session->counting.owner = session;
  quic_connection_set_events (connection, &connection_events, session);
  /* If it is connected already, the pass starts us. */
  quic_connection_wake (connection);
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
            && session->unattached.length == 0 && session->early.length == 0);
  base_heap_free (session->timers);
  g_hash_table_unref (session->channels);
  g_clear_error (&session->error);
  g_free (session->goodbye_code);
  g_free (session->goodbye_message);
  g_free (session->agent);
  g_free (session);
}
