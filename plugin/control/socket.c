#include "control/socket.h"

#define BASE_LOG_ROOM "control"
#include "base/error.h"
#include "base/log.h"
#include "control/reception.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Who may wait to be accepted. (A GSocketService that is stopped for a while loses whom it is just
 * accepting, so it never is.) */
#define BACKLOG 128

struct _ControlSocket
{
  gboolean everybody; /* any user may connect */
  char *path;
  int lock; /* held as long as this host lives */
  GSocketService *service;
  GPtrArray *connections; /* of GDBusConnection, authenticated */
  ControlReception *reception;
  ControlSocketFunc func;
  gpointer user_data;
};

static gboolean
check_directory (const char *directory, gboolean everybody, GError **error)
{
  mode_t forbidden = everybody ? 022 : 077;
  struct stat status;

  if (g_mkdir_with_parents (directory, everybody ? 0755 : 0700) != 0)
    return base_error_set_errno (error, errno, _("cannot make the directory %s"), directory);
  if (lstat (directory, &status) != 0)
    return base_error_set_errno (error, errno, _("cannot look at %s"), directory);
  if (!S_ISDIR (status.st_mode) || status.st_uid != geteuid () || (status.st_mode & forbidden) != 0)
    return base_error_set (
        error, MUX_ERROR_FAILED,
        everybody ? _("%s must be a directory of this user that nobody else can write to; run: chmod 755 '%s'")
                  : _("%s must be a directory of this user that nobody else can enter; run: chmod 700 '%s'"),
        directory, directory);
  return TRUE;
}

/* One host for one directory: the lock goes with the process, however it ends. */
static int
take_lock (const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (path, ".lock", NULL);
  int fd = open (name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      base_error_set_errno (error, errno, _("cannot open %s"), name);
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (errno == EWOULDBLOCK)
    base_error_set (error, MUX_ERROR_RUNNING,
                    _("a host of this user is already running (%s); see `mux-quic status`"), path);
  else
    base_error_set_errno (error, errno, _("cannot lock %s"), name);
  close (fd);
  return -1;
}

static void
connection_closed_cb (GDBusConnection *connection, gboolean remote_vanished, GError *error, gpointer data)
{
  ControlSocket *self = data;
  g_autoptr (GDBusConnection) gone = g_object_ref (connection);

  g_signal_handlers_disconnect_by_data (connection, self);
  self->func (connection, FALSE, self->user_data);
  g_ptr_array_remove (self->connections, connection);
  control_reception_left (self->reception, gone);
}

static void
connected_cb (GDBusConnection *connection, gpointer data)
{
  ControlSocket *self = data;

  g_dbus_connection_set_exit_on_close (connection, FALSE);
  g_ptr_array_add (self->connections, connection);
  g_signal_connect (connection, "closed", G_CALLBACK (connection_closed_cb), self);
  self->func (connection, TRUE, self->user_data);
  g_dbus_connection_start_message_processing (connection);
}

static gboolean
incoming_cb (GSocketService *service, GSocketConnection *stream, GObject *source, gpointer data)
{
  control_reception_take (((ControlSocket *) data)->reception, stream);
  return TRUE;
}

static gboolean
listen_on (ControlSocket *self, GError **error)
{
  g_autoptr (GSocketAddress) address = NULL;

  if (strlen (self->path) >= sizeof ((struct sockaddr_un){ 0 }).sun_path)
    return base_error_set (error, MUX_ERROR_FAILED, _("the path of the control socket is too long: %s"),
                           self->path);
  /* We hold the lock: whatever is there is of a host that is gone. */
  if (unlink (self->path) != 0 && errno != ENOENT)
    return base_error_set_errno (error, errno, _("cannot remove the old socket %s"), self->path);
  address = g_unix_socket_address_new (self->path);
  self->service = g_socket_service_new ();
  /* Many commands may begin at once: they wait in line. */
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), BACKLOG);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), address, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error))
    {
      g_prefix_error (error, "%s: ", self->path);
      return FALSE;
    }
  if (chmod (self->path, self->everybody ? 0666 : 0600) != 0)
    return base_error_set_errno (error, errno, _("cannot set the mode of %s"), self->path);
  g_signal_connect (self->service, "incoming", G_CALLBACK (incoming_cb), self);
  g_socket_service_start (self->service);
  return TRUE;
}

ControlSocket *
control_socket_new (const char *path, gboolean everybody, GMainContext *context, ControlSocketFunc func,
                    gpointer user_data, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autofree char *directory = g_path_get_dirname (path);
  ControlSocket *self;
  int lock;

  if (!check_directory (directory, everybody, error))
    return NULL;
  lock = take_lock (path, error);
  if (lock < 0)
    return NULL;
  self = g_new0 (ControlSocket, 1);
  self->path = g_strdup (path);
  self->lock = lock;
  self->everybody = everybody;
  self->reception = control_reception_new (everybody, context, connected_cb, self);
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->func = func;
  self->user_data = user_data;
  if (listen_on (self, error))
    return self;
  control_socket_free (self);
  return NULL;
}

void
control_socket_free (ControlSocket *self)
{
  if (self->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->service, self);
      g_socket_service_stop (self->service);
      g_socket_listener_close (G_SOCKET_LISTENER (self->service));
      g_object_unref (self->service);
      unlink (self->path);
    }
  while (self->connections->len > 0)
    {
      g_autoptr (GDBusConnection) connection
          = g_ptr_array_steal_index (self->connections, self->connections->len - 1);

      g_signal_handlers_disconnect_by_data (connection, self);
      self->func (connection, FALSE, self->user_data);
      g_dbus_connection_close (connection, NULL, NULL, NULL);
    }
  g_ptr_array_unref (self->connections);
  control_reception_free (self->reception);
  close (self->lock);
  g_free (self->path);
  g_free (self);
}
