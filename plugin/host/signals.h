/* Signals by the names that the protocol uses: "INT", not "SIGINT", not 2. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "KILL" of SIGKILL; "" when it has no name here. */
const char *host_signal_name (int number);
/* SIGKILL of "KILL"; 0 when there is none of that name. */
int host_signal_number (const char *name);

G_END_DECLS
