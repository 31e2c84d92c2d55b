/* What the peer says on the control stream: a table of messages, who may say them and when. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "session/channel-stream.h"
#include "session/frame-stream.h"

#define MAX_CSR (16 * 1024)

static gboolean
wrong (GError **error, const char *name, const char *what)
{
  return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer's “%s” %s"), name, what);
}

/* Greeting */

static gboolean
take_hello (Session *session, const char *name, GVariant *arguments, GError **error)
{
  guint32 version = 0;

  if (session->phase != SESSION_GREETING)
    return wrong (error, name, _ ("came twice"));
  if (!g_variant_lookup (arguments, "version", "u", &version))
    return wrong (error, name, _ ("has no version"));
  g_variant_lookup (arguments, "taken", "u", &session->taken);
  session_timer_set (session, &session->greeting, BASE_NEVER);
  if (version != SESSION_VERSION)
    {
      session_close (session, "version", "This side speaks version 1 of the session protocol only");
      return TRUE;
    }
  session->phase = SESSION_ASKED;
  session->events->hello (session, arguments, session->user_data);
  return TRUE;
}

static gboolean
take_welcome (Session *session, const char *name, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) id = g_variant_lookup_value (arguments, "session", G_VARIANT_TYPE_BYTESTRING);
  gconstpointer bytes;
  gsize size = 0;

  if (session->phase != SESSION_GREETING)
    return wrong (error, name, _ ("came twice"));
  bytes = id != NULL ? g_variant_get_fixed_array (id, &size, 1) : NULL;
  if (size != SESSION_ID_SIZE)
    return wrong (error, name, _ ("has no session of 16 bytes"));
  session_timer_set (session, &session->greeting, BASE_NEVER);
  if (session->established)
    {
      if (memcmp (bytes, session->id_bytes, SESSION_ID_SIZE) != 0)
        return wrong (error, name, _ ("is for another session"));
      session_go_on (session);
      if (session->events->back != NULL)
        session->events->back (session, NULL, session->user_data);
      return TRUE;
    }
  session_set_id (session, bytes);
  session->phase = SESSION_UP;
  session->established = TRUE;
  if (session->taking && !session_take_state (session, arguments, error))
    return FALSE;
  session->events->hello (session, arguments, session->user_data);
  session_wake (session);
  return TRUE;
}

/* Codes of a goodbye that is no fault. */
static gboolean
is_friendly (const char *code)
{
  return g_str_equal (code, "bye") || g_str_equal (code, "shutdown");
}

static gboolean
take_goodbye (Session *session, const char *name, GVariant *arguments, GError **error)
{
  const char *code = "bye", *message = "";
  g_autofree char *text = NULL;

  g_variant_lookup (arguments, "code", "&s", &code);
  g_variant_lookup (arguments, "message", "&s", &message);
  text = session_frame_text (*message != '\0' ? message : code, SESSION_MAX_TEXT);
  if (g_str_equal (code, "version"))
    base_error_set (&session->error, MUX_ERROR_PROTOCOL, _ ("The other side ended the session: %s"), text);
  else if (g_str_equal (code, "gone"))
    base_error_set (&session->error, MUX_ERROR_GONE, _ ("The other side ended the session: %s"), text);
  else if (!is_friendly (code) || (!session->server && session->phase < SESSION_UP))
    base_error_set (&session->error, MUX_ERROR_REFUSED, _ ("The other side ended the session: %s"), text);
  session->on_purpose = TRUE;
  session->phase = SESSION_OVER;
  session_control_stop (session->control);
  quic_connection_close (session->connection, QUIC_CODE_NONE, "");
  return TRUE;
}

/* About a channel */

static gboolean
take_received (Session *session, const char *name, GVariant *arguments, GError **error)
{
  guint64 id = 0, count = 0;
  const char *lane = "";
  gboolean done = FALSE;
  SessionChannel *channel;
  SessionChannelLane *slot;

  if (!g_variant_lookup (arguments, "channel", "t", &id)
      || !g_variant_lookup (arguments, "count", "t", &count))
    return wrong (error, name, _ ("has no channel or no count"));
  g_variant_lookup (arguments, "lane", "&s", &lane);
  g_variant_lookup (arguments, "done", "b", &done);
  channel = g_hash_table_lookup (session->channels, &id);
  slot = channel != NULL ? session_channel_find (channel, lane) : NULL;
  if (slot == NULL || !session_channel_is_open (channel))
    return TRUE; /* it went while this was under way */
  return session_lane_received (slot->lane, count, done, error);
}

