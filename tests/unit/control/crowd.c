/* Session objects: what they say, and that many of them cost nobody more than what he asks for. */
#include "unit/control/many.h"

#include <string.h>

#include "control-dbus.h"
#include "transport/peer-session.h"
#include "transport/watch.h"

#define CROWD 1000

static guint
count (const char *text, const char *word)
{
  guint n = 0;

  for (const char *at = text; (at = strstr (at, word)) != NULL; at += strlen (word))
    n++;
  return n;
}

/* Object and interface description have the same properties, of the same types. */
static void
test_properties (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  g_autofree char *path = g_strconcat (CONTROL_SESSIONS_PATH "/", session_id (session->session), NULL);
  g_autoptr (GVariant) reply = world_call_well (&world, connection, path, "org.freedesktop.DBus.Properties",
                                                "GetAll", g_variant_new ("(s)", SESSION_INTERFACE));
  g_autoptr (GVariant) all = g_variant_get_child_value (reply, 0);
  GDBusPropertyInfo **properties = control_session_interface_info ()->properties;
  g_autoptr (GError) unknown = NULL, read_only = NULL;
  guint n = 0;

  for (; properties[n] != NULL; n++)
    {
      g_autoptr (GVariant) value
          = world_property (&world, connection, path, SESSION_INTERFACE, properties[n]->name);
      g_autoptr (GVariant) listed = g_variant_lookup_value (all, properties[n]->name, NULL);

      g_assert_cmpstr (g_variant_get_type_string (value), ==, properties[n]->signature);
      g_assert_nonnull (listed);
    }
  g_assert_cmpuint (g_variant_n_children (all), ==, n);
  g_assert_null (world_call (&world, connection, path, "org.freedesktop.DBus.Properties", "Get",
                             g_variant_new ("(ss)", SESSION_INTERFACE, "Nothing"), &unknown));
  g_assert_null (world_call (
      &world, connection, path, "org.freedesktop.DBus.Properties", "Set",
      g_variant_new ("(ssv)", SESSION_INTERFACE, "User", g_variant_new_string ("root")), &read_only));
  transport_session_unref (session);
  world_clear (&world);
}

static void
test_gone (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  const char *const methods[] = { "Describe", "Disconnect", "Renew" };

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (world_call (&world, connection, CONTROL_SESSIONS_PATH "/0123456789abcdef",
                                 SESSION_INTERFACE, methods[i], NULL, &error));
      g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD);
    }
  world_clear (&world);
}

