/* One entry of `quic_servers`: its sockets, what they present and whom they believe. */
#pragma once

#include "quic/driver.h"
#include "transport/transport-private.h"

G_BEGIN_DECLS

/* Binds every address of @config (kept alive by @settings). MUX_ERROR_CONFIG, MUX_ERROR_PKI, or the system's error with the address. */
TransportListener *transport_listener_new (MuxTransport *transport, ConfigSettings *settings,
                                           const ConfigServer *config, GError **error);
/* Not from inside a callback of its endpoints. */
void transport_listener_free (TransportListener *listener);

const ConfigServer *transport_listener_config (const TransportListener *listener);
/* Takes @config's users, services, trust and certificate for new connections; the sockets stay. On error all stays as it was. */
gboolean transport_listener_reconfigure (TransportListener *listener, ConfigSettings *settings,
                                         const ConfigServer *config, GError **error);
/* Certificates again, from the files or the authority. */
gboolean transport_listener_refresh (TransportListener *listener, GError **error);

/* Whether certificates for its clients are issued here, and not by somebody's pem_ca. */
gboolean transport_listener_issues (const TransportListener *listener);
/* When to refresh: Unix seconds. */
gint64 transport_listener_renew_at (const TransportListener *listener);
void transport_listener_shutdown (TransportListener *listener);
/* Appends one a{sv} for each socket. */
void transport_listener_describe (const TransportListener *listener, GVariantBuilder *builder);
/* Appends "ADDRESS:PORT" of each socket, a wildcard replaced by the addresses of the interfaces. */
void transport_listener_addresses (const TransportListener *listener, GPtrArray *addresses);
PkiCertificate *transport_listener_certificate (const TransportListener *listener);

G_END_DECLS
