/* The server's life: start, stop, another configuration; clients that speak no mux/1. */
#include "unit/transport/mini-host.h"

#include <string.h>

#include "transport/domain.h"
#include "transport/listener.h"
#include "transport/peer-session.h"

#define ENTRY "{bind_address = '127.0.0.1:0', users = {'alice'}}"
#define SERVER "{quic_servers = {" ENTRY "}}"

static guint
n_listeners (MiniHost *mini)
{
  g_autoptr (GVariant) listeners = transport_describe_listeners (mini->transport);

  return (guint) g_variant_n_children (listeners);
}

static void
start_badly (MiniHost *mini, GQuark domain, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (mini->ops->start (mini->transport, &error));
  g_assert_error (error, domain, code);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
  g_assert_cmpuint (n_listeners (mini), ==, 0);
  g_assert_null (transport_authority (mini->transport));
}

static void
test_start_stop (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", SERVER);
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    {
      mini_start (mini);
      g_assert_cmpuint (n_listeners (mini), ==, 1);
      g_assert_false (mini->ops->start (mini->transport, &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_FAILED);
      g_clear_error (&error);
      mini_stop (mini);
      g_assert_cmpuint (n_listeners (mini), ==, 0);
    }
  mini_stop (mini); /* nothing to stop */
}

static void
test_address_in_use (void)
{
  g_autoptr (MiniHost) first = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) second = NULL;
  g_autofree char *address = NULL, *config = NULL;

  mini_start (first);
  address = mini_address (first);
  config = g_strdup_printf ("{quic_servers = {%s, {bind_address = '%s'}}}", ENTRY, address);
  second = mini_host_new (first->context, "second", config);
  start_badly (second, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE, address);
  mini_stop (first);
  mini_start (second);
  g_assert_cmpuint (n_listeners (second), ==, 2);
}

static gboolean
refuse_started (MuxTransport *transport, gpointer user_data, GError **error)
{
  g_assert_cmpuint (((GPtrArray *) transport->listeners)->len, ==, 1);
  g_set_error_literal (error, MUX_ERROR, MUX_ERROR_FAILED, "no room at the inn");
  return FALSE;
}

static void
test_failures (void)
{
  static const TransportObserver observer = { .started = refuse_started };
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) broken = mini_host_new (mini->context, "server", "{quic_servers = ");
  g_autoptr (MiniHost) none
      = mini_host_new (mini->context, "server", "{quic_clients = {}, quic_servers = {}}");
  g_autoptr (MiniHost) missing = mini_host_new (mini->context, "server",
                                                "{quic_servers = {{bind_address = '127.0.0.1:0', pem_cert = "
                                                "'/nonexistent/c', pem_private_key = '/nonexistent/k'}}}");
  g_autoptr (MiniHost) unresolvable = mini_host_new (
      mini->context, "server", "{quic_servers = {{bind_address = 'no-such-host.invalid:0'}}}");
  g_autoptr (GError) error = NULL;

  transport_set_observer (mini->transport, &observer, NULL);
  start_badly (mini, MUX_ERROR, MUX_ERROR_FAILED, "no room");
  start_badly (broken, MUX_ERROR, MUX_ERROR_CONFIG, "config.lua");
  g_assert_null (mini_connect (broken, "there", NULL, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_CONFIG);
  start_badly (none, MUX_ERROR, MUX_ERROR_CONFIG, "quic_servers");
  g_clear_error (&error);
  g_assert_false (missing->ops->start (missing->transport, &error));
  g_assert_nonnull (strstr (error->message, "/nonexistent/"));
  g_clear_error (&error);
  g_assert_false (unresolvable->ops->start (unresolvable->transport, &error));
  g_assert_nonnull (strstr (error->message, "no-such-host.invalid"));
}

static void
test_names (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server",
                                             "{quic_servers = {{bind_address = '127.0.0.3:0', extra_san = "
                                             "{'shell.example.org'}}, {bind_address = '127.0.0.4:0'}}}");
  const char *const *names;
  g_auto (GStrv) addresses = NULL;

  mini_start (mini);
  names = transport_server_names (mini->transport);
  g_assert_cmpstr (names[0], ==, g_get_host_name ());
  g_assert_true (g_strv_contains (names, "localhost"));
  g_assert_true (g_strv_contains (names, "127.0.0.3"));
  g_assert_true (g_strv_contains (names, "127.0.0.4"));
  g_assert_true (g_strv_contains (names, "shell.example.org"));
  addresses = transport_server_addresses (mini->transport);
  g_assert_cmpuint (g_strv_length (addresses), ==, 2);
  g_assert_true (g_str_has_prefix (addresses[0], "127.0.0.3:"));
}

