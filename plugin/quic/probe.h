/* A question that any QUIC server answers and nobody needs to be known for: a packet of a version that does
 * not exist is answered with Version Negotiation, and costs the server no state (RFC 9000 section 6.1, RFC
 * 8999). Only bytes; never calls back. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Below it no server answers (RFC 9000 section 14.1). */
#define QUIC_PROBE_MIN 1200
/* Of random bytes, by which an answer is known. */
#define QUIC_PROBE_NONCE 16

typedef enum
{
  QUIC_PROBE_NO_ANSWER,     /* not to this question */
  QUIC_PROBE_SPEAKS_V1,     /* … QUIC version 1 (RFC 9000), as we do */
  QUIC_PROBE_SPEAKS_OTHERS, /* QUIC, but not that version */
} QuicProbeAnswer;

/* Fills @packet, a whole datagram of @length ≥ QUIC_PROBE_MIN. */
void quic_probe_write (guint8 *packet, gsize length, const guint8 nonce[QUIC_PROBE_NONCE]);
QuicProbeAnswer quic_probe_read (const guint8 *packet, gsize length, const guint8 nonce[QUIC_PROBE_NONCE]);

G_END_DECLS
