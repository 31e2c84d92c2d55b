#define BASE_LOG_ROOM "transport"
#include "transport/transport.h"

#include <glib/gi18n-lib.h>
#include <stdarg.h>

#include "base/log.h"
#include "config/lua.h"
#include "mux-quic-config.h"
#include "transport/adopted.h"
#include "transport/diagnose.h"
#include "transport/hold.h"
#include "transport/listener.h"
#include "transport/peer-session.h"
#include "transport/renewal.h"
#include "transport/roam.h"
#include "transport/roster.h"
#include "transport/transport-private.h"
#include "transport/waiting.h"
#include "transport/watch.h"

/* Helpers of the room */

GSource *
transport_timer (MuxTransport *transport, guint milliseconds, GSourceFunc func, gpointer user_data)
{
  GSource *source = g_timeout_source_new (milliseconds);

  g_source_set_static_name (source, "mux-quic transport timer");
  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, transport->context);
  return source;
}

void
transport_timer_clear (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static gboolean
bury_cb (gpointer data)
{
  MuxTransport *transport = data;

  transport_timer_clear (&transport->burial);
  for (guint i = 0; i < transport->dead->len; i++)
    transport_stats_keep (transport, transport->dead->pdata[i]);
  g_ptr_array_set_size (transport->dead, 0);
  return G_SOURCE_REMOVE;
}

void
transport_bury (MuxTransport *transport, QuicDriver *driver)
{
  g_ptr_array_add (transport->dead, driver);
  if (transport->burial != NULL)
    return;
  /* After the pass that writes the CONNECTION_CLOSE, whose source has a higher priority. */
  transport->burial = g_idle_source_new ();
  g_source_set_priority (transport->burial, G_PRIORITY_LOW);
  g_source_set_callback (transport->burial, bury_cb, transport, NULL);
  g_source_attach (transport->burial, transport->context);
}

void
transport_progress (MuxTransport *transport, char *message)
{
  g_autofree char *owned = message;

  base_info ("%s", owned);
  if (transport->host->progress != NULL && !transport->quiet)
    transport->host->progress (transport->host->user_data, owned);
}

const char *
transport_agent (void)
{
  return "mux-quic " PACKAGE_VERSION;
}

GError *
transport_error_prefixed (const GError *error, const char *format, ...)
{
  g_autofree char *prefix = NULL;
  va_list arguments;

  va_start (arguments, format);
  prefix = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return g_error_new (error->domain, error->code, "%s: %s", prefix, error->message);
}

/* What control sees */

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

void
transport_set_vault (MuxTransport *transport, const TransportVault *vault, gpointer user_data)
{
  transport->vault = vault;
  transport->vault_data = user_data;
}

PkiAuthority *
transport_authority (MuxTransport *transport)
{
  return transport->pki != NULL ? transport_server_pki_authority (transport->pki) : NULL;
}

const ConfigSettings *
transport_settings (MuxTransport *transport)
{
  return transport->settings;
}

const char *const *
transport_server_names (MuxTransport *transport)
{
  static const char *const none[] = { NULL };

  return transport->server_names != NULL ? (const char *const *) transport->server_names : none;
}

char **
transport_server_addresses (MuxTransport *transport)
{
  g_autoptr (GArray) bound = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  GPtrArray *addresses = g_ptr_array_new ();

  for (guint i = 0; i < transport->listeners->len; i++)
    if (!((TransportListener *) transport->listeners->pdata[i])->retired)
      transport_listener_addresses (transport->listeners->pdata[i], bound);
  for (guint i = 0; i < bound->len; i++)
    transport_reachable_at (&g_array_index (bound, NetAddress, i), addresses);
  g_ptr_array_add (addresses, NULL);
  return (char **) g_ptr_array_free (addresses, FALSE);
}

void
transport_touch (MuxTransport *transport)
{
  transport_watch_poke (transport->watch);
}

/* The remaining operations */

static const MuxSessionOps *
op_session_ops (MuxTransport *transport)
{
  return &transport_session_ops;
}

static char **
op_check (MuxTransport *transport, const char *path, guint *n_warnings)
{
  const MuxHost *host = transport->host;
  g_autofree char *found
      = config_find (host->application, host->system_mode, path != NULL ? path : host->config_path);
  g_autoptr (ConfigSettings) settings = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *problems = g_ptr_array_new ();
  ConfigReport report;

  config_report_init (&report);
  settings = config_load (found, &report, &error);
  for (guint i = 0; i < report.warnings->len; i++)
    g_ptr_array_add (problems, g_strdup (report.warnings->pdata[i]));
  *n_warnings = problems->len;
  for (guint i = 0; i < report.errors->len; i++)
    g_ptr_array_add (problems, g_strdup (report.errors->pdata[i]));
  /* A file that cannot even be read has no lines to complain about. */
  if (settings == NULL && report.errors->len == 0)
    g_ptr_array_add (problems, g_strdup (error->message));
  config_report_clear (&report);
  g_ptr_array_add (problems, NULL);
  return (char **) g_ptr_array_free (problems, FALSE);
}

static GVariant *
op_dup_setting (MuxTransport *transport, const char *name)
{
  return config_settings_dup_other (transport->settings, name);
}

const MuxTransportOps transport_ops = {
  .struct_size = sizeof (MuxTransportOps),
  .start = transport_serving_start,
  .stop_async = transport_stop_async,
  .stop_finish = transport_stop_finish,
  .reload = transport_serving_reload,
  .connect_async = transport_dial_async,
  .connect_finish = transport_dial_finish,
  .session_ops = op_session_ops,
  .describe = transport_describe,
  .check = op_check,
  .dup_setting = op_dup_setting,
  .diagnose_async = transport_diagnose_async,
  .diagnose_finish = transport_diagnose_finish,
};

/* A configuration that is wrong is complained of where it is needed: a host that only checks a file, or asks
 * another for its status, goes on. */
static ConfigSettings *
load_settings (const char *path, GError **error)
{
  ConfigReport report;
  ConfigSettings *settings;

  config_report_init (&report);
  settings = config_load (path, &report, error);
  for (guint i = 0; settings != NULL && i < report.warnings->len; i++)
    base_message ("%s", (const char *) report.warnings->pdata[i]);
  config_report_clear (&report);
  return settings != NULL ? settings : config_settings_new_default ();
}

MuxTransport *
transport_new (const MuxHost *host)
{
  g_autofree char *path = config_find (host->application, host->system_mode, host->config_path);
  MuxTransport *transport = g_new0 (MuxTransport, 1);

  transport->host = host;
  transport->context = g_main_context_ref (host->context != NULL ? host->context : g_main_context_default ());
  transport->settings = load_settings (path, &transport->config_error);
  transport->adopted = transport_adopted_new (host);
  transport->listeners = g_ptr_array_new_with_free_func ((GDestroyNotify) transport_listener_free);
  transport->arriving = g_ptr_array_new_with_free_func ((GDestroyNotify) transport_session_unref);
  transport->sessions = g_ptr_array_new_with_free_func ((GDestroyNotify) transport_session_unref);
  transport->renewals
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) transport_renewal_free);
  transport->roster = transport_roster_new ();
  transport->waiting = transport_waiting_new ();
  transport->dials = g_ptr_array_new ();
  transport->diagnoses = g_ptr_array_new ();
  transport->dead = g_ptr_array_new_with_free_func ((GDestroyNotify) quic_driver_free);
  transport->dial_timeout_ms = TRANSPORT_DIAL_TIMEOUT_MS;
  transport->enrolment_timeout_ms = TRANSPORT_ENROLMENT_TIMEOUT_MS;
  transport->hold_pause_ms = TRANSPORT_HOLD_PAUSE_MS;
  transport->settle_seconds = TRANSPORT_SETTLE_SECONDS;
  return transport;
}

