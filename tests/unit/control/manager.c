/* What the Manager says of the host as a whole, and what it lets be changed. */
#include "unit/control/world.h"

#include <string.h>

#include "transport/peer-session.h"

static guint64
stat_of (GVariant *stats, const char *name)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (stats, name, NULL);

  g_assert_nonnull (value);
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_UINT32:
      return g_variant_get_uint32 (value);
    case G_VARIANT_CLASS_INT64:
      return (guint64)g_variant_get_int64 (value);
    default:
      return g_variant_get_uint64 (value);
    }
}

static GVariant *
get_stats (World *world, GDBusConnection *connection)
{
  g_autoptr (GVariant) reply
      = world_call_well (world, connection, MANAGER_PATH, MANAGER_INTERFACE, "GetStats", NULL);

  return g_variant_get_child_value (reply, 0);
}

static void
assert_never_falls (GVariant *before, GVariant *after)
{
  GVariantIter iter;
  GVariant *value;
  const char *name;

  g_variant_iter_init (&iter, before);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
        g_assert_cmpuint (stat_of (after, name), >=, g_variant_get_uint64 (value));
      g_variant_unref (value);
    }
}

/* A session that came and went is still in the counters, and in no gauge; also in those of the client, whose
 * socket went with it. */
static void
test_stats (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autoptr (GVariant) none = get_stats (&world, connection), one = NULL, after = NULL, client = NULL,
                       client_after = NULL;
  g_autoptr (GVariant) generated = NULL;
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (GError) error = NULL;
  MuxSession *session;

  g_assert_cmpuint (stat_of (none, "connections"), ==, 0);
  g_assert_cmpuint (stat_of (none, "bytes_in"), ==, 0);
  g_assert_cmpint ((gint64)stat_of (none, "certificate_expires"), >, g_get_real_time () / G_USEC_PER_SEC);
  g_assert_cmpint ((gint64)stat_of (none, "started"), ==, world.server->transport->started);
  session = world_dial (&world);
  channel = mini_open (world.client, session, "shell", &error);
  g_assert_no_error (error);
  mini_echo (world.client, channel, 20000);
  g_clear_object (&channel);
  channel = mini_open (world.client, session, "shell", &error);
  one = get_stats (&world, connection);
  g_assert_cmpuint (stat_of (one, "connections"), ==, 1);
  g_assert_cmpuint (stat_of (one, "sessions"), ==, 1);
  g_assert_cmpuint (stat_of (one, "sessions_away"), ==, 0);
  g_assert_cmpuint (stat_of (one, "channels"), >=, 1);
  g_assert_cmpuint (stat_of (one, "handshakes_completed"), ==, 1);
  g_assert_cmpuint (stat_of (one, "bytes_in"), >, 20000);
  g_assert_cmpuint (stat_of (one, "bytes_out"), >, 20000);
  g_assert_cmpuint (stat_of (one, "datagrams_in"), >, 10);
  client = transport_describe_stats (world.client->transport);
  g_assert_cmpuint (stat_of (client, "bytes_out"), >, 20000);
  g_assert_cmpuint (stat_of (client, "handshakes_completed"), ==, 1);

  g_clear_object (&channel);
  mini_close (world.client, session);
  transport_session_unref (session);
  mini_wait_log (world.server, "session closed");
  generated = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "Generate",
                               g_variant_new ("(ss)", "alice", ""));
  while (world.client->transport->dead->len > 0)
    g_main_context_iteration (world.client->context, TRUE);
  after = get_stats (&world, connection);
  client_after = transport_describe_stats (world.client->transport);
  assert_never_falls (one, after);
  assert_never_falls (client, client_after);
  g_assert_cmpuint (stat_of (after, "sessions"), ==, 0);
  g_assert_cmpuint (stat_of (after, "sessions_started"), ==, 1);
  g_assert_cmpuint (stat_of (after, "certificates_issued"), ==, 1);
  g_assert_cmpuint (stat_of (after, "handshakes_failed"), ==, 0);
  world_clear (&world);
}

/* What a person does with certificates is counted; a client whose certificate is revoked fails its handshake.
 */
