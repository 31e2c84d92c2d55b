/* From a target's name to a session: its configuration, its certificate (enrolled for if need be), its
 * addresses, a connection, the welcome. */
#define BASE_LOG_ROOM "transport"
#include "transport/dial-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/log.h"
#include "transport/acquire.h"
#include "transport/peer-session.h"
#include "transport/renewal.h"

static void begin (TransportDial *dial);

static void
dial_free (gpointer data)
{
  TransportDial *dial = data;

  g_clear_pointer (&dial->resumes, transport_session_unref);
  g_clear_pointer (&dial->domain, transport_domain_unref);
  g_clear_pointer (&dial->own_client, config_client_free);
  g_clear_pointer (&dial->settings, config_settings_unref);
  g_clear_object (&dial->cancellable);
  g_free (dial->target);
  g_free (dial->service);
  g_free (dial->host);
  g_free (dial);
}

void
transport_dial_answer (TransportDial *dial, MuxSession *session, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&dial->task);

  transport_timer_clear (&dial->cancel);
  g_cancellable_cancel (dial->cancellable);
  g_clear_pointer (&dial->race, transport_race_free);
  g_clear_pointer (&dial->relay, transport_relay_free);
  if (dial->session != NULL && session == NULL)
    {
      dial->session->welcome = NULL;
      session_close (dial->session->session, "bye", "");
    }
  g_clear_pointer (&dial->session, transport_session_unref);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, session, (GDestroyNotify) transport_session_unref);
  g_ptr_array_remove_fast (dial->transport->dials, dial);
}

void
transport_dial_abort (TransportDial *dial)
{
  if (dial->task == NULL)
    return; /* it is answered, and about to be told */
  transport_dial_answer (
      dial, NULL,
      g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The transport was stopped while it dialled")));
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  TransportDial *dial = data;

  transport_dial_answer (dial, NULL,
          g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("Connecting to %s was cancelled"), dial->target));
  return G_SOURCE_REMOVE;
}

/* Certificates of an earlier enrolment are worth nothing when that server was set up anew; and where nobody answers, ssh
 * may start the host there, or tell of another port. */
static gboolean
try_again (TransportDial *dial, const GError *error)
{
  gboolean silent = g_error_matches (error, MUX_ERROR, MUX_ERROR_UNREACHABLE) && dial->client->bootstrap_via_ssh != NULL;

  if ((!g_error_matches (error, MUX_ERROR, MUX_ERROR_TLS) && !silent)
      || transport_domain_is_configured (dial->domain)
      || dial->enrolled || dial->quiet || dial->client->enroll_command == NULL)
    return FALSE;
  base_message ("%s; enrolling again", error->message);
  dial->retried = TRUE;
  transport_renewal_forget (dial->transport, dial->target);
  g_clear_pointer (&dial->domain, transport_domain_unref);
  g_clear_pointer (&dial->race, transport_race_free);
  begin (dial);
  return TRUE;
}

/* Welcome */

static void
welcome_cb (MuxSession *session, const GError *error, gpointer user_data)
{
  TransportDial *dial = user_data;

  if (error == NULL && session->phase == TRANSPORT_SESSION_KNOWN)
    {
      transport_dial_answer (dial, transport_session_ref (session), NULL);
      return;
    }
  if (error != NULL)
    transport_dial_answer (dial, NULL, transport_error_prefixed (error, _("Connecting to %s failed"), dial->target));
  else
    transport_dial_answer (dial, NULL,
            g_error_new (MUX_ERROR, MUX_ERROR_REFUSED, _("%s closed the connection without a welcome"),
                         dial->target));
}

/* Race */

/* The session goes on, unless somebody has ended it meanwhile. */
static void
go_on (TransportDial *dial, QuicDriver *driver, QuicConnection *connection)
{
  MuxSession *session = dial->resumes;

  if (!session_may_go_on (session->session))
    {
      quic_connection_close (connection, QUIC_CODE_NONE, "");
      transport_bury (dial->transport, driver);
      transport_dial_answer (dial, NULL, g_error_new (MUX_ERROR, MUX_ERROR_GONE, _("The session is over")));
      return;
    }
  transport_session_go_on (session, driver, connection, g_steal_pointer (&dial->relay));
  transport_dial_answer (dial, transport_session_ref (session), NULL);
}

