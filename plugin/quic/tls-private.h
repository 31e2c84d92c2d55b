/* What tls.c and handshake.c share. */
#pragma once

#include "quic/tls.h"

#include <gnutls/gnutls.h>

G_BEGIN_DECLS

struct _QuicTls
{
  gatomicrefcount references;
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priority;
  PkiTrust *trust;
  gboolean server;
  gboolean accept_raw; /* server: a client without ALPN is welcome */
  char *alpn;          /* client: what is asked for, NULL = nothing; server: QUIC_ALPN */
  gboolean verify_name;
  char *host_name;
  gint64 (*clock) (void);
};

G_END_DECLS
