/* The names of log levels on D-Bus, and the host's log behind them. Never calls back. */
#pragma once

#include <mux/host.h>

G_BEGIN_DECLS

/* "" when @host does not let it be asked. */
const char *control_log_level_get (const MuxHost *host);
/* FALSE with G_DBUS_ERROR_INVALID_ARGS for an unknown name, G_DBUS_ERROR_NOT_SUPPORTED when @host does not
 * let it be changed. */
gboolean control_log_level_set (const MuxHost *host, const char *name, GError **error);

G_END_DECLS
