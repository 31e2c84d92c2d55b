/* What tells that the network may be another one: GNetworkMonitor, and logind when the machine wakes up. Sessions that were dialled look
 * at their paths at once then, instead of when a timer that backed off runs out. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct _TransportRoam TransportRoam;

/* For a transport with a session that was dialled; made with the first of them. */
TransportRoam *transport_roam_new (MuxTransport *transport);
void transport_roam_free (TransportRoam *roam);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportRoam, transport_roam_free)

G_END_DECLS
