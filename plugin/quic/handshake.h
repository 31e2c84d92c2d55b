/* The TLS side of one connection: a GnuTLS session that drives ngtcp2, the verification of the peer, and what came of it. Needed until the
 * handshake is confirmed, then freed: neither key updates nor anything else needs it (no tickets, no post-handshake authentication).
 * Must not be freed from inside an ngtcp2 callback. */
#pragma once

#include "quic/tls.h"

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

G_BEGIN_DECLS

typedef struct
{
  ngtcp2_crypto_conn_ref ref; /* what GnuTLS's callbacks get */
  ngtcp2_conn *conn;
  gnutls_session_t session;
  QuicTls *tls;
  PkiCertificate *peer; /* verified leaf, NULL before */
  int alert;            /* the exact alert of a refusal of ours, -1 = none */
  GError *error;        /* its reason */
} QuicHandshake;

QuicHandshake *quic_handshake_new (QuicTls *tls, gboolean server, GError **error);
void quic_handshake_free (QuicHandshake *handshake);
/* Gives @conn the session. */
void quic_handshake_attach (QuicHandshake *handshake, ngtcp2_conn *conn);
/* Whether no ALPN was negotiated. */
gboolean quic_handshake_is_raw (const QuicHandshake *handshake);

G_END_DECLS
