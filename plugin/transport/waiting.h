/* The sessions that wait for their clients, by whom they wait for. What there is too much of is taken from
 * who has most, so that nobody can crowd out others by leaving very many. Borrows the sessions, by a link in
 * each. Never calls back. */
#pragma once

#include "transport/peer-session.h"

G_BEGIN_DECLS

typedef struct _TransportWaiting TransportWaiting;

TransportWaiting *transport_waiting_new (void);
/* Nobody waits any more. */
void transport_waiting_free (TransportWaiting *waiting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportWaiting, transport_waiting_free)

/* @session waits from now on: behind all others, also when it was among them. */
void transport_waiting_add (TransportWaiting *waiting, MuxSession *session);
/* @session, which may be none of them. */
void transport_waiting_remove (TransportWaiting *waiting, MuxSession *session);
guint transport_waiting_size (const TransportWaiting *waiting);
/* Those (MuxSession) of the identity that @like is of: who waits for longest first. Borrowed. */
const GList *transport_waiting_of (const TransportWaiting *waiting, const MuxSession *like);
/* Who is to go first when it is too many: of the identity with most, the one that waits for longest. NULL:
 * nobody waits. */
MuxSession *transport_waiting_first_to_go (const TransportWaiting *waiting);

G_END_DECLS
