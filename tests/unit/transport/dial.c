/* The way out: certificates, addresses, names, and what is said when it does not go. */
#include "unit/transport/mini-host.h"

#include <glib/gstdio.h>
#include <string.h>

#include "net/resolver.h"
#include "transport/domain.h"
#include "transport/peer-session.h"

#define SERVER "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}}"

typedef struct
{
  MiniHost *server, *client;
  char *address;
} World;

static World
world_new (const char *server_config)
{
  World world = { .server = mini_host_new (NULL, "server", server_config) };

  mini_start (world.server);
  world.client = mini_host_new (world.server->context, "client", NULL);
  world.address = mini_address (world.server);
  return world;
}

static void
world_clear (World *world)
{
  mini_host_free (world->client);
  mini_host_free (world->server);
  g_free (world->address);
}

/* A target “there” with @certificate and @more. */
static void
world_target (World *world, const char *certificate, const char *more)
{
  mini_host_configure (world->client, "{quic_clients = {{name = 'there', remote_address = '%s', %s %s}}}",
                       world->address, certificate, more);
}

static void
connect_well (World *world)
{
  g_autoptr (GError) error = NULL;
  MuxSession *session = mini_connect (world->client, "there", NULL, &error);

  g_assert_no_error (error);
  mini_close (world->client, session);
  transport_session_unref (session);
}

static void
connect_badly (World *world, const char *target, int code, const char *word)
{
  g_autoptr (GError) error = NULL;
  MuxSession *session = mini_connect (world->client, target, NULL, &error);

  g_assert_null (session);
  g_assert_error (error, MUX_ERROR, code);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
  g_assert_cmpuint (world->client->transport->sessions->len + world->client->transport->arriving->len, ==, 0);
}

/* Enrols once; a second dial has the certificate in memory. */
static void
test_enrol (void)
{
  World world = world_new (SERVER);
  g_autofree char *command = mini_enroll_command (world.server, world.client, "alice");

  world_target (&world, command, "");
  connect_well (&world);
  g_assert_true (mini_has_log (world.client, "progress "));
  connect_well (&world);
  g_assert_cmpuint (mini_runs (world.client), ==, 1);
  world_clear (&world);
}

static void
restart_client (World *world)
{
  g_clear_pointer (&world->client->transport, transport_free);
}

/* Kept on disk it serves another process, until the server has another CA: then one enrols again without
 * being asked. */
