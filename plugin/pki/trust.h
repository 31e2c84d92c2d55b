/* Whom to believe: CA certificates and revoked serials, and the verification of a peer's chain against them.
 * Immutable once in use, reference-counted; a reload makes a new one. Fails closed: any error is "not
 * verified". */
#pragma once

#include "pki/certificate.h"

G_BEGIN_DECLS

typedef struct _PkiTrust PkiTrust;

typedef enum
{
  PKI_PURPOSE_SERVER, /* the peer acts as a server: EKU serverAuth, and a host name to match */
  PKI_PURPOSE_CLIENT, /* the peer acts as a client: EKU clientAuth */
} PkiPurpose;

PkiTrust *pki_trust_new (void);
PkiTrust *pki_trust_ref (PkiTrust *trust);
void pki_trust_unref (PkiTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiTrust, pki_trust_unref)

/* Adds CAs. Certificates that are no CA are refused with their origin's name. */
gboolean pki_trust_add (PkiTrust *trust, GPtrArray *certificates, const char *origin, GError **error);
/* A file or directory (`pem_ca`, `pem_root_certs`). */
gboolean pki_trust_add_path (PkiTrust *trust, const char *path, GError **error);
/* Refuses every certificate whose serial is a key of @serials (hex, as pki_certificate_serial () has it), whoever signed
 * it: for a trust in CAs that share one space of random serials (pki/revocation.h). Refs it. */
void pki_trust_revoke (PkiTrust *trust, GHashTable *serials);
guint pki_trust_size (const PkiTrust *trust);

/* Verifies the chain @der[0..n) (leaf first; at most 8 certificates, 64 KiB in all) at the time @at (Unix
 * seconds) for
 * @purpose. @host_name: for servers, the DNS name or address that must stand in the SAN; NULL to skip that
 * (accept_invalid_hostnames). On success returns the leaf (transfer full) and *@alert is 0. On failure NULL
 * with MUX_ERROR_TLS, and *@alert is the TLS alert to send (gnutls_alert_description_t): 42 bad, 43
 * unsupported, 44 revoked, 45 expired (or not yet valid), 46 unknown, 48 unknown CA, 116 certificate required
 * (n == 0). */
PkiCertificate *pki_trust_verify (const PkiTrust *trust, const gnutls_datum_t *der, guint n,
                                  PkiPurpose purpose, const char *host_name, gint64 at, int *alert,
                                  GError **error);

G_END_DECLS
