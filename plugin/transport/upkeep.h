/* What a server does by itself as time passes: renews its generated certificate, rotates the CA and ends the overlap, notes who was
 * seen. Dates are the wall clock's; what cannot be undone (a new CA, a CA
 * that is trusted no more, records that go) waits until that clock has not been set for a while. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct _TransportUpkeep TransportUpkeep;

/* For a server that has just started. */
TransportUpkeep *transport_upkeep_new (MuxTransport *transport);
/* Writes what was noted. */
void transport_upkeep_free (TransportUpkeep *upkeep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportUpkeep, transport_upkeep_free)

/* Listeners, certificates or the PKI directory changed: looks at all dates anew. */
void transport_upkeep_look (TransportUpkeep *upkeep);
/* A client with the certificate @serial is here. */
void transport_upkeep_seen (TransportUpkeep *upkeep, const char *serial, const char *address);
/* Writes what was noted, now; a failure is logged. */
void transport_upkeep_flush (TransportUpkeep *upkeep);
/* Every listener shows and believes what the PKI directory says now. */
gboolean transport_upkeep_refresh (MuxTransport *transport, GError **error);
/* The CA in force is another one, or the one before it is trusted no more: tells the journal. */
void transport_upkeep_note_rotation (MuxTransport *transport);
/* What does not come right by itself, for a person; NULL when all is well. Owned by @upkeep. */
const char *transport_upkeep_problem (const TransportUpkeep *upkeep);

G_END_DECLS
