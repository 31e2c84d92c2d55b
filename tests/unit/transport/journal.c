/* What the journal hears of sessions: each event once, with its fields, and not of every one that strangers
 * can cause. */
#include "unit/transport/mini-host.h"

#include <string.h>

#include "base/events.h"
#include "session/session-private.h"
#include "transport/peer-session.h"

#define USERS "users = {'alice'}"

/* Of one message: a field → its text. */
static GPtrArray *heard;

static const char *const events[]
    = { BASE_EVENT_SESSION_OPENED, BASE_EVENT_SESSION_AWAY, BASE_EVENT_SESSION_BACK,
        BASE_EVENT_SESSION_CLOSED, BASE_EVENT_PEER_REFUSED };

static GLogWriterOutput
write_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  g_autoptr (GHashTable) message = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (gsize i = 0; i < n_fields; i++)
    if (fields[i].length < 0)
      g_hash_table_replace (message, g_strdup (fields[i].key), g_strdup (fields[i].value));
  g_hash_table_replace (message, g_strdup ("level"), g_strdup_printf ("%d", level & G_LOG_LEVEL_MASK));
  for (gsize i = 0; i < G_N_ELEMENTS (events); i++)
    if (g_strcmp0 (g_hash_table_lookup (message, "MESSAGE_ID"), events[i]) == 0)
      g_ptr_array_add (heard, g_hash_table_ref (message));
  return G_LOG_WRITER_HANDLED;
}

static guint
count (const char *event, const char *direction)
{
  guint n = 0;

  for (guint i = 0; i < heard->len; i++)
    n += g_str_equal (g_hash_table_lookup (heard->pdata[i], "MESSAGE_ID"), event)
         && g_strcmp0 (g_hash_table_lookup (heard->pdata[i], "MUX_DIRECTION"), direction) == 0;
  return n;
}

static void
expect_field (const char *event, const char *direction, const char *field, const char *wanted)
{
  for (guint i = 0; i < heard->len; i++)
    if (g_str_equal (g_hash_table_lookup (heard->pdata[i], "MESSAGE_ID"), event)
        && g_strcmp0 (g_hash_table_lookup (heard->pdata[i], "MUX_DIRECTION"), direction) == 0)
      g_assert_cmpstr (g_hash_table_lookup (heard->pdata[i], field), ==, wanted);
}

static void
wait_event (MiniHost *mini, const char *event, const char *direction, guint n)
{
  while (count (event, direction) < n)
    g_main_context_iteration (mini->context, TRUE);
}

typedef struct
{
  MiniHost *server, *client;
} World;

static World
world_new (const char *user)
{
  World world = { 0 };
  g_autofree char *address = NULL, *pem = NULL;

  g_ptr_array_set_size (heard, 0);
  world.server
      = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '127.0.0.1:0', " USERS "}}}");
  mini_start (world.server);
  address = mini_address (world.server);
  world.client = mini_host_new (world.server->context, "client", NULL);
  pem = mini_pem (world.server, world.client, user);
  mini_host_configure (world.client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}",
                       address, pem);
  return world;
}

static void
world_clear (World *world)
{
  mini_host_free (world->client);
  mini_host_free (world->server);
}

static void
test_life (void)
{
  World world = world_new ("alice");
  g_autofree char *message = g_strdup_printf ("%d", G_LOG_LEVEL_MESSAGE),
                  *info = g_strdup_printf ("%d", G_LOG_LEVEL_INFO);
  g_autoptr (GError) lost = g_error_new_literal (MUX_ERROR, MUX_ERROR_LOST, "lost for a test");
  g_autoptr (MuxSession) session = mini_connect (world.client, "there", NULL, NULL);
  g_autoptr (GIOStream) channel = mini_open (world.client, session, "echo", NULL);
  MuxSession *there = transport_sessions (world.server->transport)->pdata[0];
  static const struct
  {
    const char *event, *reason_in;
  } wanted[] = { { BASE_EVENT_SESSION_OPENED, NULL },
                 { BASE_EVENT_SESSION_BACK, NULL },
                 { BASE_EVENT_SESSION_CLOSED, "" } };

  g_assert_nonnull (channel);
  session_drop (session->session, QUIC_CODE_REPLACED, lost);
  wait_event (world.client, BASE_EVENT_SESSION_AWAY, "out", 1);
  wait_event (world.client, BASE_EVENT_SESSION_AWAY, "in", 1);
  wait_event (world.client, BASE_EVENT_SESSION_BACK, "out", 1);
  wait_event (world.client, BASE_EVENT_SESSION_BACK, "in", 1);
  expect_field (BASE_EVENT_SESSION_AWAY, "out", "MUX_REASON", "lost for a test");
  expect_field (BASE_EVENT_SESSION_OPENED, "in", "MUX_SERIAL", there->serial);
  expect_field (BASE_EVENT_SESSION_BACK, "in", "MUX_SERIAL", there->serial);
  expect_field (BASE_EVENT_SESSION_BACK, "in", "MUX_PEER", there->peer);
  mini_close (world.client, session);
  wait_event (world.client, BASE_EVENT_SESSION_CLOSED, "in", 1);
  wait_event (world.client, BASE_EVENT_SESSION_CLOSED, "out", 1);
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_assert_cmpuint (count (wanted[i].event, "in"), ==, 1);
      g_assert_cmpuint (count (wanted[i].event, "out"), ==, 1);
      expect_field (wanted[i].event, "in", "MUX_SESSION", session_id (session->session));
      expect_field (wanted[i].event, "out", "MUX_SESSION", session_id (session->session));
      expect_field (wanted[i].event, "in", "MUX_USER", "alice");
      expect_field (wanted[i].event, "out", "MUX_TARGET", "there");
      expect_field (wanted[i].event, "in", "MUX_REASON", wanted[i].reason_in);
      /* A client's own are no message to everybody. */
      expect_field (wanted[i].event, "in", "level", message);
      expect_field (wanted[i].event, "out", "level", info);
    }
  world_clear (&world);
}

static void
test_refused (void)
{
  World world = world_new ("mallory");

  for (guint i = 0; i < 25; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (mini_connect (world.client, "there", NULL, &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_REFUSED);
    }
  g_assert_cmpuint (count (BASE_EVENT_PEER_REFUSED, NULL), ==, 20);
  expect_field (BASE_EVENT_PEER_REFUSED, NULL, "MUX_USER", "mallory");
  g_assert_cmpuint (count (BASE_EVENT_SESSION_OPENED, "in"), ==, 0);
  /* After the minute the number of those that were not said is. */
  world.server->transport->refused_gate.window_start = 1;
  g_assert_null (mini_connect (world.client, "there", NULL, NULL));
  g_assert_cmpuint (count (BASE_EVENT_PEER_REFUSED, NULL), ==, 21);
  g_assert_nonnull (strstr (g_hash_table_lookup (heard->pdata[heard->len - 1], "MESSAGE"), "(and 5 others)"));
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  int status;

  mini_main (&argc, &argv);
  heard = g_ptr_array_new_with_free_func ((GDestroyNotify)g_hash_table_unref);
  g_log_set_writer_func (write_cb, NULL, NULL);
  g_test_add_func ("/transport/journal/life", test_life);
  g_test_add_func ("/transport/journal/refused", test_refused);
  status = mini_run ();
  g_ptr_array_unref (heard);
  return status;
}
