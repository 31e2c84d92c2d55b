#define BASE_LOG_ROOM "transport"
#include "transport/away.h"
#include "transport/journal.h"

#include <string.h>

#include "base/log.h"
#include "transport/watch.h"

MuxSession *
transport_session_ref (MuxSession *session)
{
  session->references++;
  return session;
}

void
transport_session_unref (MuxSession *session)
{
  if (--session->references > 0)
    return;
  g_assert (session->phase == TRANSPORT_SESSION_OVER && session->driver == NULL
            && session->closing.length == 0);
  session_unref (session->session);
  g_main_context_unref (session->context);
  g_clear_pointer (&session->domain, transport_domain_unref);
  g_clear_pointer (&session->services_of, g_hash_table_unref);
  g_clear_error (&session->error);
  g_strfreev (session->services);
  g_free (session->user);
  g_free (session->device);
  g_free (session->serial);
  g_free (session->renewed);
  g_free (session->peer);
  g_free (session->local);
  g_free (session->target);
  g_free (session->agent);
  g_free (session->listener_address);
  g_free (session->raw_service);
  g_free (session->default_service);
  g_free (session);
}

MuxSessionState
transport_session_state (const MuxSession *session)
{
  switch (session->phase)
    {
    case TRANSPORT_SESSION_ARRIVING:
      return MUX_SESSION_CONNECTING;
    case TRANSPORT_SESSION_KNOWN:
      return session->away_since != 0 ? MUX_SESSION_AWAY : MUX_SESSION_CONNECTED;
    case TRANSPORT_SESSION_OVER:
      break;
    }
  return MUX_SESSION_CLOSED;
}

void
transport_session_note_addresses (MuxSession *session)
{
  QuicConnection *connection = session_connection (session->session);

  if (connection == NULL)
    return;
  g_free (session->peer);
  g_free (session->local);
  session->peer = net_address_to_string (quic_connection_remote (connection));
  session->local = net_address_to_string (quic_connection_local (connection));
}

/* The protocol's events */

static void
take_welcome (MuxSession *self, GVariant *details)
{
  TransportWelcomeFunc welcome = self->welcome;

  if (welcome == NULL) /* the dial was given up meanwhile */
    {
      session_close (self->session, "bye", "");
      return;
    }
  self->welcome = NULL;
  g_clear_pointer (&self->user, g_free);
  if (!g_variant_lookup (details, "user", "s", &self->user))
    self->user = g_strdup ("");
  g_variant_lookup (details, "services", "^as", &self->services);
  g_variant_lookup (details, "timeout", "u", &self->timeout);
  g_variant_lookup (details, "waiting", "u", &self->waiting);
  transport_session_enter (self->transport, self);
  welcome (self, NULL, self->welcome_data);
}

static void
hello_cb (Session *session, GVariant *details, gpointer user_data)
{
  g_autoptr (MuxSession) self = transport_session_ref (user_data);

  if (self->transport == NULL)
    return;
  transport_session_note_addresses (self);
  if (self->incoming)
    transport_admission_hello (self, details);
  else
    take_welcome (self, details);
}

static void
channel_opened_cb (Session *session, GIOStream *channel, GVariant *request, gpointer user_data)
{
  g_autoptr (MuxSession) self = transport_session_ref (user_data);

  if (self->transport == NULL || self->transport->quiet)
    return;
  transport_session_note_addresses (self);
  transport_admission_channel (self, channel, request);
  if (self->transport != NULL)
    transport_touch (self->transport); /* of channels the watch tells: the peer says how often they come and go */
}

static gboolean
is_observers_own (MuxTransport *transport, GIOStream *channel, const char *event, GVariant *details)
{
  const TransportObserver *observer = transport->observer;

  return observer != NULL && observer->channel_event != NULL
         && observer->channel_event (transport, channel, event, details, transport->observer_data);
}

