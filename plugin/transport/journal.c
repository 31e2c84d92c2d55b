#define BASE_LOG_ROOM "transport"
#include "transport/journal.h"

#include "base/heap.h"
#include "base/log.h"

/* Of refused peers. */
#define BURST 20
#define INTERVAL (60 * BASE_SECOND)

/* The fields of every event of a session. */
#define SESSION_FIELDS(session)                                                                              \
  "MUX_SESSION", session_id ((session)->session), "MUX_DIRECTION", (session)->incoming ? "in" : "out",       \
      "MUX_USER", base_log_text ((session)->user), "MUX_DEVICE", base_log_text ((session)->device),          \
      "MUX_SERIAL", base_log_text ((session)->serial), "MUX_PEER", base_log_text ((session)->peer),          \
      "MUX_TARGET", base_log_text ((session)->target)

static GLogLevelFlags
level_of (const MuxSession *session)
{
  return session->incoming || (session->transport != NULL && session->transport->started != 0)
             ? G_LOG_LEVEL_MESSAGE
             : G_LOG_LEVEL_INFO;
}

/* "of alice from …" or "to work at …". */
static char *
whose (const MuxSession *session)
{
  return session->incoming
             ? g_strdup_printf ("of %s from %s", base_log_text (session->user), base_log_text (session->peer))
             : g_strdup_printf ("to %s at %s", base_log_text (session->target),
                                base_log_text (session->peer));
}

void
transport_journal_opened (const MuxSession *session)
{
  g_autofree char *text = whose (session);

  BASE_EVENT (level_of (session), BASE_EVENT_SESSION_OPENED, SESSION_FIELDS (session), "MESSAGE",
              "session %s %s", session_id (session->session), text);
}

void
transport_journal_away (const MuxSession *session, const GError *error)
{
  g_autofree char *text = whose (session);

  BASE_EVENT (level_of (session), BASE_EVENT_SESSION_AWAY, SESSION_FIELDS (session), "MUX_REASON",
              error->message, "MESSAGE", "session %s %s is away: %s", session_id (session->session), text,
              error->message);
}

void
transport_journal_back (const MuxSession *session)
{
  g_autofree char *text = whose (session);

  BASE_EVENT (level_of (session), BASE_EVENT_SESSION_BACK, SESSION_FIELDS (session), "MESSAGE",
              "session %s %s is back", session_id (session->session), text);
}

void
transport_journal_closed (const MuxSession *session, const GError *error)
{
  g_autofree char *text = whose (session);

  BASE_EVENT (level_of (session), BASE_EVENT_SESSION_CLOSED, SESSION_FIELDS (session), "MUX_REASON",
              error != NULL ? error->message : "", "MESSAGE", "session %s %s is over: %s",
              session_id (session->session), text, error != NULL ? error->message : "goodbye");
}

void
transport_journal_refused (const MuxSession *session, const char *why)
{
  BaseLogGate *gate = &session->transport->refused_gate;
  g_autofree char *more = NULL;

  if (!base_log_gate (gate, (guint64)g_get_monotonic_time () * 1000, BURST, INTERVAL))
    return;
  more = gate->suppressed > 0 ? g_strdup_printf (" (and %" G_GUINT64_FORMAT " others)", gate->suppressed)
                              : g_strdup ("");
  base_event (BASE_EVENT_PEER_REFUSED, "MUX_PEER", base_log_text (session->peer), "MUX_USER",
              base_log_text (session->user), "MUX_DEVICE", base_log_text (session->device), "MUX_SERIAL",
              base_log_text (session->serial), "MUX_REASON", why, "MESSAGE",
              "A client at %s is refused: %s%s", base_log_text (session->peer), why, more);
}
