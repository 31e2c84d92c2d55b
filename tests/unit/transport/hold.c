/* Domains that are connected without being asked for, by a host that serves nobody: at the start, and again.
 */
#include "unit/transport/mini-host.h"

#include <string.h>

#include "session/session-private.h"
#include "transport/peer-session.h"

/* Two pauses of these are no time, and many are. */
#define PAUSE_MS 20

typedef struct
{
  MiniHost *server, *client;
  char *address, *pem;
} World;

static World
world_new (void)
{
  World world = { 0 };

  world.server = mini_host_new (NULL, "server",
                                "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}}");
  mini_start (world.server);
  world.address = mini_address (world.server);
  world.client = mini_host_new (world.server->context, "alice", NULL);
  world.pem = mini_pem (world.server, world.client, "alice");
  return world;
}

static void
configure (World *world, const char *more)
{
  mini_host_configure (world->client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}",
                       world->address, more);
  world->client->transport->hold_pause_ms = PAUSE_MS;
}

static void
hold (World *world)
{
  g_autofree char *more = g_strconcat ("connect_automatically = true, ", world->pem, NULL);

  configure (world, more);
}

static void
world_clear (World *world)
{
  mini_host_free (world->client);
  mini_host_free (world->server);
  g_free (world->address);
  g_free (world->pem);
}

static guint
count_log (MiniHost *mini, const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < mini->log->len; i++)
    n += g_str_has_prefix (mini->log->pdata[i], prefix);
  return n;
}

static void
wait_count (MiniHost *mini, const char *prefix, guint n)
{
  while (count_log (mini, prefix) < n)
    g_main_context_iteration (mini->context, TRUE);
}

