#include "control/socket.h"

#define BASE_LOG_ROOM "control"
#include "base/error.h"
#include "base/log.h"

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

/* Who may wait to be accepted, and to be served. (A GSocketService that is stopped for a while loses whom it is just
 * accepting, so it never is.) */
#define BACKLOG 128
#define MAX_LINE 128

struct _ControlSocket
{
  gboolean everybody; /* any user may connect */
  char *path;
  int lock; /* held as long as this host lives */
  GSocketService *service;
  GMainContext *context;
  GPtrArray *connections; /* of GDBusConnection, authenticated */
  GQueue greetings;       /* of Greeting: authentications under way, the oldest first */
  GQueue line;            /* of GSocketConnection: wait until one of the connections goes */
  ControlSocketFunc func;
  gpointer user_data;
};

typedef struct
{
  ControlSocket *socket; /* NULL when that is gone */
  GSocketConnection *stream;
  GCancellable *cancellable;
  GSource *speaks; /* NULL from the first byte on: then the authentication runs, in a thread of GIO's */
  GSource *deadline;
} Greeting;

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

static gboolean
is_welcome_cb (GDBusAuthObserver *observer, GIOStream *stream, GCredentials *credentials, gpointer data)
{
  gboolean everybody = GPOINTER_TO_INT (data);
  uid_t user = credentials == NULL ? (uid_t) -1 : g_credentials_get_unix_user (credentials, NULL);

  /* Root may administer a user's host. The host of the system makes certificates for all its users. */
  return user == geteuid () || user == 0 || (everybody && user != (uid_t) -1);
}

static gboolean
only_external_cb (GDBusAuthObserver *observer, const char *mechanism, gpointer data)
{
  return g_str_equal (mechanism, "EXTERNAL");
}

static void greet (ControlSocket *self, GSocketConnection *stream);

static void
connection_closed_cb (GDBusConnection *connection, gboolean remote_vanished, GError *error, gpointer data)
{
  ControlSocket *self = data;
  g_autoptr (GSocketConnection) next = NULL;

  g_signal_handlers_disconnect_by_data (connection, self);
  self->func (connection, FALSE, self->user_data);
  g_ptr_array_remove (self->connections, connection);
  next = g_queue_pop_head (&self->line);
  if (next != NULL)
    greet (self, next);
}

static void
greeting_free (Greeting *greeting)
{
  if (greeting->speaks != NULL)
    g_source_destroy (greeting->speaks);
  g_clear_pointer (&greeting->speaks, g_source_unref);
  g_source_destroy (greeting->deadline);
  g_source_unref (greeting->deadline);
  g_object_unref (greeting->cancellable);
  g_object_unref (greeting->stream);
  g_free (greeting);
}

static void
greeted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Greeting *greeting = data;
  ControlSocket *self = greeting->socket;
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainContextPusher) pusher = self != NULL ? g_main_context_pusher_new (self->context) : NULL;
  GDBusConnection *connection = g_dbus_connection_new_finish (result, &error);

  if (self != NULL)
    g_queue_remove (&self->greetings, greeting);
  greeting_free (greeting);
  if (connection == NULL)
    {
      base_info ("a connection to the control socket came to nothing: %s", error->message);
      return;
    }
  if (self == NULL)
    {
      g_dbus_connection_close (connection, NULL, NULL, NULL);
      g_object_unref (connection);
      return;
    }
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  g_ptr_array_add (self->connections, connection);
  g_signal_connect (connection, "closed", G_CALLBACK (connection_closed_cb), self);
  self->func (connection, TRUE, self->user_data);
  g_dbus_connection_start_message_processing (connection);
}

/* The authentication's callback frees it, with nobody to tell. */
static void
dismiss (ControlSocket *self, Greeting *greeting)
{
  g_queue_remove (&self->greetings, greeting);
  greeting->socket = NULL;
  if (greeting->speaks != NULL)
    greeting_free (greeting);
  else
    g_cancellable_cancel (greeting->cancellable);
}

static gboolean
greeting_deadline_cb (gpointer data)
{
  Greeting *greeting = data;

  if (greeting->socket != NULL)
    dismiss (greeting->socket, greeting);
  return G_SOURCE_REMOVE;
}

/* Its first byte is there. Only now a thread is given to it: whoever connects and says nothing costs a
 * descriptor and no more. */
static gboolean
speaks_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  Greeting *greeting = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (greeting->socket->context);
  g_autoptr (GDBusAuthObserver) observer = g_dbus_auth_observer_new ();
  g_autofree char *guid = g_dbus_generate_guid ();

  g_source_destroy (greeting->speaks);
  g_clear_pointer (&greeting->speaks, g_source_unref);
  g_signal_connect (observer, "allow-mechanism", G_CALLBACK (only_external_cb), NULL);
  g_signal_connect (observer, "authorize-authenticated-peer", G_CALLBACK (is_welcome_cb),
                    GINT_TO_POINTER (greeting->socket->everybody));
  g_dbus_connection_new (G_IO_STREAM (greeting->stream), guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
                             | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         observer, greeting->cancellable, greeted_cb, greeting);
  return G_SOURCE_REMOVE;
}

static void
greet (ControlSocket *self, GSocketConnection *stream)
{
  Greeting *greeting;

  /* Who connects and says nothing makes room for the next. */
  if (self->connections->len + self->greetings.length >= CONTROL_SOCKET_MAX_CONNECTIONS)
    dismiss (self, g_queue_peek_head (&self->greetings));
  greeting = g_new0 (Greeting, 1);
  greeting->socket = self;
  greeting->stream = g_object_ref (stream);
  greeting->cancellable = g_cancellable_new ();
  greeting->speaks = g_socket_create_source (g_socket_connection_get_socket (stream), G_IO_IN, NULL);
  g_source_set_static_name (greeting->speaks, "mux-quic: control speaks");
  g_source_set_callback (greeting->speaks, G_SOURCE_FUNC (speaks_cb), greeting, NULL);
  g_source_attach (greeting->speaks, self->context);
  greeting->deadline = g_timeout_source_new (CONTROL_SOCKET_GREETING_MS);
  g_source_set_static_name (greeting->deadline, "mux-quic: control greeting");
  g_source_set_callback (greeting->deadline, greeting_deadline_cb, greeting, NULL);
  g_source_attach (greeting->deadline, self->context);
  g_queue_push_tail (&self->greetings, greeting);
}

static gboolean
incoming_cb (GSocketService *service, GSocketConnection *stream, GObject *source, gpointer data)
{
  ControlSocket *self = data;

  if (self->connections->len < CONTROL_SOCKET_MAX_CONNECTIONS)
    greet (self, stream);
  else if (self->line.length < MAX_LINE)
    g_queue_push_tail (&self->line, g_object_ref (stream));
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
  self->context = g_main_context_ref (context);
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
  while (self->greetings.length > 0)
    dismiss (self, self->greetings.head->data);
  g_queue_clear_full (&self->line, g_object_unref);
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
  close (self->lock);
  g_main_context_unref (self->context);
  g_free (self->path);
  g_free (self);
}
