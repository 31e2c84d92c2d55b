/* A session between two connections. A server's waits for its client as long as `session_timeout`; a client's dials, with growing
 * pauses, and at once when the network changes or something is to be sent. A client also dials while a connection is still there
 * that has gone silent: whichever answers first carries the session on. */
#pragma once

#include "transport/peer-session.h"

G_BEGIN_DECLS

typedef struct _TransportAway TransportAway;

/* Sessions without a connection that a server keeps; of the identity with most of them the one that is away for longest goes first. */
#define TRANSPORT_AWAY_MAX 1024
/* A host that said it restarts is waited for so much longer than it said, and at most so long in all: seconds. A machine that boots takes
 * minutes. */
#define TRANSPORT_RESTART_GRACE_S 600
#define TRANSPORT_RESTART_MAX_S 3600

TransportAway *transport_away_new (MuxSession *session);
void transport_away_free (TransportAway *away);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportAway, transport_away_free)

/* The connection is lost. */
void transport_away_begin (TransportAway *away, const GError *error);
/* Another one carries it on. */
void transport_away_end (TransportAway *away);
/* The session ends in a later turn of the loop, with a copy of @error (may be NULL). */
void transport_away_abandon (TransportAway *away, const GError *error);
/* Something waits to be sent. */
void transport_away_hurry (TransportAway *away);
/* It goes over ssh: tries now and then whether UDP is answered. */
void transport_away_look_for_udp (TransportAway *away);
/* The network is another one: what was may be no more. */
void transport_away_network_changed (TransportAway *away);

G_END_DECLS
