/* Keys and certificates for tests, made as they run in a temporary directory that goes with them. */
#pragma once

#include "pki/authority.h"
#include "pki/secret.h"
#include "pki/trust.h"

G_BEGIN_DECLS

typedef struct
{
  char *directory;
  PkiStore *store;
  PkiAuthority *authority;
  PkiTrust *trust;         /* in this CA */
  PkiCredentials *server;  /* for "localhost", 127.0.0.1, ::1 and "server.test" */
  PkiCredentials *client;  /* of user "alice" */
  PkiSecret *secret;       /* the store's seed */
} Certs;

/* Aborts on failure. */
Certs *certs_new (void);
void certs_free (Certs *certs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Certs, certs_free)

/* More clients of this CA. Transfer full. */
PkiCredentials *certs_client (Certs *certs, const char *user, const char *device);

G_END_DECLS
