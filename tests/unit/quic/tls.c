/* Who may come in: certificates both ways, the application protocol, and the exact alerts. A refused
 * handshake never shows a stream. */
#include "harness/pair.h"

#include <gnutls/gnutls.h>

static Certs *certs, *others;

typedef struct
{
  const char *name;
  gboolean no_certificate, other_client, other_server, wrong_name, late;
  int alert;
  LinkSide refuses;
} Case;

static gint64
late_clock (void)
{
  return g_get_real_time () / G_USEC_PER_SEC + 400 * 24 * 3600;
}

static QuicTls *
client_tls (PkiCredentials *credentials, PkiTrust *trust, const char *name, gboolean verify, const char *alpn)
{
  g_autoptr (GError) error = NULL;
  QuicTls *tls = quic_tls_new_client (credentials, trust, name, verify, alpn, &error);

  g_assert_no_error (error);
  return tls;
}

static void
use_client_tls (Pair *pair, QuicTls *tls)
{
  quic_tls_unref (pair->client_tls);
  pair->client_tls = tls;
}

static void
use_server_tls (Pair *pair, PkiCredentials *credentials, gboolean raw)
{
  g_autoptr (GError) error = NULL;

  quic_tls_unref (pair->server_tls);
  pair->server_tls = quic_tls_new_server (credentials, certs->trust, raw, &error);
  g_assert_no_error (error);
}

static void
assert_alert (const Peer *peer, int alert)
{
  g_assert_true (peer->closed);
  g_assert_cmpint (peer->close.cause, ==, QUIC_CLOSE_TLS);
  g_assert_cmpint (peer->close.alert, ==, alert);
  g_assert_cmpuint (peer->close.code, ==, 0x100 + (guint64)alert);
  g_assert_error (peer->close.error, MUX_ERROR, MUX_ERROR_TLS);
  g_assert_cmpuint (peer->flows->len, ==, 0);
  g_assert_false (peer->connected);
}

static void
test_refused (gconstpointer data)
{
  const Case *with = data;
  g_autoptr (Pair) pair = pair_new (certs, 1);
  Peer *bad, *good;

  if (with->other_server)
    use_server_tls (pair, others->server, FALSE);
  if (with->late && with->refuses == LINK_SERVER)
    quic_tls_set_clock (pair->server_tls, late_clock);
  use_client_tls (pair, client_tls (with->no_certificate ? NULL
                                    : with->other_client ? others->client
                                                         : certs->client,
                                    certs->trust, with->wrong_name ? "elsewhere.test" : "server.test", TRUE,
                                    QUIC_ALPN));
  if (with->late && with->refuses == LINK_CLIENT)
    quic_tls_set_clock (pair->client_tls, late_clock);
  bad = pair_connect (pair);
  link_run (pair->link, 2 * BASE_SECOND);
  assert_alert (bad, with->alert);
  assert_alert (pair_last_server (pair), with->alert);
  /* A good one comes in afterwards. */
  if (with->other_server || (with->late && with->refuses == LINK_SERVER))
    {
      use_server_tls (pair, certs->server, FALSE);
      quic_endpoint_set_tls (pair->server, pair->server_tls);
    }
  use_client_tls (pair, client_tls (certs->client, certs->trust, "server.test", TRUE, QUIC_ALPN));
  good = pair_connected (pair);
  g_assert_true (good->connected);
}

/* The names that are no DNS names, and the switch that leaves the name unverified. */
static void
test_names (void)
{
  static const struct
  {
    const char *name;
    gboolean verify;
  } good[] = { { "127.0.0.1", TRUE },
               { "::1", TRUE },
               { "localhost", TRUE },
               { "elsewhere.test", FALSE },
               { NULL, FALSE } };
  g_autoptr (Pair) pair = pair_new (certs, 2);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      use_client_tls (pair,
                      client_tls (certs->client, certs->trust, good[i].name, good[i].verify, QUIC_ALPN));
      pair_connected (pair);
    }
  g_assert_null (quic_tls_new_client (certs->client, certs->trust, NULL, TRUE, QUIC_ALPN, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_TLS);
}

/* A client without ALPN: raw where that is welcome, alert 120 where not; the chain is verified all the same.
 */
static void
test_raw (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 3);
  Peer *client;

  use_client_tls (pair, client_tls (certs->client, certs->trust, "server.test", TRUE, NULL));
  client = pair_connect (pair);
  link_run (pair->link, BASE_SECOND);
  assert_alert (client, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  assert_alert (pair_last_server (pair), GNUTLS_A_NO_APPLICATION_PROTOCOL);
  use_server_tls (pair, certs->server, TRUE);
  quic_endpoint_set_tls (pair->server, pair->server_tls);
  client = pair_connected (pair);
  g_assert_true (client->raw && pair_last_server (pair)->raw);
  use_client_tls (pair, client_tls (certs->client, certs->trust, "server.test", TRUE, QUIC_ALPN));
  client = pair_connected (pair);
  g_assert_false (client->raw || pair_last_server (pair)->raw);
  /* A wrong protocol is refused even there. */
  use_client_tls (pair, client_tls (certs->client, certs->trust, "server.test", TRUE, "h3"));
  client = pair_connect (pair);
  link_run (pair->link, BASE_SECOND);
  assert_alert (client, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  assert_alert (pair_last_server (pair), GNUTLS_A_NO_APPLICATION_PROTOCOL);
  use_client_tls (pair, client_tls (NULL, certs->trust, "server.test", TRUE, NULL));
  client = pair_connect (pair);
  link_run (pair->link, BASE_SECOND);
  assert_alert (client, GNUTLS_A_CERTIFICATE_REQUIRED);
}

/* The user may refuse whom TLS let in. */
static void
test_unauthorised (void)
{
  g_autoptr (Pair) pair = pair_new (certs, 4);
  Peer *client, *server;

  pair->refuse = TRUE;
  client = pair_connect (pair);
  g_assert_true (link_run_until (pair->link, peer_is_closed, client, BASE_SECOND));
  server = pair_last_server (pair);
  g_assert_false (server->connected);
  g_assert_cmpint (client->close.cause, ==, QUIC_CLOSE_PEER);
  g_assert_true (client->close.application);
  g_assert_cmpuint (client->close.code, ==, QUIC_CODE_REFUSED);
  g_assert_error (client->close.error, MUX_ERROR, MUX_ERROR_REFUSED);
  g_assert_nonnull (strstr (client->close.error->message, "not on the list"));
}

int
main (int argc, char *argv[])
{
  static const Case cases[] = {
    { .name = "no-certificate", .no_certificate = TRUE, .alert = 116, .refuses = LINK_SERVER },
    { .name = "other-client-ca", .other_client = TRUE, .alert = 48, .refuses = LINK_SERVER },
    { .name = "other-server-ca", .other_server = TRUE, .alert = 48, .refuses = LINK_CLIENT },
    { .name = "wrong-name", .wrong_name = TRUE, .alert = 42, .refuses = LINK_CLIENT },
    { .name = "expired-client", .late = TRUE, .alert = 45, .refuses = LINK_SERVER },
    { .name = "expired-server", .late = TRUE, .alert = 45, .refuses = LINK_CLIENT },
  };
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  others = certs_new ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("/quic/tls/refused/%s", cases[i].name);

      g_test_add_data_func (name, &cases[i], test_refused);
    }
  g_test_add_func ("/quic/tls/names", test_names);
  g_test_add_func ("/quic/tls/raw", test_raw);
  g_test_add_func ("/quic/tls/unauthorised", test_unauthorised);
  result = g_test_run ();
  certs_free (others);
  certs_free (certs);
  return result;
}
