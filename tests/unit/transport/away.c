/* Sessions between two connections: what both hosts are told, who may come back, and when nobody waits any more. */
#include "unit/transport/mini-host.h"

#include <string.h>

#include "session/session-private.h"
#include "transport/away-private.h"
#include "transport/dial-private.h"
#include "transport/peer-session.h"

typedef struct
{
  MiniHost *server, *client, *other;
} World;

static void
add_client (World *world, MiniHost **client, const char *user, const char *address)
{
  g_autofree char *pem = NULL;

  *client = mini_host_new (world->server->context, user, NULL);
  pem = mini_pem (world->server, *client, user);
  mini_host_configure (*client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", address, pem);
}

static World
world_new (const char *more)
{
  World world = { 0 };
  g_autofree char *config
      = g_strdup_printf ("{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice', 'bob'} %s}}}", more);
  g_autofree char *address = NULL;

  world.server = mini_host_new (NULL, "server", config);
  mini_start (world.server);
  address = mini_address (world.server);
  add_client (&world, &world.client, "alice", address);
  add_client (&world, &world.other, "bob", address);
  return world;
}

static void
world_clear (World *world)
{
  mini_host_free (world->other);
  mini_host_free (world->client);
  mini_host_free (world->server);
}

/* With a channel: a session that nobody uses is not dialled again. */
static MuxSession *
go (MiniHost *client, GIOStream **channel)
{
  g_autoptr (GError) error = NULL;
  MuxSession *session = mini_connect (client, "there", NULL, &error);

  g_assert_no_error (error);
  *channel = mini_open (client, session, "echo", &error);
  g_assert_no_error (error);
  return session;
}

/* As a connection that broke, for both sides. */
static void
lose (MuxSession *session)
{
  g_autoptr (GError) error = g_error_new_literal (MUX_ERROR, MUX_ERROR_LOST, "lost for a test");

  session_drop (session->session, QUIC_CODE_REPLACED, error);
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

static void
expect_echo (MiniHost *client, MuxSession *session)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = mini_open (client, session, "echo", &error);

  g_assert_no_error (error);
  mini_echo (client, channel, 100000);
}

static void
test_back (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);

  expect_echo (world.client, session);
  for (guint i = 1; i <= 3; i++)
    {
      lose (session);
      wait_count (world.client, "session away", i);
      g_assert_cmpint (transport_session_state (session), ==, MUX_SESSION_AWAY);
      wait_count (world.server, "session connected", 1 + i);
      wait_count (world.client, "session connected", 1 + i);
      g_assert_cmpint (transport_session_state (session), ==, MUX_SESSION_CONNECTED);
      g_assert_cmpuint (session->aways, ==, i);
      expect_echo (world.client, session);
    }
  g_assert_cmpuint (transport_sessions (world.server->transport)->len, ==, 1);
  g_assert_cmpuint (count_log (world.server, "session closed"), ==, 0);
  mini_close (world.client, session);
  wait_count (world.server, "session closed", 1);
  world_clear (&world);
}

/* Another identity that knows the number of a session has none; the session is not touched. */
static void
test_other_identity (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) alice_channel = NULL;
  g_autoptr (MuxSession) alice = go (world.client, &alice_channel);
  g_autoptr (GIOStream) bob_channel = NULL;
  g_autoptr (MuxSession) bob = go (world.other, &bob_channel);

  session_set_id (bob->session, alice->session->id_bytes);
  lose (bob);
  mini_wait_log (world.other, "session closed: The other side ended the session: The session does not exist");
  expect_echo (world.client, alice);
  g_assert_cmpuint (count_log (world.client, "session away"), ==, 0);
  g_assert_cmpuint (alice->aways, ==, 0);
  world_clear (&world);
}

static void
test_unknown (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);
  guint8 guess[SESSION_ID_SIZE];

  for (guint i = 0; i < SESSION_ID_SIZE; i++)
    guess[i] = (guint8) g_random_int ();
  session_set_id (session->session, guess);
  lose (session);
  mini_wait_log (world.client, "session closed: The other side ended the session: The session does not exist");
  world_clear (&world);
}

