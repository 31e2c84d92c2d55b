/* Tells systemd how the service is (sd_notify(3)), without its library; does nothing where nobody asked for
 * it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _HostNotify HostNotify;

/* Takes $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID out of the environment, so that no program that is
 * started here speaks in our name. Before there are threads. */
HostNotify *host_notify_new (void);
void host_notify_free (HostNotify *notify);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostNotify, host_notify_free)

/* It serves, @status being a line for a person (may be NULL). From now on the watchdog hears of it, as long
 * as the default main context turns: that is what a hang stops. */
void host_notify_ready (HostNotify *notify, const char *status);
void host_notify_status (HostNotify *notify, const char *status);
/* The configuration is read again, until host_notify_ready (). */
void host_notify_reloading (HostNotify *notify);
void host_notify_stopping (HostNotify *notify, const char *status);

G_END_DECLS
