/* The sending half of a stream: bytes that wait for a packet, and bytes that wait for their acknowledgement (ngtcp2 keeps pointers to
 * the latter, so they stay where they are). Offsets are those of the stream. No limit of its own: whoever writes watches the backlog.
 * Never calls back. */
#pragma once

#include "base/chunks.h"

#include <ngtcp2/ngtcp2.h>

G_BEGIN_DECLS

typedef struct
{
  BaseChunks *chunks; /* NULL until the first write */
  guint64 sent;       /* offset of the first byte no packet has carried */
  gboolean finished;  /* no more will be appended */
  gboolean fin_sent;
  gboolean abandoned; /* the stream's sending half was reset */
} QuicSendBuffer;

void quic_send_buffer_append (QuicSendBuffer *buffer, GBytes *bytes);
gsize quic_send_buffer_unsent (const QuicSendBuffer *buffer);
gsize quic_send_buffer_unacked (const QuicSendBuffer *buffer);
/* Whether a packet should carry something of it. */
gboolean quic_send_buffer_pending (const QuicSendBuffer *buffer);

/* Points @vectors at unsent bytes, at most @max; *@fin: whether they are the last of the stream. Returns the number of vectors. */
gsize quic_send_buffer_gather (const QuicSendBuffer *buffer, ngtcp2_vec *vectors, gsize max, gboolean *fin);
/* @length of them left in a packet, with @fin if it was asked for and all were taken. */
void quic_send_buffer_sent (QuicSendBuffer *buffer, gsize length, gboolean fin);
/* Everything below @offset is acknowledged. */
void quic_send_buffer_acked (QuicSendBuffer *buffer, guint64 offset);
/* Nothing of it is to be sent any more. The bytes stay until quic_send_buffer_clear (): ngtcp2 may hold pointers until it closes the
 * stream. */
void quic_send_buffer_abandon (QuicSendBuffer *buffer);
void quic_send_buffer_clear (QuicSendBuffer *buffer);

G_END_DECLS