/* Nobody waits: the end of the connection is the end of the session, on both sides. */
static void
test_no_timeout (void)
{
  World world = world_new (", session_timeout = 0");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);

  lose (session);
  wait_count (world.client, "session closed: ", 1);
  wait_count (world.server, "session closed: ", 1);
  world_clear (&world);
}

/* The client does not come back. */
static void
test_timeout (void)
{
  World world = world_new (", session_timeout = 1");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);
  MuxSession *there = transport_sessions (world.server->transport)->pdata[0];

  /* Only the server loses it, and what the client dials is turned away. */
  g_free (there->user);
  there->user = g_strdup ("nobody");
  lose (session);
  mini_wait_log (world.server, "session closed: The client did not come back within 1 s");
  mini_wait_log (world.client, "session closed: ");
  world_clear (&world);
}

static void
test_revoked (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);
  g_autoptr (GError) error = NULL;
  MuxSession *there = transport_sessions (world.server->transport)->pdata[0];

  lose (session);
  wait_count (world.server, "session away", 1);
  g_assert_true (transport_revoke (world.server->transport, there->serial, &error));
  g_assert_no_error (error);
  mini_wait_log (world.server, "session closed: the certificate was revoked");
  world_clear (&world);
}

static guint
waiting (MuxSession *session)
{
  g_autoptr (GVariant) described = transport_session_ops.describe (session);
  guint n = 0;

  g_variant_lookup (described, "waiting", "u", &n);
  return n;
}

/* A client that does not come back, and another one of the same identity. */
static void
test_take_over (void)
{
  World world = world_new ("");
  g_autofree char *address = mini_address (world.server);
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (GIOStream) taken = NULL;
  g_autoptr (MuxSession) dead = go (world.client, &channel);
  g_autofree char *id = g_strdup (session_id (dead->session));
  g_autoptr (MuxSession) stranger = NULL;
  g_autoptr (MuxSession) next = NULL;
  g_autoptr (MuxSession) taker = NULL;
  g_autoptr (MuxSession) copy = NULL;
  g_autoptr (GIOStream) copied = NULL;
  g_autoptr (GError) error = NULL;

  g_clear_object (&channel);
  channel = mini_open_terminal (world.client, dead, "echo", &error);
  g_assert_no_error (error);
  copy = go (world.client, &copied);
  lose (dead);
  wait_count (world.server, "session away", 1);
  /* It waits as well, and later, but has no terminal. */
  lose (copy);
  wait_count (world.server, "session away", 2);
  g_clear_object (&copied);
  g_clear_object (&channel);
  g_clear_pointer (&world.client, mini_host_free);
  add_client (&world, &world.client, "alice", address);

  /* Another identity has none, by no name. */
  g_assert_null (mini_take (world.other, "there", "", &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_GONE);
  g_clear_error (&error);
  g_assert_null (mini_take (world.other, "there", id, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_GONE);
  g_clear_error (&error);
  stranger = mini_connect (world.other, "there", NULL, &error);
  g_assert_cmpuint (waiting (stranger), ==, 0);
  g_assert_null (mini_take (world.client, "there", "no number", &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_UNKNOWN_TARGET);
  g_clear_error (&error);

  next = mini_connect (world.client, "there", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (waiting (next), ==, 1);
  taker = mini_take (world.client, "there", "", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (session_id (taker->session), ==, id);
  g_assert_cmpuint (count_log (world.server, "session closed"), ==, 0);
  taken = transport_session_ops.channel (taker, 2);
  g_assert_nonnull (taken);
  mini_echo (world.client, taken, 100000);
  g_assert_null (mini_take (world.client, "there", "", &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_GONE);
  world_clear (&world);
}

/* A host that ends says that it may be back; it is not waited for without end. */
static void
test_restarting (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);

  session->timeout = 1;
  mini_stop (world.server);
  mini_wait_log (world.client, "session away: The host over there restarts");
  g_assert_cmpuint (session->restart_after, ==, TRANSPORT_RESTART_AFTER_S);
  g_assert_true (mini_has_log (world.server, "session closed"));
  mini_wait_log (world.client, "session closed: The host over there said that it restarts, but was not back within 1 s");
  world_clear (&world);
}

/* A server that takes connections and welcomes nobody is not waited for without end. */
static void
test_no_welcome (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);
  g_autoptr (GError) lost = g_error_new_literal (MUX_ERROR, MUX_ERROR_LOST, "lost before the welcome");
  guint deadline;

  lose (session);
  wait_count (world.client, "session away", 1);
  deadline = g_source_get_id (session->away->deadline);
  transport_away_begin (session->away, lost);
  g_assert_cmpuint (g_source_get_id (session->away->deadline), ==, deadline);
  wait_count (world.client, "session connected", 2);
  g_assert_null (session->away->deadline);
  world_clear (&world);
}

/* Its client comes back in the very turn in which its end was decided: it ends, and whoever waits for that hears of it. */
static void
test_end_is_decided (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);
  MuxSession *there = transport_sessions (world.server->transport)->pdata[0];

  transport_away_abandon (there->away, NULL);
  mini_wait_log (world.server, "session closed");
  mini_wait_log (world.client, "session closed");
  world_clear (&world);
}

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Somebody ends the session while it dials beside a connection that it doubts: what is dialled does not bring it back. */
static void
test_close_while_dialling (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);
  g_autoptr (MuxSession) resumed = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  transport_dial_again (session, 5000, FALSE, dialled_cb, &result);
  mini_close (world.client, session);
  while (result == NULL)
    g_main_context_iteration (world.client->context, TRUE);
  resumed = transport_dial_finish (world.client->transport, result, &error);
  g_assert_null (resumed);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_GONE);
  wait_count (world.server, "session closed", 1);
  world_clear (&world);
}

static void
test_close_while_away (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);

  lose (session);
  wait_count (world.client, "session away", 1);
  mini_close (world.client, session);
  g_assert_true (mini_has_log (world.client, "session closed"));
  world_clear (&world);
}

