/* The receiving half of a stream: bytes in order that the user has not read. Bounded by the flow-control window, whose credit is given
 * back only for what was read. Kept in blocks of a fixed size that are filled one after the other, so that a thousand small packets
 * are not a thousand allocations. Never calls back. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _QuicReceiveBlock QuicReceiveBlock;

/* Zero-initialise. */
typedef struct
{
  QuicReceiveBlock *first, *last;
  gsize length;
  gboolean fin; /* nothing follows what is held */
} QuicReceiveBuffer;

void quic_receive_buffer_append (QuicReceiveBuffer *buffer, const guint8 *data, gsize length);
/* Copies out and drops at most @length bytes; returns how many. */
gsize quic_receive_buffer_read (QuicReceiveBuffer *buffer, void *data, gsize length);
/* Drops everything; returns how much. */
gsize quic_receive_buffer_clear (QuicReceiveBuffer *buffer);

G_END_DECLS