/* A wildcard stands for the addresses of the interfaces, here at least the loopback's. */
static void
test_wildcard (void)
{
  g_autoptr (MiniHost) mini
      = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '0.0.0.0:0'}}}");
  g_auto (GStrv) addresses = NULL;
  gboolean loopback = FALSE;

  mini_start (mini);
  addresses = transport_server_addresses (mini->transport);
  for (char **address = addresses; *address != NULL; address++)
    {
      g_assert_false (g_str_has_prefix (*address, "0.0.0.0"));
      loopback |= g_str_has_prefix (*address, "127.0.0.1:");
    }
  g_assert_true (loopback);
  g_assert_true (g_strv_contains (transport_server_names (mini->transport), "127.0.0.1"));
  g_assert_false (g_strv_contains (transport_server_names (mini->transport), "0.0.0.0"));
}

static MuxSession *
connect_client (MiniHost *server, MiniHost *client)
{
  g_autofree char *pem = mini_pem (server, client, "alice");
  g_autofree char *address = mini_address (server);
  g_autoptr (GError) error = NULL;
  MuxSession *session;

  mini_host_configure (client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", address,
                       pem);
  g_assert_true (client->ops->reload (client->transport, &error));
  session = mini_connect (client, "there", NULL, &error);
  g_assert_no_error (error);
  return session;
}

/* A stop says goodbye: both sides know, and nobody calls it an error. */
static void
test_stop_with_sessions (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  MuxSession *first, *second;

  mini_start (server);
  first = connect_client (server, client);
  second = connect_client (server, client);
  mini_stop (server);
  g_assert_false (mini_has_log (server, "session closed:"));
  mini_wait_log (client, "session closed");
  while (client->transport->sessions->len > 0)
    g_main_context_iteration (client->context, TRUE);
  g_assert_false (mini_has_log (client, "session closed:"));
  transport_session_unref (first);
  transport_session_unref (second);
  /* A client is stopped the same way, though it never was started. */
  mini_start (server);
  first = connect_client (server, client);
  mini_stop (client);
  g_assert_cmpint (transport_session_state (first), ==, MUX_SESSION_CLOSED);
  transport_session_unref (first);
}

