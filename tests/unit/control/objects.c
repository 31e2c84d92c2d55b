/* The status objects of a whole transport, on the private socket and on a bus. */
#include "control/control.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "unit/transport/mini-host.h"
#include "transport/enrolment.h"
#include "transport/domain.h"
#include "transport/peer-session.h"

#define MANAGER_PATH CONTROL_ROOT_PATH "/Manager"

typedef struct
{
  MiniHost *server, *client;
  Control *control;
} World;

static World
world_new (GDBusConnection *bus)
{
  g_autofree char *config = g_strdup_printf (
      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice', '%s'}}}}", g_get_user_name ());
  World world = { .server = mini_host_new (NULL, "server", NULL) };

  world.server->host.bus = bus;
  mini_host_configure (world.server, "%s", config);
  world.control = control_new (world.server->transport);
  mini_start (world.server);
  world.client = mini_host_new (world.server->context, "client", NULL);
  return world;
}

static void
world_clear (World *world)
{
  g_autofree char *path = control_socket_path ("server", FALSE);

  mini_stop (world->server);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  control_free (world->control);
  mini_host_free (world->client);
  mini_host_free (world->server);
}

/* Runs in the context of the hosts, as everything here. */

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GDBusConnection *
private_connection (World *world)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);
  g_autofree char *path = control_socket_path ("server", FALSE);
  g_autofree char *address = g_strconcat ("unix:path=", path, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection;

  g_dbus_connection_new_for_address (address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL,
                                     done_cb, &result);
  while (result == NULL)
    g_main_context_iteration (world->server->context, TRUE);
  connection = g_dbus_connection_new_for_address_finish (result, &error);
  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static GVariant *
call (World *world, GDBusConnection *connection, const char *path, const char *interface, const char *method,
      GVariant *arguments, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);
  g_autoptr (GAsyncResult) result = NULL;
  gboolean on_bus = g_dbus_connection_get_unique_name (connection) != NULL;

  g_dbus_connection_call (connection, on_bus ? CONTROL_BUS_NAME : NULL, path, interface, method, arguments,
                          NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, done_cb, &result);
  while (result == NULL)
    g_main_context_iteration (world->server->context, TRUE);
  return g_dbus_connection_call_finish (connection, result, error);
}

static GVariant *
call_well (World *world, GDBusConnection *connection, const char *path, const char *interface,
           const char *method, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = call (world, connection, path, interface, method, arguments, &error);

  g_assert_no_error (error);
  return reply;
}

