/* What trust.c (whom to believe) and verify.c (whether to believe a chain) share. */
#pragma once

#include "pki/trust.h"

G_BEGIN_DECLS

struct _PkiTrust
{
  gatomicrefcount references;
  gnutls_x509_trust_list_t list;
  /* The list borrows what it is given, so they live as long as it does. */
  GPtrArray *certificates; /* of PkiCertificate */
  GHashTable *revoked;     /* serials, or NULL */
};

/* Whether @certificate has so few name constraints that matching them all costs next to nothing. */
gboolean pki_trust_has_few_constraints (const PkiCertificate *certificate);

G_END_DECLS
