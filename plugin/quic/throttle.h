/* Limits on what strangers can make an endpoint do: a rate of events, and half-open connections per source. Values, no allocation
 * but the table of sources. Never calls back. */
#pragma once

#include "net/address.h"

G_BEGIN_DECLS

/* At most @rate events a second on average, at most @burst at once. */
typedef struct
{
  guint rate, burst;
  guint64 tokens; /* in billionths of an event */
  guint64 last;   /* ns */
} QuicThrottle;

void quic_throttle_init (QuicThrottle *throttle, guint rate, guint burst);
/* Whether one more event may happen at @now (ns); counts it. */
gboolean quic_throttle_take (QuicThrottle *throttle, guint64 now);

/* Counts per source: an IPv4 address, or an IPv6 /64 (whoever has one address there has them all). */
typedef struct _QuicSources QuicSources;

QuicSources *quic_sources_new (guint limit);
/* Asserts that every source was left. */
void quic_sources_free (QuicSources *sources);
gboolean quic_sources_full (const QuicSources *sources, const NetAddress *source);
void quic_sources_enter (QuicSources *sources, const NetAddress *source);
void quic_sources_leave (QuicSources *sources, const NetAddress *source);

G_END_DECLS
