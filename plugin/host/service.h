/* What a channel asks for, as what a keeper is to start: the built-in services `shell` and `exec`, and those of `mux_services`. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @services: `mux_services` of the configuration, NULL = none. @request: as in MuxHost.channel_opened (). Returns the a{sv} for a keeper's `start` (transfer
 * full), or NULL with *@code (static) for the refusal and @error for the person. */
GVariant *host_service_resolve (GVariant *services, GVariant *request, const char **code, GError **error);
/* Whether a `start` has its errors on a lane apart. */
gboolean host_service_has_errors (GVariant *start);

G_END_DECLS
