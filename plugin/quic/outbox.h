/* Packets on their way to the socket: built in one buffer that all connections of an endpoint share, in runs of the same size, path and
 * ECN mark, so that a run is one GSO send. A full socket keeps the rest here; nothing can be built until it went. Calls the sink only. */
#pragma once

#include "quic/endpoint.h"

G_BEGIN_DECLS

typedef struct _QuicOutbox QuicOutbox;

/* Largest datagram that is ever built. */
#define QUIC_OUTBOX_PACKET 1500

QuicOutbox *quic_outbox_new (const QuicSink *sink, gpointer sink_data);
/* Packets still held are lost. */
void quic_outbox_free (QuicOutbox *outbox);

/* Room for one packet of QUIC_OUTBOX_PACKET bytes; NULL while the socket is full. Valid until the next call. */
guint8 *quic_outbox_reserve (QuicOutbox *outbox);
/* The reserved room holds a packet of @length bytes. @alone: never in a run with others (a probe for the path MTU may be refused). */
void quic_outbox_commit (QuicOutbox *outbox, gsize length, const NetAddress *local, const NetAddress *remote, guint8 ecn,
                         gboolean alone);
/* Sends everything; FALSE when the socket is full. */
gboolean quic_outbox_flush (QuicOutbox *outbox);

gboolean quic_outbox_is_blocked (const QuicOutbox *outbox);
void quic_outbox_unblock (QuicOutbox *outbox);

G_END_DECLS
