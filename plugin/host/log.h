/* What the host's log shows. The log is this program's: the plugin only writes structured messages, and asks
 * by MuxHost.set_log_level () for more of them or fewer, while it runs. Everything goes to standard error, or
 * the journal where that is what standard error is. Messages of other libraries are GLib's own business
 * (G_MESSAGES_DEBUG). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Once, before the first message. Begins with what G_MESSAGES_DEBUG asks for, else with G_LOG_LEVEL_MESSAGE.
 */
void host_log_init (void);
/* The least important level that is shown; from any thread. */
GLogLevelFlags host_log_level (void);
void host_log_set_level (GLogLevelFlags level);

G_END_DECLS
