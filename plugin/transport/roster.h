/* The sessions that came in to a transport, by their ids: a client that comes back is found among thousands
 * as among few. The ids are random numbers of ours, so that nobody can choose them to fall together; what a
 * peer names is only looked up. Borrows sessions and ids as long as they are in it. Never calls back. */
#pragma once

#include "transport/peer-session.h"

G_BEGIN_DECLS

typedef struct _TransportRoster TransportRoster;

TransportRoster *transport_roster_new (void);
/* Nobody is in it any more. */
void transport_roster_free (TransportRoster *roster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportRoster, transport_roster_free)

/* @id has SESSION_ID_SIZE bytes, and is nobody else's. */
void transport_roster_enter (TransportRoster *roster, const guint8 *id, MuxSession *session);
void transport_roster_leave (TransportRoster *roster, const guint8 *id);
/* NULL: nobody has it. */
MuxSession *transport_roster_find (const TransportRoster *roster, const guint8 *id);
guint transport_roster_size (const TransportRoster *roster);

G_END_DECLS
