/* Every certificate that must be refused, in a real handshake and from both sides: the exact alert, no stream, no byte, and a good peer
 * comes in right after it. */
#include "harness/chains.h"
#include "harness/pair.h"
#include "quic/tls-private.h"

#include <gnutls/abstract.h>

static Certs *certs;

/* What the bad side presents: the bytes of @chains, whatever they are, with the leaf's key. */
typedef struct
{
  gnutls_pcert_st certificates[CHAINS_MAX];
  guint n;
  gnutls_privkey_t key;
} Presented;

static Presented presented;

static const Forged *
leaf_of (const Chains *chains)
{
  for (guint i = 0; i < chains->made->len; i++)
    if (chains->n_sent > 0 && ((Forged *) chains->made->pdata[i])->der.data == chains->sent[0].data)
      return chains->made->pdata[i];
  return NULL;
}

/* GnuTLS would not send what is unfit, so it is given the fit certificate of a @carrier, with the bytes exchanged. */
static void
present (const Chains *chains, const Forged *carrier)
{
  const Forged *leaf = leaf_of (chains), *like = leaf;

  if (leaf == NULL)
    leaf = like = carrier;
  else if (gnutls_x509_privkey_get_pk_algorithm (leaf->key) == GNUTLS_PK_ECDSA)
    like = carrier;
  presented.n = chains->n_sent;
  for (guint i = 0; i < presented.n; i++)
    {
      gnutls_pcert_st *one = &presented.certificates[i];
      const gnutls_datum_t *bytes = &chains->sent[i];

      g_assert_cmpint (gnutls_pcert_import_x509 (one, like->certificate, 0), ==, 0);
      gnutls_free (one->cert.data);
      one->cert.data = gnutls_malloc (bytes->size);
      one->cert.size = bytes->size;
      memcpy (one->cert.data, bytes->data, bytes->size);
    }
  g_assert_cmpint (gnutls_privkey_init (&presented.key), ==, 0);
  g_assert_cmpint (gnutls_privkey_import_x509 (presented.key, leaf->key, 0), ==, 0);
}

static void
present_no_more (void)
{
  for (guint i = 0; i < presented.n; i++)
    gnutls_pcert_deinit (&presented.certificates[i]);
  gnutls_privkey_deinit (presented.key);
  presented = (Presented){ 0 };
}

static int
retrieve_cb (gnutls_session_t session, const gnutls_datum_t *ca_names, int n_ca_names, const gnutls_pk_algorithm_t *algorithms,
             int n_algorithms, gnutls_pcert_st **certificates, unsigned int *n, gnutls_privkey_t *key)
{
  *certificates = presented.certificates;
  *n = presented.n;
  *key = presented.key;
  return 0;
}

static QuicTls *
tls_of (gboolean server, PkiCredentials *credentials, PkiTrust *trust)
{
  g_autoptr (GError) error = NULL;
  QuicTls *tls = server ? quic_tls_new_server (credentials, trust, FALSE, &error)
                        : quic_tls_new_client (credentials, trust, CHAINS_HOST, TRUE, QUIC_ALPN, &error);

  g_assert_no_error (error);
  return tls;
}

/* The side under @chains' purpose presents them, the other one trusts their CA alone. */
static void
set_tls (Pair *pair, Chains *chains)
{
  gboolean server_presents = chains->purpose == PKI_PURPOSE_SERVER;
  QuicTls *bad;

  quic_tls_unref (pair->server_tls);
  quic_tls_unref (pair->client_tls);
  pair->server_tls = tls_of (TRUE, server_presents ? NULL : certs->server, server_presents ? certs->trust : chains->trust);
  pair->client_tls = tls_of (FALSE, server_presents ? certs->client : NULL, server_presents ? chains->trust : certs->trust);
  bad = server_presents ? pair->server_tls : pair->client_tls;
  gnutls_certificate_set_retrieve_function2 (bad->credentials, retrieve_cb);
  if (pair->server != NULL)
    quic_endpoint_set_tls (pair->server, pair->server_tls);
}

static void
assert_nothing (Peer *peer)
{
  g_assert_true (peer->closed);
  g_assert_false (peer->connected);
  g_assert_cmpuint (peer->flows->len, ==, 0);
  g_assert_cmpint (peer->close.cause, ==, QUIC_CLOSE_TLS);
}

static void
try_bad (Pair *pair, Chains *chains, const BadChain *bad, const Forged *carrier)
{
  int alert = bad->tls_alert != 0 ? bad->tls_alert : bad->alert;
  Peer *client, *server;

  chains_send_bad (chains, bad);
  /* A server that has nothing to present gives up by itself. */
  if (chains->n_sent == 0 && chains->purpose == PKI_PURPOSE_SERVER)
    alert = GNUTLS_A_HANDSHAKE_FAILURE;
  present (chains, carrier);
  set_tls (pair, chains);
  client = pair_connect (pair);
  link_run (pair->link, 2 * BASE_SECOND);
  server = pair_last_server (pair);
  assert_nothing (client);
  assert_nothing (server);
  g_test_message ("%s: alert %d", bad->name, client->close.alert);
  g_assert_cmpint (client->close.alert, ==, alert);
  g_assert_cmpint (server->close.alert, ==, alert);
  present_no_more ();
}

/* By the same endpoints, and with a byte there and back. */
static void
try_good (Pair *pair, Chains *chains, const Forged *carrier)
{
  Peer *client;
  Flow *flow;

  chains_start_again (chains);
  chains_by_ca (chains, &chains_good_leaf);
  present (chains, carrier);
  set_tls (pair, chains);
  client = pair_connected (pair);
  flow = peer_open (client);
  flow_send (flow, 1);
  g_assert_true (link_run_until (pair->link, flow_is_closed, flow, BASE_SECOND));
  g_assert_cmpuint (flow->received, ==, 1);
  quic_connection_close (client->connection, QUIC_CODE_NONE, "done");
  link_run (pair->link, BASE_SECOND);
  present_no_more ();
}

static void
test_bad (Chains *chains, gconstpointer purpose)
{
  g_autoptr (Pair) pair = pair_new (certs, 1);
  const ForgeSpec fit = { .common_name = "carrier", .usage = CHAINS_SIGNING };
  g_autoptr (Forged) carrier = forge (&fit, NULL);
  guint n = 0;

  chains->purpose = GPOINTER_TO_UINT (purpose);
  pair->server_echo = TRUE;
  for (gsize i = 0; i < n_bad_chains; i++)
    {
      if (bad_chains[i].server_only && chains->purpose != PKI_PURPOSE_SERVER)
        continue;
      try_bad (pair, chains, &bad_chains[i], carrier);
      try_good (pair, chains, carrier);
      n++;
    }
  g_test_message ("%u handshakes refused with their alert, a good one after each", n);
  g_assert_cmpuint (n, >=, 25);
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  g_test_add ("/quic/bad-certificates/servers", Chains, GUINT_TO_POINTER (PKI_PURPOSE_SERVER), chains_set_up, test_bad, chains_tear_down);
  g_test_add ("/quic/bad-certificates/clients", Chains, GUINT_TO_POINTER (PKI_PURPOSE_CLIENT), chains_set_up, test_bad, chains_tear_down);
  result = g_test_run ();
  certs_free (certs);
  return result;
}
