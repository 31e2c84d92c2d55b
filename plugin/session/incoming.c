/* Server: streams that the peer opens, from their first byte to the host's answer. */
#include "session/session-private.h"

#include "base/error.h"
#include "session/channel-stream.h"
#include "session/frame-stream.h"

typedef struct
{
  Session *session;
  QuicStream *stream;
  SessionFrameReader *reader;
  SessionTimer timer;
  char *name; /* of the frame, NULL = not complete yet */
  GVariant *arguments;
} SessionIncoming;

static void
incoming_free (SessionIncoming *incoming)
{
  g_queue_remove (&incoming->session->incoming, incoming);
  session_timer_set (incoming->session, &incoming->timer, BASE_NEVER);
  if (incoming->stream != NULL)
    quic_stream_set_events (incoming->stream, NULL, NULL);
  session_frame_reader_free (incoming->reader);
  g_free (incoming->name);
  g_clear_pointer (&incoming->arguments, g_variant_unref);
  g_free (incoming);
}

static void
turn_away (QuicStream *stream, QuicCode code)
{
  quic_stream_reset (stream, code);
  quic_stream_stop_sending (stream, code);
}

static void
timeout_due (gpointer owner, guint64 now)
{
  SessionIncoming *incoming = owner;

  turn_away (incoming->stream, QUIC_CODE_TIMEOUT);
  incoming_free (incoming);
}

/* `refused`, and the end of the stream. */
static void
say_refused (QuicStream *stream, const char *code, const char *message)
{
  g_autofree char *short_code = session_frame_text (code, 64);
  g_autofree char *short_message = session_frame_text (message, SESSION_MAX_TEXT);

  session_frame_stream_write (stream, "refused",
                              g_variant_new_parsed ("{'code': <%s>, 'message': <%s>}", short_code,
                                                    short_message), NULL);
  quic_stream_finish (stream);
  quic_stream_stop_sending (stream, QUIC_CODE_REFUSED);
}

/* Types of what `open` may hold; other keys are ignored. */
static const struct
{
  const char *name;
  const char *type;
} open_keys[] = {
  { "service", "s" }, { "argv", "as" }, { "term", "s" }, { "rows", "u" }, { "columns", "u" },
  { "environment", "a{ss}" },
};

static gboolean
check_request (GVariant *request, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (open_keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (request, open_keys[i].name, NULL);

      if (value != NULL && !g_variant_is_of_type (value, G_VARIANT_TYPE (open_keys[i].type)))
        return base_error_set (error, MUX_ERROR_PROTOCOL,
                               "The peer's request for a channel has a “%s” of type %s, not %s",
                               open_keys[i].name, g_variant_get_type_string (value), open_keys[i].type);
    }
  return TRUE;
}

static void
ask_host (Session *session, QuicStream *stream, GVariant *request)
{
  SessionChannel *channel;
  g_autoptr (GIOStream) channel_stream = NULL;

  channel = session_channel_new (session, ++session->last_channel, request);
  channel_stream = session_channel_stream_new (session_channel_main (channel));
  session_channel_hold (channel, channel_stream);
  session_lane_attach (session_channel_main (channel), stream);
  session->events->channel_opened (session, channel_stream, request, session->user_data);
}

static void
take_open (Session *session, QuicStream *stream, GVariant *request)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (request);
  g_autoptr (GError) error = NULL;

  if (!check_request (sunk, &error))
    session_fail (session, QUIC_CODE_PROTOCOL, error);
  else if (g_hash_table_size (session->channels) < SESSION_MAX_CHANNELS)
    ask_host (session, stream, sunk);
  else if (session->raw)
    turn_away (stream, QUIC_CODE_LIMIT);
  else
    say_refused (stream, "limit", "The session has as many channels as it may");
}

static void
take_lane (Session *session, QuicStream *stream, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  SessionChannel *channel;
  SessionChannelLane *slot;
  const char *name = "";
  guint64 id = 0;

  if (!g_variant_lookup (arguments, "channel", "t", &id) || !g_variant_lookup (arguments, "name", "&s", &name)
      || id == 0 || id > session->last_channel || *name == '\0' || strlen (name) > SESSION_MAX_LANE_NAME)
    base_error_set (&error, MUX_ERROR_PROTOCOL,
                    "The peer opened a lane of a channel that never was, or without a name");
  channel = error == NULL ? g_hash_table_lookup (session->channels, &id) : NULL;
  if (channel != NULL && !session_channel_is_open (channel))
    base_error_set (&error, MUX_ERROR_PROTOCOL, "The peer opened a lane of a channel that is not open");
  slot = channel != NULL ? session_channel_find (channel, name) : NULL;
  if (slot != NULL && session_lane_is_attached (slot->lane))
    base_error_set (&error, MUX_ERROR_PROTOCOL, "The peer opened the same lane twice");
  if (error != NULL)
    {
      session_fail (session, QUIC_CODE_PROTOCOL, error);
      return;
    }
  if (channel == NULL) /* it went while this was under way */
    {
      turn_away (stream, QUIC_CODE_CANCELLED);
      return;
    }
  if (slot == NULL)
    slot = session_channel_add (channel, name);
  if (slot == NULL)
    turn_away (stream, QUIC_CODE_LIMIT);
  else
    session_lane_attach (slot->lane, stream);
}

