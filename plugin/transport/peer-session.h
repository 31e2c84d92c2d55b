/* struct _MuxSession: what a host holds of a session of either direction. Wraps the room below and says to host and observer what happens.
 * Reference-counted; the transport holds one reference until the session is closed. */
#pragma once

#include "quic/driver.h"
#include "session/session.h"
#include "transport/transport-private.h"

G_BEGIN_DECLS

/* Takes over @connection, accepted by @listener. */
void transport_session_accept (MuxTransport *transport, TransportListener *listener, QuicConnection *connection);

/* Takes over the dialled @connection on @driver (owned from then on). @ready is called once: with NULL when the server has welcomed us,
 * else with the reason. The returned reference is the caller's. */
typedef void (*TransportReadyFunc) (MuxSession *session, const GError *error, gpointer user_data);
MuxSession *transport_session_dialled (MuxTransport *transport, QuicDriver *driver, QuicConnection *connection,
                                       const TransportDomain *domain, TransportReadyFunc ready, gpointer user_data);

/* Whether the host and observer were told of it, and it is not over. */
gboolean transport_session_is_announced (const MuxSession *session);
/* The listener goes away: its sessions must not look at it any more. */
void transport_session_forget_listener (MuxSession *session, TransportListener *listener);
/* Says goodbye without waiting. */
void transport_session_end (MuxSession *session, const char *code, const char *message);
/* The transport goes away: no word to host or observer any more. */
void transport_session_orphan (MuxSession *session);

G_END_DECLS
