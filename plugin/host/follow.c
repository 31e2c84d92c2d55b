#include "host/follow.h"

#include "host/control-client.h"

#define LOOK_EVERY_US G_USEC_PER_SEC
/* A host that says nothing for so long is as good as gone. */
#define ANSWER_MS 10000

struct _HostFollow
{
  const HostFollowEvents *events;
  gpointer user_data;
  gint64 beat;                 /* µs */
  GDBusConnection *connection; /* NULL: between two attempts */
  GCancellable *cancellable;   /* of what belongs to this connection or attempt */
  guint subscription;
  gulong closed;
  guint timer; /* for the next look or attempt */
  gint64 due;  /* when it ends, monotonic */
  gint64 looked;
  gboolean asking, dirty, known, over;
};

static void lose (HostFollow *follow, const GError *error);
static void attempt (HostFollow *follow);
static void look (HostFollow *follow);

static gboolean
timer_cb (gpointer data)
{
  HostFollow *follow = data;

  follow->timer = 0;
  if (follow->connection != NULL)
    look (follow);
  else
    attempt (follow);
  return G_SOURCE_REMOVE;
}

/* At @due, or earlier if that is arranged already. */
static void
arrange (HostFollow *follow, gint64 due)
{
  gint64 wait = MAX (due - g_get_monotonic_time (), 0);

  if (follow->timer != 0 && follow->due <= due)
    return;
  g_clear_handle_id (&follow->timer, g_source_remove);
  follow->due = due;
  follow->timer = g_timeout_add ((guint)((wait + 999) / 1000), timer_cb, follow);
}

/* Each operation under way holds the object, which may be given up meanwhile. */
static void
described_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  HostFollow *follow = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) status = NULL;

  if (!follow->over && source == (GObject *)follow->connection)
    {
      follow->asking = FALSE;
      if (reply == NULL)
        lose (follow, error);
      else
        {
          if (follow->dirty)
            arrange (follow, follow->looked + LOOK_EVERY_US);
          else if (follow->beat > 0)
            arrange (follow, follow->looked + follow->beat);
          follow->known = TRUE;
          g_variant_get (reply, "(@a{sv})", &status);
          follow->events->status (status, follow->user_data);
        }
    }
  g_rc_box_release (follow);
}

static void
look (HostFollow *follow)
{
  follow->asking = TRUE;
  follow->dirty = FALSE;
  follow->looked = g_get_monotonic_time ();
  g_dbus_connection_call (follow->connection, NULL, HOST_CONTROL_MANAGER_PATH, HOST_CONTROL_MANAGER_INTERFACE,
                          "Describe", NULL, G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, ANSWER_MS,
                          follow->cancellable, described_cb, g_rc_box_acquire (follow));
}

/* Whatever it signals, something is other than it was. */
static void
signal_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer data)
{
  HostFollow *follow = data;

  follow->dirty = TRUE;
  if (!follow->asking)
    arrange (follow, follow->looked + LOOK_EVERY_US);
}

static void
closed_cb (GDBusConnection *connection, gboolean remote_vanished, GError *error, gpointer data)
{
  lose (data, error);
}

static void
let_go (HostFollow *follow)
{
  g_cancellable_cancel (follow->cancellable);
  g_clear_object (&follow->cancellable);
  g_clear_handle_id (&follow->timer, g_source_remove);
  if (follow->connection != NULL)
    {
      g_dbus_connection_signal_unsubscribe (follow->connection, follow->subscription);
      g_signal_handler_disconnect (follow->connection, follow->closed);
      g_dbus_connection_close (follow->connection, NULL, NULL, NULL);
      g_clear_object (&follow->connection);
    }
  follow->asking = FALSE;
}

static void
lose (HostFollow *follow, const GError *error)
{
  gboolean was_known = follow->known && follow->connection != NULL;

  let_go (follow);
  if (!follow->known)
    {
      follow->events->failed (error, follow->user_data);
      return;
    }
  arrange (follow, g_get_monotonic_time () + LOOK_EVERY_US);
  if (was_known)
    follow->events->gone (follow->user_data);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  HostFollow *follow = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = host_control_connect_finish (result, &error);

  if (!follow->over && connection == NULL)
    lose (follow, error);
  else if (!follow->over)
    {
      follow->connection = g_steal_pointer (&connection);
      follow->subscription
          = g_dbus_connection_signal_subscribe (follow->connection, NULL, NULL, NULL, NULL, NULL,
                                                G_DBUS_SIGNAL_FLAGS_NONE, signal_cb, follow, NULL);
      follow->closed = g_signal_connect (follow->connection, "closed", G_CALLBACK (closed_cb), follow);
      look (follow);
    }
  g_rc_box_release (follow);
}

static void
attempt (HostFollow *follow)
{
  follow->cancellable = g_cancellable_new ();
  host_control_connect_async (follow->cancellable, connected_cb, g_rc_box_acquire (follow));
}

HostFollow *
host_follow_new (guint beat, const HostFollowEvents *events, gpointer user_data)
{
  HostFollow *follow = g_rc_box_new0 (HostFollow);

  follow->events = events;
  follow->user_data = user_data;
  follow->beat = beat * G_USEC_PER_SEC;
  attempt (follow);
  return follow;
}

void
host_follow_free (HostFollow *follow)
{
  follow->over = TRUE;
  let_go (follow);
  g_rc_box_release (follow);
}
