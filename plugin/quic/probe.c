#include "quic/probe.h"

#include <ngtcp2/ngtcp2.h>
#include <string.h>

/* Reserved for exercising version negotiation (RFC 9000 section 15: 0x?a?a?a?a). */
#define NO_VERSION 0x5a6a7a8a
#define CID_LENGTH (QUIC_PROBE_NONCE / 2)
#define LONG_HEADER 0x80
#define FIXED_BIT 0x40
/* First byte, version, two connection IDs with their lengths. */
#define HEADER (1 + 4 + 1 + CID_LENGTH + 1 + CID_LENGTH)

static guint32
read_u32 (const guint8 *at)
{
  return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

void
quic_probe_write (guint8 *packet, gsize length, const guint8 nonce[QUIC_PROBE_NONCE])
{
  const guint8 version[]
      = { NO_VERSION >> 24, NO_VERSION >> 16 & 0xff, NO_VERSION >> 8 & 0xff, NO_VERSION & 0xff };

  g_return_if_fail (length >= QUIC_PROBE_MIN);
  memset (packet, 0, length);
  packet[0] = LONG_HEADER | FIXED_BIT;
  memcpy (packet + 1, version, sizeof version);
  packet[5] = CID_LENGTH;
  memcpy (packet + 6, nonce, CID_LENGTH);
  packet[6 + CID_LENGTH] = CID_LENGTH;
  memcpy (packet + 7 + CID_LENGTH, nonce + CID_LENGTH, CID_LENGTH);
}

/* The connection IDs come back in each other's place (RFC 9000 section 17.2.1). */
QuicProbeAnswer
quic_probe_read (const guint8 *packet, gsize length, const guint8 nonce[QUIC_PROBE_NONCE])
{
  if (length < HEADER + 4 || (length - HEADER) % 4 != 0 || (packet[0] & LONG_HEADER) == 0
      || read_u32 (packet + 1) != 0 || packet[5] != CID_LENGTH
      || memcmp (packet + 6, nonce + CID_LENGTH, CID_LENGTH) != 0 || packet[6 + CID_LENGTH] != CID_LENGTH
      || memcmp (packet + 7 + CID_LENGTH, nonce, CID_LENGTH) != 0)
    return QUIC_PROBE_NO_ANSWER;
  for (gsize at = HEADER; at < length; at += 4)
    if (read_u32 (packet + at) == NGTCP2_PROTO_VER_V1)
      return QUIC_PROBE_SPEAKS_V1;
  return QUIC_PROBE_SPEAKS_OTHERS;
}
