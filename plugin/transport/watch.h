/* Sees what sessions do without telling: bytes that went, a channel that came, another path. It looks once a
 * second while there is something to see, and sleeps as long as no socket has anything to do. A look is
 * bounded: of many sessions that do something at once some are told a second later. Tells the observer, never
 * from inside a call of this header. */
#pragma once

#include "quic/driver.h"
#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _TransportWatch TransportWatch;

/* At most so many sessions are told of in a second, by looks. */
#define TRANSPORT_WATCH_TOLD_PER_SECOND 512

TransportWatch *transport_watch_new (MuxTransport *transport);
void transport_watch_free (TransportWatch *watch);
/* Something may have changed: there is a look a second later. @watch may be NULL. */
void transport_watch_poke (TransportWatch *watch);
/* Whether there is a look to come. */
gboolean transport_watch_is_awake (const TransportWatch *watch);
/* Whatever @driver receives or sends is something. */
void transport_watch_driver (MuxTransport *transport, QuicDriver *driver);

G_END_DECLS
