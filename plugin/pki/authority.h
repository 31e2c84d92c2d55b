/* The private CA of a PKI directory: made once, kept across restarts, signs the host's server certificate and
 * clients' requests. Files: ca.pem (trust bundle, newest first), ca-key.pem, server.pem (certificate + key),
 * issued/SERIAL.pem. DESIGN: ECDSA P-256, 60 s backdate, 128-bit random serials, EKU one of serverAuth and
 * clientAuth, server names only in the SAN. */
#pragma once

#include "pki/certificate.h"
#include "pki/key.h"
#include "pki/store.h"

G_BEGIN_DECLS

typedef struct _PkiAuthority PkiAuthority;

/* A key with its certificate chain, leaf first: what one side of TLS presents. */
typedef struct
{
  PkiKey *key;
  GPtrArray *chain; /* of PkiCertificate */
} PkiCredentials;

PkiCredentials *pki_credentials_new (PkiKey *key, GPtrArray *chain); /* refs both */
/* Loads both files and checks that key and certificate belong together; MUX_ERROR_PKI naming both paths if
 * not. */
PkiCredentials *pki_credentials_load (const char *key_path, const char *certificate_path, GError **error);
/* Key and chain in one PEM text, as in server.pem; @origin names it in errors. to_pem: free with
 * pki_key_pem_free (). */
PkiCredentials *pki_credentials_from_pem (const char *pem, gsize length, const char *origin, GError **error);
char *pki_credentials_to_pem (const PkiCredentials *credentials, GError **error);
void pki_credentials_free (PkiCredentials *credentials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiCredentials, pki_credentials_free)

/* Loads the CA of @store, or makes one (under the store's lock) when there is none. A CA that is there but
 * broken is an error, never replaced. */
PkiAuthority *pki_authority_open (PkiStore *store, GError **error);
PkiAuthority *pki_authority_ref (PkiAuthority *authority);
void pki_authority_unref (PkiAuthority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiAuthority, pki_authority_unref)

/* The trust bundle, newest first; owned by the authority. */
GPtrArray *pki_authority_bundle (PkiAuthority *authority);
PkiStore *pki_authority_store (PkiAuthority *authority);

/* The server's own credentials for @names (DNS names and addresses): those of server.pem if they are of this
 * CA, cover the names and are not due for renewal, else fresh ones, written to server.pem.
 * @lifetime_days 1..3650. */
PkiCredentials *pki_authority_server_credentials (PkiAuthority *authority, const char *const *names,
                                                  guint lifetime_days, GError **error);

/* The next pki_authority_server_credentials () makes fresh ones. */
void pki_authority_expire_server (PkiAuthority *authority);

/* Signs the request @csr_pem (at most 16 KiB; its self-signature is verified, P-256/P-384/Ed25519 or RSA ≥
 * 2048; nothing of its contents but the key is used) as a client certificate of @user and @device (may be
 * NULL). Recorded under issued/, with @renews, the serial of the certificate it follows, or NULL. */
PkiCertificate *pki_authority_issue_client (PkiAuthority *authority, const char *csr_pem, gsize length,
                                            const char *user, const char *device, const char *renews,
                                            guint lifetime_days, GError **error);

G_END_DECLS
