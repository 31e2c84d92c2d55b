#include "quic/stateless.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>

/* What we speak, and one reserved version that keeps peers honest (RFC 9000 6.3). */
static const guint32 versions[] = { 0x1a2a3a4a, NGTCP2_PROTO_VER_V1 };

/* A reset looks like a short packet of this length, unless its trigger was shorter (RFC 9000 10.3). */
#define RESET_LENGTH 42

static gsize
written (ngtcp2_ssize length)
{
  return length > 0 ? (gsize)length : 0;
}

gsize
quic_stateless_version_negotiation (guint8 *buffer, gsize size, const ngtcp2_version_cid *received)
{
  guint8 unused = 0;

  if (gnutls_rnd (GNUTLS_RND_NONCE, &unused, sizeof unused) != 0)
    return 0;
  return written (ngtcp2_pkt_write_version_negotiation (buffer, size, unused, received->scid,
                                                        received->scidlen, received->dcid, received->dcidlen,
                                                        versions, G_N_ELEMENTS (versions)));
}

gsize
quic_stateless_retry (guint8 *buffer, gsize size, const ngtcp2_pkt_hd *hd, const ngtcp2_cid *scid,
                      const guint8 *token, gsize token_length)
{
  return written (
      ngtcp2_crypto_write_retry (buffer, size, hd->version, &hd->scid, scid, &hd->dcid, token, token_length));
}

gsize
quic_stateless_refuse (guint8 *buffer, gsize size, const ngtcp2_pkt_hd *hd, guint64 code)
{
  return written (
      ngtcp2_crypto_write_connection_close (buffer, size, hd->version, &hd->scid, &hd->dcid, code, NULL, 0));
}

gsize
quic_stateless_reset (guint8 *buffer, gsize size, const guint8 *key, gsize key_length, const ngtcp2_cid *dcid,
                      gsize trigger)
{
  guint8 token[NGTCP2_STATELESS_RESET_TOKENLEN];
  guint8 noise[RESET_LENGTH];
  gsize length = MIN (RESET_LENGTH, trigger - 1);

  if (trigger <= QUIC_STATELESS_RESET_MIN || length > size)
    return 0;
  if (ngtcp2_crypto_generate_stateless_reset_token (token, key, key_length, dcid) != 0
      || gnutls_rnd (GNUTLS_RND_NONCE, noise, sizeof noise) != 0)
    return 0;
  return written (ngtcp2_pkt_write_stateless_reset (buffer, size, token, noise, length - sizeof token));
}
