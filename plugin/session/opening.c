/* Client: channels we ask for, from the request to the answer; and the streams of the lanes we open. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "base/error.h"
#include "session/channel-stream.h"
#include "session/frame-stream.h"

typedef struct
{
  Session *session;
  SessionOpenFunc func;
  gpointer user_data;
  GVariant *request;
  QuicStream *stream; /* NULL: none yet, or gone */
  SessionFrameReader *reader;
  guint64 channel; /* of `opened`, 0 = not yet */
  guint64 token;   /* the peer knows the same request by it when it comes again */
  GError *error;   /* the answer is no */
} SessionOpening;

static void
opening_free (SessionOpening *opening)
{
  g_assert (opening->stream == NULL);
  session_frame_reader_free (opening->reader);
  g_variant_unref (opening->request);
  g_clear_error (&opening->error);
  g_free (opening);
}

/* Takes it out and tells the answer; @channel transfer full. */
static void
answer (SessionOpening *opening, GIOStream *channel)
{
  Session *session = opening->session;

  g_queue_remove (&session->openings, opening);
  session_update_keep_alive (session);
  opening->func (session, channel, channel == NULL ? opening->error : NULL, opening->user_data);
  opening_free (opening);
}

/* The answer is told in a pass: here the stream may be in the middle of its events. */
static void
settle (SessionOpening *opening, guint64 channel, GError *error)
{
  if (opening->channel != 0 || opening->error != NULL)
    g_clear_error (&error);
  else
    {
      opening->channel = channel;
      opening->error = error;
    }
  session_wake (opening->session);
}

static void
read_answer (SessionOpening *opening, const char *name, GVariant *arguments)
{
  const char *code = "", *message = "";
  guint64 channel = 0;
  GError *error = NULL;

  if (g_str_equal (name, "opened") && g_variant_lookup (arguments, "channel", "t", &channel) && channel != 0)
    {
      settle (opening, channel, NULL);
      return;
    }
  if (g_str_equal (name, "refused"))
    {
      g_autofree char *text = NULL;

      g_variant_lookup (arguments, "code", "&s", &code);
      g_variant_lookup (arguments, "message", "&s", &message);
      text = session_frame_text (*message != '\0' ? message : code, SESSION_MAX_TEXT);
      base_error_set (&error, MUX_ERROR_REFUSED, _ ("The other side refused the channel: %s"), text);
    }
  else
    base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer answered a request for a channel with nonsense"));
  settle (opening, 0, error);
}

static void
readable_cb (QuicStream *stream, gpointer user_data)
{
  SessionOpening *opening = user_data;
  g_autofree char *name = NULL;
  g_autoptr (GVariant) arguments = NULL;
  GError *error = NULL;

  if (opening->channel != 0 || opening->error != NULL)
    return;
  switch (session_frame_stream_read (stream, opening->reader, &name, &arguments, &error))
    {
    case SESSION_FRAME_NONE:
      break;
    case SESSION_FRAME_READ:
      read_answer (opening, name, arguments);
      break;
    case SESSION_FRAME_ENDED:
      base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer ended a requested channel without an answer"));
      settle (opening, 0, error);
      break;
    case SESSION_FRAME_WRONG:
      settle (opening, 0, error);
      break;
    }
}

static void
torn_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  GError *error = NULL;

  base_error_set (&error, MUX_ERROR_REFUSED,
                  _ ("The other side reset the channel before it was open (code %u)"),
                  (guint) code);
  settle (user_data, 0, error);
  /* If the answer had come just before, the lane will see that the stream is gone. */
  quic_stream_reset (stream, code);
  quic_stream_stop_sending (stream, code);
}

static void
closed_cb (QuicStream *stream, gpointer user_data)
{
  SessionOpening *opening = user_data;
  GError *error = NULL;

  opening->stream = NULL;
  if (!opening->session->raw && !quic_connection_is_connected (quic_stream_connection (stream)))
    return; /* the session says whether there will be another */
  base_error_set (&error, MUX_ERROR_LOST, _ ("The connection ended before the channel was open"));
  settle (opening, 0, error);
}

static const QuicStreamEvents stream_events = {
  .readable = readable_cb,
  .reset = torn_cb,
  .stopped = torn_cb,
  .closed = closed_cb,
};

/* Lets go of a stream that leads nowhere. */
static void
drop_stream (SessionOpening *opening)
{
  QuicStream *stream = g_steal_pointer (&opening->stream);

  if (stream == NULL)
    return;
  quic_stream_set_events (stream, NULL, NULL);
  quic_stream_reset (stream, QUIC_CODE_CANCELLED);
  quic_stream_stop_sending (stream, QUIC_CODE_CANCELLED);
}

static void
make_channel (SessionOpening *opening, guint64 id)
{
  Session *session = opening->session;
  QuicStream *stream = g_steal_pointer (&opening->stream);
  SessionChannel *channel = session_channel_new (session, id, opening->request);
  GIOStream *channel_stream = session_channel_stream_new (session_channel_main (channel));

  session_lane_attach (session_channel_main (channel), stream);
  session_channel_open (channel);
  answer (opening, channel_stream);
  session_early_replay (session, channel);
}

