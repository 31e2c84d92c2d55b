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
};

/* Zeroes and drops @bytes, which nobody else holds. */
void pki_authority_wipe (GBytes *bytes);

G_END_DECLS
