/* The end of a transport: goodbye to every session, then everything is closed. */
#include "transport/transport-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "transport/hold.h"
#include "transport/listener.h"
#include "transport/peer-session.h"

/* Whether another host follows is not known here, so who uses this one is told to look. */
static void
say_goodbye (GPtrArray *sessions)
{
  for (guint i = 0; i < sessions->len; i++)
    {
      MuxSession *session = sessions->pdata[i];

      if (session->incoming && session->away_since == 0 && session_is_in_use (session->session))
        session_restart (session->session, TRANSPORT_RESTART_AFTER_S);
      else
        transport_session_say_goodbye (session, "shutdown", "The host is shutting down");
    }
}

/* Whoever is still there is cut off. Sessions that were dialled have sockets of their own. */
static void
close_everything (MuxTransport *transport)
{
  transport_timer_clear (&transport->stop_deadline);
  transport_serving_close (transport);
  while (transport->sessions->len + transport->arriving->len > 0)
    {
      GPtrArray *some = transport->sessions->len > 0 ? transport->sessions : transport->arriving;
      MuxSession *session = some->pdata[0];
      QuicDriver *driver = g_steal_pointer (&session->driver);

      if (driver != NULL)
        {
          transport_stats_keep (transport, driver);
          quic_driver_free (driver);
        }
      else
        session_abandon (session->session, NULL);
    }
}

static gboolean
finish_cb (gpointer data)
{
  MuxTransport *transport = data;
  g_autoptr (GTask) task = g_steal_pointer (&transport->stop);

  close_everything (transport);
  g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/* In a later turn of the loop, because this may be inside a callback of what is to be freed; and after the
 * packets that say goodbye, whose source has a higher priority. */
static void
finish_soon (MuxTransport *transport)
{
  for (guint i = 0; i < transport->listeners->len; i++)
    transport_listener_shutdown (transport->listeners->pdata[i]);
  transport_timer_clear (&transport->stop_deadline);
  transport->stop_deadline = g_idle_source_new ();
  g_source_set_priority (transport->stop_deadline, G_PRIORITY_LOW);
  g_source_set_callback (transport->stop_deadline, finish_cb, transport, NULL);
  g_source_attach (transport->stop_deadline, transport->context);
}

void
transport_stop_session_left (MuxTransport *transport)
{
  if (transport->quiet)
    return;
  if (transport->stop == NULL)
    {
      for (guint i = 0; i < transport->listeners->len; i++)
        if (((TransportListener *) transport->listeners->pdata[i])->retired)
          transport_serving_sweep (transport);
    }
  else if (transport->sessions->len + transport->arriving->len == 0)
    finish_soon (transport);
}

void
transport_stop_async (MuxTransport *transport, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  const TransportObserver *observer = transport->observer;
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, transport_stop_async);
  if (transport->stop != NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_PENDING,
                               _("The transport is being stopped already"));
      g_object_unref (task);
      return;
    }
  transport->stop = task;
  if (transport->started != 0 && observer != NULL && observer->stopping != NULL)
    observer->stopping (transport, transport->observer_data);
  g_clear_pointer (&transport->hold, transport_hold_free);
  while (transport->dials->len > 0)
    transport_dial_abort (transport->dials->pdata[0]);
  say_goodbye (transport->arriving);
  say_goodbye (transport->sessions);
  if (transport->sessions->len + transport->arriving->len == 0)
    finish_soon (transport);
  else
    transport->stop_deadline = transport_timer (transport, TRANSPORT_STOP_TIMEOUT_MS, finish_cb, transport);
}

gboolean
transport_stop_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_stop_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
transport_stop_abort (MuxTransport *transport)
{
  g_autoptr (GTask) task = g_steal_pointer (&transport->stop);

  close_everything (transport);
  if (task != NULL)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CLOSED,
                             _("The transport went before it had stopped"));
}