static gboolean
is_signal_name (const char *name)
{
  gsize length = strlen (name);

  return length > 0 && length <= 32
         && strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == length;
}

/* Checks and copies what an event may hold; NULL with @error. */
static GVariant *
event_details (const char *name, GVariant *arguments, GError **error)
{
  guint32 rows, columns;
  gint32 status;
  const char *word = NULL;

  if (g_str_equal (name, "resize"))
    {
      if (g_variant_lookup (arguments, "rows", "u", &rows)
          && g_variant_lookup (arguments, "columns", "u", &columns)
          && rows <= G_MAXUINT16 && columns <= G_MAXUINT16)
        return g_variant_new_parsed ("{'rows': <%u>, 'columns': <%u>}", rows, columns);
    }
  else if (g_str_equal (name, "signal"))
    {
      if (g_variant_lookup (arguments, "name", "&s", &word) && is_signal_name (word))
        return g_variant_new_parsed ("{'name': <%s>}", word);
    }
  else if (g_variant_lookup (arguments, "status", "i", &status))
    {
      if (!g_variant_lookup (arguments, "signal", "&s", &word))
        return g_variant_new_parsed ("{'status': <%i>}", status);
      if (is_signal_name (word))
        return g_variant_new_parsed ("{'status': <%i>, 'signal': <%s>}", status, word);
    }
  wrong (error, name, _ ("lacks something, or has it wrong"));
  return NULL;
}

gboolean
session_event_is_valid (const char *event, GVariant *details)
{
  g_autoptr (GVariant) copy = event_details (event, details, NULL);

  if (copy != NULL)
    g_variant_ref_sink (copy);
  return copy != NULL;
}

gboolean
session_messages_event (Session *session, const char *name, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) details = NULL;
  SessionChannel *channel;
  guint64 id = 0;

  if (!g_variant_lookup (arguments, "channel", "t", &id))
    return wrong (error, name, _ ("has no channel"));
  details = event_details (name, arguments, error);
  if (details == NULL)
    return FALSE;
  g_variant_ref_sink (details);
  channel = g_hash_table_lookup (session->channels, &id);
  if (channel == NULL || !session_channel_is_open (channel))
    {
      session_early_keep (session, id, name, arguments);
      return TRUE;
    }
  session_channel_event (channel, name, details);
  if (g_str_equal (name, "exited"))
    session_channel_set_exited (channel);
  return TRUE;
}

static gboolean
take_event (Session *session, const char *name, GVariant *arguments, GError **error)
{
  return !session_notice_is_news (session, arguments) || session_messages_event (session, name, arguments, error);
}

/* Certificates */

static gboolean
take_renew (Session *session, const char *name, GVariant *arguments, GError **error)
{
  const char *csr = NULL;

  if (!g_variant_lookup (arguments, "csr", "&s", &csr) || strlen (csr) > MAX_CSR)
    return wrong (error, name, _ ("has no request, or one that is too long"));
  if (session->renew_asked)
    return wrong (error, name, _ ("came before the last one was answered"));
  session->renew_asked = TRUE;
  if (session->events->renew != NULL)
    session->events->renew (session, csr, session->user_data);
  else
    session_renewed (session, NULL, NULL, 0, "This side renews no certificates");
  return TRUE;
}

static gboolean
take_renewed (Session *session, const char *name, GVariant *arguments, GError **error)
{
  g_autoptr (GError) refusal = NULL;
  const char *certificate, *ca, *message = "";
  gint64 expires;

  if (session->renew_func == NULL)
    return wrong (error, name, _ ("answers nothing"));
  if (g_variant_lookup (arguments, "certificate", "&s", &certificate)
      && g_variant_lookup (arguments, "ca", "&s", &ca)
      && g_variant_lookup (arguments, "expires", "x", &expires))
    {
      session_renew_end (session, arguments, NULL);
      return TRUE;
    }
  if (g_variant_lookup (arguments, "message", "&s", &message))
    {
      g_autofree char *text = session_frame_text (message, SESSION_MAX_TEXT);

      base_error_set (&refusal, MUX_ERROR_REFUSED, _ ("The other side does not renew the certificate: %s"),
                      text);
      session_renew_end (session, NULL, refusal);
      return TRUE;
    }
  return wrong (error, name, _ ("has neither a certificate nor a reason"));
}

