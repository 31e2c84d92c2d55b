/* What ssh calls a host: `ssh -G` tells the name behind an alias of ssh_config, so that the same word reaches the same machine without ssh. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Answers with the host name of @host ([user@]host), which is its host itself where ssh knows no better, or does not say so within 5 s. Runs `ssh -G`
 * by its arguments, never by a shell. Fails only when cancelled. */
void transport_ssh_alias_async (const char *host, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data);
/* Free with g_free (). */
char *transport_ssh_alias_finish (GAsyncResult *result, GError **error);

G_END_DECLS
