/* One dial: an identity, the addresses of a name tried one after the other without waiting long for each (RFC 8305), TLS, the welcome. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

/* Time until the next address is tried beside the one that has not answered yet. */
#define TRANSPORT_ATTEMPT_DELAY_MS 300
/* Absolute, from the first datagram to the welcome. */
#define TRANSPORT_DIAL_TIMEOUT_MS 10000

void transport_dial_async (MuxTransport *transport, const char *target, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
/* Transfer full. */
MuxSession *transport_dial_finish (GAsyncResult *result, GError **error);

G_END_DECLS
