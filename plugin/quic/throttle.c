#include "quic/throttle.h"

#include <string.h>

#define EVENT G_GUINT64_CONSTANT (1000000000)

void
quic_throttle_init (QuicThrottle *throttle, guint rate, guint burst)
{
  *throttle = (QuicThrottle){ .rate = rate, .burst = burst, .tokens = burst * EVENT };
}

gboolean
quic_throttle_take (QuicThrottle *throttle, guint64 now)
{
  guint64 full = throttle->burst * EVENT;
  guint64 passed = now > throttle->last ? now - throttle->last : 0;

  /* Rate times nanoseconds is billionths of events; a long pause fills the bucket, before it can overflow. */
  if (passed >= full / throttle->rate)
    throttle->tokens = full;
  else
    throttle->tokens = MIN (full, throttle->tokens + passed * throttle->rate);
  throttle->last = MAX (throttle->last, now);
  if (throttle->tokens < EVENT)
    return FALSE;
  throttle->tokens -= EVENT;
  return TRUE;
}

struct _QuicSources
{
  GHashTable *counts; /* of the source's key → count; attackers choose among 2^32, the table is never longer
                         than the limit of all */
  guint limit;
};

/* IPv4 as ::ffff:0:0/96 in whole, IPv6 by its /64. */
static guint64
source_key (const NetAddress *source)
{
  const guint8 *bytes = source->u.in6.sin6_addr.s6_addr;
  guint64 key = 0;

  if (net_address_family (source) == AF_INET)
    return G_GUINT64_CONSTANT (0xffff00000000) | g_ntohl (source->u.in.sin_addr.s_addr);
  if (IN6_IS_ADDR_V4MAPPED (&source->u.in6.sin6_addr))
    bytes += 12;
  else
    {
      memcpy (&key, bytes, sizeof key);
      return key;
    }
  return G_GUINT64_CONSTANT (0xffff00000000) | (guint64)bytes[0] << 24 | (guint64)bytes[1] << 16
         | (guint64)bytes[2] << 8 | bytes[3];
}

gboolean
quic_sources_full (const QuicSources *sources, const NetAddress *source)
{
  guint64 key = source_key (source);
  gpointer count = g_hash_table_lookup (sources->counts, &key);

  return GPOINTER_TO_UINT (count) >= sources->limit;
}

void
quic_sources_enter (QuicSources *sources, const NetAddress *source)
{
  guint64 key = source_key (source);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (sources->counts, &key));

  g_hash_table_replace (sources->counts, g_memdup2 (&key, sizeof key), GUINT_TO_POINTER (count + 1));
}

void
quic_sources_leave (QuicSources *sources, const NetAddress *source)
{
  guint64 key = source_key (source);
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (sources->counts, &key));

  g_assert (count > 0);
  if (count == 1)
    g_hash_table_remove (sources->counts, &key);
  else
    g_hash_table_replace (sources->counts, g_memdup2 (&key, sizeof key), GUINT_TO_POINTER (count - 1));
}

QuicSources *
quic_sources_new (guint limit)
{
  QuicSources *sources = g_new0 (QuicSources, 1);

  sources->counts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  sources->limit = limit;
  return sources;
}

void
quic_sources_free (QuicSources *sources)
{
  g_assert (g_hash_table_size (sources->counts) == 0);
  g_hash_table_unref (sources->counts);
  g_free (sources);
}
