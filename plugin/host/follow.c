#include "host/follow.h"

#include "host/control-client.h"
#include "host/status-fetch.h"

#define LOOK_EVERY_US G_USEC_PER_SEC
/* Looking must not be what the host is busy with: for a long look there is a longer pause, this many times as
 * long. */
#define PAUSE_TIMES 4

struct _HostFollow
{
  const HostFollowEvents *events;
  gpointer user_data;
  gboolean counters;           /* they are wanted */
  GDBusConnection *connection; /* NULL: between two attempts */
  GCancellable *cancellable;   /* of what belongs to this connection or attempt */
  guint subscription;
  gulong closed;
  guint timer; /* for the next look or attempt */
  gint64 due;  /* when it ends, monotonic */
  gint64 looked;
  gint64 may_look; /* not before that */
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
  g_autoptr (GVariant) status = host_status_fetch_finish (result, &error);
  gint64 now = g_get_monotonic_time ();

  if (!follow->over && source == (GObject *)follow->connection)
    {
      follow->asking = FALSE;
      follow->may_look = MAX (follow->looked + LOOK_EVERY_US, now + PAUSE_TIMES * (now - follow->looked));
      if (status == NULL)
        lose (follow, error);
      else
        {
          if (follow->dirty)
            arrange (follow, follow->may_look);
          follow->known = TRUE;
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
  host_status_fetch_async (follow->connection, follow->cancellable, described_cb, g_rc_box_acquire (follow));
}

/* Whether a PropertiesChanged tells of nothing but counters. */
static gboolean
is_of_counters (const char *signal, GVariant *parameters)
{
  static const char *const counters[] = { "Rtt", "Lost", "BytesIn", "BytesOut", "Connections", NULL };
  g_autoptr (GVariant) changed = NULL;
  GVariantIter iter;
  const char *name;
  gboolean others = FALSE;

  if (!g_str_equal (signal, "PropertiesChanged")
      || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return FALSE;
  g_variant_get (parameters, "(&s@a{sv}@as)", NULL, &changed, NULL);
  g_variant_iter_init (&iter, changed);
  while (g_variant_iter_next (&iter, "{&sv}", &name, NULL))
    {
      others |= !g_strv_contains (counters, name);
    }
  return !others && g_variant_n_children (changed) > 0;
}

/* Whatever it signals, something is other than it was. Counters concern only those who want them. */
static void
signal_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer data)
{
  HostFollow *follow = data;

  if (!follow->counters && is_of_counters (signal, parameters))
    return;
  follow->dirty = TRUE;
  if (!follow->asking)
    arrange (follow, follow->may_look);
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
host_follow_new (gboolean counters, const HostFollowEvents *events, gpointer user_data)
{
  HostFollow *follow = g_rc_box_new0 (HostFollow);

  follow->events = events;
  follow->user_data = user_data;
  follow->counters = counters;
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
