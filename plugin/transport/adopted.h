/* Sockets that were bound for this host before it began (MuxHost.sockets): each is lent to the listener that
 * is for its address. The descriptors stay open as long as the transport lives, and listeners get copies: so
 * an entry of quic_servers that goes with one configuration and comes back with the next finds its socket
 * again. Nobody could bind it anew, because who passed it holds it too. Errors are those of net_udp_adopt ().
 * Never calls back. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct _TransportAdopted TransportAdopted;

/* Takes over the descriptors. What is no bound UDP socket is closed, and complained of. */
TransportAdopted *transport_adopted_new (const MuxHost *host);
void transport_adopted_free (TransportAdopted *adopted);

/* Appends to @sockets (of NetUdp) what there is for @address and lent to nobody: for [::] also the socket of
 * 0.0.0.0 beside one that takes IPv6 only. @any_port: of that host, whatever the port. FALSE without @error:
 * there is none. */
gboolean transport_adopted_lend (TransportAdopted *adopted, const NetAddress *address, gboolean any_port,
                                 GPtrArray *sockets, GError **error);
/* @udp, which may be none of these, is about to be freed. */
void transport_adopted_release (TransportAdopted *adopted, const NetUdp *udp);
/* Says of each that is lent to nobody what to do. */
void transport_adopted_complain (const TransportAdopted *adopted);

G_END_DECLS
