#include "quic/token.h"

#include <gnutls/gnutls.h>

gsize
quic_token_retry (const QuicTokenKeys *keys, guint8 *token, guint32 version, const NetAddress *remote,
                  const ngtcp2_cid *retry_scid, const ngtcp2_cid *odcid, guint64 now)
{
  ngtcp2_ssize length
      = ngtcp2_crypto_generate_retry_token2 (token, keys->retry, sizeof keys->retry, version, &remote->u.any,
                                             remote->length, retry_scid, odcid, now);

  return length > 0 ? (gsize)length : 0;
}

gsize
quic_token_regular (const QuicTokenKeys *keys, guint8 *token, const NetAddress *remote, guint64 now)
{
  ngtcp2_ssize length = ngtcp2_crypto_generate_regular_token (token, keys->regular, sizeof keys->regular,
                                                              &remote->u.any, remote->length, now);

  return length > 0 ? (gsize)length : 0;
}

QuicTokenVerdict
quic_token_verify (const QuicTokenKeys *keys, const ngtcp2_pkt_hd *hd, const NetAddress *remote, guint64 now,
                   ngtcp2_cid *odcid)
{
  if (hd->tokenlen == 0)
    return QUIC_TOKEN_NONE;
  switch (hd->token[0])
    {
    case NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2:
      if (ngtcp2_crypto_verify_retry_token2 (odcid, hd->token, hd->tokenlen, keys->retry, sizeof keys->retry,
                                             hd->version, &remote->u.any, remote->length, &hd->dcid,
                                             QUIC_TOKEN_RETRY_LIFETIME, now)
          == 0)
        return QUIC_TOKEN_RETRY;
      return QUIC_TOKEN_INVALID;
    case NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR:
      if (ngtcp2_crypto_verify_regular_token (hd->token, hd->tokenlen, keys->regular, sizeof keys->regular,
                                              &remote->u.any, remote->length, QUIC_TOKEN_REGULAR_LIFETIME,
                                              now)
          == 0)
        return QUIC_TOKEN_REGULAR;
      return QUIC_TOKEN_NONE;
    default:
      return QUIC_TOKEN_NONE;
    }
}

gboolean
quic_token_keys_init (QuicTokenKeys *keys, const PkiSecret *secret, GError **error)
{
  return pki_secret_derive (secret, "retry", keys->retry, error)
         && pki_secret_derive (secret, "token", keys->regular, error);
}

void
quic_token_keys_clear (QuicTokenKeys *keys)
{
  gnutls_memset (keys, 0, sizeof *keys);
}