/* One end answers only with what it can: a server does not renew for its client. */
static void
test_renew (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  g_autofree char *path = g_strconcat (CONTROL_SESSIONS_PATH "/", session_id (session->session), NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (world_call (&world, connection, path, SESSION_INTERFACE, "Renew", NULL, &error));
  g_assert_nonnull (strstr (error->message, "a client renews its certificate itself"));
  transport_session_unref (session);
  world_clear (&world);
}

/* Bytes are told when they flowed; then nothing is, and nothing wakes up for it. */
static void
test_counters (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = NULL;
  Signals signals;

  signals_begin (&signals, &world, connection);
  channel = mini_open (world.client, session, "shell", &error);
  g_assert_no_error (error);
  mini_echo (world.client, channel, 5000);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*'BytesIn'[^\n]*'BytesOut'");
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Manager[^\n]*'Sessions': <uint32 1>");
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Listener/0[^\n]*'Connections': <uint32 1>");
  signals_end (&signals);
  transport_session_unref (session);
  world_clear (&world);
}

static char *
page (World *world, GDBusConnection *connection, guint64 after, guint n, guint64 *next, guint *listed)
{
  g_autoptr (GVariant) reply = world_call_well (world, connection, MANAGER_PATH, MANAGER_INTERFACE,
                                                "ListSessions", g_variant_new ("(tu)", after, n));
  g_autoptr (GVariant) sessions = g_variant_get_child_value (reply, 0);
  GString *ids = g_string_new (NULL);

  g_variant_get_child (reply, 1, "t", next);
  *listed = (guint)g_variant_n_children (sessions);
  for (guint i = 0; i < *listed; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (sessions, i);
      const char *id = "";

      g_variant_lookup (one, "id", "&s", &id);
      g_string_append_printf (ids, "%s\n", id);
    }
  return g_string_free (ids, FALSE);
}

/* Each session is listed once, whatever goes and comes between two pages; no answer holds more than a page.
 */
static void
test_pages (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  Many *many = many_new (&world, world.server->session, CROWD);
  g_autofree char *tree = world_managed_objects (&world, connection);
  g_autoptr (GVariant) reply
      = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "Describe", NULL);
  g_autoptr (GVariant) status = g_variant_get_child_value (reply, 0);
  g_autoptr (GVariant) described = g_variant_lookup_value (status, "sessions", NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint64 next = 0;
  guint listed, all = 0, told = 0, pages = 0;

  g_assert_cmpuint (count (tree, "'" CONTROL_SESSIONS_PATH "/"), ==, CONTROL_SESSIONS_LISTED);
  g_assert_cmpuint (g_variant_n_children (described), ==, CONTROL_SESSIONS_LISTED);
  g_assert_true (g_variant_lookup (status, "session_count", "u", &told));
  g_assert_cmpuint (told, ==, CROWD + 1);
  do
    {
      g_autofree char *ids = page (&world, connection, next, pages == 1 ? 7 : 0, &next, &listed);
      g_auto (GStrv) lines = g_strsplit (ids, "\n", 0);

      g_assert_cmpuint (listed, <=, pages == 1 ? 7 : CONTROL_SESSIONS_PAGE);
      for (guint i = 0; i < listed; i++)
        g_assert_true (g_hash_table_add (seen, g_strdup (lines[i])));
      all += listed;
      /* One that was listed goes, the last of them, and one that is to come. */
      if (++pages == 1)
        {
          many_remove (many, listed - 2);
          many_remove (many, 0);
          many_remove (many, 500);
          many_add (many);
        }
    }
  while (next != 0);
  g_assert_cmpuint (all, ==, CROWD + 1 - 1 + 1);
  g_assert_cmpuint (
      pages, ==,
      2 + (CROWD + 1 - CONTROL_SESSIONS_PAGE - 7 + CONTROL_SESSIONS_PAGE - 1) / CONTROL_SESSIONS_PAGE);
  many_free (many);
  transport_session_unref (session);
  world_clear (&world);
}

/* All of them are there to be asked, also those that are not listed; one that goes is told once. */
static void
test_unlisted (void)
{
  World world = world_new (NULL);
  MuxSession *session = world_dial (&world);
  Many *many = many_new (&world, world.server->session, CROWD);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *last = many->copies->pdata[CROWD - 1];
  g_autofree char *path = g_strconcat (CONTROL_SESSIONS_PATH "/", session_id (last->session), NULL);
  g_autoptr (GVariant) user = NULL;
  g_autoptr (GVariant) introspected = NULL;
  Signals signals;
  const char *xml;

  signals_begin (&signals, &world, connection);
  user = world_property (&world, connection, path, SESSION_INTERFACE, "User");
  g_assert_cmpstr (g_variant_get_string (user, NULL), ==, "alice");
  introspected = world_call_well (&world, connection, CONTROL_SESSIONS_PATH,
                                  "org.freedesktop.DBus.Introspectable", "Introspect", NULL);
  g_variant_get (introspected, "(&s)", &xml);
  g_assert_cmpuint (count (xml, "<node name="), ==, CONTROL_SESSIONS_LISTED);
  /* What came before this connection is not told to it. */
  g_assert_cmpuint (count (signals.said->str, "InterfacesAdded"), ==, 0);
  many_remove (many, CROWD - 1);
  many_add (many);
  signals_wait (&world, &signals, "InterfacesAdded");
  g_assert_cmpuint (count (signals.said->str, "InterfacesAdded"), ==, 1);
  g_assert_cmpuint (count (signals.said->str, "InterfacesRemoved"), ==, 1);
  signals_end (&signals);
  many_free (many);
  transport_session_unref (session);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/control/crowd/properties", test_properties);
  g_test_add_func ("/control/crowd/gone", test_gone);
  g_test_add_func ("/control/crowd/renew", test_renew);
  g_test_add_func ("/control/crowd/counters", test_counters);
  g_test_add_func ("/control/crowd/pages", test_pages);
  g_test_add_func ("/control/crowd/unlisted", test_unlisted);
  return mini_run ();
}
