/* What this host shows its clients and whom it believes: the private CA and the server certificate made by
 * it, or the files a person supplied; the seed of the endpoints' keys. Opens the PKI directory. Errors:
 * MUX_ERROR_PKI, G_IO_ERROR. Never calls back. */
#pragma once

#include <mux/host.h>
#include "config/settings.h"
#include "net/address.h"
#include "pki/registry.h"
#include "pki/secret.h"
#include "quic/tls.h"

G_BEGIN_DECLS

typedef struct _TransportServerPki TransportServerPki;

/* Makes or loads what the servers of @settings need. */
TransportServerPki *transport_server_pki_open (const MuxHost *host, const ConfigSettings *settings,
                                               GError **error);
void transport_server_pki_free (TransportServerPki *pki);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportServerPki, transport_server_pki_free)

/* NULL when every server has its own pem_ca and pem_cert. */
PkiAuthority *transport_server_pki_authority (TransportServerPki *pki);
/* NULL without an authority. */
PkiRegistry *transport_server_pki_registry (TransportServerPki *pki);
const PkiSecret *transport_server_pki_secret (const TransportServerPki *pki);
/* As far as transport_server_pki_tls () has read the list. */
gboolean transport_server_pki_is_revoked (const TransportServerPki *pki, const char *serial);
/* Of @host, whether it is open or not; free with g_free (). */
char *transport_server_pki_path (const MuxHost *host);

/* The TLS of @server. @names: what a generated certificate shall hold. *@leaf: the certificate shown,
 * transfer full. */
QuicTls *transport_server_pki_tls (TransportServerPki *pki, const ConfigServer *server,
                                   const char *const *names, gboolean accept_raw, PkiCertificate **leaf,
                                   GError **error);
gboolean transport_server_pki_is_generated (const ConfigServer *server);

/* Names and addresses under which a host that bound @addresses (of NetAddress) can be reached, the primary
 * one first, without a question to the network: its own name, localhost, the addresses (a wildcard is every
 * address of every interface), and @extra. */
char **transport_reachable_names (GArray *addresses, GPtrArray *extra);
/* @bound with a wildcard replaced by the addresses of every interface, as "ADDRESS:PORT"; appended to @list
 * (of char *). */
void transport_reachable_at (const NetAddress *bound, GPtrArray *list);

G_END_DECLS
