/* The private socket by itself. */
#include "control/socket.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "control/reception.h"

typedef struct
{
  GMainContext *context;
  char *root, *directory, *path;
  ControlSocket *socket;
  guint connections;
  gboolean everybody;
} World;

static void
connection_cb (GDBusConnection *connection, gboolean there, gpointer data)
{
  World *world = data;

  g_assert_true (G_IS_DBUS_CONNECTION (connection));
  world->connections += there ? 1 : -1;
}

static World *
world_new (void)
{
  World *world = g_new0 (World, 1);

  world->context = g_main_context_new ();
  world->root = g_dir_make_tmp ("mux-quic-control-XXXXXX", NULL);
  world->directory = g_build_filename (world->root, "app", NULL);
  world->path = g_build_filename (world->directory, "control", NULL);
  return world;
}

static void
world_open (World *world)
{
  g_autoptr (GError) error = NULL;

  world->socket = control_socket_new (world->path, world->everybody, world->context, connection_cb, world, &error);
  g_assert_no_error (error);
}

static void
world_free (World *world)
{
  g_autofree char *lock = g_strconcat (world->path, ".lock", NULL);

  g_clear_pointer (&world->socket, control_socket_free);
  while (g_main_context_iteration (world->context, FALSE))
    ;
  g_assert_cmpuint (world->connections, ==, 0);
  g_unlink (lock);
  g_rmdir (world->directory);
  g_assert_cmpint (g_rmdir (world->root), ==, 0);
  g_main_context_unref (world->context);
  g_free (world->root);
  g_free (world->directory);
  g_free (world->path);
  g_free (world);
}

static guint
mode_of (const char *path)
{
  GStatBuf status;

  g_assert_cmpint (g_lstat (path, &status), ==, 0);
  return status.st_mode & 07777;
}

/* A client's end, not yet saying anything. */
static int
plain_connect (World *world)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, world->path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

typedef struct
{
  GDBusConnection *connection;
  gboolean done;
} Outcome;

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->connection = g_dbus_connection_new_for_address_finish (result, NULL);
  outcome->done = TRUE;
}

static void
begin_connect (World *world, Outcome *outcome)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->context);
  g_autofree char *address = g_strconcat ("unix:path=", world->path, NULL);

  *outcome = (Outcome){ NULL, FALSE };
  g_dbus_connection_new_for_address (address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL,
                                     connected_cb, outcome);
}

/* NULL when it is refused. */
static GDBusConnection *
end_connect (World *world, Outcome *outcome)
{
  while (!outcome->done)
    g_main_context_iteration (world->context, TRUE);
  if (outcome->connection != NULL)
    g_dbus_connection_set_exit_on_close (outcome->connection, FALSE);
  return outcome->connection;
}

static GDBusConnection *
bus_connect (World *world)
{
  Outcome outcome;

  begin_connect (world, &outcome);
  return end_connect (world, &outcome);
}

static void
wait_for (World *world, guint connections)
{
  while (world->connections != connections)
    g_main_context_iteration (world->context, TRUE);
}

static void
test_permissions (void)
{
  World *world = world_new ();
  mode_t before = umask (0);

  world_open (world);
  umask (before);
  g_assert_cmpuint (mode_of (world->directory), ==, 0700);
  g_assert_cmpuint (mode_of (world->path), ==, 0600);
  g_clear_pointer (&world->socket, control_socket_free);
  g_assert_false (g_file_test (world->path, G_FILE_TEST_EXISTS));
  world_free (world);
}