static void
count_cb (MuxTransport *transport, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_reload (void)
{
  static const TransportObserver observer = { .listeners_changed = count_cb };
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL, *after = NULL;
  g_autoptr (GIOStream) channel = NULL;
  MuxSession *session;
  guint changes = 0;

  transport_set_observer (server->transport, &observer, &changes);
  mini_start (server);
  session = connect_client (server, client);
  address = mini_address (server);

  /* Bad ones change nothing. */
  mini_host_configure (server, "{quic_servers = ");
  g_assert_false (server->ops->reload (server->transport, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_CONFIG);
  g_clear_error (&error);
  mini_host_configure (
      server,
      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'bob'}}, {bind_address = '127.0.0.5:0'}, "
      "{bind_address = '%s'}}}",
      address);
  g_assert_false (server->ops->reload (server->transport, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_clear_error (&error);
  g_assert_cmpuint (n_listeners (server), ==, 1);
  transport_session_unref (connect_client (server, client)); /* alice may still come */

  /* A good one: another user, another address; the socket and the session stay. */
  mini_host_configure (
      server,
      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'bob'}}, {bind_address = '127.0.0.5:0'}}}");
  g_assert_true (server->ops->reload (server->transport, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (changes, ==, 0); /* not from inside the call */
  while (changes == 0)
    g_main_context_iteration (server->context, TRUE);
  g_assert_cmpuint (n_listeners (server), ==, 2);
  after = mini_address (server);
  g_assert_cmpstr (address, ==, after);
  g_assert_null (mini_connect (client, "there", NULL, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_REFUSED);
  g_clear_error (&error);
  channel = mini_open (client, session, NULL, &error);
  g_assert_no_error (error);
  mini_echo (client, channel, 100000);
  transport_session_unref (session);
}

/* A listener that the configuration no longer has takes nobody in, and goes with its last session. */
static void
test_retire (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  g_autoptr (MiniHost) client = mini_host_new (server->context, "client", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = NULL;
  MuxSession *session;

  mini_start (server);
  session = connect_client (server, client);
  mini_host_configure (server, "{quic_servers = {{bind_address = '127.0.0.5:0', users = {'alice'}}}}");
  g_assert_true (server->ops->reload (server->transport, &error));
  g_assert_cmpuint (n_listeners (server), ==, 1);
  channel = mini_open (client, session, NULL, &error);
  g_assert_no_error (error);
  mini_echo (client, channel, 100000);
  g_assert_cmpuint (server->transport->listeners->len, ==, 2);
  g_assert_null (mini_connect (client, "there", NULL, &error));
  g_assert_nonnull (error);
  mini_close (client, session);
  while (server->transport->listeners->len == 2)
    g_main_context_iteration (server->context, TRUE);
  transport_session_unref (session);
}

/* Certificates of the person's own on both sides: no CA is made. */
static void
test_own_files (void)
{
  g_autoptr (MiniHost) maker = mini_host_new (NULL, "maker", SERVER);
  g_autoptr (MiniHost) server = mini_host_new (maker->context, "own", NULL);
  g_autoptr (MiniHost) client = mini_host_new (maker->context, "client", NULL);
  g_autofree char *server_pem = NULL, *pem = NULL, *address = NULL;
  g_autofree char *pki = pki_store_default_path ("maker", FALSE, "pki/server.pem");
  g_autofree char *ca = pki_store_default_path ("maker", FALSE, "pki/ca.pem");
  g_autofree char *made = pki_store_default_path ("own", FALSE, "pki/ca-key.pem");
  g_autoptr (GError) error = NULL;
  MuxSession *session;

  mini_start (maker);
  pem = mini_pem (maker, client, "alice");
  mini_host_configure (server,
                       "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}, pem_cert = '%s', "
                       "pem_private_key = '%s', "
                       "pem_ca = '%s'}}}",
                       pki, pki, ca);
  mini_start (server);
  g_assert_null (transport_authority (server->transport));
  g_assert_false (g_file_test (made, G_FILE_TEST_EXISTS));
  address = mini_address (server);
  mini_host_configure (client, "{quic_clients = {{name = 'there', remote_address = '%s', %s}}}", address,
                       pem);
  session = mini_connect (client, "there", NULL, &error);
  g_assert_no_error (error);
  transport_session_unref (session);
}

/* A client without ALPN */

typedef struct
{
  gboolean connected, closed, readable;
  guint64 code;
  char *message;
  char answer[16];
} Raw;

static void
raw_readable_cb (QuicStream *stream, gpointer data)
{
  Raw *raw = data;

  quic_stream_read (stream, raw->answer, sizeof raw->answer - 1);
  raw->readable = TRUE;
}

static void
raw_stream_closed_cb (QuicStream *stream, gpointer data)
{
}

static const QuicStreamEvents raw_stream_events
    = { .readable = raw_readable_cb, .closed = raw_stream_closed_cb };

static void
raw_connected_cb (QuicConnection *connection, gpointer data)
{
  Raw *raw = data;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  QuicStream *stream = quic_connection_open_stream (connection);

  raw->connected = TRUE;
  quic_stream_set_events (stream, &raw_stream_events, raw);
  quic_stream_write (stream, bytes);
}

static void
raw_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer data)
{
  Raw *raw = data;

  raw->code = info->code;
  raw->message = g_strdup (info->error != NULL ? info->error->message : "");
  raw->closed = TRUE;
}

static const QuicConnectionEvents raw_events = { .connected = raw_connected_cb, .closed = raw_closed_cb };

static QuicDriver *
raw_dial (MiniHost *server, Raw *raw)
{
  g_autofree char *address = mini_address (server);
  g_autoptr (MiniHost) files = mini_host_new (server->context, "files", NULL);
  g_autofree char *pem = mini_pem (server, files, "alice");
  g_autofree char *key = g_build_filename (files->directory, "key.pem", NULL);
  g_autofree char *certificate = g_build_filename (files->directory, "cert.pem", NULL);
  g_autofree char *ca = g_build_filename (files->directory, "ca.pem", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiCredentials) credentials = pki_credentials_load (key, certificate, &error);
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  g_autoptr (QuicTls) tls = NULL;
  g_autoptr (PkiSecret) secret = pki_secret_new_random (&error);
  const QuicConnectionConfig config = { .max_idle_timeout_ms = 30000, .handshake_timeout_ms = 10000 };
  NetAddress local, remote;
  QuicDriver *driver;

  g_assert_nonnull (pem);
  g_assert_true (pki_trust_add_path (trust, ca, &error));
  tls = quic_tls_new_client (credentials, trust, "127.0.0.1", TRUE, NULL, &error);
  net_address_from_numeric (&local, "0.0.0.0", 0);
  net_address_from_numeric (&remote, "127.0.0.1",
                            (guint16) g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10));
  driver = quic_driver_new_client (net_udp_open (&local, NET_UDP_DEFAULT, &error), server->context, "raw",
                                   secret, &error);
  g_assert_no_error (error);
  g_assert_nonnull (quic_driver_connect (driver, &remote, tls, &config, &raw_events, raw, &error));
  return driver;
}

static void
test_raw (void)
{
  g_autoptr (MiniHost) server = mini_host_new (
      NULL, "server",
      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}, raw_service = 'wezterm'}}}");
  Raw raw = { 0 };
  QuicDriver *driver;
  const char *service = NULL;
  gboolean is_raw = FALSE;

  mini_start (server);
  driver = raw_dial (server, &raw);
  mini_wait (server, &raw.readable);
  g_assert_cmpstr (raw.answer, ==, "hello");
  g_assert_true (g_variant_lookup (server->request, "service", "&s", &service));
  g_assert_cmpstr (service, ==, "wezterm");
  g_assert_true (g_variant_lookup (server->request, "raw", "b", &is_raw) && is_raw);
  quic_driver_free (driver);
  g_free (raw.message);
}

