/* One GSource per UDP socket: dispatches when the socket is readable, writable (if asked) or the ready time
 * came. It owns nothing but itself; the owner destroys it before the NetUdp is freed. */
#pragma once

#include "net/udp.h"

G_BEGIN_DECLS

typedef struct _NetSource NetSource; /* is a GSource */

/* Called on the source's context for every wake-up; @condition: G_IO_IN and/or G_IO_OUT, 0 when only the time
 * came. Read the socket dry within your bound, then do what is due, then set the ready time once. */
typedef void (*NetSourceFunc) (NetUdp *udp, GIOCondition condition, gpointer user_data);

/* Attached to @context (NULL = default) with the name @name. Unref with net_source_free (). */
NetSource *net_source_new (NetUdp *udp, GMainContext *context, const char *name, NetSourceFunc func,
                           gpointer user_data);
/* Destroys and unrefs; safe from inside its own dispatch. */
void net_source_free (NetSource *source);

/* The monotonic time (ns, net_now ()) at which to dispatch, never earlier; BASE_NEVER for none; 0 = at once.
 * It is spent by the dispatch it causes. Cheapest from inside the dispatch; setting the same time again costs
 * nothing. */
void net_source_set_ready_time (NetSource *source, guint64 deadline);
/* Whether to dispatch when the socket can be written again. */
void net_source_set_want_write (NetSource *source, gboolean want);

/* Monotonic nanoseconds; the only reading of a clock for protocol code, which gets it as an argument. */
guint64 net_now (void);

G_END_DECLS
