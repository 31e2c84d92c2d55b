/* The status objects of a whole transport, on the private socket and on a bus. */
#include "unit/control/world.h"

#include <string.h>

#include "control/objects.h"
#include "transport/enrolment.h"
#include "transport/peer-session.h"

/* What any connection may see. */
static void
check_objects (World *world, GDBusConnection *connection)
{
  g_autofree char *address = mini_address (world->server);
  g_autofree char *tree = world_managed_objects (world, connection);
  g_autoptr (GVariant) introspected = world_call_well (world, connection, MANAGER_PATH,
                                                 "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_autoptr (GVariant) described
      = world_call_well (world, connection, MANAGER_PATH, MANAGER_INTERFACE, "Describe", NULL);
  g_autoptr (GVariant) status = g_variant_get_child_value (described, 0);
  g_autoptr (GVariant) listeners = g_variant_lookup_value (status, "listeners", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) bound = world_property (world, connection, CONTROL_ROOT_PATH "/Listener/0",
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
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autoptr (GDBusConnection) other = world_connection (&world);

  check_objects (&world, connection);
  check_objects (&world, other);
  world_clear (&world);
}

static void
test_enroll (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autoptr (PkiKey) key = pki_key_generate (NULL);
  g_autofree char *request = pki_key_request (key, "ignored", NULL);
  g_autofree char *text = NULL, *pem = NULL, *address = mini_address (world.server);
  g_autoptr (GVariant) reply = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE,
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
  generated = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "Generate",
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
      world_call (world, connection, MANAGER_PATH, MANAGER_INTERFACE, method, arguments, &error));
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static void
test_enroll_refused (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);

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
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autoptr (GVariant) reply = NULL;
  char *tree = NULL;

  mini_host_configure (world.server, "{quic_servers = ");
  check_refused (&world, connection, "Reload", NULL, "config.lua");
  check_objects (&world, connection);
  mini_host_configure (world.server,
                       "{quic_servers = {{bind_address = '127.0.0.1:0'}, {bind_address = '127.0.0.9:0'}}}");
  reply = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "Reload", NULL);
  do
    {
      g_free (tree);
      tree = world_managed_objects (&world, connection);
    }
  while (strstr (tree, CONTROL_ROOT_PATH "/Listener/1") == NULL);
  g_free (tree);
  world_clear (&world);
}

/* A session comes, opens a channel, closes it, is disconnected: all of it is seen. */
static void
test_session (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (GVariant) user = NULL, details = NULL, reply = NULL;
  MuxSession *session;
  Signals signals;

  signals_begin (&signals, &world, connection);
  session = world_dial (&world);
  path = g_strdup_printf (CONTROL_ROOT_PATH "/Session/%s", session_id (session->session));
  signals_wait (&world, &signals, "InterfacesAdded .*Session/[0-9a-f]{32}");
  user = world_property (&world, connection, path, SESSION_INTERFACE, "User");
  g_assert_cmpstr (g_variant_get_string (user, NULL), ==, "alice");

  channel = mini_open (world.client, session, "shell", &error);
  g_assert_no_error (error);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'Channels': <uint32 1>");
  details = world_call_well (&world, connection, path, SESSION_INTERFACE, "Describe", NULL);
  g_clear_object (&channel);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'Channels': <uint32 0>");

  reply = world_call_well (&world, connection, path, SESSION_INTERFACE, "Disconnect", NULL);
  signals_wait (&world, &signals, "InterfacesRemoved .*Session/[0-9a-f]{32}");
  while (transport_session_state (session) != MUX_SESSION_CLOSED)
    g_main_context_iteration (world.server->context, TRUE);
  signals_end (&signals);
  transport_session_unref (session);
  world_clear (&world);
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
  while ((reply = world_call (&world, looker, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL))
         == NULL)
    ;
  g_variant_unref (reply);
  check_objects (&world, looker);
  check_refused (&world, looker, "Generate", g_variant_new ("(ss)", "", ""), "AccessDenied");
  check_refused (&world, looker, "Enroll", g_variant_new ("(sss)", "", "", ""), "AccessDenied");
  bus_end (&bus);
  while (!g_dbus_connection_is_closed (owner))
    g_main_context_iteration (world.server->context, FALSE);
  private = world_connection (&world);
  check_objects (&world, private);
  world_clear (&world);
}

/* The objects on @connection, which has the name then. */
static ControlObjects *
objects_on (World *world, ControlSessions *sessions, GDBusConnection *connection)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);
  g_autoptr (GVariant) owned = g_dbus_connection_call_sync (
      connection, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
      g_variant_new ("(su)", CONTROL_BUS_NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

  g_assert_nonnull (owned);
  return control_objects_new (world->server->transport, sessions, connection, FALSE);
}

/* On a connection where everybody must be looked at first, whose answers come on the host's context, which need not be the
 * thread's default. */
static void
test_asked (void)
{
  g_autofree char *program = g_find_program_in_path ("dbus-daemon");
  g_autoptr (MiniHost) files = mini_host_new (NULL, "files", NULL);
  g_autoptr (GDBusConnection) owner = NULL, looker = NULL;
  g_autoptr (ControlSessions) sessions = control_sessions_new ();
  ControlObjects *objects;
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
  world = world_new (NULL);
  world.server->host.system_mode = TRUE;
  objects = objects_on (&world, sessions, owner);
  check_objects (&world, looker);
  check_refused (&world, looker, "OpenChannel", g_variant_new_parsed ("('there', @a{sv} {})"), "private socket");
  control_objects_free (objects);
  world.server->host.system_mode = FALSE;
  bus_end (&bus);
  world_clear (&world);
}

/* Two hosts of one process share its connection to the bus: the second is told that the places are taken, and goes on. */
static void
test_taken (void)
{
  g_autofree char *program = g_find_program_in_path ("dbus-daemon");
  g_autoptr (MiniHost) files = mini_host_new (NULL, "files", NULL);
  g_autoptr (GDBusConnection) owner = NULL, looker = NULL;
  g_autoptr (ControlSessions) sessions = control_sessions_new ();
  GLogLevelFlags fatal;
  ControlObjects *first, *second;
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
  world = world_new (NULL);
  first = objects_on (&world, sessions, owner);
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  second = objects_on (&world, sessions, owner);
  g_log_set_always_fatal (fatal);
  control_objects_update (second);
  control_objects_free (second);
  check_objects (&world, looker);
  control_objects_free (first);
  bus_end (&bus);
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
  g_test_add_func ("/control/objects/asked", test_asked);
  g_test_add_func ("/control/objects/taken", test_taken);
  g_test_add_func ("/control/objects/second-host", test_second_host);
  return mini_run ();
}
