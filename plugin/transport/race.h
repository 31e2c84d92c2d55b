/* Dials the addresses of a host one after the other, the next one when the one before failed or did not
 * answer for a moment; the first connection that stands wins, the others are closed (RFC 8305, simply). The
 * function is called once, from a pass of the winner or from the main context, and may free the race. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct _TransportRace TransportRace;

/* @driver: transfer full; @connection is up and its events are the caller's to take over before the function
 * returns. Or @error alone. */
typedef void (*TransportRaceFunc) (QuicDriver *driver, QuicConnection *connection, const GError *error,
                                   gpointer user_data);

/* @addresses: of NetAddress, transfer full. @label: the target, for messages. */
TransportRace *transport_race_new (MuxTransport *transport, GArray *addresses, QuicTls *tls,
                                   const QuicConnectionConfig *config, const char *label,
                                   TransportRaceFunc func, gpointer user_data);
/* Ends it without a word to the function. */
void transport_race_free (TransportRace *race);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportRace, transport_race_free)

G_END_DECLS
