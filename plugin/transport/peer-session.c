#include "transport/peer-session.h"

#define BASE_LOG_ROOM "transport"
#include "base/error.h"
#include "base/log.h"
#include "transport/listener.h"
#include "transport/session-private.h"
#include "mux-quic-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

MuxSession *
transport_session_ref (MuxSession *self)
{
  self->references++;
  return self;
}

void
transport_session_unref (MuxSession *self)
{
  if (--self->references > 0)
    return;
  g_assert (self->session == NULL || self->state == MUX_SESSION_CLOSED);
  g_clear_pointer (&self->session, session_unref);
  g_clear_pointer (&self->domain, transport_domain_free);
  g_clear_pointer (&self->identity, transport_identity_free);
  g_clear_pointer (&self->renewal_key, pki_key_unref);
  g_clear_error (&self->error);
  g_strfreev (self->services);
  g_free (self->user);
  g_free (self->device);
  g_free (self->serial);
  g_free (self->peer);
  g_free (self->local);
  g_free (self);
}

static gboolean
free_driver_cb (gpointer driver)
{
  quic_driver_free (driver);
  return G_SOURCE_REMOVE;
}

/* Not from inside a callback of the driver: when the loop comes round. */
static void
drop_driver (MuxSession *self)
{
  g_autoptr (GSource) source = NULL;

  if (self->driver == NULL)
    return;
  source = g_idle_source_new ();
  g_source_set_name (source, "mux-quic: free driver");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, free_driver_cb, g_steal_pointer (&self->driver), NULL);
  g_source_attach (source, self->context);
}

static void
tell (MuxSession *self, MuxSessionState state, const GError *error)
{
  MuxTransport *transport = self->transport;

  self->state = state;
  if (transport == NULL || !self->announced)
    return;
  if (transport->host->session_changed != NULL)
    transport->host->session_changed (transport->host->user_data, self, state, error);
  if (self->transport != NULL && transport->observer != NULL && transport->observer->session_changed != NULL)
    transport->observer->session_changed (transport, self, transport->observer_data);
}

/* From here on host and observer know of it. */
static void
announce (MuxSession *self)
{
  MuxTransport *transport = self->transport;

  if (transport == NULL)
    return;
  self->announced = TRUE;
  if (transport->observer != NULL && transport->observer->session_added != NULL)
    transport->observer->session_added (transport, self, transport->observer_data);
  tell (self, MUX_SESSION_CONNECTED, NULL);
}

static void
remember_path (MuxSession *self)
{
  QuicConnection *connection = session_connection (self->session);

  if (connection == NULL)
    return;
  g_free (self->peer);
  g_free (self->local);
  self->peer = net_address_to_string (quic_connection_remote (connection));
  self->local = net_address_to_string (quic_connection_local (connection));
}

static void
remember_peer (MuxSession *self)
{
  PkiCertificate *peer = quic_connection_peer (session_connection (self->session));

  g_free (self->serial);
  self->serial = peer == NULL ? NULL : g_strdup (pki_certificate_serial (peer));
  remember_path (self);
}

/* Whether the user of the certificate may have a session here. */
static gboolean
admit (MuxSession *self, GError **error)
{
  MuxTransport *transport = self->transport;
  const ConfigServer *config = transport_listener_config (self->listener);
  PkiCertificate *peer = quic_connection_peer (session_connection (self->session));
  g_autoptr (GVariant) described = NULL;
  GVariantDict dict;

  if (peer == NULL
      || !pki_identity_parse (pki_certificate_common_name (peer), &self->user, &self->device, error))
    return base_error_set (error, MUX_ERROR_REFUSED, "the client's certificate names nobody");
  if (!g_strv_contains ((const char *const *) config->users, self->user))
    return base_error_set (error, MUX_ERROR_REFUSED, "%s is not among the users of %s", self->user, config->bind_address);
  if (transport->host->authorize == NULL)
    return TRUE;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "user", "s", self->user);
  g_variant_dict_insert (&dict, "device", "s", self->device == NULL ? "" : self->device);
  g_variant_dict_insert (&dict, "serial", "s", self->serial);
  g_variant_dict_insert (&dict, "address", "s", self->peer);
  g_variant_dict_insert (&dict, "listener", "s", config->bind_address);
  described = g_variant_ref_sink (g_variant_dict_end (&dict));
  return transport->host->authorize (transport->host->user_data, described, error)
             ? TRUE
             : base_error_set (error, MUX_ERROR_REFUSED, "the host did not admit %s", self->user);
}

