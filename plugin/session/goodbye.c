#include "session/session-private.h"

/* Which code of CONNECTION_CLOSE goes with a goodbye. */
static const struct
{
  const char *code;
  QuicCode quic;
} goodbye_codes[] = {
  { "refused", QUIC_CODE_REFUSED }, { "version", QUIC_CODE_PROTOCOL },     { "limit", QUIC_CODE_LIMIT },
  { "timeout", QUIC_CODE_TIMEOUT }, { "gone", QUIC_CODE_UNAVAILABLE },
  { "unavailable", QUIC_CODE_UNAVAILABLE }, { "restarting", QUIC_CODE_UNAVAILABLE },
};

static QuicCode
goodbye_quic_code (const char *code)
{
  for (gsize i = 0; i < G_N_ELEMENTS (goodbye_codes); i++)
    if (g_str_equal (goodbye_codes[i].code, code))
      return goodbye_codes[i].quic;
  return QUIC_CODE_NONE;
}

/* Goodbye is said; without its acknowledgement CONNECTION_CLOSE might overtake it. */
static void
end_if_heard (Session *session, gboolean now)
{
  if (session->phase == SESSION_ENDING && (now || session_control_is_acknowledged (session->control)))
    session_close_connection (session, goodbye_quic_code (session->goodbye_code), session->goodbye_message);
}

static void
farewell_due (gpointer owner, guint64 now)
{
  end_if_heard (owner, TRUE);
}

void
session_goodbye_pass (Session *session, guint64 now)
{
  end_if_heard (session, FALSE);
  if (session->phase != SESSION_ENDING || session->farewell.node.place != 0)
    return;
  session->farewell.due = farewell_due;
  session->farewell.owner = session;
  session_timer_set (session, &session->farewell, now + SESSION_GOODBYE_TIMEOUT);
}

/* Ends it when the peer has heard @name with @arguments (floating). */
static void
say_and_close (Session *session, const char *code, const char *message, const char *name, GVariant *arguments)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (arguments);

  if (!session_is_alive (session) || session->phase == SESSION_ENDING)
    return;
  session->on_purpose = TRUE;
  session->goodbye_code = g_strdup (code);
  session->goodbye_message = g_strdup (message);
  if (session->control == NULL)
    {
      session_close_connection (session, goodbye_quic_code (code), session->goodbye_message);
      return;
    }
  session_say (session, name, sunk);
  if (session->phase != SESSION_OVER)
    session->phase = SESSION_ENDING;
  session_wake (session);
}

void
session_close (Session *session, const char *code, const char *message)
{
  const char *text = message != NULL ? message : "";

  say_and_close (session, code, text, "goodbye", g_variant_new_parsed ("{'code': <%s>, 'message': <%s>}", code, text));
}

void
session_restart (Session *session, guint after)
{
  if (session->raw || !session->established)
    session_close (session, "shutdown", "The host is restarting");
  else
    say_and_close (session, "restarting", "The host is restarting", "restarting",
                   g_variant_new_parsed ("{'after': <%u>}", (guint32) after));
}
