/* Certificates in use that come near their end, because nobody renews them, or that failed. The host's own
 * are renewed at two thirds of their life; whatever is left of it at five sixths is told to the observer, and
 * again every day, with what went wrong. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef struct _TransportExpiry TransportExpiry;

/* However long it lives, so many days before its end are early enough. */
#define TRANSPORT_EXPIRY_DAYS 14

/* For a server that has just started. */
TransportExpiry *transport_expiry_new (MuxTransport *transport);
void transport_expiry_free (TransportExpiry *expiry);
/* Other certificates are in use: looks at all dates anew. @expiry may be NULL. */
void transport_expiry_look (TransportExpiry *expiry);
/* For tests: @now in µs like g_get_real_time (). */
void transport_expiry_set_clock (TransportExpiry *expiry, gint64 (*now) (void));

G_END_DECLS
