#include "quic/outbox.h"

#include <string.h>

typedef struct
{
  NetAddress local, remote;
  gsize begin, length, segment;
  guint n_segments;
  guint8 ecn;
  gboolean full; /* takes no more: a shorter segment ends a run, a probe stands alone */
} Run;

#define MAX_RUNS 64

struct _QuicOutbox
{
  QuicSink sink;
  gpointer sink_data;
  gsize used;
  guint first, n_runs; /* runs[first .. n_runs) wait */
  gboolean blocked;
  Run runs[MAX_RUNS];
  guint8 buffer[NET_UDP_MAX_BATCH];
};

gboolean
quic_outbox_flush (QuicOutbox *outbox)
{
  while (!outbox->blocked && outbox->first < outbox->n_runs)
    {
      Run *run = &outbox->runs[outbox->first];
      gsize sent = 0;

      if (outbox->sink.send (&run->local, &run->remote, run->ecn, outbox->buffer + run->begin, run->length,
                             run->segment, &sent, outbox->sink_data)
          == NET_SEND_BLOCKED)
        {
          g_assert (sent <= run->length);
          run->begin += sent;
          run->length -= sent;
          outbox->blocked = run->length > 0;
          if (outbox->blocked)
            break;
        }
      outbox->first++;
    }
  if (outbox->first == outbox->n_runs)
    outbox->first = outbox->n_runs = 0, outbox->used = 0;
  return !outbox->blocked;
}

guint8 *
quic_outbox_reserve (QuicOutbox *outbox)
{
  if (outbox->blocked)
    return NULL;
  if (outbox->used + QUIC_OUTBOX_PACKET > sizeof outbox->buffer || outbox->n_runs == MAX_RUNS)
    if (!quic_outbox_flush (outbox))
      return NULL;
  return outbox->buffer + outbox->used;
}

static gboolean
fits (const Run *run, gsize length, const NetAddress *local, const NetAddress *remote, guint8 ecn)
{
  return !run->full && run->ecn == ecn && length <= run->segment && run->n_segments < NET_UDP_MAX_SEGMENTS
         && net_address_equal (&run->remote, remote) && net_address_equal (&run->local, local);
}

void
quic_outbox_commit (QuicOutbox *outbox, gsize length, const NetAddress *local, const NetAddress *remote,
                    guint8 ecn, gboolean alone)
{
  Run *run = outbox->n_runs > outbox->first ? &outbox->runs[outbox->n_runs - 1] : NULL;

  g_assert (length > 0 && length <= QUIC_OUTBOX_PACKET);
  if (run == NULL || alone || !fits (run, length, local, remote, ecn))
    {
      g_assert (outbox->n_runs < MAX_RUNS);
      run = &outbox->runs[outbox->n_runs++];
      *run
          = (Run){ .local = *local, .remote = *remote, .begin = outbox->used, .segment = length, .ecn = ecn };
    }
  run->length += length;
  run->n_segments++;
  run->full = alone || length < run->segment;
  outbox->used += length;
}

gboolean
quic_outbox_is_blocked (const QuicOutbox *outbox)
{
  return outbox->blocked;
}

void
quic_outbox_unblock (QuicOutbox *outbox)
{
  outbox->blocked = FALSE;
}

QuicOutbox *
quic_outbox_new (const QuicSink *sink, gpointer sink_data)
{
  QuicOutbox *outbox = g_new0 (QuicOutbox, 1);

  outbox->sink = *sink;
  outbox->sink_data = sink_data;
  return outbox;
}

void
quic_outbox_free (QuicOutbox *outbox)
{
  g_free (outbox);
}
