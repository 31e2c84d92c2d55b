/* Against a host that is only its D-Bus interface, in this process. */
#include "host/status-fetch.h"

#include "host/control-client.h"
#include "host/follow.h"

#include <glib/gstdio.h>
#include <string.h>

#define PAGE 128

typedef struct
{
  GDBusServer *server;
  GPtrArray *connections;
  guint n_sessions; /* that it has */
  gboolean paged;   /* it tells session_count */
  gboolean endless; /* its pages never end */
  guint fail_at;    /* page that it does not give; 0: none */
  guint n_describes, n_pages;
} FakeHost;

static const char xml[] = "<node><interface name='" HOST_CONTROL_MANAGER_INTERFACE "'>"
                          "<method name='Describe'><arg name='status' direction='out' type='a{sv}'/></method>"
                          "<method name='ListSessions'><arg name='after' direction='in' type='t'/><arg "
                          "name='count' direction='in' type='u'/>"
                          "<arg name='sessions' direction='out' type='aa{sv}'/><arg name='next' "
                          "direction='out' type='t'/></method>"
                          "</interface></node>";

static GVariant *
make_sessions (guint first, guint end)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = first; i < end; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      g_variant_builder_open (&list, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add_parsed (&list, "{'id', <%s>}", id);
      g_variant_builder_close (&list);
    }
  return g_variant_builder_end (&list);
}

static void
describe (FakeHost *host, GDBusMethodInvocation *invocation)
{
  GVariantDict dict;

  host->n_describes++;
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "version", "s", "fake");
  g_variant_dict_insert_value (
      &dict, "sessions", make_sessions (0, host->paged ? MIN (host->n_sessions, PAGE) : host->n_sessions));
  if (host->paged && host->n_sessions > PAGE)
    g_variant_dict_insert (&dict, "session_count", "u", host->n_sessions);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@a{sv})", g_variant_dict_end (&dict)));
}

static void
method_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  FakeHost *host = data;
  guint64 after;

  if (g_str_equal (method, "Describe"))
    {
      describe (host, invocation);
      return;
    }
  g_variant_get (arguments, "(tu)", &after, NULL);
  if (++host->n_pages == host->fail_at)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED,
                                                   "no such page");
  else
    {
      guint end = MIN (host->n_sessions, (guint)after + PAGE);

      g_dbus_method_invocation_return_value (invocation,
                                             g_variant_new ("(@aa{sv}t)", make_sessions ((guint)after, end),
                                                            host->endless            ? host->n_sessions
                                                            : end < host->n_sessions ? (guint64)end
                                                                                     : (guint64)0));
    }
}

static gboolean
connection_cb (GDBusServer *server, GDBusConnection *connection, gpointer data)
{
  static const GDBusInterfaceVTable vtable = { .method_call = method_cb };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (xml, NULL);
  FakeHost *host = data;

  g_assert_cmpuint (g_dbus_connection_register_object (connection, HOST_CONTROL_MANAGER_PATH,
                                                       node->interfaces[0], &vtable, host, NULL, NULL),
                    >, 0);
  g_ptr_array_add (host->connections, g_object_ref (connection));
  return TRUE;
}

/* Where host_control_connect () looks: main () set the runtime directory. */
static void
fake_host_start (FakeHost *host)
{
  g_autofree char *directory = g_build_filename (g_getenv ("XDG_RUNTIME_DIR"), "mux-quic", NULL);
  g_autofree char *address = g_strdup_printf ("unix:path=%s/control", directory);
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  host->connections = g_ptr_array_new_with_free_func (g_object_unref);
  host->server = g_dbus_server_new_sync (address, G_DBUS_SERVER_FLAGS_NONE, guid, NULL, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (host->server, "new-connection", G_CALLBACK (connection_cb), host);
  g_dbus_server_start (host->server);
}

static void
fake_host_stop (FakeHost *host)
{
  g_autofree char *path = g_build_filename (g_getenv ("XDG_RUNTIME_DIR"), "mux-quic", "control", NULL);

  g_dbus_server_stop (host->server);
  /* Who is just being let in comes too late. */
  g_signal_handlers_disconnect_by_data (host->server, host);
  g_clear_object (&host->server);
  for (guint i = 0; i < host->connections->len; i++)
    g_dbus_connection_close_sync (host->connections->pdata[i], NULL, NULL);
  g_clear_pointer (&host->connections, g_ptr_array_unref);
  g_unlink (path);
}

static GVariant *
fetch (FakeHost *host, GError **error)
{
  g_autoptr (GDBusConnection) connection = NULL;
  GVariant *status;

  fake_host_start (host);
  connection = host_control_connect (error);
  g_assert_nonnull (connection);
  status = host_status_fetch (connection, error);
  fake_host_stop (host);
  return status;
}

static void
test_pages (void)
{
  static const struct
  {
    guint n_sessions, n_pages;
    gboolean paged;
  } cases[] = {
    { 0, 0, TRUE }, { PAGE, 0, TRUE }, { PAGE + 1, 2, TRUE }, { 3 * PAGE, 3, TRUE }, { 300, 0, FALSE }
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FakeHost host = { .n_sessions = cases[i].n_sessions, .paged = cases[i].paged };
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) status = fetch (&host, &error);
      g_autoptr (GVariant) sessions = NULL;

      g_assert_no_error (error);
      sessions = g_variant_lookup_value (status, "sessions", G_VARIANT_TYPE ("aa{sv}"));
      g_assert_cmpuint (g_variant_n_children (sessions), ==, cases[i].n_sessions);
      for (guint j = 0; j < cases[i].n_sessions; j++)
        {
          g_autoptr (GVariant) session = g_variant_get_child_value (sessions, j);
          const char *id = NULL;

          g_assert_true (g_variant_lookup (session, "id", "&s", &id));
          g_assert_cmpuint (g_ascii_strtoull (id, NULL, 10), ==, j);
        }
      g_assert_cmpuint (host.n_pages, ==, cases[i].n_pages);
      g_assert_false (g_variant_lookup (status, "session_count", "u", NULL));
      g_assert_true (g_variant_lookup (status, "version", "&s", NULL));
    }
}