static gboolean
take_restarting (Session *session, const char *name, GVariant *arguments, GError **error)
{
  guint32 after = 0;

  if (!g_variant_lookup (arguments, "after", "u", &after))
    return wrong (error, name, _ ("does not say when"));
  session->restarting = !session->server;
  if (session->events->restarting != NULL)
    session->events->restarting (session, after, session->user_data);
  return TRUE;
}

static gboolean
take_unsupported (Session *session, const char *name, GVariant *arguments, GError **error)
{
  const char *message = "";

  g_variant_lookup (arguments, "message", "&s", &message);
  if (g_str_equal (message, "renew") && session->renew_func != NULL)
    {
      g_autoptr (GError) refusal = NULL;

      base_error_set (&refusal, MUX_ERROR_REFUSED,
                      _ ("The other side does not know how to renew certificates"));
      session_renew_end (session, NULL, refusal);
    }
  return TRUE;
}

enum
{
  TO_SERVER = 1 << 0,
  TO_CLIENT = 1 << 1,
  ANY_TIME = 1 << 2, /* also before the welcome */
};

static const struct
{
  const char *name;
  guint flags;
  gboolean (*take) (Session *session, const char *name, GVariant *arguments, GError **error);
} messages[] = {
  { "hello", TO_SERVER | ANY_TIME, take_hello },
  { "welcome", TO_CLIENT | ANY_TIME, take_welcome },
  { "goodbye", TO_SERVER | TO_CLIENT | ANY_TIME, take_goodbye },
  { "received", TO_SERVER | TO_CLIENT, take_received },
  { "resize", TO_SERVER | TO_CLIENT, take_event },
  { "signal", TO_SERVER | TO_CLIENT, take_event },
  { "exited", TO_SERVER | TO_CLIENT, take_event },
  { "renew", TO_SERVER, take_renew },
  { "renewed", TO_CLIENT, take_renewed },
  { "restarting", TO_SERVER | TO_CLIENT, take_restarting },
  { "unsupported", TO_SERVER | TO_CLIENT, take_unsupported },
};

static gboolean
take_message (Session *session, const char *name, GVariant *arguments, GError **error)
{
  guint direction = session->server ? TO_SERVER : TO_CLIENT;
  g_autofree char *text = session_frame_text (name, 64);

  for (gsize i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      if (!g_str_equal (messages[i].name, name))
        continue;
      if (!(messages[i].flags & direction))
        return wrong (error, name, _ ("goes the wrong way"));
      if (session->phase != SESSION_UP && !(messages[i].flags & ANY_TIME))
        return wrong (error, name, _ ("came before the welcome"));
      return messages[i].take (session, name, arguments, error);
    }
  if (session->phase != SESSION_UP)
    return wrong (error, text, _ ("came before the welcome"));
  session_say (session, "unsupported", g_variant_new_parsed ("{'message': <%s>}", text));
  return TRUE;
}

static void
message_cb (const char *name, GVariant *arguments, gpointer user_data)
{
  g_autoptr (Session) session = session_ref (user_data);
  g_autoptr (GError) error = NULL;

  /* After our goodbye only the peer's own matters. */
  if (!session_is_alive (session) || (session->phase == SESSION_ENDING && !g_str_equal (name, "goodbye")))
    return;
  if (session->successor_of != NULL)
    {
      Session *continued = session_succeed (session, TRUE);

      if (continued == NULL)
        return;
      session_unref (session);
      session = session_ref (continued);
    }
  if (!take_message (session, name, arguments, &error))
    session_fail (session, QUIC_CODE_PROTOCOL, error);
}

static void
failed_cb (const GError *error, gpointer user_data)
{
  Session *session = user_data;

  if (session->phase != SESSION_ENDING)
    session_fail (session, QUIC_CODE_PROTOCOL, error);
}

static void
acknowledged_cb (gpointer user_data)
{
  Session *session = user_data;

  session_notices_acknowledged (session);
  if (session->phase == SESSION_ENDING)
    session_wake (session);
}

const SessionControlEvents session_control_events = {
  .message = message_cb,
  .failed = failed_cb,
  .acknowledged = acknowledged_cb,
};
