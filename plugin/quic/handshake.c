#include "quic/handshake.h"

#include "base/error.h"
#include "quic/tls-private.h"

#include <glib/gi18n-lib.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <string.h>

static ngtcp2_conn *
get_conn_cb (ngtcp2_crypto_conn_ref *ref)
{
  return ((QuicHandshake *)ref->user_data)->conn;
}

static QuicHandshake *
handshake_of (gnutls_session_t session)
{
  return ((ngtcp2_crypto_conn_ref *)gnutls_session_get_ptr (session))->user_data;
}

gboolean
quic_handshake_is_raw (const QuicHandshake *handshake)
{
  gnutls_datum_t protocol;

  return gnutls_alpn_get_selected_protocol (handshake->session, &protocol) != 0;
}

static int
refuse (QuicHandshake *handshake, int alert, int error)
{
  handshake->alert = alert;
  return error;
}

/* Server, after the ClientHello: a wrong ALPN was refused by GnuTLS itself (GNUTLS_ALPN_MANDATORY), none at
 * all is ours to judge. */
static int
client_hello_cb (gnutls_session_t session, unsigned int type, unsigned when, unsigned int incoming,
                 const gnutls_datum_t *message)
{
  QuicHandshake *handshake = handshake_of (session);

  if (handshake->tls->accept_raw || !quic_handshake_is_raw (handshake))
    return 0;
  base_error_set (&handshake->error, MUX_ERROR_TLS, _ ("The client asked for no application protocol"));
  return refuse (handshake, GNUTLS_A_NO_APPLICATION_PROTOCOL, GNUTLS_E_NO_APPLICATION_PROTOCOL);
}

/* Called once per handshake, when the peer's certificate message came. Fails closed: without a verified leaf
 * in @peer the connection never completes. */
static int
verify_cb (gnutls_session_t session)
{
  QuicHandshake *handshake = handshake_of (session);
  QuicTls *tls = handshake->tls;
  unsigned int n = 0;
  const gnutls_datum_t *chain;
  int alert = GNUTLS_A_CERTIFICATE_UNKNOWN;

  if (!tls->server && tls->alpn != NULL && quic_handshake_is_raw (handshake))
    {
      base_error_set (&handshake->error, MUX_ERROR_TLS, _ ("The server does not speak %s"), tls->alpn);
      return refuse (handshake, GNUTLS_A_NO_APPLICATION_PROTOCOL, GNUTLS_E_NO_APPLICATION_PROTOCOL);
    }
  chain = gnutls_certificate_get_peers (session, &n);
  handshake->peer = pki_trust_verify (
      tls->trust, chain, chain != NULL ? n : 0, tls->server ? PKI_PURPOSE_CLIENT : PKI_PURPOSE_SERVER,
      tls->verify_name ? tls->host_name : NULL, tls->clock (), &alert, &handshake->error);
  if (handshake->peer == NULL)
    return refuse (handshake, alert, GNUTLS_E_CERTIFICATE_ERROR);
  return 0;
}

static int
configure_server (QuicHandshake *handshake)
{
  gnutls_certificate_server_set_request (handshake->session, GNUTLS_CERT_REQUIRE);
  /* Without the names of our CAs: a client has one certificate for us, and strangers need not read them. */
  gnutls_certificate_send_x509_rdn_sequence (handshake->session, 1);
  gnutls_handshake_set_hook_function (handshake->session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_POST,
                                      client_hello_cb);
  return ngtcp2_crypto_gnutls_configure_server_session (handshake->session);
}

static int
configure_client (QuicHandshake *handshake)
{
  const QuicTls *tls = handshake->tls;

  if (tls->host_name != NULL && !g_hostname_is_ip_address (tls->host_name))
    {
      int rv = gnutls_server_name_set (handshake->session, GNUTLS_NAME_DNS, tls->host_name,
                                       strlen (tls->host_name));

      if (rv < 0)
        return rv;
    }
  return ngtcp2_crypto_gnutls_configure_client_session (handshake->session);
}

static int
configure (QuicHandshake *handshake, gboolean server)
{
  QuicTls *tls = handshake->tls;
  unsigned int flags = server ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET
                              : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | GNUTLS_KEY_SHARE_TOP;
  int rv = gnutls_init (&handshake->session, flags | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL);

  if (rv < 0)
    return rv;
  gnutls_session_set_ptr (handshake->session, &handshake->ref);
  rv = gnutls_priority_set (handshake->session, tls->priority);
  if (rv >= 0)
    rv = gnutls_credentials_set (handshake->session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
  if (rv >= 0 && tls->alpn != NULL)
    {
      const gnutls_datum_t alpn = { .data = (guint8 *)tls->alpn, .size = (unsigned int)strlen (tls->alpn) };

      rv = gnutls_alpn_set_protocols (handshake->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
    }
  if (rv < 0)
    return rv;
  gnutls_session_set_verify_function (handshake->session, verify_cb);
  return server ? configure_server (handshake) : configure_client (handshake);
}

void
quic_handshake_attach (QuicHandshake *handshake, ngtcp2_conn *conn)
{
  handshake->conn = conn;
  ngtcp2_conn_set_tls_native_handle (conn, handshake->session);
}

QuicHandshake *
quic_handshake_new (QuicTls *tls, gboolean server, GError **error)
{
  QuicHandshake *handshake = g_new0 (QuicHandshake, 1);
  int rv;

  g_assert (tls->server == server);
  handshake->ref = (ngtcp2_crypto_conn_ref){ .get_conn = get_conn_cb, .user_data = handshake };
  handshake->tls = quic_tls_ref (tls);
  handshake->alert = -1;
  rv = configure (handshake, server);
  if (rv < 0)
    {
      base_error_set (error, MUX_ERROR_TLS, _ ("A TLS session could not be set up: %s"),
                      gnutls_strerror (rv));
      quic_handshake_free (handshake);
      return NULL;
    }
  return handshake;
}

void
quic_handshake_free (QuicHandshake *handshake)
{
  if (handshake->conn != NULL)
    ngtcp2_conn_set_tls_native_handle (handshake->conn, NULL);
  if (handshake->session != NULL)
    gnutls_deinit (handshake->session);
  g_clear_pointer (&handshake->peer, pki_certificate_unref);
  g_clear_error (&handshake->error);
  quic_tls_unref (handshake->tls);
  g_free (handshake);
}
