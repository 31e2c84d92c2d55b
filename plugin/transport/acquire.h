/* The certificate for one target, wherever it is to be had: files of the person's own, this life's memory, the disk, the agent of the
 * desktop session, the enrolment command; in this order. */
#pragma once

#include "transport/domain.h"

G_BEGIN_DECLS

typedef enum
{
  TRANSPORT_ACQUIRE_NONE = 0,
  TRANSPORT_ACQUIRE_FRESH = 1 << 0, /* what was kept did not serve: enrol */
  TRANSPORT_ACQUIRE_QUIET = 1 << 1, /* nobody is there to answer a question: do not enrol */
} TransportAcquireFlags;

/* @client must live until @callback, which comes on the transport's context, in a later turn. Errors: MUX_ERROR_PKI,
 * MUX_ERROR_CONFIG, MUX_ERROR_ENROLMENT. */
void transport_acquire_async (MuxTransport *transport, const char *target, const ConfigClient *client,
                              TransportAcquireFlags flags, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
/* Transfer full. *@enrolled: it is as fresh as can be. */
TransportDomain *transport_acquire_finish (GAsyncResult *result, gboolean *enrolled, GError **error);

G_END_DECLS
