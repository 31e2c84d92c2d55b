/* Keeps what was enrolled for fresh: every certificate of a target that this life knows is replaced over a session to it at 2/3 of its life.
 * The agent of a desktop session (a transport that serves) opens one for that if there is none. */
#pragma once

#include "transport/domain.h"
#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _TransportRenewal TransportRenewal;

/* Puts @domain into the transport's memory as that of @target, instead of what was there, and watches it from now on. */
void transport_renewal_watch (MuxTransport *transport, const char *target, TransportDomain *domain);
void transport_renewal_forget (MuxTransport *transport, const char *target);
/* Borrowed; NULL: nothing is known. */
TransportDomain *transport_renewal_find (MuxTransport *transport, const char *target);
/* Renews @session's certificate now. MUX_ERROR_FAILED where it cannot be. */
void transport_renewal_now_async (MuxSession *session, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean transport_renewal_now_finish (GAsyncResult *result, GError **error);

/* For the hash MuxTransport.renewals (name of a target → TransportRenewal) and what is shown of it. */
void transport_renewal_free (TransportRenewal *renewal);
PkiCertificate *transport_renewal_certificate (const TransportRenewal *renewal);
/* What went wrong last, or NULL. */
const char *transport_renewal_problem (const TransportRenewal *renewal);
/* target s, problem s: what went wrong last, if anything. */
void transport_renewal_describe (const TransportRenewal *renewal, GVariantDict *dict);

/* vault.c: the agent, as far as there is one. Without, store answers and look_up finds nothing at once. */
void transport_vault_store (MuxTransport *transport, const char *target, TransportDomain *domain,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void transport_vault_look_up (MuxTransport *transport, const char *target, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
/* TRUE: @domain has it now, and it serves. */
gboolean transport_vault_look_up_finish (MuxTransport *transport, GAsyncResult *result, TransportDomain *domain);

G_END_DECLS
