/* One entry of quic_servers: its sockets with their endpoints, its TLS, and the configuration they run by.
 * Owned by the transport. Freed only outside the endpoints' callbacks. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

struct _TransportListener
{
  MuxTransport *transport;
  ConfigSettings *settings;   /* keeps `server` */
  const ConfigServer *server; /* in force for new sessions */
  GPtrArray *sockets;         /* of NetUdp, until transport_listener_begin () */
  GPtrArray *drivers;         /* of QuicDriver */
  PkiCertificate *leaf;       /* what it shows */
  gboolean retired;           /* takes no more connections, and goes with its last session */
};

/* Resolves the bind address and opens every socket. The error names the address. */
TransportListener *transport_listener_bind (MuxTransport *transport, ConfigSettings *settings,
                                            const ConfigServer *server, GError **error);
void transport_listener_free (TransportListener *listener);
/* Bound addresses, ports filled in, are appended to @addresses (of NetAddress). */
void transport_listener_addresses (const TransportListener *listener, GArray *addresses);
/* Begins to accept. */
gboolean transport_listener_begin (TransportListener *listener, QuicTls *tls, PkiCertificate *leaf,
                                   const PkiSecret *secret, GError **error);
/* Shows @leaf and goes by @tls from the next connection on. */
void transport_listener_set_tls (TransportListener *listener, QuicTls *tls, PkiCertificate *leaf);
/* Goes by another configuration of the same address from the next session on. */
void transport_listener_configure (TransportListener *listener, ConfigSettings *settings,
                                   const ConfigServer *server);
/* aa{sv} items of its sockets. */
void transport_listener_describe (TransportListener *listener, GVariantBuilder *list);
/* Every connection ends, no new one begins. */
void transport_listener_shutdown (TransportListener *listener);

G_END_DECLS
