/* Sessions between two transports of one process: what a host can do with them. */
#include "unit/transport/mini-host.h"

#include <string.h>

#include "net/resolver.h"
#include "transport/domain.h"
#include "transport/peer-session.h"

#define SERVER                                                                                               \
  "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}, mux_services = {tmux = {program = "  \
  "{'true'}}}}"

typedef struct
{
  MiniHost *server, *client;
  MuxSession *session; /* the client's */
} Pair;

static Pair
pair_new (const char *server_config)
{
  Pair pair = { .server = mini_host_new (NULL, "server", server_config) };
  g_autofree char *address = NULL, *pem = NULL;
  g_autoptr (GError) error = NULL;

  mini_start (pair.server);
  pair.client = mini_host_new (pair.server->context, "client", NULL);
  address = mini_address (pair.server);
  pem = mini_pem (pair.server, pair.client, "alice");
  mini_host_configure (pair.client,
                       "{quic_clients = {{name = 'there', remote_address = '%s', service = 'tmux', %s}}}",
                       address, pem);
  pair.session = mini_connect (pair.client, "there", NULL, &error);
  g_assert_no_error (error);
  return pair;
}

static void
pair_clear (Pair *pair)
{
  g_clear_pointer (&pair->session, transport_session_unref);
  mini_host_free (pair->client);
  mini_host_free (pair->server);
}

static void
test_echo (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = mini_open (pair.client, pair.session, "anything", &error);
  const char *service = NULL, *user = NULL;

  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (pair.server->request, "service", "&s", &service));
  g_assert_cmpstr (service, ==, "anything");
  g_assert_true (g_variant_lookup (pair.server->peer, "user", "&s", &user));
  g_assert_cmpstr (user, ==, "alice");
  g_assert_true (mini_has_log (pair.server, "session connected"));
  g_assert_true (mini_has_log (pair.client, "session connected"));
  mini_echo (pair.client, channel, 1 << 20);
  g_clear_object (&channel);
  mini_close (pair.client, pair.session);
  mini_wait_log (pair.server, "session closed");
  g_assert_true (mini_has_log (pair.client, "session closed"));
  g_assert_false (mini_has_log (pair.server, "session closed:")); /* on purpose */
  pair_clear (&pair);
}

/* How many of the session's channels go to @service. */
static guint
n_channels_of (MiniHost *mini, const char *service)
{
  g_autoptr (GVariant) described = mini->sessions->describe (mini->session);
  g_autoptr (GVariant) channels = g_variant_lookup_value (described, "channels", G_VARIANT_TYPE ("aa{sv}"));
  guint n = 0;

  for (gsize i = 0; i < g_variant_n_children (channels); i++)
    {
      g_autoptr (GVariant) channel = g_variant_get_child_value (channels, i);
      const char *its = "";

      g_variant_lookup (channel, "service", "&s", &its);
      n += g_str_equal (its, service);
    }
  return n;
}

/* What a request does not say is filled in: by the target's configuration, by the server's. */
static void
test_services (void)
{
  Pair pair = pair_new (SERVER);
  static const char *const argv[] = { "ls", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) named = mini_open (pair.client, pair.session, NULL, &error);
  g_autoptr (GIOStream) other = NULL;
  const char *service = NULL;

  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (pair.server->request, "service", "&s", &service));
  g_assert_cmpstr (service, ==, "tmux");
  g_clear_pointer (&pair.session->default_service, g_free);
  other = mini_open (pair.client, pair.session, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (pair.server->request, "service", "&s", &service));
  g_assert_cmpstr (service, ==, "shell");
  g_assert_cmpuint (n_channels_of (pair.server, "shell"), ==, 1);
  g_clear_object (&other);
  while (n_channels_of (pair.server, "shell") > 0)
    g_main_context_iteration (pair.server->context, TRUE); /* it goes */
  other = mini_open_argv (pair.client, pair.session, argv, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (pair.server->request, "service", "&s", &service));
  g_assert_cmpstr (service, ==, "exec");
  g_assert_cmpuint (n_channels_of (pair.server, "tmux"), ==, 1);
  g_assert_cmpuint (n_channels_of (pair.server, "exec"), ==, 1);
  pair_clear (&pair);
}

