/* Loads the plugin through its ABI alone (mux/plugin.h) and holds what it registered. One per process. */
#pragma once

#include <mux/transport.h>

G_BEGIN_DECLS

typedef struct _HostLoader HostLoader;

/* Finds the module: @path (`--plugin`), else TRANSPORT_DIR/mux-quic.so, else, when the program runs from its build directory, beside it.
 * Checks the ABI, activates it with @host (its register/unregister functions and their user_data must be those of
 * host_loader_fill ()). The module stays resident. */
HostLoader *host_loader_new (void);
/* Fills size, abi, application, context, user_data-independent defaults and the registration functions of @host, with @loader as user_data.
 * The caller sets its callbacks after; they get @user_data through host_loader_user_data (). */
void host_loader_fill (HostLoader *loader, MuxHost *host, gpointer user_data);
gpointer host_loader_user_data (gpointer loader);
gboolean host_loader_load (HostLoader *loader, const MuxHost *host, const char *path, GError **error);
void host_loader_free (HostLoader *loader); /* deactivates */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostLoader, host_loader_free)

const MuxTransportOps *host_loader_ops (HostLoader *loader);
MuxTransport *host_loader_transport (HostLoader *loader);
const MuxSessionOps *host_loader_session_ops (HostLoader *loader);

G_END_DECLS