static void
test_failures (void)
{
  FakeHost broken = { .n_sessions = 500, .paged = TRUE, .fail_at = 2 };
  FakeHost endless = { .n_sessions = 200, .paged = TRUE, .endless = TRUE };
  g_autoptr (GError) error = NULL;

  g_assert_null (fetch (&broken, &error));
  g_assert_cmpstr (error->message, ==, "no such page");
  g_clear_error (&error);
  g_assert_null (fetch (&endless, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

/* Following */

typedef struct
{
  guint n_status, n_gone;
  GError *error;
} Seen;

static void
status_cb (GVariant *status, gpointer data)
{
  ((Seen *)data)->n_status++;
}

static void
gone_cb (gpointer data)
{
  ((Seen *)data)->n_gone++;
}

static void
failed_cb (const GError *error, gpointer data)
{
  ((Seen *)data)->error = g_error_copy (error);
}

static const HostFollowEvents events = { .status = status_cb, .gone = gone_cb, .failed = failed_cb };

static void
turn_until (const guint *number, guint wanted)
{
  while (*number < wanted)
    g_main_context_iteration (NULL, TRUE);
}

static void
emit (FakeHost *host, guint connection, const char *property)
{
  GVariantDict changed;

  g_variant_dict_init (&changed, NULL);
  g_variant_dict_insert (&changed, property, "u", 1);
  g_assert_true (g_dbus_connection_emit_signal (
      host->connections->pdata[connection], NULL, "/org/muxquic/Quic1/Session/1",
      "org.freedesktop.DBus.Properties", "PropertiesChanged",
      g_variant_new ("(s@a{sv}as)", "org.muxquic.Quic1.Session", g_variant_dict_end (&changed), NULL), NULL));
}

static void
test_follow (void)
{
  FakeHost host = { .n_sessions = 1 };
  Seen seen = { 0 };
  HostFollow *follow;

  fake_host_start (&host);
  follow = host_follow_new (FALSE, &events, &seen);
  turn_until (&seen.n_status, 1);
  /* Many signals, one look; and none for counters alone. */
  for (guint i = 0; i < 50; i++)
    emit (&host, 0, "BytesIn");
  for (guint i = 0; i < 50; i++)
    emit (&host, 0, "State");
  turn_until (&seen.n_status, 2);
  g_assert_cmpuint (host.n_describes, ==, 2);
  /* It goes, and comes back. */
  fake_host_stop (&host);
  turn_until (&seen.n_gone, 1);
  fake_host_start (&host);
  turn_until (&seen.n_status, 3);
  g_assert_cmpuint (seen.n_gone, ==, 1);
  /* Given up with a look under way. */
  emit (&host, 0, "State");
  turn_until (&host.n_describes, 4);
  host_follow_free (follow);
  fake_host_stop (&host);
  g_assert_no_error (seen.error);
}

static void
test_counters_alone (void)
{
  FakeHost host = { .n_sessions = 1 };
  Seen lines = { 0 }, table = { 0 };
  HostFollow *one, *other;

  fake_host_start (&host);
  one = host_follow_new (FALSE, &events, &lines);
  turn_until (&lines.n_status, 1);
  emit (&host, 0, "BytesIn");
  /* Who wants counters gets a look for them, at once where none was lately; by then the other one would have
   * had his. */
  other = host_follow_new (TRUE, &events, &table);
  turn_until (&table.n_status, 1);
  emit (&host, 1, "BytesIn");
  turn_until (&table.n_status, 2);
  g_assert_cmpuint (lines.n_status, ==, 1);
  host_follow_free (one);
  host_follow_free (other);
  fake_host_stop (&host);
}

static void
test_no_host (void)
{
  Seen seen = { 0 };
  HostFollow *follow = host_follow_new (FALSE, &events, &seen);

  while (seen.error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (seen.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&seen.error);
  host_follow_free (follow);
}

int
main (int argc, char **argv)
{
  g_autofree char *runtime = g_dir_make_tmp ("mux-quic-XXXXXX", NULL);
  g_autofree char *directory = g_build_filename (runtime, "mux-quic", NULL);
  int status;

  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/status-fetch/pages", test_pages);
  g_test_add_func ("/status-fetch/failures", test_failures);
  g_test_add_func ("/follow/signals", test_follow);
  g_test_add_func ("/follow/counters", test_counters_alone);
  g_test_add_func ("/follow/no-host", test_no_host);
  status = g_test_run ();
  g_rmdir (directory);
  g_rmdir (runtime);
  return status;
}