static gboolean
ring_cb (gpointer flag)
{
  *(gboolean *)flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* As long as many pauses: nothing is dialled meanwhile. */
static void
expect_peace (MiniHost *mini)
{
  guint before = count_log (mini, "session connected");
  gboolean rung = FALSE;
  GSource *source = transport_timer (mini->transport, 20 * PAUSE_MS, ring_cb, &rung);

  mini_wait (mini, &rung);
  g_source_unref (source);
  g_assert_cmpuint (count_log (mini, "session connected"), ==, before);
  g_assert_cmpuint (mini->transport->dials->len, ==, 0);
}

static void
end_there (World *world)
{
  MuxSession *there = transport_sessions (world->server->transport)->pdata[0];

  session_close (there->session, "bye", "for a test");
}

/* At the start, and whenever the server ended it; and a channel can be opened in it. */
static void
test_again (void)
{
  World world = world_new ();
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (GError) error = NULL;

  hold (&world);
  mini_start (world.client);
  for (guint i = 1; i <= 3; i++)
    {
      wait_count (world.client, "session connected", i);
      wait_count (world.server, "session connected", i);
      g_assert_cmpuint (transport_sessions (world.server->transport)->len, ==, 1);
      if (i == 3)
        break;
      end_there (&world);
      wait_count (world.client, "session closed", i);
    }
  channel = mini_open (world.client, world.client->session, "echo", &error);
  g_assert_no_error (error);
  mini_echo (world.client, channel, 1000);
  g_clear_object (&channel);
  mini_stop (world.client);
  g_assert_cmpuint (count_log (world.client, "session connected"), ==, 3);
  world_clear (&world);
}

/* Nobody answers at first. */
static void
test_server_comes_later (void)
{
  World world = world_new ();

  mini_stop (world.server);
  mini_host_configure (world.server, "{quic_servers = {{bind_address = '%s', users = {'alice'}}}}",
                       world.address);
  g_assert_true (world.server->ops->reload (world.server->transport, NULL));
  hold (&world);
  world.client->transport->dial_timeout_ms = 100;
  mini_start (world.client);
  for (guint i = 0; i < 2; i++)
    {
      while (world.client->transport->dials->len == 0)
        g_main_context_iteration (world.client->context, TRUE);
      while (world.client->transport->dials->len > 0)
        g_main_context_iteration (world.client->context, TRUE);
    }
  g_assert_cmpuint (count_log (world.client, "session connected"), ==, 0);
  world.client->transport->dial_timeout_ms = TRANSPORT_DIAL_TIMEOUT_MS;
  mini_start (world.server);
  wait_count (world.client, "session connected", 1);
  world_clear (&world);
}

/* Who ends it here meant it, until the configuration is read again. */
static void
test_on_purpose (void)
{
  World world = world_new ();

  hold (&world);
  mini_start (world.client);
  wait_count (world.client, "session connected", 1);
  mini_close (world.client, world.client->session);
  expect_peace (world.client);
  g_assert_true (world.client->ops->reload (world.client->transport, NULL));
  wait_count (world.client, "session connected", 2);
  world_clear (&world);
}

/* What nobody wants any more ends, what is in use stays. */
static void
test_reload (void)
{
  World world = world_new ();
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (GError) error = NULL;

  configure (&world, world.pem);
  mini_start (world.client);
  expect_peace (world.client);
  for (guint i = 1; i <= 2; i++)
    {
      hold (&world);
      g_assert_true (world.client->ops->reload (world.client->transport, NULL));
      wait_count (world.client, "session connected", i);
      if (i == 2)
        {
          channel = mini_open (world.client, world.client->session, "echo", &error);
          g_assert_no_error (error);
        }
      configure (&world, world.pem);
      g_assert_true (world.client->ops->reload (world.client->transport, NULL));
      if (i == 1)
        wait_count (world.client, "session closed", 1);
    }
  mini_echo (world.client, channel, 1000);
  g_assert_cmpuint (count_log (world.client, "session closed"), ==, 1);
  world_clear (&world);
}

/* It asks nobody for a certificate; but as soon as somebody brings one it connects. */
static void
test_certificate_comes_later (void)
{
  World world = world_new ();
  g_autoptr (MiniHost) other = mini_host_new (world.server->context, "other", NULL);
  g_autofree char *command = mini_enroll_command (world.server, other, "alice");
  g_autofree char *held = g_strdup_printf ("connect_automatically = true, %s", command);
  g_autoptr (GVariant) credentials = NULL;
  g_autoptr (MuxSession) session = NULL;
  g_autoptr (GError) error = NULL;

  configure (&world, held);
  world.client->transport->hold_pause_ms = G_MAXINT / 4;
  mini_start (world.client);
  while (world.client->transport->dials->len == 0)
    g_main_context_iteration (world.client->context, TRUE);
  while (world.client->transport->dials->len > 0)
    g_main_context_iteration (world.client->context, TRUE);
  g_assert_cmpuint (mini_runs (other), ==, 0);

  mini_host_configure (other, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", world.address,
                       command);
  session = mini_connect (other, "there", NULL, &error);
  g_assert_no_error (error);
  credentials = transport_look_up_credentials (other->transport, "there");
  g_assert_nonnull (credentials);
  g_assert_cmpuint (count_log (world.client, "session connected"), ==, 0);
  g_assert_true (transport_keep_credentials (world.client->transport, "there", credentials, &error));
  g_assert_no_error (error);
  wait_count (world.client, "session connected", 1);
  g_assert_cmpuint (mini_runs (other), ==, 1);
  world_clear (&world);
}

/* The transport goes while it is dialled. */
static void
test_free (void)
{
  World world = world_new ();

  hold (&world);
  mini_start (world.client);
  while (world.client->transport->dials->len == 0)
    g_main_context_iteration (world.client->context, TRUE);
  world_clear (&world);

  world = world_new ();
  hold (&world);
  mini_start (world.client);
  mini_stop (world.client);
  g_assert_cmpuint (count_log (world.client, "session"), ==, 0);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/hold/again", test_again);
  g_test_add_func ("/transport/hold/server-comes-later", test_server_comes_later);
  g_test_add_func ("/transport/hold/on-purpose", test_on_purpose);
  g_test_add_func ("/transport/hold/reload", test_reload);
  g_test_add_func ("/transport/hold/certificate-comes-later", test_certificate_comes_later);
  g_test_add_func ("/transport/hold/free", test_free);
  return mini_run ();
}
