/* What every connection of a listener or domain shares of TLS 1.3: credentials, trust, the ALPN rule, one priority cache. Immutable,
 * reference-counted, so that a rotation swaps it for new connections while old ones keep theirs. No session tickets, no early data:
 * a resumed TLS session would skip the verification of the peer's certificate. */
#pragma once

#include "pki/authority.h"
#include "pki/trust.h"

G_BEGIN_DECLS

#define QUIC_ALPN "mux/1"

typedef struct _QuicTls QuicTls;

/* Requires and verifies a client certificate (PKI_PURPOSE_CLIENT). Accepts ALPN `mux/1` or, if @accept_raw, none at all; anything
 * else ends with alert 120. Refs both. */
QuicTls *quic_tls_new_server (PkiCredentials *credentials, PkiTrust *trust, gboolean accept_raw, GError **error);

/* @credentials may be NULL (tests: a client without certificate). @host_name: SNI and the name the server's SAN must hold;
 * with @verify_name FALSE the chain alone is verified. @alpn: NULL = none (raw), else QUIC_ALPN
 * (others in tests). */
QuicTls *quic_tls_new_client (PkiCredentials *credentials, PkiTrust *trust, const char *host_name,
                              gboolean verify_name, const char *alpn, GError **error);

/* For tests: the wall clock (Unix seconds) of verification; NULL = the system's. Before the first connection only. */
void quic_tls_set_clock (QuicTls *tls, gint64 (*clock) (void));

QuicTls *quic_tls_ref (QuicTls *tls);
void quic_tls_unref (QuicTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuicTls, quic_tls_unref)

G_END_DECLS