static void
channel_event_cb (Session *session, GIOStream *channel, const char *event, GVariant *details,
                  gpointer user_data)
{
  g_autoptr (MuxSession) self = transport_session_ref (user_data);
  g_autoptr (GVariant) sunk = g_variant_ref_sink (details != NULL ? details : g_variant_new ("a{sv}", NULL));
  const MuxHost *host;

  if (self->transport == NULL || self->transport->quiet)
    return;
  host = self->transport->host;
  if (!is_observers_own (self->transport, channel, event, sunk) && host->channel_event != NULL)
    host->channel_event (host->user_data, self, channel, event, sunk);
  if (self->transport != NULL && g_str_equal (event, "closed"))
    transport_touch (self->transport);
}

static void
leaves_cb (Session *session, QuicConnection *connection, gpointer user_data)
{
  MuxSession *self = user_data;
  QuicConnectionInfo info;

  quic_connection_info (connection, &info);
  self->past.bytes_in += info.bytes_in;
  self->past.bytes_out += info.bytes_out;
  self->past.packets_lost += info.packets_lost;
  self->past.migrations += info.migrations;
}

static void
away_cb (Session *session, const GError *error, gpointer user_data)
{
  g_autoptr (MuxSession) self = transport_session_ref (user_data);
  MuxTransport *transport = self->transport;

  if (self->phase == TRANSPORT_SESSION_KNOWN)
    transport_journal_away (self, error);
  g_clear_error (&self->error);
  self->error = g_error_copy (error);
  self->listener = NULL;
  if (self->away_since == 0)
    {
      self->away_since = g_get_real_time () / G_USEC_PER_SEC;
      self->aways++;
    }
  if (self->driver != NULL)
    transport_bury (transport, g_steal_pointer (&self->driver));
  transport_away_begin (self->away, error);
  transport_session_tell (transport, self, MUX_SESSION_AWAY, error);
  transport_stop_session_left (transport);
}

/* What a client shows now counts from now on. */
static void
take_over (MuxSession *self, MuxSession *newcomer)
{
  g_free (self->serial);
  g_free (self->agent);
  g_free (self->listener_address);
  self->serial = g_steal_pointer (&newcomer->serial);
  self->agent = g_steal_pointer (&newcomer->agent);
  self->listener_address = g_steal_pointer (&newcomer->listener_address);
  self->listener = newcomer->listener;
}

static void
back_cb (Session *session, Session *newcomer, gpointer user_data)
{
  g_autoptr (MuxSession) self = transport_session_ref (user_data);
  MuxTransport *transport = self->transport;
  gint64 away = self->away_since != 0 ? g_get_real_time () / G_USEC_PER_SEC - self->away_since : 0;

  g_clear_error (&self->error);
  self->away_since = 0;
  self->restart_after = 0;
  transport->totals.sessions_resumed++;
  transport_away_end (self->away);
  if (newcomer != NULL)
    take_over (self, session_user_data (newcomer));
  transport_session_note_addresses (self);
  transport_journal_back (self);
  transport_session_tell (transport, self, MUX_SESSION_CONNECTED, NULL);
  if (self->phase == TRANSPORT_SESSION_KNOWN && transport->observer != NULL && transport->observer->session_back != NULL)
    transport->observer->session_back (transport, self, (guint) MAX (away, 0), transport->observer_data);
}

static void
active_cb (Session *session, gpointer user_data)
{
  MuxSession *self = user_data;

  if (self->away != NULL && self->phase == TRANSPORT_SESSION_KNOWN)
    transport_away_hurry (self->away);
}

static void
restarting_cb (Session *session, guint after, gpointer user_data)
{
  MuxSession *self = user_data;

  self->restart_after = CLAMP (after, 1, TRANSPORT_RESTART_MAX_S);
}

static void
renew_cb (Session *session, const char *csr, gpointer user_data)
{
  MuxSession *self = user_data;

  if (self->transport != NULL)
    transport_admission_renew (self, csr);
}

