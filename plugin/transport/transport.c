#include "transport/transport-private.h"

#define BASE_LOG_ROOM "transport"
#include "base/error.h"
#include "base/log.h"
#include "config/lua.h"
#include "transport/dial.h"
#include "transport/listener.h"
#include "transport/peer-session.h"
#include "transport/session-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* For peers to hear our goodbyes; mux/transport.h promises it. */
#define STOP_TIMEOUT_MS 3000
/* A renewal that failed is tried again, and one whose time is far is looked at again, since clocks are set. */
#define RENEWAL_RETRY_SECONDS 60
#define RENEWAL_LOOK_SECONDS (6 * 60 * 60)

static void schedule_renewal (MuxTransport *transport);

const MuxHost *
transport_host (const MuxTransport *transport)
{
  return transport->host;
}

void
transport_set_observer (MuxTransport *transport, const TransportObserver *observer, gpointer user_data)
{
  transport->observer = observer;
  transport->observer_data = user_data;
}

PkiAuthority *
transport_authority (MuxTransport *transport)
{
  return transport->authority;
}

const ConfigSettings *
transport_settings (MuxTransport *transport)
{
  return transport->settings;
}

const char *const *
transport_server_names (MuxTransport *transport)
{
  return (const char *const *) transport->names;
}

GPtrArray *
transport_sessions (MuxTransport *transport)
{
  return transport->sessions;
}

char **
transport_service_names (MuxTransport *transport)
{
  g_autoptr (GVariant) services = config_settings_dup_other (transport->settings, "mux_services");
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_strv_builder_add (names, "exec");
  g_strv_builder_add (names, "shell");
  if (services != NULL && g_variant_is_of_type (services, G_VARIANT_TYPE_VARDICT))
    {
      g_variant_iter_init (&iter, services);
      while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
        if (!g_str_equal (name, "exec") && !g_str_equal (name, "shell"))
          g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}

static gboolean
renewal_cb (gpointer data)
{
  MuxTransport *transport = data;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];
      g_autoptr (GError) error = NULL;

      if (transport_listener_renew_at (listener) > now || transport_listener_refresh (listener, &error))
        continue;
      base_warning ("cannot renew the certificate of %s: %s", transport_listener_config (listener)->bind_address,
                    error->message);
    }
  schedule_renewal (transport);
  return G_SOURCE_REMOVE;
}

static void
stop_renewal (MuxTransport *transport)
{
  if (transport->renewal == NULL)
    return;
  g_source_destroy (transport->renewal);
  g_clear_pointer (&transport->renewal, g_source_unref);
}

static void
schedule_renewal (MuxTransport *transport)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gint64 wait = RENEWAL_LOOK_SECONDS;

  stop_renewal (transport);
  for (guint i = 0; i < transport->listeners->len; i++)
    wait = MIN (wait, transport_listener_renew_at (transport->listeners->pdata[i]) - now);
  /* A certificate of the person's own stays due until the file is replaced: no busy loop for it. */
  wait = MAX (wait, RENEWAL_RETRY_SECONDS);
  transport->renewal = g_timeout_source_new_seconds ((guint) wait);
  g_source_set_name (transport->renewal, "mux-quic: renewal");
  g_source_set_callback (transport->renewal, renewal_cb, transport, NULL);
  g_source_attach (transport->renewal, transport->context);
}

static void
listener_free_cb (gpointer listener)
{
  transport_listener_free (listener);
}

static void
close_server (MuxTransport *transport)
{
  transport->running = FALSE;
  stop_renewal (transport);
  g_ptr_array_set_size (transport->listeners, 0);
  g_clear_pointer (&transport->names, g_strfreev);
  g_clear_pointer (&transport->secret, pki_secret_free);
  g_clear_pointer (&transport->authority, pki_authority_unref);
  g_clear_pointer (&transport->store, pki_store_unref);
}

static gboolean
open_server (MuxTransport *transport, GError **error)
{
  g_autofree char *path = pki_store_default_path (transport->host->application, transport->host->system_mode, "pki");

  transport->store = pki_store_open (path, error);
  if (transport->store == NULL)
    return FALSE;
  transport->secret = pki_secret_open (transport->store, error);
  if (transport->secret == NULL)
    return FALSE;
  transport->authority = pki_authority_open (transport->store, error);
  if (transport->authority == NULL)
    return FALSE;
  if (config_settings_n_servers (transport->settings) == 0)
    return base_error_set (error, MUX_ERROR_CONFIG, _("%s has no quic_servers: there is nothing to serve"),
                           config_settings_path (transport->settings));
  for (guint i = 0; i < config_settings_n_servers (transport->settings); i++)
    {
      TransportListener *listener = transport_listener_new (transport, transport->settings,
                                                            config_settings_server (transport->settings, i), error);

      if (listener == NULL)
        return FALSE;
      g_ptr_array_add (transport->listeners, listener);
    }
  return TRUE;
}

