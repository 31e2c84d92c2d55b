/* What domain.c and domain-files.c (what is kept on disk) share. */
#pragma once

#include "transport/domain.h"

G_BEGIN_DECLS

struct _TransportDomain
{
  guint references;
  gboolean configured;
  char *address;   /* where it is dialled; may be NULL */
  char *directory; /* NULL: not kept on disk */
  PkiKey *pending; /* of the request that is under way */
  PkiCredentials *credentials;
  GPtrArray *ca; /* of PkiCertificate; NULL: the configuration says it all */
  char **names;
  char **addresses; /* "ADDRESS:PORT" of the server's sockets, as it said itself */
};

/* Writes it to its directory, if it has one; a failure is logged. */
void transport_domain_keep (const TransportDomain *domain);
/* Whether @credentials' chain leads to @ca: a certificate that this CA did not make would only be refused
 * later, with less of a reason. */
gboolean transport_domain_check_chain (const PkiCredentials *credentials, GPtrArray *ca, GError **error);

G_END_DECLS
