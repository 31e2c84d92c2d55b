/* Domains with `connect_automatically`, while the transport serves: each is dialled at the start, and again
 * when the dial failed or its session ended, after growing pauses, and at once when the network changes or
 * somebody brings a certificate. Nobody is there to be asked anything, so there must be one already: in
 * files, kept on disk, or of an earlier `connect`. The session rests while nobody uses it (transport/away.h),
 * and is no session's concern but its own. A session that was ended here on purpose is left alone until the
 * next reload. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct _TransportHold TransportHold;

TransportHold *transport_hold_new (MuxTransport *transport);
/* Its sessions stay. */
void transport_hold_free (TransportHold *hold);

/* Goes by the transport's settings: holds what is new there, and lets go what is not there any more; a
 * session of that ends unless it is in use. */
void transport_hold_configure (TransportHold *hold);
/* @session, which may be none of its own, is over. */
void transport_hold_session_left (TransportHold *hold, const MuxSession *session);
/* It may work now: @target, or every one with NULL. */
void transport_hold_hurry (TransportHold *hold, const char *target);

G_END_DECLS
