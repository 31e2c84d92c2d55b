/* Datagrams over a command's standard input and output, for where UDP is blocked: `ssh … mux-quic relay` carries them to the host over
 * there. On this side it is a UDP socket on loopback, which is dialled like any other address, so QUIC knows nothing of it. Each
 * datagram is its length (16 bits, big-endian) and its bytes, after a line that says that noise is over. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef struct _TransportRelay TransportRelay;

/* What the command says before the first datagram. */
#define TRANSPORT_RELAY_MARK "MUX-QUIC RELAY 1\n"

/* Called once, in a later turn: with the address to dial, or with MUX_ERROR_UNREACHABLE in the command's words. */
typedef void (*TransportRelayFunc) (TransportRelay *relay, const NetAddress *address, const GError *error, gpointer user_data);

/* NULL with @error when the command cannot be started. */
TransportRelay *transport_relay_new (MuxTransport *transport, const char *const *argv, TransportRelayFunc func,
                                     gpointer user_data, GError **error);
/* Ends the command. */
void transport_relay_free (TransportRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportRelay, transport_relay_free)

G_END_DECLS