static void
raced_cb (QuicDriver *driver, QuicConnection *connection, const GError *error, gpointer user_data)
{
  TransportDial *dial = user_data;
  GError *failure = NULL;

  if (error != NULL)
    {
      if (!try_again (dial, error) && !transport_dial_relay (dial, error))
        transport_dial_answer (dial, NULL, g_error_copy (error));
      return;
    }
  if (!transport_domain_check_peer (dial->client, dial->target, quic_connection_peer (connection), &failure))
    {
      quic_connection_close (connection, QUIC_CODE_REFUSED, "another certificate was expected");
      transport_bury (dial->transport, driver);
      transport_dial_answer (dial, NULL, failure);
      return;
    }
  if (dial->resumes != NULL)
    {
      go_on (dial, driver, connection);
      return;
    }
  dial->session = transport_session_ref (transport_session_new_outgoing (
      dial->transport, driver, connection, dial->target, dial->domain, dial->service, welcome_cb, dial));
  if (dial->takes)
    session_take (dial->session->session, dial->takes_any ? NULL : dial->taken);
  dial->session->keeps_path = !dial->client->enable_migration;
  session_set_keep_alive (dial->session->session, dial->client->keep_alive_interval_ms);
  transport_session_set_relay (dial->session, g_steal_pointer (&dial->relay));
}

void
transport_dial_addresses (TransportDial *dial, GArray *addresses)
{
  const ConfigClient *client = dial->client;
  const QuicConnectionConfig config = {
    .max_idle_timeout_ms = client->max_idle_timeout_ms,
    .keep_alive_interval_ms = client->keep_alive_interval_ms,
    .handshake_timeout_ms = dial->timeout_ms,
    .congestion = QUIC_CC_CUBIC,
  };
  GError *error = NULL;
  g_autoptr (QuicTls) tls = transport_domain_tls (dial->domain, client, dial->host, &error);

  if (tls == NULL)
    {
      g_array_unref (addresses);
      transport_dial_answer (dial, NULL, error);
      return;
    }
  if (client->accept_invalid_hostnames)
    base_message (_("the name of %s is not verified (accept_invalid_hostnames)"), dial->target);
  if (dial->resumes == NULL)
    transport_progress (dial->transport, g_strdup_printf (_("connecting to %s"), client->remote_address));
  dial->race
      = transport_race_new (dial->transport, addresses, tls, &config, client->remote_address, raced_cb, dial);
}

/* Certificate */

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  TransportDial *dial = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean enrolled;
  TransportDomain *domain = transport_acquire_finish (result, &enrolled, &error);

  if (dial->task == NULL)
    {
      g_clear_pointer (&domain, transport_domain_unref);
      g_clear_error (&error);
    }
  else if (domain == NULL)
    transport_dial_answer (dial, NULL, error);
  else
    {
      dial->domain = domain;
      dial->enrolled = enrolled;
      transport_dial_resolve (dial);
    }
}

static void
begin (TransportDial *dial)
{
  TransportAcquireFlags flags = (dial->retried ? TRANSPORT_ACQUIRE_FRESH : 0) | (dial->quiet ? TRANSPORT_ACQUIRE_QUIET : 0);

  transport_acquire_async (dial->transport, dial->target, dial->client, flags, dial->cancellable, acquired_cb,
                           g_object_ref (dial->task));
}

/* The target */

static gboolean
find_client (TransportDial *dial, const char *address, GError **error)
{
  g_autoptr (GError) failure = NULL;

  dial->settings = config_settings_ref (dial->transport->settings);
  dial->client = config_settings_find_client (dial->settings, dial->target);
  if (dial->client == NULL)
    {
      dial->own_client = config_client_new_for_target (address != NULL ? address : dial->target, &failure);
      dial->client = dial->own_client;
    }
  if (dial->client == NULL)
    return base_error_set (error, MUX_ERROR_UNKNOWN_TARGET,
                           _("“%s” is no name of quic_clients, and no [user@]host[:port]: %s"), dial->target,
                           failure->message);
  return net_resolver_split (dial->client->remote_address, 0, &dial->host, &dial->port, error);
}

