/* A private key: ECDSA P-256 when made here, anything strong that GnuTLS reads (PKCS#8, SEC1, PKCS#1) when
 * supplied. Immutable, reference-counted; its memory is GnuTLS's, wiped when freed. All errors are
 * MUX_ERROR_PKI with the path. */
#pragma once

#include <gio/gio.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

typedef struct _PkiKey PkiKey;

PkiKey *pki_key_generate (GError **error);
PkiKey *pki_key_from_pem (const char *pem, gsize length, GError **error);
/* Reads a PEM file that holds a private key (other blocks are skipped). Refuses one that others can read. */
PkiKey *pki_key_load (const char *path, GError **error);
PkiKey *pki_key_ref (PkiKey *key);
void pki_key_unref (PkiKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiKey, pki_key_unref)

/* PKCS#8 PEM, zero-terminated; free with pki_key_pem_free (), which wipes it. */
char *pki_key_to_pem (const PkiKey *key, GError **error);
void pki_key_pem_free (char *pem);
gnutls_x509_privkey_t pki_key_native (const PkiKey *key);

/* Whether a public key is one that is used here: RSA of 2048 to 8192 bits, ECDSA from P-256 on, Ed25519,
 * Ed448. The upper bound keeps what a peer sends from costing seconds. @algorithm may be a negative code. */
gboolean pki_key_is_strong (int algorithm, unsigned int bits);

/* A certificate request (PKCS#10 PEM) for this key, subject CN @common_name; free with g_free (). */
char *pki_key_request (const PkiKey *key, const char *common_name, GError **error);

G_END_DECLS