static void
test_stop_while_away (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);

  lose (session);
  wait_count (world.server, "session away", 1);
  mini_stop (world.server);
  g_assert_true (mini_has_log (world.server, "session closed"));
  g_assert_cmpuint (transport_sessions (world.server->transport)->len, ==, 0);
  world_clear (&world);
}

/* Whoever frees everything in the middle of it. */
static void
test_free_while_away (void)
{
  World world = world_new ("");
  g_autoptr (GIOStream) session_channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &session_channel);

  lose (session);
  wait_count (world.client, "session away", 1);
  world_clear (&world);
  g_assert_cmpint (transport_session_state (session), ==, MUX_SESSION_CLOSED);
}

/* Nothing is sent for it, so its connection ends; it comes back when it is asked for something. */
static void
test_unused (void)
{
  World world = world_new (", max_idle_timeout = 1");
  g_autoptr (GIOStream) channel = NULL;
  g_autoptr (MuxSession) session = go (world.client, &channel);

  mini_echo (world.client, channel, 1000);
  g_clear_object (&channel);
  wait_count (world.client, "session away", 1);
  wait_count (world.server, "session away", 1);
  g_assert_cmpuint (world.client->transport->dials->len, ==, 0);
  expect_echo (world.client, session);
  g_assert_cmpuint (count_log (world.client, "session connected"), ==, 2);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/away/back", test_back);
  g_test_add_func ("/transport/away/other-identity", test_other_identity);
  g_test_add_func ("/transport/away/unknown", test_unknown);
  g_test_add_func ("/transport/away/no-timeout", test_no_timeout);
  g_test_add_func ("/transport/away/timeout", test_timeout);
  g_test_add_func ("/transport/away/revoked", test_revoked);
  g_test_add_func ("/transport/away/take-over", test_take_over);
  g_test_add_func ("/transport/away/restarting", test_restarting);
  g_test_add_func ("/transport/away/no-welcome", test_no_welcome);
  g_test_add_func ("/transport/away/end-is-decided", test_end_is_decided);
  g_test_add_func ("/transport/away/close-while-dialling", test_close_while_dialling);
  g_test_add_func ("/transport/away/close-while-away", test_close_while_away);
  g_test_add_func ("/transport/away/stop-while-away", test_stop_while_away);
  g_test_add_func ("/transport/away/unused", test_unused);
  g_test_add_func ("/transport/away/free-while-away", test_free_while_away);
  return mini_run ();
}