static void
server_hello_cb (Session *session, GVariant *details, gpointer data)
{
  MuxSession *self = data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) services = NULL;

  if (self->transport == NULL || self->listener == NULL)
    {
      session_close (session, "unavailable", "shutting down");
      return;
    }
  remember_peer (self);
  if (!admit (self, &error))
    {
      /* The words WezTerm's fork knows; who and why is for our log only. */
      base_info ("refused %s: %s", self->peer, error->message);
      session_close (session, "refused", "CN validation failed");
      return;
    }
  if (session_is_raw (session) && transport_listener_config (self->listener)->raw_service == NULL)
    {
      session_close (session, "unavailable", "this host serves mux/1 only (raw_service is not set)");
      return;
    }
  services = transport_service_names (self->transport);
  session_welcome (session, self->user, (const char *const *) services);
  announce (self);
}

static void
client_hello_cb (Session *session, GVariant *details, gpointer data)
{
  MuxSession *self = data;
  TransportReadyFunc ready = g_steal_pointer (&self->ready);

  remember_peer (self);
  g_variant_lookup (details, "user", "s", &self->user);
  g_variant_lookup (details, "services", "^as", &self->services);
  announce (self);
  if (ready != NULL)
    ready (self, NULL, self->ready_data);
}

static void
channel_opened_cb (Session *session, GIOStream *channel, GVariant *request, gpointer data)
{
  MuxSession *self = data;
  MuxTransport *transport = self->transport;
  g_autoptr (GVariant) full = NULL;
  const ConfigServer *config;
  GVariantDict dict;

  if (transport == NULL || self->listener == NULL || transport->host->channel_opened == NULL)
    {
      session_refuse (session, channel, "unavailable", "this host takes no channels");
      return;
    }
  config = transport_listener_config (self->listener);
  g_variant_dict_init (&dict, request);
  if (session_is_raw (session))
    {
      g_variant_dict_insert (&dict, "service", "s", config->raw_service == NULL ? "" : config->raw_service);
      g_variant_dict_insert (&dict, "raw", "b", TRUE);
    }
  else if (!g_variant_dict_contains (&dict, "service"))
    g_variant_dict_insert (&dict, "service", "s",
                           g_variant_dict_contains (&dict, "argv") ? "exec" : config->default_service);
  full = g_variant_ref_sink (g_variant_dict_end (&dict));
  transport_session_name_channel (channel, full);
  transport->host->channel_opened (transport->host->user_data, self, full, channel);
}

static void
channel_event_cb (Session *session, GIOStream *channel, const char *event, GVariant *details, gpointer data)
{
  MuxSession *self = data;

  if (self->transport != NULL && self->transport->host->channel_event != NULL)
    self->transport->host->channel_event (self->transport->host->user_data, self, channel, event, details);
}