static void
test_stats_certificates (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autoptr (GVariant) renewed
      = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "RenewCertificate", NULL);
  MuxSession *session = world_dial (&world), *again;
  g_autofree char *serial = g_strdup (world.server->session->serial);
  g_autoptr (GVariant) revoked = NULL, stats = NULL;
  g_autoptr (GError) error = NULL;

  revoked = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "Revoke",
                             g_variant_new ("(s)", serial));
  mini_wait_log (world.client, "session closed");
  again = mini_connect (world.client, "there", NULL, &error);
  g_assert_null (again);
  stats = get_stats (&world, connection);
  g_assert_cmpuint (stat_of (stats, "certificates_renewed"), ==, 1);
  g_assert_cmpuint (stat_of (stats, "certificates_revoked"), ==, 1);
  g_assert_cmpuint (stat_of (stats, "handshakes_failed"), ==, 1);
  transport_session_unref (session);
  world_clear (&world);
}

/* LogLevel */

static GLogLevelFlags shown;

static GLogLevelFlags
log_level (gpointer data)
{
  return shown;
}

static void
set_log_level (gpointer data, GLogLevelFlags level)
{
  shown = level;
}

static GVariant *
set_level (World *world, GDBusConnection *connection, const char *name, GError **error)
{
  return world_call (world, connection, MANAGER_PATH, "org.freedesktop.DBus.Properties", "Set",
                     g_variant_new ("(ssv)", MANAGER_INTERFACE, "LogLevel", g_variant_new_string (name)),
                     error);
}

static void
assert_level (World *world, GDBusConnection *connection, const char *name)
{
  g_autoptr (GVariant) value
      = world_property (world, connection, MANAGER_PATH, MANAGER_INTERFACE, "LogLevel");

  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, name);
}

static void
test_log_level (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = NULL;
  static const struct
  {
    const char *name;
    GLogLevelFlags level;
  } levels[] = {
    { "error", G_LOG_LEVEL_CRITICAL }, { "warning", G_LOG_LEVEL_WARNING }, { "message", G_LOG_LEVEL_MESSAGE },
    { "info", G_LOG_LEVEL_INFO },      { "debug", G_LOG_LEVEL_DEBUG },
  };
  g_autoptr (GDBusConnection) other = NULL;
  Signals signals, others;

  shown = G_LOG_LEVEL_MESSAGE;
  world.server->host.log_level = log_level;
  world.server->host.set_log_level = set_log_level;
  connection = world_connection (&world);
  other = world_connection (&world);
  signals_begin (&signals, &world, connection);
  signals_begin (&others, &world, other);
  assert_level (&world, connection, "message");
  /* An answer shows that the host has let it in: what begins with the last level hears of no change. */
  assert_level (&world, other, "message");
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autofree char *pattern
          = g_strdup_printf ("PropertiesChanged [^\n]*'LogLevel': <'%s'>", levels[i].name);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = set_level (&world, connection, levels[i].name, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (shown, ==, levels[i].level);
      assert_level (&world, connection, levels[i].name);
      signals_wait (&world, &signals, pattern);
    }
  /* Who looks over another connection hears of it, too. */
  signals_wait (&world, &others, "PropertiesChanged [^\n]*'LogLevel': <'debug'>");
  signals_end (&others);
  signals_end (&signals);
  world_clear (&world);
}

static void
test_log_level_refused (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world), other = NULL;
  g_autoptr (GError) unknown = NULL, unsupported = NULL, older = NULL;

  g_assert_null (set_level (&world, connection, "loud", &unknown));
  g_assert_error (unknown, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  /* A host without it, and one that is too old to have it. */
  assert_level (&world, connection, "");
  g_assert_null (set_level (&world, connection, "debug", &unsupported));
  g_assert_error (unsupported, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED);
  shown = G_LOG_LEVEL_MESSAGE;
  world.server->host.log_level = log_level;
  world.server->host.set_log_level = set_log_level;
  world.server->host.struct_size = G_STRUCT_OFFSET (MuxHost, log_level);
  g_assert_null (set_level (&world, connection, "debug", &older));
  g_assert_error (older, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED);
  g_assert_cmpuint (shown, ==, G_LOG_LEVEL_MESSAGE);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/control/manager/stats", test_stats);
  g_test_add_func ("/control/manager/stats-certificates", test_stats_certificates);
  g_test_add_func ("/control/manager/log-level", test_log_level);
  g_test_add_func ("/control/manager/log-level-refused", test_log_level_refused);
  return mini_run ();
}
