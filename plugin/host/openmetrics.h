/* A host's counters in the text format of OpenMetrics 1.0, which Prometheus and node_exporter's textfile
 * collector read too. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @stats: a{sv} of Manager.GetStats; what it does not have is left out. @version: of the plugin. Ends with "#
 * EOF". */
char *host_openmetrics_format (GVariant *stats, const char *version);
/* Of a host that does not run: only that it does not. */
char *host_openmetrics_format_down (void);

G_END_DECLS
