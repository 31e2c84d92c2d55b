/* The server's life: start, and another configuration. */
#define BASE_LOG_ROOM "transport"
#include "transport/transport-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/log.h"
#include "config/lua.h"
#include "transport/adopted.h"
#include "transport/expiry.h"
#include "transport/hold.h"
#include "transport/listener.h"
#include "transport/peer-session.h"
#include "transport/plan.h"
#include "transport/upkeep.h"
#include "transport/watch.h"

static void
tell_listeners_changed (MuxTransport *transport)
{
  if (transport->observer != NULL && transport->observer->listeners_changed != NULL)
    transport->observer->listeners_changed (transport, transport->observer_data);
}

/* Listeners whose time is over */

static gboolean
has_session (GPtrArray *sessions, const TransportListener *listener)
{
  for (guint i = 0; i < sessions->len; i++)
    if (((MuxSession *) sessions->pdata[i])->listener == listener)
      return TRUE;
  return FALSE;
}

static gboolean
is_over (MuxTransport *transport, const TransportListener *listener)
{
  return listener->retired && !has_session (transport->sessions, listener)
         && !has_session (transport->arriving, listener);
}

static gboolean
sweep_cb (gpointer data)
{
  MuxTransport *transport = data;
  guint before = transport->listeners->len;

  transport_timer_clear (&transport->sweep);
  for (guint i = transport->listeners->len; i-- > 0;)
    if (is_over (transport, transport->listeners->pdata[i]))
      g_ptr_array_remove_index (transport->listeners, i);
  if (transport->listeners->len < before)
    transport_adopted_complain (transport->adopted);
  tell_listeners_changed (transport);
  return G_SOURCE_REMOVE;
}

void
transport_serving_sweep (MuxTransport *transport)
{
  if (transport->sweep == NULL)
    transport->sweep = transport_timer (transport, 0, sweep_cb, transport);
}

/* Start */

static gboolean
open_all (MuxTransport *transport, GError **error)
{
  const TransportObserver *observer = transport->observer;
  g_auto (TransportPlan) plan = { 0 };

  if (!transport_plan_make (&plan, transport, transport->settings, error))
    return FALSE;
  transport_plan_commit (&plan, transport);
  transport_adopted_complain (transport->adopted);
  transport->started = g_get_real_time () / G_USEC_PER_SEC;
  if (observer != NULL && observer->started != NULL
      && !observer->started (transport, transport->observer_data, error))
    {
      transport_serving_close (transport);
      return FALSE;
    }
  return TRUE;
}

gboolean
transport_serving_start (MuxTransport *transport, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  const TransportObserver *observer = transport->observer;

  if (transport->started != 0 || transport->stop != NULL)
    return base_error_set (error, MUX_ERROR_FAILED, _("The transport runs already"));
  if (transport->config_error != NULL)
    {
      g_propagate_error (error, g_error_copy (transport->config_error));
      return FALSE;
    }
  if (observer != NULL && observer->starting != NULL
      && !observer->starting (transport, transport->observer_data, error))
    return FALSE;
  if (!open_all (transport, error))
    {
      if (observer != NULL && observer->stopping != NULL)
        observer->stopping (transport, transport->observer_data);
      return FALSE;
    }
  transport->upkeep = transport_upkeep_new (transport);
  transport->watch = transport_watch_new (transport);
  transport->expiry = transport_expiry_new (transport);
  transport->hold = transport_hold_new (transport);
  return TRUE;
}

void
transport_serving_close (MuxTransport *transport)
{
  g_clear_pointer (&transport->upkeep, transport_upkeep_free);
  g_clear_pointer (&transport->watch, transport_watch_free);
  g_clear_pointer (&transport->expiry, transport_expiry_free);
  transport_timer_clear (&transport->sweep);
  g_ptr_array_set_size (transport->listeners, 0);
  g_clear_pointer (&transport->pki, transport_server_pki_free);
  g_clear_pointer (&transport->server_names, g_strfreev);
  transport->started = 0;
}

/* Another configuration */

gboolean
transport_serving_reload (MuxTransport *transport, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  const MuxHost *host = transport->host;
  g_autofree char *path = config_find (host->application, host->system_mode, host->config_path);
  g_autoptr (ConfigSettings) settings = config_load (path, NULL, error);
  g_auto (TransportPlan) plan = { 0 };

  if (settings == NULL)
    return FALSE;
  if (transport->started != 0 && transport->stop == NULL)
    {
      /* The plan reads the directory anew. */
      transport_upkeep_flush (transport->upkeep);
      if (!transport_plan_make (&plan, transport, settings, error))
        return FALSE;
      transport_plan_commit (&plan, transport);
      transport_serving_sweep (transport);
    }
  config_settings_unref (transport->settings);
  transport->settings = g_steal_pointer (&settings);
  g_clear_error (&transport->config_error);
  if (transport->upkeep != NULL)
    transport_upkeep_look (transport->upkeep);
  transport_expiry_look (transport->expiry);
  if (transport->hold != NULL)
    transport_hold_configure (transport->hold);
  base_event (BASE_EVENT_CONFIGURATION_READ, "MUX_CONFIG", base_log_text (config_settings_path (transport->settings)), "MESSAGE",
              "The configuration was read again");
  return TRUE;
}
