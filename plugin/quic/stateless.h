/* Packets an endpoint sends without a connection: Version Negotiation, Retry, the polite refusal, Stateless Reset (RFC 9000 6, 8.1.2,
 * 10.2.3, 10.3). Each function writes one datagram and returns its length, 0 when there is nothing to send. No state; never calls back. */
#pragma once

#include <glib.h>
#include <ngtcp2/ngtcp2.h>

G_BEGIN_DECLS

#define QUIC_STATELESS_MAX 1200
/* A short-header packet that could be ours is at least so long; a shorter one gets no Stateless Reset. */
#define QUIC_STATELESS_RESET_MIN (NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN)

gsize quic_stateless_version_negotiation (guint8 *buffer, gsize size, const ngtcp2_version_cid *received);
gsize quic_stateless_retry (guint8 *buffer, gsize size, const ngtcp2_pkt_hd *hd, const ngtcp2_cid *scid,
                            const guint8 *token, gsize token_length);
/* CONNECTION_CLOSE with the transport error @code in an Initial. */
gsize quic_stateless_refuse (guint8 *buffer, gsize size, const ngtcp2_pkt_hd *hd, guint64 code);
/* Always shorter than @trigger, the length of the packet that it answers, so that two endpoints never loop. */
gsize quic_stateless_reset (guint8 *buffer, gsize size, const guint8 *key, gsize key_length, const ngtcp2_cid *dcid,
                            gsize trigger);

G_END_DECLS
