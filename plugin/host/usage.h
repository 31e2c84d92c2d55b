/* The help texts, and the reading of a verb's options and arguments: all from the verbs' rows. */
#pragma once

#include "host/verb.h"

G_BEGIN_DECLS

/* `mux-quic --help`, to standard output. */
void host_usage_print (void);
/* Reads @argv as @verb's row says and runs it; --help prints its help. @argv[0] becomes "mux-quic VERB".
 * Returns the exit status. */
int host_usage_run (const HostVerb *verb, int argc, char **argv);
/* Complains of @name, which is no verb, with the one that was meant. Returns HOST_EXIT_USAGE. */
int host_usage_unknown (const char *name);

G_END_DECLS