static gboolean
start (MuxTransport *transport, GError **error)
{
  if (transport->running)
    return base_error_set (error, MUX_ERROR_FAILED, "the transport is started already");
  if (transport->config_error != NULL)
    {
      g_propagate_error (error, g_error_copy (transport->config_error));
      return FALSE;
    }
  transport->started = g_get_real_time () / G_USEC_PER_SEC;
  transport->running = TRUE;
  if (open_server (transport, error)
      && (transport->observer == NULL || transport->observer->started == NULL
          || transport->observer->started (transport, transport->observer_data, error)))
    {
      schedule_renewal (transport);
      return TRUE;
    }
  close_server (transport);
  return FALSE;
}

static gboolean
stopped_cb (gpointer data)
{
  MuxTransport *transport = data;
  g_autoptr (GTask) task = g_steal_pointer (&transport->stopping);

  g_source_destroy (transport->stop_deadline);
  g_clear_pointer (&transport->stop_deadline, g_source_unref);
  close_server (transport);
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/* Replaces the deadline of a stop by one that is due in @ms. */
static void
set_stop_deadline (MuxTransport *transport, guint ms)
{
  if (transport->stop_deadline != NULL)
    {
      g_source_destroy (transport->stop_deadline);
      g_source_unref (transport->stop_deadline);
    }
  transport->stop_deadline = ms == 0 ? g_idle_source_new () : g_timeout_source_new (ms);
  g_source_set_name (transport->stop_deadline, "mux-quic: stop");
  g_source_set_callback (transport->stop_deadline, stopped_cb, transport, NULL);
  g_source_attach (transport->stop_deadline, transport->context);
}

void
transport_session_gone (MuxTransport *transport)
{
  /* Not at once: we are inside a callback of what is to be freed. */
  if (transport->stopping != NULL && transport->sessions->len == 0)
    set_stop_deadline (transport, 0);
}

static void
stop_async (MuxTransport *transport, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  if (transport->stopping != NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_PENDING, "the transport is being stopped already");
      g_object_unref (task);
      return;
    }
  if (transport->running && transport->observer != NULL && transport->observer->stopping != NULL)
    transport->observer->stopping (transport, transport->observer_data);
  transport->stopping = task;
  stop_renewal (transport);
  for (guint i = 0; i < transport->sessions->len; i++)
    transport_session_end (transport->sessions->pdata[i], "shutdown", "the host is shutting down");
  set_stop_deadline (transport, transport->sessions->len == 0 ? 0 : STOP_TIMEOUT_MS);
}

static gboolean
stop_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static const ConfigServer *
find_server (const ConfigSettings *settings, const char *bind_address)
{
  for (guint i = 0; i < config_settings_n_servers (settings); i++)
    if (g_str_equal (config_settings_server (settings, i)->bind_address, bind_address))
      return config_settings_server (settings, i);
  return NULL;
}

/* Existing addresses take the new settings, new ones are bound, and only when all that went well the old ones go. */
static gboolean
apply_servers (MuxTransport *transport, ConfigSettings *settings, GError **error)
{
  g_autoptr (GPtrArray) next = g_ptr_array_new ();
  g_autoptr (GPtrArray) added = g_ptr_array_new ();
  gboolean good = TRUE;

  for (guint i = 0; good && i < config_settings_n_servers (settings); i++)
    {
      const ConfigServer *config = config_settings_server (settings, i);
      TransportListener *listener = NULL;

      for (guint j = 0; j < transport->listeners->len; j++)
        if (g_str_equal (transport_listener_config (transport->listeners->pdata[j])->bind_address, config->bind_address)
            && !g_ptr_array_find (next, transport->listeners->pdata[j], NULL))
          listener = transport->listeners->pdata[j];
      if (listener != NULL)
        good = transport_listener_reconfigure (listener, settings, config, error);
      else
        {
          listener = transport_listener_new (transport, settings, config, error);
          good = listener != NULL;
          if (good)
            g_ptr_array_add (added, listener);
        }
      if (good)
        g_ptr_array_add (next, listener);
    }
  if (!good)
    {
      g_ptr_array_set_free_func (added, listener_free_cb);
      return FALSE;
    }
  for (guint i = transport->listeners->len; i-- > 0;)
    if (find_server (settings, transport_listener_config (transport->listeners->pdata[i])->bind_address) == NULL)
      g_ptr_array_remove_index (transport->listeners, i);
  for (guint i = 0; i < added->len; i++)
    g_ptr_array_add (transport->listeners, added->pdata[i]);
  return TRUE;
}