static void
test_raw_without_service (void)
{
  g_autoptr (MiniHost) server = mini_host_new (NULL, "server", SERVER);
  Raw raw = { 0 };
  QuicDriver *driver;

  mini_start (server);
  driver = raw_dial (server, &raw);
  mini_wait (server, &raw.closed);
  g_assert_cmpuint (raw.code, ==, QUIC_CODE_UNAVAILABLE);
  g_assert_nonnull (strstr (raw.message, "raw_service"));
  g_assert_null (server->request);
  quic_driver_free (driver);
  g_free (raw.message);
}

static void
test_raw_wrong_user (void)
{
  g_autoptr (MiniHost) server = mini_host_new (
      NULL, "server",
      "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'bob'}, raw_service = 'wezterm'}}}");
  Raw raw = { 0 };
  QuicDriver *driver;

  mini_start (server);
  driver = raw_dial (server, &raw);
  mini_wait (server, &raw.closed);
  g_assert_cmpuint (raw.code, ==, QUIC_CODE_REFUSED);
  g_assert_true (g_str_has_suffix (raw.message, "CN validation failed"));
  g_assert_null (server->request);
  quic_driver_free (driver);
  g_free (raw.message);
}

static void
test_check (void)
{
  g_autoptr (MiniHost) mini = mini_host_new (NULL, "server", SERVER);
  guint n_warnings = 17;
  g_auto (GStrv) good = mini->ops->check (mini->transport, NULL, &n_warnings);
  g_auto (GStrv) bad = NULL;

  g_assert_cmpuint (g_strv_length (good), ==, 0);
  g_assert_cmpuint (n_warnings, ==, 0);
  mini_host_configure (mini, "{quic_servers = ");
  bad = mini->ops->check (mini->transport, mini->config, &n_warnings);
  g_assert_cmpuint (g_strv_length (bad), >=, 1);
  g_assert_nonnull (strstr (bad[0], "config.lua"));
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/serving/start-stop", test_start_stop);
  g_test_add_func ("/transport/serving/address-in-use", test_address_in_use);
  g_test_add_func ("/transport/serving/failures", test_failures);
  g_test_add_func ("/transport/serving/names", test_names);
  g_test_add_func ("/transport/serving/wildcard", test_wildcard);
  g_test_add_func ("/transport/serving/stop-with-sessions", test_stop_with_sessions);
  g_test_add_func ("/transport/serving/reload", test_reload);
  g_test_add_func ("/transport/serving/retire", test_retire);
  g_test_add_func ("/transport/serving/own-files", test_own_files);
  g_test_add_func ("/transport/serving/raw", test_raw);
  g_test_add_func ("/transport/serving/raw-without-service", test_raw_without_service);
  g_test_add_func ("/transport/serving/raw-wrong-user", test_raw_wrong_user);
  g_test_add_func ("/transport/serving/check", test_check);
  return mini_run ();
}
