/* First contact: runs the enrolment command of a domain, gives it a certificate request on its standard input and reads the enrolment
 * from its standard output. The command is an argument vector, never a shell string; its standard error is ours, so that ssh can
 * ask and complain there. */
#pragma once

#include "pki/key.h"

G_BEGIN_DECLS

/* A command that has not ended after so long is ended. ssh may have to ask a person. */
#define TRANSPORT_BOOTSTRAP_TIMEOUT_MS 30000

/* Finish returns the a{sv} of transport/enrolment.h (transfer full), or MUX_ERROR_ENROLMENT. */
void transport_bootstrap_async (const char *const *argv, const char *request, guint timeout_ms, GMainContext *context,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GVariant *transport_bootstrap_finish (GAsyncResult *result, GError **error);

G_END_DECLS
