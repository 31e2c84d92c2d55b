/* Runs an enrolment command: an argv, never a shell string. A certificate request goes to its standard input,
 * the armoured enrolment comes from its standard output (whatever noise is around it); its standard error is
 * ours, so that ssh can ask. Errors are MUX_ERROR_ENROLMENT, or G_IO_ERROR_CANCELLED. The command is killed
 * when it takes too long, says too much or is cancelled, and always reaped. The callback runs on the
 * thread-default context. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @request: PEM, shorter than a pipe holds (64 KiB). */
void transport_bootstrap_async (const char *const *argv, const char *request, guint timeout_ms,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* The parsed enrolment (enrolment.h), transfer full. */
GVariant *transport_bootstrap_finish (GAsyncResult *result, GError **error);

G_END_DECLS