static gboolean
read_take (TransportDial *dial, GVariant *options, GError **error)
{
  const char *id;

  dial->takes = options != NULL && g_variant_lookup (options, "take", "&s", &id);
  dial->takes_any = dial->takes && *id == '\0';
  if (!dial->takes || dial->takes_any || session_id_parse (id, dial->taken))
    return TRUE;
  return base_error_set (error, MUX_ERROR_UNKNOWN_TARGET, _("“%s” is no session: its name has %d hexadecimal digits"), id,
                         2 * SESSION_ID_SIZE);
}

static gboolean
prepare (TransportDial *dial, GVariant *options, GCancellable *cancellable, GError **error)
{
  MuxTransport *transport = dial->transport;
  const char *address = NULL;

  if (options != NULL)
    g_variant_lookup (options, "address", "&s", &address);
  if (transport->config_error != NULL)
    {
      g_propagate_error (error, g_error_copy (transport->config_error));
      return FALSE;
    }
  if (transport->client_secret == NULL && (transport->client_secret = pki_secret_new_random (error)) == NULL)
    return FALSE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !find_client (dial, address, error)
      || !read_take (dial, options, error))
    return FALSE;
  if (options == NULL || !g_variant_lookup (options, "service", "s", &dial->service))
    dial->service = g_strdup (dial->client->service);
  if (options != NULL)
    g_variant_lookup (options, "quiet", "b", &dial->quiet);
  return TRUE;
}

/* The dial begins in a turn of its own, so that nothing of it happens inside connect_async (). */
static gboolean
begin_cb (gpointer data)
{
  GTask *task = data;
  TransportDial *dial = g_task_get_task_data (task);

  if (dial->task != NULL)
    begin (dial);
  return G_SOURCE_REMOVE;
}

static void
begin_soon (TransportDial *dial)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, begin_cb, g_object_ref (dial->task), g_object_unref);
  g_source_attach (source, dial->transport->context);
}

static TransportDial *
dial_new (MuxTransport *transport, const char *target, GAsyncReadyCallback callback, gpointer user_data)
{
  TransportDial *dial = g_new0 (TransportDial, 1);

  dial->transport = transport;
  dial->target = g_strdup (target);
  dial->timeout_ms = transport->dial_timeout_ms;
  dial->cancellable = g_cancellable_new ();
  dial->task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (dial->task, transport_dial_async);
  g_task_set_task_data (dial->task, dial, dial_free);
  g_ptr_array_add (transport->dials, dial);
  return dial;
}

void
transport_dial_async (MuxTransport *transport, const char *target, GVariant *options,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  g_autoptr (GVariant) sunk = options != NULL ? g_variant_ref_sink (options) : NULL;
  TransportDial *dial = dial_new (transport, target, callback, user_data);
  gboolean may_relay = TRUE;
  GError *error = NULL;

  if (!prepare (dial, sunk, cancellable, &error))
    {
      transport_dial_answer (dial, NULL, error);
      return;
    }
  dial->may_relay = sunk == NULL || !g_variant_lookup (sunk, "relay", "b", &may_relay) || may_relay;
  if (dial->may_relay && dial->client->relay_command != NULL)
    dial->timeout_ms = MIN (dial->timeout_ms, TRANSPORT_UDP_PATIENCE_MS);
  if (cancellable != NULL)
    {
      dial->cancel = g_cancellable_source_new (cancellable);
      g_source_set_callback (dial->cancel, G_SOURCE_FUNC (cancelled_cb), dial, NULL);
      g_source_attach (dial->cancel, transport->context);
    }
  begin_soon (dial);
}

TransportDial *
transport_dial_again (MuxSession *session, guint timeout_ms, gboolean may_relay, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  MuxTransport *transport = session->transport;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  TransportDial *dial = dial_new (transport, session->target, callback, user_data);
  const char *address = transport_domain_address (session->domain);
  g_autoptr (GVariant) options = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  GError *error = NULL;

  dial->resumes = transport_session_ref (session);
  dial->timeout_ms = timeout_ms;
  dial->may_relay = may_relay;
  g_variant_dict_insert (&dict, "quiet", "b", TRUE);
  if (address != NULL)
    g_variant_dict_insert (&dict, "address", "s", address);
  options = g_variant_ref_sink (g_variant_dict_end (&dict));
  if (prepare (dial, options, NULL, &error))
    {
      begin_soon (dial);
      return dial;
    }
  transport_dial_answer (dial, NULL, error);
  return NULL;
}

MuxSession *
transport_dial_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_dial_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