static void
test_persist (void)
{
  World world = world_new (SERVER);
  g_autofree char *command = mini_enroll_command (world.server, world.client, "alice");
  g_autofree char *directory = pki_store_default_path ("client", FALSE, "domains/there");
  g_autofree char *file = g_build_filename (directory, "client.pem", NULL);
  GStatBuf status;

  world_target (&world, command, ", persist_to_disk = true");
  connect_well (&world);
  g_assert_cmpint (g_stat (file, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0600);
  g_assert_cmpint (g_stat (directory, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 0777, ==, 0700);
  restart_client (&world);
  world_target (&world, command, ", persist_to_disk = true");
  connect_well (&world);
  g_assert_cmpuint (mini_runs (world.client), ==, 1);

  g_clear_pointer (&world.server->transport, transport_free);
  world.server->host.application = "server-anew";
  mini_host_configure (world.server, "%s", SERVER);
  mini_start (world.server);
  g_free (world.address);
  world.address = mini_address (world.server);
  g_free (command);
  command = mini_enroll_command (world.server, world.client, "alice");
  restart_client (&world);
  world_target (&world, command, ", persist_to_disk = true");
  connect_well (&world);
  g_assert_cmpuint (mini_runs (world.client), ==, 2);
  world_clear (&world);
}

/* A file that does not fit the others is not used, and not an obstacle. */
static void
test_persist_damaged (void)
{
  World world = world_new (SERVER);
  g_autofree char *command = mini_enroll_command (world.server, world.client, "alice");
  g_autofree char *directory = pki_store_default_path ("client", FALSE, "domains/there");
  g_autofree char *file = g_build_filename (directory, "ca.pem", NULL);
  FILE *stream;

  world_target (&world, command, ", persist_to_disk = true");
  connect_well (&world);
  stream = fopen (file, "w");
  fputs ("no certificate\n", stream);
  fclose (stream);
  restart_client (&world);
  world_target (&world, command, ", persist_to_disk = true");
  connect_well (&world);
  g_assert_cmpuint (mini_runs (world.client), ==, 2);
  world_clear (&world);
}

static void
test_no_certificate (void)
{
  World world = world_new (SERVER);
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  char *ca = strstr (pem, ", pem_ca");

  world_target (&world, "", "");
  connect_badly (&world, "there", MUX_ERROR_ENROLMENT, "bootstrap_via_ssh");
  connect_badly (&world, "-oProxyCommand=x", MUX_ERROR_UNKNOWN_TARGET, "-oProxyCommand");
  *ca = '\0';
  restart_client (&world);
  world_target (&world, pem, "");
  connect_badly (&world, "there", MUX_ERROR_CONFIG, "pem_ca");
  restart_client (&world);
  world_target (&world, "enroll_command = {'false'}", "");
  connect_badly (&world, "there", MUX_ERROR_ENROLMENT, "status 1");
  world_clear (&world);
}

static void
test_wrong_user (void)
{
  World world = world_new (SERVER);
  g_autofree char *pem = mini_pem (world.server, world.client, "mallory");

  world_target (&world, pem, "");
  connect_badly (&world, "there", MUX_ERROR_REFUSED, "CN validation failed");
  g_assert_false (mini_has_log (world.server, "session"));
  g_assert_false (mini_has_log (world.client, "session"));
  world_clear (&world);
}

static void
test_unwelcome (void)
{
  World world = world_new (SERVER);
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");

  world.server->unwelcome = g_strdup ("alice");
  world_target (&world, pem, "");
  connect_badly (&world, "there", MUX_ERROR_REFUSED, "alice is on holiday");
  g_assert_false (mini_has_log (world.server, "session"));
  world_clear (&world);
}

static void
test_other_ca (void)
{
  World world = world_new (SERVER);
  g_autoptr (MiniHost) stranger = mini_host_new (world.server->context, "stranger", SERVER);
  g_autofree char *pem = NULL;
  g_autofree char *ca = NULL;
  g_autofree char *mixed = NULL;

  mini_start (stranger);
  pem = mini_pem (stranger, world.client, "alice");
  world_target (&world, pem, "");
  connect_badly (&world, "there", MUX_ERROR_TLS, "pem_ca");
  /* The right CA for the server, but our certificate is still a stranger's. */
  restart_client (&world);
  ca = pki_store_default_path ("server", FALSE, "pki/ca.pem");
  mixed = g_strdup_printf ("%.*s, pem_ca = '%s'", (int) (strstr (pem, ", pem_ca") - pem), pem, ca);
  world_target (&world, mixed, "");
  connect_badly (&world, "there", MUX_ERROR_TLS, "alert 48");
  world_clear (&world);
}

static void
test_names (void)
{
  World world = world_new ("{quic_servers = {{bind_address = '127.0.0.2:0', users = {'alice'}}}}");
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");

  /* The address that was bound stands in the certificate. */
  world_target (&world, pem, "");
  connect_well (&world);
  restart_client (&world);
  world_target (&world, pem, ", expected_cn = 'somebody'");
  connect_badly (&world, "there", MUX_ERROR_TLS, "somebody");
  world_clear (&world);
}

/* Reached by an address that no certificate holds. */
static void
test_foreign_name (void)
{
  World world = world_new ("{quic_servers = {{bind_address = '0.0.0.0:0', users = {'alice'}}}}");
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  const char *port = strrchr (world.address, ':');
  g_autofree char *elsewhere = g_strconcat ("127.0.0.77", port, NULL);

  g_free (world.address);
  world.address = g_steal_pointer (&elsewhere);
  world_target (&world, pem, "");
  connect_badly (&world, "there", MUX_ERROR_TLS, "127.0.0.77");
  restart_client (&world);
  world_target (&world, pem, ", accept_invalid_hostnames = true");
  connect_well (&world);
  world_clear (&world);
}

/* A socket that nobody reads. */
static char *
silent_address (NetUdp **udp)
{
  NetAddress address;
  g_autoptr (GError) error = NULL;

  net_address_from_numeric (&address, "127.0.0.1", 0);
  *udp = net_udp_open (&address, NET_UDP_DEFAULT, &error);
  g_assert_no_error (error);
  return net_address_to_string (net_udp_local (*udp));
}

static void
test_unreachable (void)
{
  World world = world_new (SERVER);
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  g_autoptr (NetUdp) udp = NULL;

  g_free (world.address);
  world.address = silent_address (&udp);
  world_target (&world, pem, "");
  world.client->transport->dial_timeout_ms = 100;
  connect_badly (&world, "there", MUX_ERROR_UNREACHABLE, world.address);
  connect_badly (&world, "there", MUX_ERROR_UNREACHABLE, "let UDP port");
  world_clear (&world);
}

static gboolean
cancel_cb (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static void
connect_cancelled (World *world, guint delay_ms)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSource) source = g_timeout_source_new (delay_ms);

  g_source_set_callback (source, cancel_cb, g_object_ref (cancellable), g_object_unref);
  g_source_attach (source, world->client->context);
  g_assert_null (mini_connect (world->client, "there", cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (world->client->transport->dials->len, ==, 0);
}

static void
test_cancel (void)
{
  World world = world_new (SERVER);
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (NetUdp) udp = NULL;

  g_free (world.address);
  world.address = silent_address (&udp);
  world_target (&world, pem, "");
  g_cancellable_cancel (cancelled);
  g_assert_null (mini_connect (world.client, "there", cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  connect_cancelled (&world, 0);
  connect_cancelled (&world, 30);
  restart_client (&world);
  world_target (&world, "enroll_command = {'sleep', '1000'}", "");
  connect_cancelled (&world, 30);
  restart_client (&world);
  world_target (&world, "enroll_command = {'sleep', '1000'}", "");
  world.client->transport->enrolment_timeout_ms = 50;
  connect_badly (&world, "there", MUX_ERROR_ENROLMENT, "did not finish");
  world_clear (&world);
}

typedef struct
{
  gboolean done, connected;
} Dialled;

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Dialled *dialled = data;
  g_autoptr (GError) error = NULL;
  MuxSession *session = transport_ops.connect_finish (NULL, result, &error);

  if (session == NULL)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  dialled->connected = session != NULL;
  g_clear_pointer (&session, transport_session_unref);
  dialled->done = TRUE;
}

/* The transport goes in the middle of a dial: after the first turn of the loop, after the second, and so on,
 * until it went through. */
static void
test_abort (void)
{
  World world = world_new (SERVER);
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  guint turns;

  for (turns = 0;; turns++)
    {
      Dialled dialled = { FALSE, FALSE };

      world_target (&world, pem, "");
      world.client->ops->connect_async (world.client->transport, "there", NULL, NULL, dialled_cb, &dialled);
      for (guint i = 0; i < turns && world.client->transport->dials->len > 0; i++)
        g_main_context_iteration (world.client->context, TRUE);
      restart_client (&world);
      mini_wait (world.client, &dialled.done);
      if (dialled.connected)
        break;
    }
  g_test_message ("aborted after each of %u turns", turns);
  g_assert_cmpuint (turns, >, 3);
  world_target (&world, pem, "");
  world_clear (&world);
}

/* The first address of a name says nothing; the second is dialled beside it. */
static void
test_second_address (void)
{
  World world = world_new ("{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}}");
  g_autofree char *pem = mini_pem (world.server, world.client, "alice");
  const char *port = strrchr (world.address, ':');
  g_autofree char *by_name = g_strconcat ("localhost", port, NULL);

  g_free (world.address);
  world.address = g_steal_pointer (&by_name);
  world_target (&world, pem, "");
  connect_well (&world);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/dial/enrol", test_enrol);
  g_test_add_func ("/transport/dial/persist", test_persist);
  g_test_add_func ("/transport/dial/persist-damaged", test_persist_damaged);
  g_test_add_func ("/transport/dial/no-certificate", test_no_certificate);
  g_test_add_func ("/transport/dial/wrong-user", test_wrong_user);
  g_test_add_func ("/transport/dial/unwelcome", test_unwelcome);
  g_test_add_func ("/transport/dial/other-ca", test_other_ca);
  g_test_add_func ("/transport/dial/names", test_names);
  g_test_add_func ("/transport/dial/foreign-name", test_foreign_name);
  g_test_add_func ("/transport/dial/unreachable", test_unreachable);
  g_test_add_func ("/transport/dial/cancel", test_cancel);
  g_test_add_func ("/transport/dial/abort", test_abort);
  g_test_add_func ("/transport/dial/second-address", test_second_address);
  return mini_run ();
}