static void
renew_cb (Session *session, const char *csr, gpointer data)
{
  MuxSession *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiCertificate) certificate = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *ca = NULL;

  if (self->transport == NULL || self->listener == NULL || self->user == NULL
      || self->transport->authority == NULL || !transport_listener_issues (self->listener))
    {
      session_renewed (session, NULL, NULL, 0, "this host does not issue certificates");
      return;
    }
  certificate = pki_authority_issue_client (self->transport->authority, csr, strlen (csr), self->user, self->device,
                                            transport_listener_config (self->listener)->certificate_lifetime_days,
                                            &error);
  if (certificate == NULL)
    {
      session_renewed (session, NULL, NULL, 0, error->message);
      return;
    }
  pem = pki_certificate_to_pem (certificate);
  ca = pki_certificate_list_to_pem (pki_authority_bundle (self->transport->authority));
  session_renewed (session, pem, ca, pki_certificate_not_after (certificate), NULL);
}

static void
closed_cb (Session *session, const GError *error, gpointer data)
{
  MuxSession *self = data;
  MuxTransport *transport = self->transport;
  TransportReadyFunc ready = g_steal_pointer (&self->ready);
  g_autoptr (GError) early = NULL;

  self->error = error == NULL ? NULL : g_error_copy (error);
  transport_session_finish_tasks (self, error);
  tell (self, MUX_SESSION_CLOSED, error);
  if (ready != NULL)
    {
      if (error == NULL)
        base_error_set (&early, MUX_ERROR_REFUSED, _("the other side ended the session at once"));
      ready (self, error == NULL ? early : error, self->ready_data);
    }
  if (transport != NULL && self->announced && transport->observer != NULL
      && transport->observer->session_removed != NULL)
    transport->observer->session_removed (transport, self, transport->observer_data);
  drop_driver (self);
  if (transport != NULL)
    {
      self->transport = NULL;
      /* Drops the transport's reference. */
      g_ptr_array_remove (transport->sessions, self);
      transport_session_gone (transport);
    }
}

static const SessionEvents server_events = {
  .hello = server_hello_cb,
  .channel_opened = channel_opened_cb,
  .channel_event = channel_event_cb,
  .renew = renew_cb,
  .closed = closed_cb,
};

static const SessionEvents client_events = {
  .hello = client_hello_cb,
  .channel_event = channel_event_cb,
  .closed = closed_cb,
};

/* Two references: the transport's and the caller's. */
static MuxSession *
new_session (MuxTransport *transport)
{
  MuxSession *self = g_new0 (MuxSession, 1);

  self->references = 2;
  self->transport = transport;
  self->context = transport->context;
  self->state = MUX_SESSION_CONNECTING;
  self->since = g_get_real_time () / G_USEC_PER_SEC;
  g_ptr_array_add (transport->sessions, self);
  return self;
}

void
transport_session_accept (MuxTransport *transport, TransportListener *listener, QuicConnection *connection)
{
  MuxSession *self = new_session (transport);

  self->incoming = TRUE;
  self->listener = listener;
  self->peer = net_address_to_string (quic_connection_remote (connection));
  self->session = session_new (connection, NULL, &server_events, self);
  transport_session_unref (self);
}

MuxSession *
transport_session_dialled (MuxTransport *transport, QuicDriver *driver, QuicConnection *connection,
                           const TransportDomain *domain, TransportReadyFunc ready, gpointer user_data)
{
  MuxSession *self = new_session (transport);

  self->driver = driver;
  self->domain = transport_domain_copy (domain);
  self->ready = ready;
  self->ready_data = user_data;
  self->session = session_new (connection, "mux-quic " PACKAGE_VERSION, &client_events, self);
  return self;
}

gboolean
transport_session_is_announced (const MuxSession *self)
{
  return self->announced && self->state != MUX_SESSION_CLOSED;
}

void
transport_session_forget_listener (MuxSession *self, TransportListener *listener)
{
  if (self->listener == listener)
    self->listener = NULL;
}

void
transport_session_end (MuxSession *self, const char *code, const char *message)
{
  if (self->state != MUX_SESSION_CLOSED)
    session_close (self->session, code, message);
}

void
transport_session_orphan (MuxSession *self)
{
  self->announced = FALSE;
  self->ready = NULL;
  self->transport = NULL;
  self->listener = NULL;
  drop_driver (self);
}
