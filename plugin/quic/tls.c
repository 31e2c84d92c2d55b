#include "quic/tls-private.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>

/* TLS 1.3 only. AES-GCM first, on the server's word: ChaCha20 in GnuTLS is several times slower than AES with
 * hardware help. No middlebox compatibility mode (RFC 9001 8.4). */
#define PRIORITY                                                                                             \
  "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"                  \
  "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE:%DISABLE_TLS13_COMPAT_MODE"

/* Longest chain that is presented. */
#define MAX_CHAIN 8

static gint64
system_clock (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static gboolean
set_credentials (QuicTls *tls, PkiCredentials *credentials, GError **error)
{
  gnutls_x509_crt_t chain[MAX_CHAIN];
  int rv;

  if (credentials->chain->len == 0 || credentials->chain->len > MAX_CHAIN)
    return base_error_set (error, MUX_ERROR_PKI,
                           ngettext ("A certificate chain must have 1 to %d certificate, not %u",
                                     "A certificate chain must have 1 to %d certificates, not %u", MAX_CHAIN),
                           MAX_CHAIN, credentials->chain->len);
  for (guint i = 0; i < credentials->chain->len; i++)
    chain[i] = pki_certificate_native (g_ptr_array_index (credentials->chain, i));
  rv = gnutls_certificate_set_x509_key (tls->credentials, chain, (int)credentials->chain->len,
                                        pki_key_native (credentials->key));
  if (rv < 0)
    return base_error_set (error, MUX_ERROR_PKI, _ ("TLS does not accept the certificate with its key: %s"),
                           gnutls_strerror (rv));
  return TRUE;
}

static QuicTls *
new_common (PkiCredentials *credentials, PkiTrust *trust, GError **error)
{
  g_autoptr (QuicTls) tls = g_new0 (QuicTls, 1);
  int rv;

  g_atomic_ref_count_init (&tls->references);
  tls->clock = system_clock;
  tls->trust = pki_trust_ref (trust);
  rv = gnutls_certificate_allocate_credentials (&tls->credentials);
  if (rv >= 0)
    rv = gnutls_priority_init (&tls->priority, PRIORITY, NULL);
  if (rv < 0)
    {
      base_error_set (error, MUX_ERROR_TLS, _ ("TLS could not be set up: %s"), gnutls_strerror (rv));
      return NULL;
    }
  if (credentials != NULL && !set_credentials (tls, credentials, error))
    return NULL;
  return g_steal_pointer (&tls);
}

QuicTls *
quic_tls_new_server (PkiCredentials *credentials, PkiTrust *trust, gboolean accept_raw, GError **error)
{
  QuicTls *tls = new_common (credentials, trust, error);

  if (tls != NULL)
    {
      tls->server = TRUE;
      tls->accept_raw = accept_raw;
      tls->alpn = g_strdup (QUIC_ALPN);
    }
  return tls;
}

QuicTls *
quic_tls_new_client (PkiCredentials *credentials, PkiTrust *trust, const char *host_name,
                     gboolean verify_name, const char *alpn, GError **error)
{
  g_autoptr (QuicTls) tls = NULL;

  if (verify_name && host_name == NULL)
    {
      base_error_set (error, MUX_ERROR_TLS, _ ("The server's name cannot be verified: none was given"));
      return NULL;
    }
  tls = new_common (credentials, trust, error);
  if (tls == NULL)
    return NULL;
  tls->host_name = g_strdup (host_name);
  tls->verify_name = verify_name;
  tls->alpn = g_strdup (alpn);
  return g_steal_pointer (&tls);
}

void
quic_tls_set_clock (QuicTls *tls, gint64 (*clock) (void))
{
  tls->clock = clock != NULL ? clock : system_clock;
}

QuicTls *
quic_tls_ref (QuicTls *tls)
{
  g_atomic_ref_count_inc (&tls->references);
  return tls;
}

void
quic_tls_unref (QuicTls *tls)
{
  if (!g_atomic_ref_count_dec (&tls->references))
    return;
  if (tls->credentials != NULL)
    gnutls_certificate_free_credentials (tls->credentials);
  if (tls->priority != NULL)
    gnutls_priority_deinit (tls->priority);
  pki_trust_unref (tls->trust);
  g_free (tls->host_name);
  g_free (tls->alpn);
  g_free (tls);
}