static void
finish_closing (MuxSession *self)
{
  GTask *task;

  while ((task = g_queue_pop_head (&self->closing)) != NULL)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

static void
closed_cb (Session *session, const GError *error, gpointer user_data)
{
  g_autoptr (MuxSession) self = transport_session_ref (user_data);
  MuxTransport *transport = self->transport;
  TransportWelcomeFunc welcome = g_steal_pointer (&self->welcome);

  base_debug ("session %s is over: %s", session_id (session), error != NULL ? error->message : "on purpose");
  if (self->phase == TRANSPORT_SESSION_KNOWN)
    transport_journal_closed (self, error);
  else if (self->incoming && g_error_matches (error, MUX_ERROR, MUX_ERROR_TLS))
    transport_journal_refused (self, error->message);
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
  self->listener = NULL;
  self->away_since = 0;
  g_clear_pointer (&self->away, transport_away_free);
  g_clear_pointer (&self->relay, transport_relay_free);
  self->transport = NULL;
  if (self->driver != NULL)
    transport_bury (transport, g_steal_pointer (&self->driver));
  transport_session_leave (transport, self, error);
  if (welcome != NULL)
    welcome (self, error, self->welcome_data);
  finish_closing (self);
  transport_stop_session_left (transport);
}

static const SessionEvents session_events = {
  .hello = hello_cb,
  .channel_opened = channel_opened_cb,
  .channel_event = channel_event_cb,
  .renew = renew_cb,
  .leaves = leaves_cb,
  .away = away_cb,
  .back = back_cb,
  .active = active_cb,
  .restarting = restarting_cb,
  .closed = closed_cb,
};

static void
note_certificate (MuxSession *self, QuicConnection *connection)
{
  PkiCertificate *peer = quic_connection_peer (connection);

  if (peer != NULL)
    self->serial = g_strdup (pki_certificate_serial (peer));
}

static MuxSession *
new_session (MuxTransport *transport, QuicConnection *connection)
{
  MuxSession *self = g_new0 (MuxSession, 1);

  self->references = 1;
  self->transport = transport;
  self->context = g_main_context_ref (transport->context);
  self->away = transport_away_new (self);
  self->since = g_get_real_time () / G_USEC_PER_SEC;
  self->session = session_new (connection, transport_agent (), &session_events, self);
  transport_session_arrive (transport, self);
  return self;
}

void
transport_session_new_incoming (TransportListener *listener, QuicConnection *connection)
{
  MuxSession *self = new_session (listener->transport, connection);

  self->incoming = TRUE;
  self->listener = listener;
  /* Also of who never says hello. */
  transport_session_note_addresses (self);
}

MuxSession *
transport_session_new_outgoing (MuxTransport *transport, QuicDriver *driver, QuicConnection *connection,
                                const char *target, TransportDomain *domain, const char *service,
                                TransportWelcomeFunc welcome, gpointer user_data)
{
  MuxSession *self = new_session (transport, connection);

  self->driver = driver;
  self->target = g_strdup (target);
  self->domain = transport_domain_ref (domain);
  self->default_service = g_strdup (service);
  self->welcome = welcome;
  self->welcome_data = user_data;
  note_certificate (self, connection);
  transport_watch_driver (transport, driver);
  return self;
}

void
transport_session_set_relay (MuxSession *self, TransportRelay *relay)
{
  g_clear_pointer (&self->relay, transport_relay_free);
  self->relay = relay;
  if (relay != NULL && self->away != NULL)
    transport_away_look_for_udp (self->away);
}

void
transport_session_go_on (MuxSession *self, QuicDriver *driver, QuicConnection *connection, TransportRelay *relay)
{
  QuicDriver *old = self->driver;

  g_free (self->serial);
  self->serial = NULL;
  note_certificate (self, connection);
  transport_watch_driver (self->transport, driver);
  self->driver = driver;
  session_resume (self->session, connection);
  if (old != NULL)
    transport_bury (self->transport, old);
  transport_session_set_relay (self, relay);
}

void
transport_session_say_goodbye (MuxSession *self, const char *code, const char *message)
{
  if (self->away != NULL && session_connection (self->session) == NULL)
    transport_away_abandon (self->away, NULL);
  else
    session_close (self->session, code, message);
}