/* In a pass: the frame is complete, or the connection raw. */
static void
admit (SessionIncoming *incoming)
{
  Session *session = incoming->session;
  QuicStream *stream = incoming->stream;
  g_autofree char *name = g_steal_pointer (&incoming->name);
  g_autoptr (GVariant) arguments = g_steal_pointer (&incoming->arguments);

  incoming_free (incoming);
  if (session->raw)
    take_open (session, stream, g_variant_new ("a{sv}", NULL));
  else if (g_str_equal (name, "open"))
    take_open (session, stream, arguments);
  else if (g_str_equal (name, "lane"))
    take_lane (session, stream, arguments);
  else
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = session_frame_text (name, 64);

      base_error_set (&error, MUX_ERROR_PROTOCOL, "The peer began a stream with “%s”", text);
      session_fail (session, QUIC_CODE_PROTOCOL, error);
    }
}

void
session_incoming_admit (Session *session)
{
  GList *next;

  for (GList *link = session->incoming.head; link != NULL && session->phase == SESSION_UP; link = next)
    {
      SessionIncoming *incoming = link->data;

      next = link->next;
      if (incoming->name != NULL || session->raw)
        admit (incoming);
    }
}

static void
readable_cb (QuicStream *stream, gpointer user_data)
{
  SessionIncoming *incoming = user_data;
  Session *session = incoming->session;
  g_autoptr (GError) error = NULL;

  if (session->raw || incoming->name != NULL || !session_is_alive (session))
    return;
  switch (session_frame_stream_read (stream, incoming->reader, &incoming->name, &incoming->arguments, &error))
    {
    case SESSION_FRAME_NONE:
      break;
    case SESSION_FRAME_READ:
      /* The stream changes hands in the pass that follows, not in the middle of its events. */
      session_timer_set (session, &incoming->timer, BASE_NEVER);
      session_wake (session);
      break;
    case SESSION_FRAME_ENDED:
      turn_away (stream, QUIC_CODE_PROTOCOL);
      break;
    case SESSION_FRAME_WRONG:
      session_fail (session, QUIC_CODE_PROTOCOL, error);
      break;
    }
}

/* Torn before it is anything: both halves go, `closed` follows. */
static void
torn_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  turn_away (stream, code);
}

static void
closed_cb (QuicStream *stream, gpointer user_data)
{
  SessionIncoming *incoming = user_data;

  incoming->stream = NULL;
  incoming_free (incoming);
}

static const QuicStreamEvents stream_events = {
  .readable = readable_cb,
  .reset = torn_cb,
  .stopped = torn_cb,
  .closed = closed_cb,
};

void
session_incoming_add (Session *session, QuicStream *stream)
{
  SessionIncoming *incoming;

  if (!session->raw && session->phase != SESSION_UP && session_is_alive (session)
      && session->phase != SESSION_ENDING)
    {
      g_autoptr (GError) error = NULL;

      base_error_set (&error, MUX_ERROR_PROTOCOL, "The peer opened a stream before it was welcome");
      session_fail (session, QUIC_CODE_PROTOCOL, error);
      return;
    }
  if (!session_is_alive (session) || session->phase == SESSION_ENDING)
    return; /* without events it is reset */
  incoming = g_new0 (SessionIncoming, 1);
  incoming->session = session;
  incoming->stream = stream;
  incoming->reader = session_frame_reader_new ();
  incoming->timer.due = timeout_due;
  incoming->timer.owner = incoming;
  g_queue_push_tail (&session->incoming, incoming);
  quic_stream_set_events (stream, &stream_events, incoming);
  if (!session->raw)
    session_timer_set (session, &incoming->timer, session_now (session) + SESSION_GREETING_TIMEOUT);
  else
    session_wake (session);
}

void
session_incoming_end (Session *session)
{
  while (!g_queue_is_empty (&session->incoming))
    incoming_free (g_queue_peek_head (&session->incoming));
}

void
session_accept (Session *session, GIOStream *stream)
{
  SessionLane *lane = session_channel_stream_lane (stream);
  SessionChannelLane *slot = lane != NULL ? session_lane_owner (lane) : NULL;
  QuicStream *quic;

  if (slot == NULL || session_channel_is_open (slot->channel))
    return; /* it went before the answer */
  quic = session_lane_stream (lane);
  if (quic != NULL && !session->raw)
    session_frame_stream_write (
        quic, "opened", g_variant_new_parsed ("{'channel': <%t>}", session_channel_id (slot->channel)), NULL);
  session_channel_open (slot->channel);
  session_channel_hold (slot->channel, NULL);
}

void
session_refuse (Session *session, GIOStream *stream, const char *code, const char *message)
{
  SessionLane *lane = session_channel_stream_lane (stream);
  SessionChannelLane *slot = lane != NULL ? session_lane_owner (lane) : NULL;
  QuicStream *quic;

  if (slot == NULL || session_channel_is_open (slot->channel))
    return;
  quic = session_channel_refuse (slot->channel);
  if (quic == NULL)
    return;
  if (session->raw)
    turn_away (quic, QUIC_CODE_UNAVAILABLE);
  else
    say_refused (quic, code, message);
}
