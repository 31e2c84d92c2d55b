#include "quic/backlog.h"

#include <string.h>

/* A client sends its Initial again after a second or so. */
#define PARKED_LIFETIME (2 * NGTCP2_SECONDS)

QuicPending *
quic_backlog_push (QuicBacklog *backlog, const NetReceived *received, const guint8 *data, gsize length,
                   gboolean opening, guint64 now)
{
  QuicPending *pending;

  if (backlog->waiting.length + backlog->parked.length >= QUIC_BACKLOG_MAX)
    return NULL;
  pending = g_malloc (sizeof *pending + length);
  *pending = (QuicPending){ .local = received->local,
                            .remote = received->remote,
                            .ecn = received->ecn,
                            .opening = opening,
                            .arrived = now,
                            .length = length };
  memcpy (pending->data, data, length);
  backlog->openings += opening;
  g_queue_push_tail (&backlog->waiting, pending);
  return pending;
}

QuicPending *
quic_backlog_pop (QuicBacklog *backlog)
{
  QuicPending *pending = g_queue_pop_head (&backlog->waiting);

  if (pending != NULL)
    backlog->openings -= pending->opening;
  return pending;
}

void
quic_backlog_park (QuicBacklog *backlog, QuicPending *pending)
{
  backlog->openings += pending->opening;
  g_queue_push_tail (&backlog->parked, pending);
}

void
quic_backlog_unpark (QuicBacklog *backlog, guint64 now)
{
  QuicPending *pending;

  while ((pending = g_queue_pop_tail (&backlog->parked)) != NULL)
    if (now - pending->arrived < PARKED_LIFETIME)
      g_queue_push_head (&backlog->waiting, pending);
    else
      {
        backlog->openings -= pending->opening;
        g_free (pending);
      }
}

void
quic_backlog_init (QuicBacklog *backlog)
{
  *backlog = (QuicBacklog){ .waiting = G_QUEUE_INIT, .parked = G_QUEUE_INIT };
}

void
quic_backlog_clear (QuicBacklog *backlog)
{
  g_queue_clear_full (&backlog->waiting, g_free);
  g_queue_clear_full (&backlog->parked, g_free);
  backlog->openings = 0;
}
