#include "unit/control/world.h"

#include <glib/gstdio.h>
#include <string.h>

World
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

void
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
  *(GAsyncResult **)data = g_object_ref (result);
}

GDBusConnection *
world_connection (World *world)
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

GVariant *
world_call (World *world, GDBusConnection *connection, const char *path, const char *interface,
            const char *method, GVariant *arguments, GError **error)
{
  GMainContextPusher *pusher = g_main_context_pusher_new (world->server->context);
  g_autoptr (GAsyncResult) result = NULL;
  gboolean on_bus = g_dbus_connection_get_unique_name (connection) != NULL;

  g_dbus_connection_call (connection, on_bus ? CONTROL_BUS_NAME : NULL, path, interface, method, arguments,
                          NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, done_cb, &result);
  /* A host need not make its context the thread's default while it runs. */
  g_main_context_pusher_free (pusher);
  while (result == NULL)
    g_main_context_iteration (world->server->context, TRUE);
  return g_dbus_connection_call_finish (connection, result, error);
}

GVariant *
world_call_well (World *world, GDBusConnection *connection, const char *path, const char *interface,
                 const char *method, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = world_call (world, connection, path, interface, method, arguments, &error);

  g_assert_no_error (error);
  return reply;
}

GVariant *
world_property (World *world, GDBusConnection *connection, const char *path, const char *interface,
                const char *name)
{
  g_autoptr (GVariant) reply = world_call_well (world, connection, path, "org.freedesktop.DBus.Properties",
                                                "Get", g_variant_new ("(ss)", interface, name));
  GVariant *value = NULL;

  g_variant_get (reply, "(v)", &value);
  return value;
}

char *
world_managed_objects (World *world, GDBusConnection *connection)
{
  g_autoptr (GVariant) reply = world_call_well (
      world, connection, CONTROL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL);

  return g_variant_print (reply, FALSE);
}

MuxSession *
world_dial (World *world)
{
  g_autofree char *address = mini_address (world->server);
  g_autofree char *pem = mini_pem (world->server, world->client, "alice");
  g_autoptr (GError) error = NULL;
  MuxSession *session;

  mini_host_configure (world->client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}",
                       address, pem);
  session = mini_connect (world->client, "there", NULL, &error);
  g_assert_no_error (error);
  return session;
}

static void
signal_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *name, GVariant *arguments, gpointer data)
{
  Signals *signals = data;
  g_autofree char *text = g_variant_print (arguments, FALSE);

  g_string_append_printf (signals->said, "%s %s %s\n", name, path, text);
}

void
signals_begin (Signals *signals, World *world, GDBusConnection *connection)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);

  signals->connection = g_object_ref (connection);
  signals->said = g_string_new (NULL);
  signals->id = g_dbus_connection_signal_subscribe (connection, NULL, NULL, NULL, NULL, NULL,
                                                    G_DBUS_SIGNAL_FLAGS_NONE, signal_cb, signals, NULL);
}

void
signals_end (Signals *signals)
{
  g_dbus_connection_signal_unsubscribe (signals->connection, signals->id);
  g_object_unref (signals->connection);
  g_string_free (signals->said, TRUE);
}

void
signals_wait (World *world, Signals *signals, const char *pattern)
{
  while (!g_regex_match_simple (pattern, signals->said->str, 0, 0))
    g_main_context_iteration (world->server->context, TRUE);
}

Bus
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

GDBusConnection *
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

void
bus_end (Bus *bus)
{
  g_subprocess_force_exit (bus->daemon);
  g_subprocess_wait (bus->daemon, NULL, NULL);
  g_object_unref (bus->daemon);
  g_free (bus->address);
}
