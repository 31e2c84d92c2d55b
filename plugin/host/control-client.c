#include "host/control-client.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <mux/plugin.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANAGER_PATH "/org/muxquic/Quic1/Manager"
#define MANAGER_INTERFACE "org.muxquic.Quic1.Manager"
#define CALL_TIMEOUT_MS 10000
/* How long a host that has its hands full is asked again. */
#define BUSY_SECONDS 10
/* For a host that was just started: it makes a CA. */
#define START_TIMEOUT_SECONDS 10

static char *application;
static gboolean system_mode;

const GOptionEntry host_control_options[] = {
  { "application", 0, 0, G_OPTION_ARG_STRING, &application, N_("the host's application name, if it is not mux-quic"), N_("NAME") },
  { "system", 0, 0, G_OPTION_ARG_NONE, &system_mode, N_("the host of the system, not the user's"), NULL },
  G_OPTION_ENTRY_NULL,
};

/* The rule of the plugin's control socket, which is part of the interface. */
static char *
socket_path (void)
{
  const char *name = application != NULL ? application : "mux-quic";
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

/* A host serves few at once, and who is slow to speak makes room: then one stands in line again. */
static GDBusConnection *
connect_patiently (const char *address, GError **error)
{
  gint64 end = g_get_monotonic_time () + BUSY_SECONDS * G_USEC_PER_SEC;

  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
          address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &failure);

      if (connection != NULL)
        return connection;
      if (is_final (failure) || g_get_monotonic_time () >= end)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      /* Not all again at the same moment. */
      g_usleep ((gulong) g_random_int_range (10000, 100000));
    }
}

GDBusConnection *
host_control_connect (GError **error)
{
  g_autofree char *path = socket_path ();
  g_autofree char *escaped = g_dbus_address_escape_value (path);
  g_autofree char *address = g_strconcat ("unix:path=", escaped, NULL);
  g_autoptr (GError) local_error = NULL;
  GDBusConnection *connection = connect_patiently (address, &local_error);

  if (connection != NULL)
    {
      g_dbus_connection_set_exit_on_close (connection, FALSE);
      return connection;
    }
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
      || g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("no host is running (%s); start one with: mux-quic serve"),
                 path);
  else
    g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "%s: ", path);
  return NULL;
}

/* Where the host's words go: nobody reads its standard error any more. */
static int
open_log (void)
{
  g_autofree char *directory = g_build_filename (g_get_user_state_dir (), "mux-quic", NULL);
  g_autofree char *path = g_build_filename (directory, "serve.log", NULL);

  if (g_mkdir_with_parents (directory, 0700) != 0)
    return -1;
  return open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void
detach_cb (gpointer data)
{
  setsid ();
}

typedef struct
{
  GMainLoop *loop;
  int out;
  gboolean ready;
} Waiting;

static gboolean
line_cb (int fd, GIOCondition condition, gpointer data)
{
  Waiting *waiting = data;
  char buffer[4096];
  gssize n = read (fd, buffer, sizeof buffer);

  waiting->ready = n > 0;
  g_main_loop_quit (waiting->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
timeout_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

/* Its first line means that it listens; then its standard output is read by nobody, and it says nothing more there. */
static gboolean
wait_for_line (int out)
{
  Waiting waiting = { .loop = g_main_loop_new (NULL, FALSE), .out = out };
  GSource *source = g_unix_fd_source_new (out, G_IO_IN | G_IO_HUP | G_IO_ERR);
  guint timer = g_timeout_add_seconds (START_TIMEOUT_SECONDS, timeout_cb, waiting.loop);

  g_source_set_callback (source, G_SOURCE_FUNC (line_cb), &waiting, NULL);
  g_source_attach (source, NULL);
  g_main_loop_run (waiting.loop);
  g_source_destroy (source);
  g_source_unref (source);
  g_source_remove (timer);
  g_main_loop_unref (waiting.loop);
  return waiting.ready;
}

/* The user's systemd runs it better than we can: it survives our session, and comes back. FALSE without such a unit, or such a systemd. */
static gboolean
start_unit (void)
{
  const char *argv[] = { "systemctl", "--user", "--quiet", "start", "mux-quic.service", NULL };
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);

  return process != NULL && g_subprocess_wait_check (process, NULL, NULL);
}

GDBusConnection *
host_control_start (GError **error)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", error);
  const char *argv[] = { self, "serve", NULL };
  int log, out;
  gboolean good;

  if (self == NULL)
    return NULL;
  if (application != NULL || system_mode)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("no host is running, and only the user's own is started by itself"));
      return NULL;
    }
  /* Ready when started: Type=notify. */
  if (start_unit ())
    return host_control_connect (error);
  log = open_log ();
  good = g_spawn_async_with_pipes_and_fds ("/", argv, NULL, G_SPAWN_DEFAULT | (log < 0 ? G_SPAWN_STDERR_TO_DEV_NULL : 0),
                                           detach_cb, NULL, -1, -1, log, NULL, NULL, 0, NULL, NULL, &out, NULL, error);
  if (log >= 0)
    close (log);
  if (!good)
    return NULL;
  good = wait_for_line (out);
  close (out);
  if (!good)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("the host does not start; see %s/mux-quic/serve.log"),
                   g_get_user_state_dir ());
      return NULL;
    }
  return host_control_connect (error);
}

GVariant *
host_control_call (GDBusConnection *connection, const char *method, GVariant *arguments, const char *reply_type,
                   GError **error)
{
  GError *local_error = NULL;
  GVariant *reply = g_dbus_connection_call_sync (connection, NULL, MANAGER_PATH, MANAGER_INTERFACE, method, arguments,
                                                 G_VARIANT_TYPE (reply_type), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS,
                                                 NULL, &local_error);

  if (reply == NULL)
    {
      g_dbus_error_strip_remote_error (local_error);
      g_propagate_error (error, local_error);
    }
  return reply;
}