static void
open_badly (World *world, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (control_socket_new (world->path, FALSE, world->context, connection_cb, world, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

/* A directory that others can enter, or that is none. */
static void
test_bad_directory (void)
{
  World *world = world_new ();

  g_assert_cmpint (g_mkdir (world->directory, 0700), ==, 0);
  g_assert_cmpint (g_chmod (world->directory, 0755), ==, 0);
  open_badly (world, "chmod 700");
  g_assert_cmpint (g_rmdir (world->directory), ==, 0);
  g_assert_cmpint (symlink (world->root, world->directory), ==, 0);
  open_badly (world, world->directory);
  g_assert_cmpint (g_unlink (world->directory), ==, 0);
  g_assert_true (g_file_set_contents (world->directory, "x", 1, NULL));
  open_badly (world, world->directory);
  g_assert_cmpint (g_unlink (world->directory), ==, 0);
  world_free (world);
}

/* One host of a user at a time; the first is not disturbed by the second. */
static void
test_second_host (void)
{
  World *world = world_new ();
  g_autoptr (GDBusConnection) connection = NULL;

  world_open (world);
  open_badly (world, "already running");
  connection = bus_connect (world);
  g_assert_nonnull (connection);
  wait_for (world, 1);
  world_free (world);
}

/* What a host left that was killed. */
static void
test_stale (void)
{
  World *world = world_new ();
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (g_mkdir (world->directory, 0700), ==, 0);
  g_strlcpy (address.sun_path, world->path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  close (fd);
  world_open (world);
  g_clear_pointer (&world->socket, control_socket_free);
  world_open (world);
  world_free (world);
}

static void
test_too_many (void)
{
  World *world = world_new ();
  GDBusConnection *connections[CONTROL_SOCKET_MAX_CONNECTIONS];
  g_autoptr (GDBusConnection) extra = NULL;
  Outcome outcome;

  world_open (world);
  for (guint i = 0; i < CONTROL_SOCKET_MAX_CONNECTIONS; i++)
    {
      connections[i] = bus_connect (world);
      g_assert_nonnull (connections[i]);
      wait_for (world, i + 1);
    }
  /* One more stands in line until one goes. */
  begin_connect (world, &outcome);
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (world->context, FALSE);
  g_assert_false (outcome.done);
  g_assert_cmpuint (world->connections, ==, CONTROL_SOCKET_MAX_CONNECTIONS);
  g_dbus_connection_close (connections[0], NULL, NULL, NULL);
  extra = end_connect (world, &outcome);
  g_assert_nonnull (extra);
  wait_for (world, CONTROL_SOCKET_MAX_CONNECTIONS);
  for (guint i = 0; i < CONTROL_SOCKET_MAX_CONNECTIONS; i++)
    g_object_unref (connections[i]);
  world_free (world);
}

/* Who waited in line and gave up keeps nobody behind him from his turn. */
static void
test_gave_up (void)
{
  World *world = world_new ();
  GDBusConnection *connections[CONTROL_SOCKET_MAX_CONNECTIONS];
  g_autoptr (GDBusConnection) extra = NULL;
  Outcome outcome;

  world_open (world);
  for (guint i = 0; i < CONTROL_SOCKET_MAX_CONNECTIONS; i++)
    {
      connections[i] = bus_connect (world);
      g_assert_nonnull (connections[i]);
      wait_for (world, i + 1);
    }
  close (plain_connect (world));
  begin_connect (world, &outcome);
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (world->context, FALSE);
  g_assert_false (outcome.done);
  g_dbus_connection_close (connections[0], NULL, NULL, NULL);
  extra = end_connect (world, &outcome);
  g_assert_nonnull (extra);
  for (guint i = 0; i < CONTROL_SOCKET_MAX_CONNECTIONS; i++)
    g_object_unref (connections[i]);
  world_free (world);
}

/* A client's end that says who it is. */
static int
connect_as (World *world, uid_t user)
{
  g_autofree char *name = g_strdup_printf ("%u", user);
  g_autoptr (GString) hello = g_string_new_len ("\0AUTH EXTERNAL ", 15);
  uid_t own = geteuid ();
  int fd;

  for (const char *digit = name; *digit != '\0'; digit++)
    g_string_append_printf (hello, "%02x", *digit);
  g_string_append (hello, "\r\n");
  g_assert_cmpint (seteuid (user), ==, 0);
  fd = plain_connect (world);
  g_assert_cmpint (seteuid (own), ==, 0);
  g_assert_cmpint (send (fd, hello->str, hello->len, MSG_NOSIGNAL), ==, hello->len);
  return fd;
}

/* Begins where the host has said OK: TRUE once for each. It must not hang up. */
static gboolean
begins (int fd)
{
  char buffer[64] = "";
  gssize n = fd >= 0 ? recv (fd, buffer, sizeof buffer - 1, MSG_DONTWAIT) : -1;

  if (n < 0)
    return FALSE;
  g_assert_cmpint (n, >, 0);
  g_assert_true (g_str_has_prefix (buffer, "OK "));
  g_assert_cmpint (send (fd, "BEGIN\r\n", 7, MSG_NOSIGNAL), ==, 7);
  return TRUE;
}

/* Many commands that begin in the same moment are all served, and none that goes as soon as it came keeps its place. */
static void
test_burst (void)
{
  World *world = world_new ();
  guint served = 0;
  int fds[100];

  world_open (world);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    fds[i] = connect_as (world, geteuid ());
  while (served < G_N_ELEMENTS (fds))
    {
      g_main_context_iteration (world->context, FALSE);
      for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
        if (begins (fds[i]))
          {
            close (fds[i]);
            fds[i] = -1;
            served++;
          }
    }
  while (world->connections > 0)
    g_main_context_iteration (world->context, TRUE);
  world_free (world);
}

#define STRANGERS 4
#define OF_EACH 8

/* Others than root and the own user have some of the places, each and together, and wait for more. */
static void
test_strangers (void)
{
  World *world = world_new ();
  GDBusConnection *own[CONTROL_SOCKET_MAX_CONNECTIONS - CONTROL_SOCKET_STRANGERS];
  guint served[STRANGERS] = { 0 };
  int fds[STRANGERS][OF_EACH];

  if (geteuid () != 0)
    {
      g_test_skip ("only root can be somebody else");
      world_free (world);
      return;
    }
  g_assert_cmpint (g_chmod (world->root, 0755), ==, 0);
  world->everybody = TRUE;
  world_open (world);
  for (guint i = 0; i < STRANGERS; i++)
    for (guint k = 0; k < OF_EACH; k++)
      fds[i][k] = connect_as (world, 65534 - i);
  while (world->connections < CONTROL_SOCKET_STRANGERS)
    {
      g_main_context_iteration (world->context, FALSE);
      for (guint i = 0; i < STRANGERS; i++)
        for (guint k = 0; k < OF_EACH; k++)
          served[i] += begins (fds[i][k]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (own); i++)
    {
      own[i] = bus_connect (world);
      g_assert_nonnull (own[i]);
    }
  wait_for (world, CONTROL_SOCKET_MAX_CONNECTIONS);
  for (guint i = 0; i < STRANGERS; i++)
    g_assert_cmpuint (served[i], ==, i < 3 ? CONTROL_SOCKET_OF_STRANGER : 0);
  /* A place that one of them leaves is the next one's. */
  close (fds[0][0]);
  while (!begins (fds[0][CONTROL_SOCKET_OF_STRANGER]))
    g_main_context_iteration (world->context, FALSE);
  for (guint i = 0; i < STRANGERS * OF_EACH; i++)
    if (i > 0)
      close (fds[i / OF_EACH][i % OF_EACH]);
  for (guint i = 0; i < G_N_ELEMENTS (own); i++)
    g_object_unref (own[i]);
  world_free (world);
}

static void
allow_descriptors (rlim_t number)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = MAX (limit.rlim_cur, MIN (number, limit.rlim_max));
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

/* Whoever says nothing, or the half of it, keeps nobody out. */
static void
test_idle (void)
{
  World *world = world_new ();
  g_autoptr (GDBusConnection) connection = NULL;
  GArray *idle = g_array_new (FALSE, FALSE, sizeof (int));

  allow_descriptors (2100);
  world_open (world);
  for (guint i = 0; i < 1000; i++)
    {
      int fd = plain_connect (world);

      if (i % 10 == 0)
        g_assert_cmpint (send (fd, "\0AUTH", 5, MSG_NOSIGNAL), ==, 5);
      g_array_append_val (idle, fd);
      while (g_main_context_iteration (world->context, FALSE))
        ;
    }
  connection = bus_connect (world);
  g_assert_nonnull (connection);
  wait_for (world, 1);
  for (guint i = 0; i < idle->len; i++)
    close (g_array_index (idle, int, i));
  g_array_unref (idle);
  world_free (world);
}

/* Other ways to say who one is are not asked for. */
static void
test_anonymous (void)
{
  World *world = world_new ();
  int fd;
  char buffer[256];
  gssize n;

  world_open (world);
  fd = plain_connect (world);
  g_assert_cmpint (send (fd, "\0AUTH ANONYMOUS 61\r\n", 20, MSG_NOSIGNAL), ==, 20);
  while ((n = recv (fd, buffer, sizeof buffer - 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
    g_main_context_iteration (world->context, FALSE);
  g_assert_cmpint (n, >, 0);
  buffer[n] = '\0';
  g_assert_true (g_str_has_prefix (buffer, "REJECTED"));
  g_assert_null (strstr (buffer, "ANONYMOUS"));
  g_assert_cmpuint (world->connections, ==, 0);
  close (fd);
  world_free (world);
}

/* The socket goes while an authentication is under way. */
static void
test_close_in_greeting (void)
{
  World *world = world_new ();
  int silent, half;
  char byte;

  world_open (world);
  silent = plain_connect (world);
  half = plain_connect (world);
  g_assert_cmpint (send (half, "\0AUTH", 5, MSG_NOSIGNAL), ==, 5);
  while (g_main_context_iteration (world->context, FALSE))
    ;
  g_clear_pointer (&world->socket, control_socket_free);
  g_assert_cmpint (recv (silent, &byte, 1, 0), <=, 0);
  /* The other's thread hears of it soon. */
  while (recv (half, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
    g_main_context_iteration (world->context, FALSE);
  close (silent);
  close (half);
  world_free (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/control/socket/permissions", test_permissions);
  g_test_add_func ("/control/socket/bad-directory", test_bad_directory);
  g_test_add_func ("/control/socket/second-host", test_second_host);
  g_test_add_func ("/control/socket/stale", test_stale);
  g_test_add_func ("/control/socket/too-many", test_too_many);
  g_test_add_func ("/control/socket/gave-up", test_gave_up);
  g_test_add_func ("/control/socket/burst", test_burst);
  g_test_add_func ("/control/socket/strangers", test_strangers);
  g_test_add_func ("/control/socket/idle", test_idle);
  g_test_add_func ("/control/socket/anonymous", test_anonymous);
  g_test_add_func ("/control/socket/close-in-greeting", test_close_in_greeting);
  return g_test_run ();
}