static char *
managed_objects (World *world, GDBusConnection *connection)
{
  g_autoptr (GVariant) reply = call_well (world, connection, CONTROL_ROOT_PATH,
                                          "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL);

  return g_variant_print (reply, FALSE);
}

static GVariant *
property (World *world, GDBusConnection *connection, const char *path, const char *interface,
          const char *name)
{
  g_autoptr (GVariant) reply = call_well (world, connection, path, "org.freedesktop.DBus.Properties", "Get",
                                          g_variant_new ("(ss)", interface, name));
  GVariant *value = NULL;

  g_variant_get (reply, "(v)", &value);
  return value;
}

/* What any connection may see. */
static void
check_objects (World *world, GDBusConnection *connection)
{
  g_autofree char *address = mini_address (world->server);
  g_autofree char *tree = managed_objects (world, connection);
  g_autoptr (GVariant) introspected = call_well (world, connection, MANAGER_PATH,
                                                 "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_autoptr (GVariant) described
      = call_well (world, connection, MANAGER_PATH, "org.muxquic.Quic1.Manager", "Describe", NULL);
  g_autoptr (GVariant) status = g_variant_get_child_value (described, 0);
  g_autoptr (GVariant) listeners = g_variant_lookup_value (status, "listeners", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) bound = property (world, connection, CONTROL_ROOT_PATH "/Listener/0",
                                         "org.muxquic.Quic1.Listener", "Address");
  const char *xml;

  g_assert_nonnull (strstr (tree, MANAGER_PATH));
  g_assert_nonnull (strstr (tree, CONTROL_ROOT_PATH "/Listener/0"));
  g_assert_nonnull (strstr (tree, address));
  g_variant_get (introspected, "(&s)", &xml);
  g_assert_nonnull (strstr (xml, "<method name=\"Describe\">"));
  g_assert_cmpuint (g_variant_n_children (listeners), ==, 1);
  g_assert_cmpstr (g_variant_get_string (bound, NULL), ==, address);
}

static void
test_private (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = private_connection (&world);
  g_autoptr (GDBusConnection) other = private_connection (&world);

  check_objects (&world, connection);
  check_objects (&world, other);
  world_clear (&world);
}

static void
test_enroll (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = private_connection (&world);
  g_autoptr (PkiKey) key = pki_key_generate (NULL);
  g_autofree char *request = pki_key_request (key, "ignored", NULL);
  g_autofree char *text = NULL, *pem = NULL, *address = mini_address (world.server);
  g_autoptr (GVariant) reply = call_well (&world, connection, MANAGER_PATH, "org.muxquic.Quic1.Manager",
                                          "Enroll", g_variant_new ("(sss)", request, "", "laptop"));
  g_autoptr (GVariant) enrolment = g_variant_get_child_value (reply, 0);
  g_autoptr (GVariant) parsed = NULL, generated = NULL, inner = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) addresses = NULL;
  const char *user = NULL;
  char *key_pem = NULL;

  g_assert_true (g_variant_lookup (enrolment, "user", "&s", &user));
  g_assert_cmpstr (user, ==, g_get_user_name ());
  g_assert_true (g_variant_lookup (enrolment, "addresses", "^as", &addresses));
  g_assert_cmpstr (addresses[0], ==, address);
  g_assert_false (g_variant_lookup (enrolment, "key", "s", &key_pem));
  /* It survives its armour. */
  text = transport_enrolment_armour (enrolment, &error);
  g_assert_no_error (error);
  parsed = transport_enrolment_parse (text, strlen (text), &error);
  g_assert_true (g_variant_equal (parsed, enrolment));
  generated = call_well (&world, connection, MANAGER_PATH, "org.muxquic.Quic1.Manager", "Generate",
                         g_variant_new ("(ss)", "alice", ""));
  inner = g_variant_get_child_value (generated, 0);
  g_assert_true (g_variant_lookup (inner, "key", "s", &key_pem));
  g_assert_nonnull (strstr (key_pem, "PRIVATE KEY"));
  g_free (key_pem);
  world_clear (&world);
}

static void
check_refused (World *world, GDBusConnection *connection, const char *method, GVariant *arguments,
               const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (
      call (world, connection, MANAGER_PATH, "org.muxquic.Quic1.Manager", method, arguments, &error));
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static void
test_enroll_refused (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = private_connection (&world);

  check_refused (&world, connection, "Generate", g_variant_new ("(ss)", "mallory", ""), "users");
  check_refused (&world, connection, "Generate", g_variant_new ("(ss)", "alice", "a/b"), "");
  check_refused (&world, connection, "Enroll", g_variant_new ("(sss)", "this is no request", "alice", ""),
                 "request");
  check_refused (&world, connection, "Enroll", g_variant_new ("(sss)", "", "alice", ""), "request");
  world_clear (&world);
}

static void
test_reload (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = private_connection (&world);
  g_autoptr (GVariant) reply = NULL;
  char *tree = NULL;

  mini_host_configure (world.server, "{quic_servers = ");
  check_refused (&world, connection, "Reload", NULL, "config.lua");
  check_objects (&world, connection);
  mini_host_configure (world.server,
                       "{quic_servers = {{bind_address = '127.0.0.1:0'}, {bind_address = '127.0.0.9:0'}}}");
  reply = call_well (&world, connection, MANAGER_PATH, "org.muxquic.Quic1.Manager", "Reload", NULL);
  do
    {
      g_free (tree);
      tree = managed_objects (&world, connection);
    }
  while (strstr (tree, CONTROL_ROOT_PATH "/Listener/1") == NULL);
  g_free (tree);
  world_clear (&world);
}

typedef struct
{
  GString *said; /* names of signals with what they carry */
} Signals;

static void
signal_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *name, GVariant *arguments, gpointer data)
{
  Signals *signals = data;
  g_autofree char *text = g_variant_print (arguments, FALSE);

  g_string_append_printf (signals->said, "%s %s %s\n", name, path, text);
}

static void
wait_said (World *world, Signals *signals, const char *pattern)
{
  while (!g_regex_match_simple (pattern, signals->said->str, 0, 0))
    g_main_context_iteration (world->server->context, TRUE);
}

/* A session comes, opens a channel, closes it, is disconnected: all of it is seen. */
static void
test_session (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = private_connection (&world);
  g_autofree char *address = mini_address (world.server);
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (GVariant) user = NULL, details = NULL, reply = NULL;
  Signals signals = { g_string_new (NULL) };
  MuxSession *session;
  guint id;

  {
    g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world.server->context);

    id = g_dbus_connection_signal_subscribe (connection, NULL, NULL, NULL, NULL, NULL,
                                             G_DBUS_SIGNAL_FLAGS_NONE, signal_cb, &signals, NULL);
  }
  mini_host_configure (world.client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}",
                       address, pem);
  session = mini_connect (world.client, "there", NULL, &error);
  g_assert_no_error (error);
  path = g_strdup_printf (CONTROL_ROOT_PATH "/Session/%s", session_id (session->session));
  wait_said (&world, &signals, "InterfacesAdded .*Session/[0-9a-f]{32}");
  user = property (&world, connection, path, "org.muxquic.Quic1.Session", "User");
  g_assert_cmpstr (g_variant_get_string (user, NULL), ==, "alice");

  channel = mini_open (world.client, session, "shell", &error);
  g_assert_no_error (error);
  wait_said (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'Channels': <uint32 1>");
  details = call_well (&world, connection, path, "org.muxquic.Quic1.Session", "Describe", NULL);
  g_clear_object (&channel);
  wait_said (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'Channels': <uint32 0>");

  reply = call_well (&world, connection, path, "org.muxquic.Quic1.Session", "Disconnect", NULL);
  wait_said (&world, &signals, "InterfacesRemoved .*Session/[0-9a-f]{32}");
  while (transport_session_state (session) != MUX_SESSION_CLOSED)
    g_main_context_iteration (world.server->context, TRUE);
  g_dbus_connection_signal_unsubscribe (connection, id);
  transport_session_unref (session);
  g_string_free (signals.said, TRUE);
  world_clear (&world);
}

/* A bus of its own. (GTestDBus forks a process that leaks, for the eyes of a sanitizer.) */
typedef struct
{
  GSubprocess *daemon;
  char *address;
} Bus;

static Bus
bus_new (MiniHost *files)
{
  g_autofree char *config = g_build_filename (files->directory, "bus.conf", NULL);
  g_autofree char *text = g_strdup_printf (
      "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
      "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\"><busconfig><type>session</type>"
      "<listen>unix:path=%s/bus</listen><policy context=\"default\"><allow send_destination=\"*\" "
      "eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>"
      "<allow own=\"*\"/></policy></busconfig>",
      files->directory);
  g_autofree char *option = g_strconcat ("--config-file=", config, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDataInputStream) said = NULL;
  Bus bus;

  g_assert_true (g_file_set_contents (config, text, -1, &error));
  bus.daemon = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error,
                                 "dbus-daemon", "--nofork", "--print-address=1", option, NULL);
  g_assert_no_error (error);
  said = g_data_input_stream_new (g_subprocess_get_stdout_pipe (bus.daemon));
  bus.address = g_data_input_stream_read_line (said, NULL, NULL, &error);
  g_assert_no_error (error);
  return bus;
}

