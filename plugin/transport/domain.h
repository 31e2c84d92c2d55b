/* What a client needs for one target beside its address: its own certificate with key, whom to believe, and
 * the server's names. From files that the configuration names, from an enrolment, or kept on disk from an
 * earlier one (`persist_to_disk`). Reference-counted; holds copies, so the configuration may change
 * meanwhile. Errors: MUX_ERROR_PKI, MUX_ERROR_CONFIG, MUX_ERROR_ENROLMENT, MUX_ERROR_TLS.
 * Never calls back. */
#pragma once

#include <mux/host.h>
#include "config/settings.h"
#include "net/address.h"
#include "quic/tls.h"

G_BEGIN_DECLS

typedef struct _TransportDomain TransportDomain;

/* Nothing in it yet. @name: of the directory, when it is kept on disk; never with @client NULL. */
TransportDomain *transport_domain_new (const MuxHost *host, const ConfigClient *client, const char *name);
TransportDomain *transport_domain_ref (TransportDomain *domain);
void transport_domain_unref (TransportDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportDomain, transport_domain_unref)

/* Whether @client has a certificate of its own in files; loads it. */
gboolean transport_domain_is_configured (const TransportDomain *domain);
gboolean transport_domain_configure (TransportDomain *domain, const ConfigClient *client, GError **error);
/* Takes what was kept on disk. FALSE when there is none that still serves; why is logged. */
gboolean transport_domain_load (TransportDomain *domain);
/* The leaf; NULL before there is one. */
PkiCertificate *transport_domain_certificate (const TransportDomain *domain);
/* The port at which the server said it listens on @address; @otherwise when it did not say. */
guint16 transport_domain_port (const TransportDomain *domain, const NetAddress *address, guint16 otherwise);
/* Where it is dialled, or NULL. */
const char *transport_domain_address (const TransportDomain *domain);
/* As of an enrolment, with the key, and address s; transfer full. */
GVariant *transport_domain_export (const TransportDomain *domain, GError **error);
/* Whether there is a certificate, and it has not expired. */
gboolean transport_domain_is_usable (const TransportDomain *domain);

/* A request for a fresh key, which waits in @domain for its certificate; free with g_free (). */
char *transport_domain_request (TransportDomain *domain, GError **error);
/* Takes the answer to it (transport/enrolment.h), checks that all fits together, and keeps it. */
gboolean transport_domain_enrolled (TransportDomain *domain, GVariant *enrolment, GError **error);
/* Takes a certificate for @key that the server sent over a session: a{sv} certificate s, ca s. */
gboolean transport_domain_renewed (TransportDomain *domain, PkiKey *key, GVariant *renewed, GError **error);

/* For dialling @host by @client. */
QuicTls *transport_domain_tls (const TransportDomain *domain, const ConfigClient *client, const char *host,
                               GError **error);
/* Whether the server's verified certificate @peer is the one that @client's expected_cn names. @target: for
 * messages. */
gboolean transport_domain_check_peer (const ConfigClient *client, const char *target, PkiCertificate *peer,
                                      GError **error);

G_END_DECLS