static void
test_refuse (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = NULL;

  pair.server->mode = MINI_REFUSE;
  channel = mini_open (pair.client, pair.session, "nothing", &error);
  g_assert_null (channel);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "There is no such service"));
  g_clear_error (&error);
  pair.server->host.channel_opened = NULL;
  channel = mini_open (pair.client, pair.session, "nothing", &error);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_REFUSED);
  /* The session lives on. */
  g_clear_error (&error);
  pair_clear (&pair);
}

static void
test_events (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = NULL;

  pair.server->mode = MINI_EXIT;
  channel = mini_open (pair.client, pair.session, "shell", &error);
  g_assert_no_error (error);
  pair.client->sessions->send_event (pair.session, channel, "resize",
                                     g_variant_new_parsed ("{'rows': <@u 24>, 'columns': <@u 80>}"));
  mini_wait_log (pair.server, "event resize");
  g_assert_true (mini_has_log (pair.server, "event resize {'rows': <uint32 24>, 'columns': <uint32 80>}"));
  mini_wait_log (pair.client, "event exited {'status': <3>}");
  pair_clear (&pair);
}

static void
check_keys (GVariant *described, const char *const *keys)
{
  for (; *keys != NULL; keys++)
    {
      g_auto (GStrv) parts = g_strsplit (*keys, " ", 2);
      g_autoptr (GVariant) value = g_variant_lookup_value (described, parts[0], G_VARIANT_TYPE (parts[1]));

      if (value == NULL)
        g_error ("no “%s” of type %s in what is described", parts[0], parts[1]);
    }
}

static void
test_describe (void)
{
  static const char *const both[]
      = { "id s",    "direction s",  "state s", "user s",          "serial s",   "peer s",
          "local s", "since x",      "rtt d",   "cwnd t",          "bytes_in t", "bytes_out t",
          "lost t",  "migrations u", "raw b",   "channels aa{sv}", NULL };
  static const char *const out[] = { "target s", "services as", NULL };
  static const char *const whole[]
      = { "version s",        "application s",   "started x",           "config s", "pki s",
          "listeners aa{sv}", "sessions aa{sv}", "certificates aa{sv}", NULL };
  static const char *const socket[] = { "address s",   "bind_address s",        "connections u",
                                        "half_open u", "certificate_expires x", "datagrams_in t",
                                        NULL };
  static const char *const certificate[] = { "role s", "serial s", "not_before x", "not_after x", NULL };
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = mini_open (pair.client, pair.session, NULL, &error);
  g_autoptr (GVariant) client = pair.client->sessions->describe (pair.session);
  g_autoptr (GVariant) server = pair.server->sessions->describe (pair.server->session);
  g_autoptr (GVariant) status = pair.server->ops->describe (pair.server->transport);
  g_autoptr (GVariant) listeners = NULL, listener = NULL, certificates = NULL, leaf = NULL;
  g_auto (GStrv) services = NULL;
  const char *text = NULL, *other = NULL;
  guint connections = 0;

  check_keys (client, both);
  check_keys (client, out);
  check_keys (server, both);
  check_keys (status, whole);
  g_assert_true (g_variant_lookup (client, "id", "&s", &text));
  g_assert_true (g_variant_lookup (server, "id", "&s", &other));
  g_assert_cmpuint (strlen (text), ==, 32);
  g_assert_cmpstr (text, ==, other);
  g_assert_true (g_variant_lookup (client, "services", "^as", &services));
  g_assert_true (g_strv_contains ((const char *const *) services, "shell")
                 && g_strv_contains ((const char *const *) services, "exec")
                 && g_strv_contains ((const char *const *) services, "tmux"));
  listeners = g_variant_lookup_value (status, "listeners", NULL);
  listener = g_variant_get_child_value (listeners, 0);
  check_keys (listener, socket);
  g_assert_true (g_variant_lookup (listener, "connections", "u", &connections));
  g_assert_cmpuint (connections, ==, 1);
  certificates = g_variant_lookup_value (status, "certificates", NULL);
  g_assert_cmpuint (g_variant_n_children (certificates), ==, 2); /* the CA and the server */
  leaf = g_variant_get_child_value (certificates, 1);
  check_keys (leaf, certificate);
  /* After the end what is known stays. */
  mini_close (pair.client, pair.session);
  g_variant_unref (client);
  client = pair.client->sessions->describe (pair.session);
  g_assert_true (g_variant_lookup (client, "state", "&s", &text));
  g_assert_cmpstr (text, ==, "closed");
  g_assert_true (g_variant_lookup (client, "peer", "&s", &text));
  pair_clear (&pair);
}

