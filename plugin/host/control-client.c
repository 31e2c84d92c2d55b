#include "host/control-client.h"

#include "host/progress.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <mux/plugin.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALL_TIMEOUT_MS 10000
/* For a host that was just started: it makes a CA. */
#define START_TIMEOUT_SECONDS 10
/* For one that somebody else started in the same moment: it has the lock, and its socket comes right after. */
#define OTHER_ATTEMPTS 10
#define OTHER_PAUSE_MS 100

/* Where the host's words go: nobody reads its standard error any more. */
static int
open_log (void)
{
  g_autofree char *directory = g_build_filename (g_get_user_state_dir (), "mux-quic", NULL);
  g_autofree char *path = g_build_filename (directory, "serve.log", NULL);

  if (g_mkdir_with_parents (directory, 0700) != 0)
    return -1;
  return open (path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void
detach_cb (gpointer data)
{
  setsid ();
}

typedef struct
{
  gboolean done, ready;
} Start;

static gboolean
line_cb (int fd, GIOCondition condition, gpointer data)
{
  Start *start = data;
  char buffer[4096];

  start->ready = read (fd, buffer, sizeof buffer) > 0;
  start->done = TRUE;
  return G_SOURCE_CONTINUE;
}

static gboolean
timeout_cb (gpointer data)
{
  ((Start *) data)->done = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Its first line means that it listens; then its standard output is read by nobody, and it says nothing more there. */
static gboolean
wait_for_line (int out)
{
  Start start = { 0 };
  guint source = g_unix_fd_add (out, G_IO_IN | G_IO_HUP | G_IO_ERR, line_cb, &start);
  guint timer = g_timeout_add_seconds (START_TIMEOUT_SECONDS, timeout_cb, &start);

  host_progress_wait (&start.done, _("starting the host"));
  g_source_remove (source);
  g_source_remove (timer);
  return start.ready;
}

static void
unit_cb (GObject *source, GAsyncResult *result, gpointer ended)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  *(gboolean *) ended = TRUE;
}

/* The user's systemd runs it better than we can: it survives our session, and comes back. FALSE without such a unit, or such a systemd. */
static gboolean
start_unit (void)
{
  const char *argv[] = { "systemctl", "--user", "--quiet", "start", "mux-quic.service", NULL };
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  gboolean ended = FALSE;

  if (process == NULL)
    return FALSE;
  g_subprocess_wait_async (process, NULL, unit_cb, &ended);
  host_progress_wait (&ended, _("starting the host"));
  return g_subprocess_get_successful (process);
}

/* What we started has ended: perhaps because there is a host already, which came first. */
static GDBusConnection *
connect_to_other (void)
{
  GDBusConnection *connection = host_control_connect (NULL);

  for (guint i = 0; connection == NULL && i < OTHER_ATTEMPTS; i++)
    {
      Start pause = { 0 };
      guint timer = g_timeout_add (OTHER_PAUSE_MS, timeout_cb, &pause);

      host_progress_wait (&pause.done, _("starting the host"));
      g_source_remove (timer);
      connection = host_control_connect (NULL);
    }
  return connection;
}

GDBusConnection *
host_control_start (GError **error)
{
  GDBusConnection *connection;
  g_autofree char *self = g_file_read_link ("/proc/self/exe", error);
  const char *argv[] = { self, "serve", NULL };
  int log, out;
  gboolean good;

  if (self == NULL)
    return NULL;
  if (!g_str_equal (host_control_application (), "mux-quic") || host_control_is_system ())
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("no host is running, and only the user's own is started by itself"));
      return NULL;
    }
  /* Ready when started: Type=notify. In a chroot systemctl calls it a success to ignore what it is told. */
  if (start_unit ())
    {
      connection = host_control_connect (NULL);
      if (connection != NULL)
        return connection;
    }
  log = open_log ();
  good = g_spawn_async_with_pipes_and_fds ("/", argv, NULL, G_SPAWN_DEFAULT | (log < 0 ? G_SPAWN_STDERR_TO_DEV_NULL : 0),
                                           detach_cb, NULL, -1, -1, log, NULL, NULL, 0, NULL, NULL, &out, NULL, error);
  if (log >= 0)
    close (log);
  if (!good)
    return NULL;
  good = wait_for_line (out);
  close (out);
  if (good)
    return host_control_connect (error);
  connection = connect_to_other ();
  if (connection == NULL)
    g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("the host does not start; see %s/mux-quic/serve.log"),
                 g_get_user_state_dir ());
  return connection;
}

typedef struct
{
  gboolean done;
  GVariant *reply;
  GError *error;
} Call;

static void
called_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  call->reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &call->error);
  call->done = TRUE;
}

static GVariant *
call_manager (GDBusConnection *connection, const char *interface, const char *method, GVariant *arguments,
              const char *reply_type, GError **error)
{
  Call call = { 0 };

  g_dbus_connection_call (connection, NULL, HOST_CONTROL_MANAGER_PATH, interface, method, arguments,
                          G_VARIANT_TYPE (reply_type), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS, NULL, called_cb, &call);
  host_progress_wait (&call.done, _("waiting for the host"));
  if (call.reply == NULL)
    {
      g_dbus_error_strip_remote_error (call.error);
      g_propagate_error (error, call.error);
    }
  return call.reply;
}

GVariant *
host_control_call (GDBusConnection *connection, const char *method, GVariant *arguments, const char *reply_type,
                   GError **error)
{
  return call_manager (connection, HOST_CONTROL_MANAGER_INTERFACE, method, arguments, reply_type, error);
}

GVariant *
host_control_get (GDBusConnection *connection, const char *property, const char *type, GError **error)
{
  g_autoptr (GVariant) reply
      = call_manager (connection, "org.freedesktop.DBus.Properties", "Get",
                      g_variant_new ("(ss)", HOST_CONTROL_MANAGER_INTERFACE, property), "(v)", error);
  g_autoptr (GVariant) value = NULL;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(v)", &value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE (type)))
    return g_steal_pointer (&value);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("the host is of another version; its %s is not understood"),
               property);
  return NULL;
}

gboolean
host_control_set (GDBusConnection *connection, const char *property, GVariant *value, GError **error)
{
  g_autoptr (GVariant) reply
      = call_manager (connection, "org.freedesktop.DBus.Properties", "Set",
                      g_variant_new ("(ssv)", HOST_CONTROL_MANAGER_INTERFACE, property, value), "()", error);

  return reply != NULL;
}
