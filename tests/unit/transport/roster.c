/* Who is found by the id of a session: among very many, and by whom. */
#include "transport/roster.h"
#include "unit/transport/mini-host.h"

#include <string.h>

#define CROWD 10000
#define GUESSES 1000000

static void
fill (guint8 *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    bytes[i] = (guint8)g_random_int ();
}

/* Each of them comes back, and is found without a look at another: they are no sessions but numbers, and who
 * looks at one crashes. */
static void
test_crowd (void)
{
  g_autofree guint8 *ids = g_malloc (CROWD * SESSION_ID_SIZE);
  g_autoptr (TransportRoster) roster = transport_roster_new ();

  fill (ids, CROWD * SESSION_ID_SIZE);
  for (gsize i = 0; i < CROWD; i++)
    transport_roster_enter (roster, ids + i * SESSION_ID_SIZE, GSIZE_TO_POINTER (i + 1));
  g_assert_cmpuint (transport_roster_size (roster), ==, CROWD);
  for (gsize i = 0; i < CROWD; i++)
    {
      guint8 asked[SESSION_ID_SIZE];

      memcpy (asked, ids + i * SESSION_ID_SIZE, sizeof asked);
      g_assert_cmpuint (GPOINTER_TO_SIZE (transport_roster_find (roster, asked)), ==, i + 1);
      asked[SESSION_ID_SIZE - 1] ^= 1; /* the same hash */
      g_assert_null (transport_roster_find (roster, asked));
    }
  for (gsize i = 0; i < CROWD; i++)
    transport_roster_leave (roster, ids + i * SESSION_ID_SIZE);
}

/* Guesses */

typedef struct
{
  MiniHost *server, *alice, *bob;
  MuxSession *hers, *his; /* as the clients have them */
  GIOStream *channel;
} World;

static MiniHost *
client_new (MiniHost *server, const char *user)
{
  MiniHost *client = mini_host_new (server->context, user, NULL);
  g_autofree char *address = mini_address (server), *pem = mini_pem (server, client, user);

  mini_host_configure (client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", address,
                       pem);
  return client;
}

static World
world_new (void)
{
  World world = { .server = mini_host_new (
                      NULL, "server",
                      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice', 'bob'}}}}") };
  g_autoptr (GError) error = NULL;

  mini_start (world.server);
  world.alice = client_new (world.server, "alice");
  world.bob = client_new (world.server, "bob");
  world.hers = mini_connect (world.alice, "there", NULL, &error);
  g_assert_no_error (error);
  world.channel = mini_open (world.alice, world.hers, "echo", &error);
  g_assert_no_error (error);
  world.his = mini_connect (world.bob, "there", NULL, &error);
  g_assert_no_error (error);
  return world;
}

static void
world_clear (World *world)
{
  g_object_unref (world->channel);
  transport_session_unref (world->his);
  transport_session_unref (world->hers);
  mini_host_free (world->bob);
  mini_host_free (world->alice);
  mini_host_free (world->server);
}

/* The server's side of @session. */
static MuxSession *
other_side (const World *world, const MuxSession *session)
{
  return transport_roster_find (world->server->transport->roster, session_id_bytes (session->session));
}

static gboolean
finds (MuxSession *newcomer, const guint8 *bytes, gsize length)
{
  g_autoptr (GVariant) id
      = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, length, 1));

  return transport_admission_find (newcomer, id) != NULL;
}

/* Each of them is a connection, with a certificate, where it matters: here it is what is made of them. */
static void
test_guesses (void)
{
  World world = world_new ();
  MuxSession *hers = other_side (&world, world.hers), *his = other_side (&world, world.his);
  g_autoptr (GVariant) before = session_describe_channels (hers->session), after = NULL;
  const guint8 *id = session_id_bytes (hers->session);
  guint8 guess[2 * SESSION_ID_SIZE];
  guint found = 0;

  for (guint i = 0; i < GUESSES; i++)
    {
      gsize length = SESSION_ID_SIZE;

      fill (guess, sizeof guess);
      if (i % 4 != 0) /* she has told him */
        memcpy (guess, id, SESSION_ID_SIZE);
      if (i % 4 == 1) /* … almost */
        guess[g_random_int_range (0, SESSION_ID_SIZE)] ^= (guint8)(1 << g_random_int_range (0, 8));
      if (i % 4 == 2)
        length = (gsize)g_random_int_range (0, sizeof guess + 1);
      found += finds (his, guess, length);
      /* So long without a turn of the loop, her client would dial beside a connection that seems dead. */
      if (i % 10000 == 0)
        while (g_main_context_iteration (world.server->context, FALSE))
          ;
    }
  g_assert_cmpuint (found, ==, 0);
  after = session_describe_channels (hers->session);
  g_assert_true (g_variant_equal (before, after));
  mini_echo (world.alice, world.channel, 100000);
  g_assert_cmpuint (hers->aways, ==, 0);
  /* Herself it would be. */
  g_assert_true (finds (hers, id, SESSION_ID_SIZE));
  memcpy (guess, id, SESSION_ID_SIZE);
  g_assert_false (finds (hers, guess, SESSION_ID_SIZE - 1));
  g_assert_false (finds (hers, guess, SESSION_ID_SIZE + 1));
  world_clear (&world);
}

/* Who has ended it is not to have it again by another connection, before the end is there. */
static void
test_ending (void)
{
  World world = world_new ();
  MuxSession *hers = other_side (&world, world.hers);
  const guint8 *id = session_id_bytes (hers->session);

  g_assert_true (finds (hers, id, SESSION_ID_SIZE));
  session_close (hers->session, "bye", "");
  g_assert_false (finds (hers, id, SESSION_ID_SIZE));
  mini_wait_log (world.server, "session closed");
  g_assert_cmpuint (transport_roster_size (world.server->transport->roster), ==, 1);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/roster/crowd", test_crowd);
  g_test_add_func ("/transport/roster/guesses", test_guesses);
  g_test_add_func ("/transport/roster/ending", test_ending);
  return mini_run ();
}
