/* Tells systemd how the service is (sd_notify(3)), without its library. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sends @state ("READY=1", …) to $NOTIFY_SOCKET; does nothing where there is none. */
void host_notify (const char *state);

G_END_DECLS
