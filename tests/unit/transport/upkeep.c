/* What a server does by itself as time passes, and what its clients notice of it: nothing. */
#include "unit/transport/mini-host.h"

#include <glib/gstdio.h>
#include <string.h>

#include "harness/forge.h"
#include "pki/rotation.h"
#include "transport/listener.h"
#include "transport/peer-session.h"
#include "transport/upkeep.h"

#define DAY 86400
#define YEAR (365 * DAY)

typedef struct
{
  MiniHost *server, *client;
  char *pki;
} World;

static char *
in_pki (World *world, const char *name)
{
  return g_build_filename (world->pki, name, NULL);
}

static void
write_secret (World *world, const char *name, char *text)
{
  g_autofree char *path = in_pki (world, name);
  g_autofree char *owned = text;
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, owned, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error);
  g_assert_no_error (error);
}

/* A server whose CA is as old as @age seconds, of ten years; its clock is not believed yet. */
static World
world_new (gint64 age)
{
  World world = { .server = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}}") };
  const ForgeSpec spec = { .common_name = "an old CA", .ca = TRUE, .path_length = 0, .from = -age, .to = 10 * YEAR - age,
                           .usage = GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN };
  g_autoptr (Forged) ca = forge (&spec, NULL);
  g_autofree char *address = NULL;

  world.pki = pki_store_default_path ("server", FALSE, "pki");
  g_assert_cmpint (g_mkdir_with_parents (world.pki, 0700), ==, 0);
  write_secret (&world, "ca.pem", forge_pem (ca));
  write_secret (&world, "ca-key.pem", forge_key_pem (ca));
  world.server->transport->settle_seconds = 1000000;
  mini_start (world.server);
  world.client = mini_host_new (world.server->context, "client", NULL);
  address = mini_address (world.server);
  {
    g_autofree char *command = mini_enroll_command (world.server, world.client, "alice");

    mini_host_configure (world.client,
                         "{quic_clients = {{name = 'there', remote_address = '%s', %s, persist_to_disk = true},"
                         " {name = 'away', remote_address = '%s', %s, persist_to_disk = true}}}",
                         address, command, address, command);
  }
  return world;
}

static void
world_clear (World *world)
{
  mini_host_free (world->client);
  mini_host_free (world->server);
  g_free (world->pki);
}

static void
believe_the_clock (World *world)
{
  world->server->transport->settle_seconds = 0;
  transport_upkeep_look (world->server->transport->upkeep);
}

static guint
n_authorities (World *world)
{
  return pki_authority_bundle (transport_authority (world->server->transport))->len;
}

static void
run_dry (World *world)
{
  while (g_main_context_iteration (world->server->context, FALSE))
    ;
}

static MuxSession *
go (World *world, const char *target)
{
  g_autoptr (GError) error = NULL;
  MuxSession *session = mini_connect (world->client, target, NULL, &error);

  g_assert_no_error (error);
  return session;
}

static void
leave (World *world, MuxSession *session)
{
  mini_close (world->client, session);
  transport_session_unref (session);
}

static void
expect_echo (World *world, MuxSession *session)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = mini_open (world->client, session, "echo", &error);

  g_assert_no_error (error);
  mini_echo (world->client, channel, 10000);
}

/* By itself at 2/3 of the CA's life. Who connects in the overlap goes on as if nothing had been; who does not must enrol again. */
static void
test_rotation (void)
{
  World world = world_new (8 * YEAR); /* two thirds and 5 % are over */
  g_autoptr (GError) error = NULL;
  MuxSession *session = go (&world, "there");

  leave (&world, go (&world, "away"));
  g_assert_cmpuint (mini_runs (world.client), ==, 2);
  run_dry (&world);
  g_assert_cmpuint (n_authorities (&world), ==, 1);
  believe_the_clock (&world);
  while (n_authorities (&world) != 2)
    g_main_context_iteration (world.server->context, TRUE);
  expect_echo (&world, session);
  g_assert_true (mini_renew (world.client, session, &error));
  g_assert_no_error (error);
  leave (&world, session);
  leave (&world, go (&world, "there"));
  g_assert_cmpuint (mini_runs (world.client), ==, 2);
  /* The overlap is not over: nothing more happens. */
  transport_upkeep_look (world.server->transport->upkeep);
  run_dry (&world);
  g_assert_cmpuint (n_authorities (&world), ==, 2);
  /* As if a week had gone by. */
  g_assert_true (pki_authority_retire (transport_authority (world.server->transport), &error));
  g_assert_true (transport_upkeep_refresh (world.server->transport, &error));
  g_assert_no_error (error);
  leave (&world, go (&world, "there"));
  g_assert_cmpuint (mini_runs (world.client), ==, 2);
  leave (&world, go (&world, "away"));
  g_assert_cmpuint (mini_runs (world.client), ==, 3);
  world_clear (&world);
}

static void
test_young (void)
{
  World world = world_new (6 * YEAR);

  believe_the_clock (&world);
  run_dry (&world);
  leave (&world, go (&world, "there"));
  g_assert_cmpuint (n_authorities (&world), ==, 1);
  world_clear (&world);
}

/* The certificate is due and cannot be written: the old one serves on, a person can see why, and when the cause is gone it comes. */
static void
test_failure (void)
{
  World world = world_new (DAY);
  TransportListener *listener = world.server->transport->listeners->pdata[0];
  TransportUpkeep *upkeep = world.server->transport->upkeep;
  const ForgeSpec spec = { .common_name = "server", .from = -6 * DAY, .to = DAY, .dns = { "localhost" } };
  g_autoptr (Forged) due = forge (&spec, NULL);
  g_autoptr (GPtrArray) list = forge_list (due);
  g_autofree char *path = in_pki (&world, "server.pem");
  PkiCertificate *old;

  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL); /* a warning is what is wanted */
  pki_certificate_unref (listener->leaf);
  old = listener->leaf = pki_certificate_ref (list->pdata[0]);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  transport_upkeep_look (upkeep);
  while (transport_upkeep_problem (upkeep) == NULL)
    g_main_context_iteration (world.server->context, TRUE);
  g_assert_nonnull (strstr (transport_upkeep_problem (upkeep), path));
  g_assert_true (listener->leaf == old);
  leave (&world, go (&world, "there"));
  g_assert_nonnull (transport_upkeep_problem (upkeep));
  g_assert_cmpint (g_rmdir (path), ==, 0);
  transport_upkeep_look (upkeep);
  while (listener->leaf == old)
    g_main_context_iteration (world.server->context, TRUE);
  g_assert_null (transport_upkeep_problem (upkeep));
  leave (&world, go (&world, "there"));
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/upkeep/rotation", test_rotation);
  g_test_add_func ("/transport/upkeep/young", test_young);
  g_test_add_func ("/transport/upkeep/failure", test_failure);
  return mini_run ();
}
