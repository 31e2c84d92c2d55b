/* Address validation tokens of a server (RFC 9000 8.1): for Retry, bound to the address, port, version and connection IDs, good for
 * 10 s; and for NEW_TOKEN, bound to the address, good for a day. Keys come from the persisted secret, so they survive a restart.
 * Time is the monotonic `now` of the endpoint. Never calls back. */
#pragma once

#include "net/address.h"
#include "pki/secret.h"

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

G_BEGIN_DECLS

#define QUIC_TOKEN_RETRY_LIFETIME (10 * NGTCP2_SECONDS)
#define QUIC_TOKEN_REGULAR_LIFETIME (24 * 3600 * NGTCP2_SECONDS)
#define QUIC_TOKEN_MAX NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2

typedef struct
{
  guint8 retry[PKI_SECRET_SIZE];
  guint8 regular[PKI_SECRET_SIZE];
} QuicTokenKeys;

typedef enum
{
  QUIC_TOKEN_NONE,    /* not one of ours, or no longer good: as if there were none */
  QUIC_TOKEN_RETRY,   /* answers our Retry: the address is validated and *@odcid set */
  QUIC_TOKEN_REGULAR, /* of an earlier connection: the address is validated */
  QUIC_TOKEN_INVALID, /* claims to answer a Retry and does not: INVALID_TOKEN (RFC 9000 8.1.3) */
} QuicTokenVerdict;

gboolean quic_token_keys_init (QuicTokenKeys *keys, const PkiSecret *secret, GError **error);
void quic_token_keys_clear (QuicTokenKeys *keys);

/* Both write at most QUIC_TOKEN_MAX bytes and return their number, 0 on failure. */
gsize quic_token_retry (const QuicTokenKeys *keys, guint8 *token, guint32 version, const NetAddress *remote,
                        const ngtcp2_cid *retry_scid, const ngtcp2_cid *odcid, guint64 now);
gsize quic_token_regular (const QuicTokenKeys *keys, guint8 *token, const NetAddress *remote, guint64 now);

/* @hd: the Initial that carries the token. */
QuicTokenVerdict quic_token_verify (const QuicTokenKeys *keys, const ngtcp2_pkt_hd *hd, const NetAddress *remote,
                                    guint64 now, ngtcp2_cid *odcid);

G_END_DECLS
