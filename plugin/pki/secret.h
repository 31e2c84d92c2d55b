/* The persisted 32-byte seed of a host and the keys derived from it by HKDF-SHA256 (RFC 5869), so that retry
 * tokens, stateless reset tokens and connection-ID hashing survive a restart. Wiped when freed. */
#pragma once

#include "pki/store.h"

G_BEGIN_DECLS

#define PKI_SECRET_SIZE 32

typedef struct _PkiSecret PkiSecret;

/* Loads `seed`, or makes it. A seed of another size is an error. */
PkiSecret *pki_secret_open (PkiStore *store, GError **error);
/* A random one that is never written: for clients and tests. */
PkiSecret *pki_secret_new_random (GError **error);
void pki_secret_free (PkiSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiSecret, pki_secret_free)

/* The key for @label: "retry", "token", "stateless-reset", "cid-hash". */
gboolean pki_secret_derive (const PkiSecret *secret, const char *label, guint8 out[PKI_SECRET_SIZE],
                            GError **error);

G_END_DECLS
