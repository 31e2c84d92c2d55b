/* Finds what is wrong on this machine, and on the way to a target, and says what to do about it. Changes
 * nothing. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

/* The operation of the contract (mux/transport.h). @callback comes on the transport's context, in a later
 * turn. */
void transport_diagnose_async (MuxTransport *transport, const char *target, GVariant *options,
                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GVariant *transport_diagnose_finish (MuxTransport *transport, GAsyncResult *result, GError **error);
/* Ends every one with an error, for a transport that goes. */
void transport_diagnose_abort (MuxTransport *transport);

G_END_DECLS
