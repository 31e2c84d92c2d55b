#define BASE_LOG_ROOM "transport"
#include "transport/roam.h"

#include "base/log.h"
#include "transport/away.h"
#include "transport/hold.h"

/* One change of the network is told many times. */
#define SETTLE_MS 50

struct _TransportRoam
{
  MuxTransport *transport;
  GNetworkMonitor *monitor;
  gulong changed;
  GSource *settle;
  GCancellable *cancellable;
  GDBusConnection *bus; /* the system's; NULL where there is none */
  guint sleep;
};

static gboolean
settled_cb (gpointer data)
{
  TransportRoam *roam = data;
  GPtrArray *sessions = roam->transport->sessions;

  transport_timer_clear (&roam->settle);
  base_debug ("the network has changed");
  for (guint i = 0; i < sessions->len; i++)
    {
      MuxSession *session = sessions->pdata[i];

      if (session->away != NULL)
        transport_away_network_changed (session->away);
    }
  if (roam->transport->hold != NULL)
    transport_hold_hurry (roam->transport->hold, NULL);
  return G_SOURCE_REMOVE;
}

static void
look_soon (TransportRoam *roam)
{
  if (roam->settle == NULL)
    roam->settle = transport_timer (roam->transport, SETTLE_MS, settled_cb, roam);
}

/* Whether it counts as available is another question: a way to a peer need not be a default route. */
static void
changed_cb (GNetworkMonitor *monitor, gboolean available, gpointer data)
{
  look_soon (data);
}

/* TRUE: it is about to sleep; FALSE: it is awake again. */
static void
sleep_cb (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
          GVariant *parameters, gpointer data)
{
  gboolean asleep = TRUE;

  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(b)")))
    g_variant_get (parameters, "(b)", &asleep);
  if (!asleep)
    look_soon (data);
}

static void
bus_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_dbus_connection_new_for_address_finish (result, &error);
  TransportRoam *roam = data;
  g_autoptr (GMainContextPusher) pusher = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the roam is gone */
  if (bus == NULL)
    {
      base_debug ("nobody tells when the machine wakes up: %s", error->message);
      return;
    }
  pusher = g_main_context_pusher_new (roam->transport->context);
  roam->bus = bus;
  roam->sleep = g_dbus_connection_signal_subscribe (bus, "org.freedesktop.login1", "org.freedesktop.login1.Manager",
                                                    "PrepareForSleep", "/org/freedesktop/login1", NULL,
                                                    G_DBUS_SIGNAL_FLAGS_NONE, sleep_cb, roam, NULL);
}

TransportRoam *
transport_roam_new (MuxTransport *transport)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  TransportRoam *roam = g_new0 (TransportRoam, 1);
  g_autofree char *address = NULL;

  roam->transport = transport;
  roam->monitor = g_object_ref (g_network_monitor_get_default ());
  roam->changed = g_signal_connect (roam->monitor, "network-changed", G_CALLBACK (changed_cb), roam);
  roam->cancellable = g_cancellable_new ();
  /* A connection of our own: the shared one would end the process with the bus. */
  address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);
  if (address != NULL)
    g_dbus_connection_new_for_address (address,
                                       G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                           | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                       NULL, roam->cancellable, bus_cb, roam);
  return roam;
}

void
transport_roam_free (TransportRoam *roam)
{
  g_cancellable_cancel (roam->cancellable);
  g_object_unref (roam->cancellable);
  g_signal_handler_disconnect (roam->monitor, roam->changed);
  g_object_unref (roam->monitor);
  if (roam->bus != NULL)
    g_dbus_connection_signal_unsubscribe (roam->bus, roam->sleep);
  g_clear_object (&roam->bus);
  transport_timer_clear (&roam->settle);
  g_free (roam);
}
