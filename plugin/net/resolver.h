/* Names to addresses: `host:port` as people write it, resolved by GResolver. The async form never blocks. */
#pragma once

#include "net/address.h"

G_BEGIN_DECLS

/* Splits `host:port`, `[v6]:port` or `host` (port = @default_port). @host is transfer full. MUX_ERROR_CONFIG
 * with the text and what is wrong with it. Port 0 is allowed. */
gboolean net_resolver_split (const char *text, guint16 default_port, char **host, guint16 *port,
                             GError **error);

/* Every address of @host, each with @port: a GArray of NetAddress, at least one. Numbers need no name
 * service. MUX_ERROR_UNREACHABLE naming @host when there is none. Duplicates removed, the resolver's order
 * kept. */
GArray *net_resolver_lookup (const char *host, guint16 port, GCancellable *cancellable, GError **error);
void net_resolver_lookup_async (const char *host, guint16 port, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
GArray *net_resolver_lookup_finish (GAsyncResult *result, GError **error);

G_END_DECLS
