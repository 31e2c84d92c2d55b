/* Server: what a client asks for on a stream of its own, and the host's answers. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "session/channel-stream.h"
#include "session/frame-stream.h"

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
                               _ ("The peer's request for a channel has a “%s” of type %s, not %s"),
                               open_keys[i].name, g_variant_get_type_string (value), open_keys[i].type);
    }
  return TRUE;
}

static void
say_opened (SessionChannel *channel, QuicStream *stream)
{
  session_frame_stream_write (stream, "opened",
                              g_variant_new_parsed ("{'channel': <%t>}", session_channel_id (channel)), NULL);
}

static void
ask_host (Session *session, QuicStream *stream, GVariant *request, guint64 token)
{
  SessionChannel *channel;
  g_autoptr (GIOStream) channel_stream = NULL;

  channel = session_channel_new (session, ++session->last_channel, request);
  session_channel_set_token (channel, token);
  channel_stream = session_channel_stream_new (session_channel_main (channel));
  session_channel_hold (channel, channel_stream);
  session_lane_attach (session_channel_main (channel), stream);
  session->events->channel_opened (session, channel_stream, request, session->user_data);
}

static SessionChannel *
find_token (Session *session, guint64 token)
{
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, session->channels);
  while (token != 0 && g_hash_table_iter_next (&iter, NULL, &channel))
    if (session_channel_token (channel) == token)
      return channel;
  return NULL;
}

/* The client did not hear the answer to the same request over the last connection. */
static void
open_again (Session *session, SessionChannel *channel, QuicStream *stream)
{
  SessionLane *lane = session_channel_main (channel);
  const SessionLanePosition beginning = { 0 };
  g_autoptr (GError) error = NULL;

  if (!session_lane_check_position (lane, &beginning, &error))
    {
      session_drop (session, QUIC_CODE_PROTOCOL, error);
      return;
    }
  if (session_channel_is_open (channel))
    say_opened (channel, stream);
  session_lane_reattach (lane, stream, &beginning);
}

void
session_take_open (Session *session, QuicStream *stream, GVariant *request)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (request);
  g_autoptr (GError) error = NULL;
  SessionChannel *known;
  guint64 token = 0;

  g_variant_lookup (sunk, "token", "t", &token);
  known = find_token (session, token);
  if (!check_request (sunk, &error))
    session_fail (session, QUIC_CODE_PROTOCOL, error);
  else if (known != NULL)
    open_again (session, known, stream);
  else if (g_hash_table_size (session->channels) < SESSION_MAX_CHANNELS)
    ask_host (session, stream, sunk, token);
  else if (session->raw)
    session_tear_stream (stream, QUIC_CODE_LIMIT);
  else
    session_refuse_stream (stream, "limit", "The session has as many channels as it may");
}

void
session_take_lane (Session *session, QuicStream *stream, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  SessionChannel *channel;
  SessionChannelLane *slot;
  const char *name = "";
  guint64 id = 0;

  if (!g_variant_lookup (arguments, "channel", "t", &id) || !g_variant_lookup (arguments, "name", "&s", &name)
      || id == 0 || id > session->last_channel || *name == '\0' || strlen (name) > SESSION_MAX_LANE_NAME)
    base_error_set (&error, MUX_ERROR_PROTOCOL,
                    _ ("The peer opened a lane of a channel that never was, or without a name"));
  channel = error == NULL ? g_hash_table_lookup (session->channels, &id) : NULL;
  if (channel != NULL && !session_channel_is_open (channel))
    base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer opened a lane of a channel that is not open"));
  slot = channel != NULL ? session_channel_find (channel, name) : NULL;
  if (slot != NULL && session_lane_is_attached (slot->lane))
    base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer opened the same lane twice"));
  if (error != NULL)
    {
      session_fail (session, QUIC_CODE_PROTOCOL, error);
      return;
    }
  if (channel == NULL) /* it went while this was under way */
    {
      session_tear_stream (stream, QUIC_CODE_CANCELLED);
      return;
    }
  if (slot == NULL)
    slot = session_channel_add (channel, name);
  if (slot == NULL)
    session_tear_stream (stream, QUIC_CODE_LIMIT);
  else
    session_lane_attach (slot->lane, stream);
}

/* In a pass: the frame is complete, or the connection raw. */
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
    say_opened (slot->channel, quic);
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
    session_tear_stream (quic, QUIC_CODE_UNAVAILABLE);
  else
    session_refuse_stream (quic, code, message);
}