static void
free_parts (MuxTransport *transport)
{
  g_clear_pointer (&transport->roam, transport_roam_free);
  g_assert (transport->arriving->len == 0 && transport->sessions->len == 0 && transport->listeners->len == 0
            && transport->dials->len == 0 && transport->diagnoses->len == 0);
  g_ptr_array_unref (transport->dead);
  g_ptr_array_unref (transport->arriving);
  g_ptr_array_unref (transport->sessions);
  transport_roster_free (transport->roster);
  transport_waiting_free (transport->waiting);
  g_ptr_array_unref (transport->listeners);
  g_ptr_array_unref (transport->dials);
  g_ptr_array_unref (transport->diagnoses);
  transport_adopted_free (transport->adopted);
  g_hash_table_unref (transport->renewals);
  g_clear_pointer (&transport->client_secret, pki_secret_free);
  g_clear_error (&transport->config_error);
  config_settings_unref (transport->settings);
  g_main_context_unref (transport->context);
  g_free (transport);
}

void
transport_free (MuxTransport *transport)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);

  transport->quiet = TRUE;
  transport->observer = NULL;
  transport_diagnose_abort (transport);
  g_clear_pointer (&transport->hold, transport_hold_free);
  while (transport->dials->len > 0)
    transport_dial_abort (transport->dials->pdata[0]);
  transport_stop_abort (transport);
  transport_timer_clear (&transport->burial);
  g_clear_pointer (&pusher, g_main_context_pusher_free);
  free_parts (transport);
}
