/* What the files of the authority share: authority.c (the CA), authority-server.c and authority-client.c
 * (what it issues). */
#pragma once

#include "pki/authority.h"

G_BEGIN_DECLS

struct _PkiAuthority
{
  gatomicrefcount references;
  PkiStore *store;
  PkiKey *key;
  GPtrArray *bundle; /* of PkiCertificate, newest first; the first is that of @key */
  gboolean server_expired; /* the server's certificate is to be replaced */
  PkiKey *old_key;         /* in an overlap: that of the second */
};

#define PKI_AUTHORITY_CA_FILE "ca.pem"
#define PKI_AUTHORITY_KEY_FILE "ca-key.pem"
/* The first line of a record, if its certificate followed another: this and that one's serial. */
#define PKI_AUTHORITY_RENEWS "Renews: "

/* A fresh CA that is not written anywhere. */
gboolean pki_authority_new_ca (PkiKey **key, PkiCertificate **certificate, GError **error);
/* The rest under the lock. */
gboolean pki_authority_write_bundle (PkiStore *store, GPtrArray *bundle, GError **error);
/* Finishes or forgets a rotation that was interrupted; key and bundle are loaded. */
gboolean pki_authority_recover (PkiAuthority *authority, GError **error);
/* @table as of pki_authority_revoked (). */
gboolean pki_authority_write_revoked (PkiAuthority *authority, GHashTable *table, GError **error);

/* Zeroes and drops @bytes, which nobody else holds. */
void pki_authority_wipe (GBytes *bytes);

G_END_DECLS
