/* Server: streams that the peer opens, from their first byte to the host's answer. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
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

void
session_tear_stream (QuicStream *stream, QuicCode code)
{
  quic_stream_reset (stream, code);
  quic_stream_stop_sending (stream, code);
}

static void
timeout_due (gpointer owner, guint64 now)
{
  SessionIncoming *incoming = owner;

  session_tear_stream (incoming->stream, QUIC_CODE_TIMEOUT);
  incoming_free (incoming);
}

void
session_refuse_stream (QuicStream *stream, const char *code, const char *message)
{
  g_autofree char *short_code = session_frame_text (code, 64);
  g_autofree char *short_message = session_frame_text (message, SESSION_MAX_TEXT);

  session_frame_stream_write (stream, "refused",
                              g_variant_new_parsed ("{'code': <%s>, 'message': <%s>}", short_code,
                                                    short_message), NULL);
  quic_stream_finish (stream);
  quic_stream_stop_sending (stream, QUIC_CODE_REFUSED);
}

static void
admit (SessionIncoming *incoming)
{
  Session *session = incoming->session;
  QuicStream *stream = incoming->stream;
  g_autofree char *name = g_steal_pointer (&incoming->name);
  g_autoptr (GVariant) arguments = g_steal_pointer (&incoming->arguments);

  incoming_free (incoming);
  if (session->raw)
    session_take_open (session, stream, g_variant_new ("a{sv}", NULL));
  else if (g_str_equal (name, "open"))
    session_take_open (session, stream, arguments);
  else if (g_str_equal (name, "lane"))
    session_take_lane (session, stream, arguments);
  else if (g_str_equal (name, "resume"))
    session_take_resume (session, stream, arguments);
  else
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = session_frame_text (name, 64);

      base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer began a stream with “%s”"), text);
      session_fail (session, QUIC_CODE_PROTOCOL, error);
    }
}

/* A newcomer must know where its lanes stand: whoever only guesses ends himself, not the session. */
static void
admit_newcomer (Session *newcomer)
{
  for (GList *link = newcomer->incoming.head; link != NULL; link = link->next)
    {
      SessionIncoming *incoming = link->data;
      g_autoptr (GError) error = NULL;

      if (incoming->name == NULL)
        continue;
      if (g_str_equal (incoming->name, "resume")
          && !session_check_resume (newcomer->successor_of, incoming->arguments, &error))
        session_fail (newcomer, QUIC_CODE_PROTOCOL, error);
      else
        session_succeed (newcomer, TRUE);
      return;
    }
  session_succeed (newcomer, FALSE);
}

void
session_incoming_move (Session *from, Session *to)
{
  SessionIncoming *incoming;

  while ((incoming = g_queue_pop_head (&from->incoming)) != NULL)
    {
      guint64 deadline = incoming->timer.node.place != 0 ? incoming->timer.node.deadline : BASE_NEVER;

      session_timer_set (from, &incoming->timer, BASE_NEVER);
      incoming->session = to;
      session_timer_set (to, &incoming->timer, deadline);
      g_queue_push_tail (&to->incoming, incoming);
    }
}

void
session_incoming_admit (Session *session)
{
  GList *next;

  if (session->successor_of != NULL)
    {
      admit_newcomer (session);
      return;
    }

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
      session_tear_stream (stream, QUIC_CODE_PROTOCOL);
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
  session_tear_stream (stream, code);
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

      base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The peer opened a stream before it was welcome"));
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
