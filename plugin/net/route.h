/* What the system knows of the ways out of this machine: looks only, nothing is sent. Never calls back. */
#pragma once

#include "net/address.h"

G_BEGIN_DECLS

/* Fills @source with the address from which datagrams to @remote would be sent; its port is 0. FALSE, and @source as it was, when no route
 * leads there now. */
gboolean net_route_source (const NetAddress *remote, NetAddress *source);
/* Whether @address is one of this machine's, whatever the port. The wildcard address is. */
gboolean net_route_is_here (const NetAddress *address);

G_END_DECLS