static GDBusConnection *
bus_connect (const Bus *bus)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      bus->address,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
      NULL, &error);

  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static void
bus_end (Bus *bus)
{
  g_subprocess_force_exit (bus->daemon);
  g_subprocess_wait (bus->daemon, NULL, NULL);
  g_object_unref (bus->daemon);
  g_free (bus->address);
}

/* On a bus everybody may look and nobody may take. When the bus goes, the host stays. */
static void
test_bus (void)
{
  g_autofree char *program = g_find_program_in_path ("dbus-daemon");
  g_autoptr (MiniHost) files = mini_host_new (NULL, "files", NULL);
  g_autoptr (GDBusConnection) owner = NULL, looker = NULL, private = NULL;
  GVariant *reply;
  World world;
  Bus bus;

  if (program == NULL)
    {
      g_test_skip ("dbus-daemon is not installed");
      return;
    }
  bus = bus_new (files);
  owner = bus_connect (&bus);
  looker = bus_connect (&bus);
  world = world_new (owner);
  /* The name comes in a turn of the loop. */
  while ((reply = call (&world, looker, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL))
         == NULL)
    ;
  g_variant_unref (reply);
  check_objects (&world, looker);
  check_refused (&world, looker, "Generate", g_variant_new ("(ss)", "", ""), "AccessDenied");
  check_refused (&world, looker, "Enroll", g_variant_new ("(sss)", "", "", ""), "AccessDenied");
  bus_end (&bus);
  while (!g_dbus_connection_is_closed (owner))
    g_main_context_iteration (world.server->context, FALSE);
  private = private_connection (&world);
  check_objects (&world, private);
  world_clear (&world);
}

/* Without XDG_RUNTIME_DIR it is in the cache, and a second host is told of the first. */
static void
test_second_host (void)
{
  World world = world_new (NULL);
  g_autoptr (MiniHost) second
      = mini_host_new (world.server->context, "server", "{quic_servers = {{bind_address = '127.0.0.1:0'}}}");
  g_autoptr (Control) control = control_new (second->transport);
  g_autoptr (GError) error = NULL;
  g_autofree char *system_path = control_socket_path ("server", TRUE);

  g_assert_false (second->ops->start (second->transport, &error));
  g_assert_nonnull (strstr (error->message, "already running"));
  g_assert_cmpuint (second->transport->listeners->len, ==, 0);
  g_assert_cmpstr (system_path, ==, "/run/server/control");
  g_clear_pointer (&control, control_free);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/control/objects/private", test_private);
  g_test_add_func ("/control/objects/enroll", test_enroll);
  g_test_add_func ("/control/objects/enroll-refused", test_enroll_refused);
  g_test_add_func ("/control/objects/reload", test_reload);
  g_test_add_func ("/control/objects/session", test_session);
  g_test_add_func ("/control/objects/bus", test_bus);
  g_test_add_func ("/control/objects/second-host", test_second_host);
  return mini_run ();
}