static gboolean
reload (MuxTransport *transport, GError **error)
{
  g_autoptr (ConfigSettings) settings = config_load (config_settings_path (transport->settings), NULL, error);

  if (settings == NULL)
    return FALSE;
  if (transport->running)
    {
      if (!apply_servers (transport, settings, error))
        return FALSE;
      schedule_renewal (transport);
    }
  config_settings_unref (transport->settings);
  transport->settings = g_steal_pointer (&settings);
  g_clear_error (&transport->config_error);
  if (transport->observer != NULL && transport->observer->listeners_changed != NULL)
    transport->observer->listeners_changed (transport, transport->observer_data);
  return TRUE;
}

static void
connect_async (MuxTransport *transport, const char *target, GVariant *options, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer user_data)
{
  if (options != NULL)
    g_variant_unref (g_variant_ref_sink (options));
  if (transport->config_error != NULL)
    {
      g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

      g_task_return_error (task, g_error_copy (transport->config_error));
      return;
    }
  transport_dial_async (transport, target, cancellable, callback, user_data);
}

static MuxSession *
connect_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  return transport_dial_finish (result, error);
}

static const MuxSessionOps *
session_ops (MuxTransport *transport)
{
  return &transport_session_ops;
}

static void
append_all (GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, g_strdup (from->pdata[i]));
}

static char **
check (MuxTransport *transport, const char *path, guint *n_warnings)
{
  g_autofree char *found
      = config_find (transport->host->application, transport->host->system_mode, path);
  GPtrArray *problems = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ConfigSettings) settings = NULL;
  ConfigReport report;

  config_report_init (&report);
  settings = config_load (found, &report, &error);
  append_all (problems, report.warnings);
  *n_warnings = problems->len;
  append_all (problems, report.errors);
  if (settings == NULL && report.errors->len == 0)
    g_ptr_array_add (problems, g_strdup (error->message));
  config_report_clear (&report);
  g_ptr_array_add (problems, NULL);
  return (char **) g_ptr_array_free (problems, FALSE);
}

static GVariant *
dup_setting (MuxTransport *transport, const char *name)
{
  return config_settings_dup_other (transport->settings, name);
}

const MuxTransportOps transport_ops = {
  .struct_size = sizeof transport_ops,
  .start = start,
  .stop_async = stop_async,
  .stop_finish = stop_finish,
  .reload = reload,
  .connect_async = connect_async,
  .connect_finish = connect_finish,
  .session_ops = session_ops,
  .describe = transport_describe,
  .check = check,
  .dup_setting = dup_setting,
};

MuxTransport *
transport_new (const MuxHost *host)
{
  g_autofree char *path = config_find (host->application, host->system_mode, host->config_path);
  MuxTransport *transport;
  GError *config_error = NULL;
  ConfigReport report;
  ConfigSettings *settings;

  config_report_init (&report);
  settings = config_load (path, &report, &config_error);
  for (guint i = 0; settings != NULL && i < report.warnings->len; i++)
    base_message ("%s", (const char *) report.warnings->pdata[i]);
  config_report_clear (&report);
  transport = g_new0 (MuxTransport, 1);
  /* Said by start and connect: a host that only checks a file, or shows status, goes on. */
  transport->config_error = config_error;
  if (settings == NULL)
    settings = config_settings_new_default ();
  transport->host = host;
  transport->context = g_main_context_ref (host->context == NULL ? g_main_context_default () : host->context);
  transport->settings = settings;
  transport->listeners = g_ptr_array_new_with_free_func (listener_free_cb);
  transport->sessions = g_ptr_array_new_with_free_func ((GDestroyNotify) transport_session_unref);
  transport->identities
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) transport_identity_free);
  return transport;
}

void
transport_free (MuxTransport *transport)
{
  for (guint i = 0; i < transport->sessions->len; i++)
    transport_session_orphan (transport->sessions->pdata[i]);
  if (transport->stop_deadline != NULL)
    g_source_destroy (transport->stop_deadline);
  g_clear_pointer (&transport->stop_deadline, g_source_unref);
  g_clear_object (&transport->stopping);
  close_server (transport);
  g_ptr_array_unref (transport->listeners);
  g_ptr_array_unref (transport->sessions);
  g_hash_table_unref (transport->identities);
  config_settings_unref (transport->settings);
  g_clear_error (&transport->config_error);
  g_main_context_unref (transport->context);
  g_free (transport);
}
