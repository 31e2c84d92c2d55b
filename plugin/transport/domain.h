/* A domain: one place to dial, with what is needed to be somebody there: credentials, trust, and the name to expect. */
#pragma once

#include "config/settings.h"
#include "pki/authority.h"
#include "pki/trust.h"
#include "transport/transport.h"

G_BEGIN_DECLS

/* Who we are there, and whom we believe. */
typedef struct
{
  PkiCredentials *credentials;
  GPtrArray *ca;     /* of PkiCertificate; NULL when trust comes from configured files alone */
  char *server_name; /* the name in the enrolment; NULL = the host part of the address */
  gboolean stored;   /* it came from disk or memory, not fresh from an enrolment */
} TransportIdentity;

TransportIdentity *transport_identity_new (PkiCredentials *credentials, GPtrArray *ca, const char *server_name);
TransportIdentity *transport_identity_copy (const TransportIdentity *identity);
void transport_identity_free (TransportIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportIdentity, transport_identity_free)

typedef struct
{
  ConfigSettings *settings; /* keeps @client alive, when it is configured */
  ConfigClient *own;        /* or it was made for a `[user@]host[:port]` */
  const ConfigClient *client;
} TransportDomain;

/* @target: a configured name or an address. MUX_ERROR_UNKNOWN_TARGET. */
TransportDomain *transport_domain_find (MuxTransport *transport, const char *target, GError **error);
TransportDomain *transport_domain_copy (const TransportDomain *domain);
void transport_domain_free (TransportDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportDomain, transport_domain_free)

/* Gets an identity: the configured files, else what is at hand in memory or under domains/NAME, else, or with @fresh, an enrolment. The enrolment is kept
 * as `persist_to_disk` says. MUX_ERROR_ENROLMENT, MUX_ERROR_PKI. */
void transport_domain_identify_async (MuxTransport *transport, const TransportDomain *domain, gboolean fresh,
                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TransportIdentity *transport_domain_identify_finish (GAsyncResult *result, GError **error);
/* Whether an enrolment is possible at all, so that a refused stored identity can be replaced. */
gboolean transport_domain_can_enrol (const TransportDomain *domain);

/* Keeps @identity for later: in memory, and on disk if the domain says so. */
gboolean transport_domain_keep (MuxTransport *transport, const TransportDomain *domain,
                                const TransportIdentity *identity, GError **error);

/* What to believe there: the identity's CA, `pem_ca`, `pem_root_certs`. MUX_ERROR_PKI when that is nothing. */
PkiTrust *transport_domain_trust (const TransportDomain *domain, const TransportIdentity *identity, GError **error);

G_END_DECLS