/* A host may keep a session for longer than it lives, and than the transport does. */
static void
test_over (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) kept = mini_open (pair.client, pair.session, NULL, &error);
  g_autoptr (GIOStream) channel = NULL;
  char byte;

  mini_close (pair.client, pair.session);
  mini_close (pair.client, pair.session);
  channel = mini_open (pair.client, pair.session, NULL, &error);
  g_assert_null (channel);
  g_assert_error (error, MUX_ERROR, MUX_ERROR_GONE);
  g_clear_error (&error);
  g_assert_cmpint (g_pollable_input_stream_read_nonblocking (
                       G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (kept)), &byte, 1, NULL, &error),
                   ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_clear_pointer (&pair.client->transport, transport_free);
  g_object_unref (g_steal_pointer (&kept));
  pair_clear (&pair);
}

static void
test_cancel_open (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  GIOStream *channel = mini_open_cancelled (pair.client, pair.session, &error);

  g_assert_null (channel);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* The answer that comes all the same harms nobody. */
  g_clear_error (&error);
  channel = mini_open (pair.client, pair.session, NULL, &error);
  g_assert_no_error (error);
  mini_echo (pair.client, channel, 1000);
  g_object_unref (channel);
  pair_clear (&pair);
}

/* The transport goes while everything is under way: no callback, no leak, no crash. */
static void
test_hard_stop (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = mini_open (pair.client, pair.session, NULL, &error);
  guint before = pair.client->log->len;

  g_clear_pointer (&pair.client->transport, transport_free);
  g_assert_cmpuint (pair.client->log->len, ==, before);
  g_clear_pointer (&pair.server->transport, transport_free);
  pair_clear (&pair);
}

static void
test_renew (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  g_autofree char *address = NULL, *command = NULL, *first = NULL;
  g_autoptr (GError) error = NULL;
  MuxSession *session;

  mini_start (server);
  address = mini_address (server);
  command = mini_enroll_command (server, client, "alice");
  mini_host_configure (client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", address,
                       command);
  session = mini_connect (client, "there", NULL, &error);
  g_assert_no_error (error);
  first = g_strdup (server->session->serial);
  g_assert_true (mini_renew (client, session, &error));
  g_assert_no_error (error);
  mini_close (client, session);
  transport_session_unref (session);
  session = mini_connect (client, "there", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (server->session->serial, !=, first);
  g_assert_cmpuint (mini_runs (client), ==, 1);
  /* The server's side cannot. */
  g_assert_false (mini_renew (server, server->session, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_FAILED);
  transport_session_unref (session);
}

static void
test_renew_own_file (void)
{
  Pair pair = pair_new (SERVER);
  g_autoptr (GError) error = NULL;

  g_assert_false (mini_renew (pair.client, pair.session, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "pem_cert"));
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/sessions/echo", test_echo);
  g_test_add_func ("/transport/sessions/services", test_services);
  g_test_add_func ("/transport/sessions/refuse", test_refuse);
  g_test_add_func ("/transport/sessions/events", test_events);
  g_test_add_func ("/transport/sessions/describe", test_describe);
  g_test_add_func ("/transport/sessions/over", test_over);
  g_test_add_func ("/transport/sessions/cancel-open", test_cancel_open);
  g_test_add_func ("/transport/sessions/hard-stop", test_hard_stop);
  g_test_add_func ("/transport/sessions/renew", test_renew);
  g_test_add_func ("/transport/sessions/renew-own-file", test_renew_own_file);
  return mini_run ();
}
