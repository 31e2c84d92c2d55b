/* The end of a client's session: whoever goes says so, that nothing is kept for him over there. */
#pragma once

#include <mux/transport.h>

G_BEGIN_DECLS

/* Runs the default context until the other side has heard it, or can not; @hurry: at most for half a second, for who breaks off, perhaps
 * because the network is dead. */
void host_goodbye_say (const MuxSessionOps *ops, MuxSession *session, gboolean hurry);

G_END_DECLS
