#include "host/control-client.h"

#include "host/progress.h"

#include <glib/gi18n.h>

/* How long a host that has its hands full is asked again, and one that does not speak is waited for. */
#define PATIENCE_MS 10000

static char *application;
static gboolean system_mode;

const GOptionEntry host_control_options[] = {
  { "application", 0, 0, G_OPTION_ARG_STRING, &application,
    N_ ("the host's application name, if it is not mux-quic"), N_ ("NAME") },
  { "system", 0, 0, G_OPTION_ARG_NONE, &system_mode, N_ ("the host of the system, not the user's"), NULL },
  G_OPTION_ENTRY_NULL,
};

const char *
host_control_application (void)
{
  return application != NULL ? application : "mux-quic";
}

gboolean
host_control_is_system (void)
{
  return system_mode;
}

/* The rule of the plugin's control socket, which is part of the interface. */
char *
host_control_path (void)
{
  const char *name = host_control_application ();
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  if (system_mode)
    return g_build_filename ("/run", name, "control", NULL);
  if (runtime != NULL && g_path_is_absolute (runtime))
    return g_build_filename (runtime, name, "control", NULL);
  return g_build_filename (g_get_user_cache_dir (), name, "run", "control", NULL);
}

static gboolean
is_final (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

/* One way to a connection: a GTask's data. */
typedef struct
{
  char *path, *address;
  GCancellable *cancellable; /* of the attempt under way */
  guint deadline, again;     /* sources */
  gboolean late;
} Approach;

static void
approach_free (gpointer data)
{
  Approach *approach = data;

  g_clear_handle_id (&approach->deadline, g_source_remove);
  g_clear_handle_id (&approach->again, g_source_remove);
  g_object_unref (approach->cancellable);
  g_free (approach->path);
  g_free (approach->address);
  g_free (approach);
}

static gboolean
late_cb (gpointer data)
{
  Approach *approach = data;

  approach->deadline = 0;
  approach->late = TRUE;
  g_cancellable_cancel (approach->cancellable);
  return G_SOURCE_REMOVE;
}

static void attempt (GTask *task);

static gboolean
again_cb (gpointer task)
{
  ((Approach *)g_task_get_task_data (task))->again = 0;
  attempt (task);
  return G_SOURCE_REMOVE;
}

static void
fail (GTask *task, GError *error)
{
  Approach *approach = g_task_get_task_data (task);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                             _ ("no host is running (%s); start one with: mux-quic serve"), approach->path);
  else if (approach->late)
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                             _ ("the host at %s does not answer; it may be stopped or have its hands full"),
                             approach->path);
  else
    {
      g_prefix_error (&error, "%s: ", approach->path);
      g_task_return_error (task, g_steal_pointer (&error));
    }
  g_clear_error (&error);
  g_object_unref (task);
}

/* A host serves few at once, and who is slow to speak makes room: then one stands in line again. */
static void
failed_attempt (GTask *task, GError *error)
{
  Approach *approach = g_task_get_task_data (task);

  if (is_final (error) || g_cancellable_is_cancelled (approach->cancellable))
    fail (task, error);
  else
    {
      g_error_free (error);
      /* Not all again at the same moment. */
      approach->again = g_timeout_add ((guint)g_random_int_range (10, 100), again_cb, task);
    }
}

static void
served_cb (GObject *connection, GAsyncResult *result, gpointer task)
{
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (connection), result, &error);

  if (reply == NULL)
    {
      failed_attempt (task, error);
      return;
    }
  g_task_return_pointer (task, g_object_ref (connection), g_object_unref);
  g_object_unref (task);
}

static void
attempted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Approach *approach = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_finish (result, &error);

  if (connection == NULL)
    {
      failed_attempt (task, error);
      return;
    }
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  /* The greeting ends for the host a moment later than for us, and in that moment we may still have had to make room for somebody. */
  g_dbus_connection_call (connection, NULL, "/", "org.freedesktop.DBus.Peer", "Ping", NULL, G_VARIANT_TYPE_UNIT,
                          G_DBUS_CALL_FLAGS_NONE, -1, approach->cancellable, served_cb, task);
}

static void
attempt (GTask *task)
{
  Approach *approach = g_task_get_task_data (task);

  g_dbus_connection_new_for_address (approach->address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL,
                                     approach->cancellable, attempted_cb, task);
}

void
host_control_connect_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Approach *approach = g_new0 (Approach, 1);
  g_autofree char *escaped = NULL;

  approach->path = host_control_path ();
  escaped = g_dbus_address_escape_value (approach->path);
  approach->address = g_strconcat ("unix:path=", escaped, NULL);
  approach->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (g_cancellable_cancel),
                             approach->cancellable, G_CONNECT_SWAPPED);
  approach->deadline = g_timeout_add (PATIENCE_MS, late_cb, approach);
  g_task_set_task_data (task, approach, approach_free);
  attempt (task);
}

GDBusConnection *
host_control_connect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  gboolean done;
  GDBusConnection *connection;
  GError *error;
} Waiting;

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;

  waiting->connection = host_control_connect_finish (result, &waiting->error);
  waiting->done = TRUE;
}

GDBusConnection *
host_control_connect (GError **error)
{
  Waiting waiting = { 0 };

  host_control_connect_async (NULL, connected_cb, &waiting);
  host_progress_wait (&waiting.done, _ ("waiting for the host"));
  if (waiting.error != NULL)
    g_propagate_error (error, waiting.error);
  return waiting.connection;
}
