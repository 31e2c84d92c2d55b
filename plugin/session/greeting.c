/* Hello and welcome. */
#include "session/session-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/random.h>

#include "base/error.h"

static void
greeting_due (gpointer owner, guint64 now)
{
  Session *session = owner;
  g_autoptr (GError) error = NULL;

  base_error_set (&error, session->server ? MUX_ERROR_PROTOCOL : MUX_ERROR_UNREACHABLE,
                  session->server ? _ ("The client did not say hello in time")
                                  : _ ("The server did not answer hello in time"));
  /* A session that was up once has only lost another connection. */
  if (session->established && !session->server)
    session_drop (session, QUIC_CODE_REPLACED, error);
  else
    session_fail (session, QUIC_CODE_TIMEOUT, error);
}

static void
say_hello (Session *session)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  QuicStream *stream = quic_connection_open_stream (session->connection);

  if (stream == NULL)
    return; /* streams_available () brings us here again */
  session->control = session_control_new (stream, &session_control_events, session);
  session->phase = SESSION_GREETING;
  g_variant_dict_insert (&dict, "version", "u", (guint32) SESSION_VERSION);
  g_variant_dict_insert (&dict, "agent", "s", session->agent);
  if (session->taking)
    g_variant_dict_insert (&dict, "take", "b", TRUE);
  else if (session->taken > 0)
    g_variant_dict_insert (&dict, "taken", "u", (guint32) session->taken);
  if (*session->id != '\0')
    g_variant_dict_insert_value (&dict, "session",
                                 g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, session->id_bytes, SESSION_ID_SIZE, 1));
  session_say (session, "hello", g_variant_dict_end (&dict));
}

void
session_start (Session *session)
{
  session->raw = quic_connection_is_raw (session->connection);
  session->server = quic_connection_is_server (session->connection);
  if (session->raw)
    {
      g_autoptr (GVariant) nothing = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));

      session->phase = session->server ? SESSION_ASKED : SESSION_UP;
      session->established = !session->server;
      session->events->hello (session, nothing, session->user_data);
      session_wake (session);
      return;
    }
  session->greeting.due = greeting_due;
  if (session->greeting.node.place == 0)
    session_timer_set (session, &session->greeting,
                       session_now (session)
                           + (session->server ? SESSION_GREETING_TIMEOUT : SESSION_WELCOME_TIMEOUT));
  if (session->server)
    session->phase = SESSION_GREETING;
  else
    say_hello (session);
}

void
session_say_welcome (Session *session, const SessionWelcome *welcome, GVariant *more)
{
  static const char *const no_services[] = { NULL };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (more);

  session->phase = SESSION_UP;
  session->established = TRUE;
  g_variant_dict_insert_value (&dict, "session",
                               g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, session->id_bytes, SESSION_ID_SIZE, 1));
  g_variant_dict_insert (&dict, "user", "s", welcome->user != NULL ? welcome->user : "");
  g_variant_dict_insert (&dict, "services", "^as", welcome->services != NULL ? welcome->services : no_services);
  g_variant_dict_insert (&dict, "timeout", "u", (guint32) welcome->timeout);
  if (welcome->waiting > 0)
    g_variant_dict_insert (&dict, "waiting", "u", (guint32) welcome->waiting);
  if (!session->raw)
    session_say (session, "welcome", g_variant_dict_end (&dict));
  session_wake (session);
}

void
session_welcome (Session *session, const SessionWelcome *welcome)
{
  guint8 id[SESSION_ID_SIZE];
  ssize_t done;

  if (session->phase != SESSION_ASKED)
    return; /* it went meanwhile */
  do
    done = getrandom (id, sizeof id, 0);
  while (done < 0 && errno == EINTR);
  if (done != sizeof id)
    {
      session_close (session, "unavailable", "The system gives no random numbers");
      return;
    }
  session_set_id (session, id);
  session_say_welcome (session, welcome, NULL);
}