/* One that has a stream, or will never have one. */
static void
conclude (SessionOpening *opening)
{
  Session *session = opening->session;

  if (opening->channel != 0 && opening->stream == NULL && opening->error == NULL)
    base_error_set (&opening->error, MUX_ERROR_LOST, _ ("The connection ended before the channel was open"));
  if (opening->error == NULL && opening->channel != 0
      && g_hash_table_contains (session->channels, &opening->channel))
    {
      g_autoptr (GError) error = NULL;

      base_error_set (&error, MUX_ERROR_PROTOCOL,
                      _ ("The peer gave the number %" PRIu64 " to two channels"),
                      opening->channel);
      session_fail (session, QUIC_CODE_PROTOCOL, error);
      opening->error = g_steal_pointer (&error);
    }
  if (opening->error != NULL)
    {
      drop_stream (opening);
      answer (opening, NULL);
    }
  else if (opening->channel != 0)
    make_channel (opening, opening->channel);
}

/* FALSE while the peer allows no further stream. */
static gboolean
send_request (SessionOpening *opening)
{
  Session *session = opening->session;
  QuicStream *stream = quic_connection_open_stream (session->connection);

  if (stream == NULL)
    return FALSE;
  opening->stream = stream;
  quic_stream_set_events (stream, &stream_events, opening);
  if (session->raw)
    opening->channel = ++session->last_channel; /* nobody answers: it is open */
  else
    {
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (opening->request);

      g_variant_dict_insert (&dict, "token", "t", opening->token);
      session_frame_stream_write (stream, "open", g_variant_dict_end (&dict), &opening->error);
    }
  return TRUE;
}

/* Lanes that were asked for. */
static void
attach_lanes (Session *session)
{
  while (!g_queue_is_empty (&session->unattached))
    {
      SessionChannelLane *slot = g_queue_peek_head (&session->unattached);
      QuicStream *stream = quic_connection_open_stream (session->connection);
      GVariant *arguments;

      if (stream == NULL)
        return;
      g_queue_pop_head (&session->unattached);
      slot->unattached_queued = FALSE;
      arguments = g_variant_new_parsed ("{'channel': <%t>, 'name': <%s>}", session_channel_id (slot->channel),
                                        session_lane_name (slot->lane));
      session_frame_stream_write (stream, "lane", arguments, NULL); /* names are short */
      session_lane_attach (slot->lane, stream);
    }
}

void
session_openings_pass (Session *session)
{
  GList *next;

  for (GList *link = session->openings.head; link != NULL; link = next)
    {
      SessionOpening *opening = link->data;

      if (opening->stream == NULL && opening->error == NULL && opening->channel == 0
          && session->phase == SESSION_UP
          && !send_request (opening))
        break;
      /* What the host asks for meanwhile goes to the end. */
      next = link->next;
      conclude (opening);
    }
  if (session->phase == SESSION_UP)
    attach_lanes (session);
  if (g_queue_is_empty (&session->openings))
    session_early_forget (session);
}

void
session_openings_detach (Session *session)
{
  for (GList *link = session->openings.head; link != NULL; link = link->next)
    {
      SessionOpening *opening = link->data;

      if (opening->stream != NULL)
        quic_stream_set_events (opening->stream, NULL, NULL);
      opening->stream = NULL;
      if (opening->error != NULL)
        continue;
      opening->channel = 0;
      session_frame_reader_free (opening->reader);
      opening->reader = session_frame_reader_new ();
    }
}

void
session_openings_end (Session *session, const GError *error)
{
  SessionOpening *opening;

  while ((opening = g_queue_peek_head (&session->openings)) != NULL)
    {
      if (opening->error == NULL && error != NULL)
        opening->error = g_error_copy (error);
      base_error_set (&opening->error, MUX_ERROR_GONE, _ ("The session ended before the channel was open"));
      drop_stream (opening);
      answer (opening, NULL);
    }
}

/* Nobody passes any more: the answer comes from the main context. */
static gboolean
answer_gone_cb (gpointer data)
{
  SessionOpening *opening = data;
  Session *session = opening->session;

  opening->func (session, NULL, opening->error, opening->user_data);
  opening_free (opening);
  session_unref (session);
  return G_SOURCE_REMOVE;
}

void
session_open (Session *session, GVariant *request, SessionOpenFunc func, gpointer user_data)
{
  SessionOpening *opening = g_new0 (SessionOpening, 1);
  g_autoptr (GBytes) frame = NULL;

  opening->session = session;
  opening->token = ++session->last_opening;
  opening->func = func;
  opening->user_data = user_data;
  opening->reader = session_frame_reader_new ();
  opening->request = g_variant_ref_sink (request != NULL ? request : g_variant_new ("a{sv}", NULL));
  frame = session_frame_encode ("open", opening->request, &opening->error);
  if (session->server)
    base_error_set (&opening->error, MUX_ERROR_FAILED, _ ("Only the side that dialled can ask for a channel"));
  if (g_hash_table_size (session->channels) + session->openings.length >= SESSION_MAX_CHANNELS)
    base_error_set (&opening->error, MUX_ERROR_LIMIT,
                    ngettext ("The session has %d channel already, its limit: close one first",
                              "The session has %d channels already, its limit: close one first", SESSION_MAX_CHANNELS),
                    SESSION_MAX_CHANNELS);
  if (!session_is_alive (session) && session->phase != SESSION_AWAY)
    base_error_set (&opening->error, MUX_ERROR_GONE, _ ("The session is over"));
  if (session->told_closed)
    {
      GSource *source = g_idle_source_new ();

      session_ref (session);
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, answer_gone_cb, opening, NULL);
      g_source_attach (source, g_main_context_get_thread_default ());
      g_source_unref (source);
      return;
    }
  g_queue_push_tail (&session->openings, opening);
  session_update_keep_alive (session);
  if (session->events->active != NULL)
    session->events->active (session, session->user_data);
  session_wake (session);
}
