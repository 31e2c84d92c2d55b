/* Datagrams that cost public-key arithmetic wait here (first Initials, and packets of handshakes), so that a pass takes a bounded number
 * of them whatever arrives. Bounded in number; old ones are dropped, their clients send again. Never calls back. */
#pragma once

#include "net/udp.h"
#include "quic/token.h"

G_BEGIN_DECLS

/* Datagrams at most; some 750 KB. */
#define QUIC_BACKLOG_MAX 512

typedef struct
{
  NetAddress local, remote;
  guint8 ecn;
  gboolean opening;         /* may open a connection: a server's first Initial */
  QuicTokenVerdict verdict; /* of its token */
  ngtcp2_cid odcid;         /* with QUIC_TOKEN_RETRY */
  guint64 arrived;
  gsize length;
  guint8 data[];
} QuicPending;

typedef struct
{
  GQueue waiting; /* of QuicPending */
  GQueue parked;  /* their source has too many half-open connections: again when one is done */
  guint openings; /* how many in both are opening */
} QuicBacklog;

void quic_backlog_init (QuicBacklog *backlog);
void quic_backlog_clear (QuicBacklog *backlog);
/* Copies @data; NULL when the backlog is full. */
QuicPending *quic_backlog_push (QuicBacklog *backlog, const NetReceived *received, const guint8 *data, gsize length,
                                gboolean opening, guint64 now);
/* The next one, transfer full (g_free ()); NULL when there is none. */
QuicPending *quic_backlog_pop (QuicBacklog *backlog);
/* Takes back what pop gave. */
void quic_backlog_park (QuicBacklog *backlog, QuicPending *pending);
/* Lets parked ones try again, and drops those that waited too long at @now. */
void quic_backlog_unpark (QuicBacklog *backlog, guint64 now);

G_END_DECLS
