/* Two QUIC endpoints joined by a simulated network with a clock of its own: seeded, so that the same seed gives the same run. The link
 * delivers datagrams, runs passes when they are due, and lets time jump to whatever comes next; a minute of idle costs nothing. It owns
 * neither endpoint: free the link last. */
#pragma once

#include "base/heap.h"
#include "quic/endpoint.h"

G_BEGIN_DECLS

typedef struct _Link Link;

typedef enum
{
  LINK_CLIENT,
  LINK_SERVER,
} LinkSide;

/* Chances are in thousandths. Both directions alike. */
typedef struct
{
  guint64 delay;  /* ns, one way */
  guint64 jitter; /* ns, uniform on top: reorders */
  guint loss, duplicate, corrupt;
  gsize mtu;      /* largest UDP payload, 0 = any; larger ones are lost */
  guint64 rate;   /* bytes a second, 0 = any */
  gsize queue;    /* bytes that wait for the rate at most */
  gboolean down;  /* nothing gets through */
} LinkConditions;

typedef struct
{
  guint64 datagrams, bytes; /* given to the link, whatever became of them */
  guint64 dropped;
} LinkStats;

/* 10 ms one way, nothing lost. */
Link *link_new (guint32 seed);
void link_free (Link *link);

const QuicSink *link_sink (void);
/* @side's user data for link_sink (). */
gpointer link_sink_data (Link *link, LinkSide side);
/* NULL detaches: its datagrams are lost. */
void link_attach (Link *link, LinkSide side, QuicEndpoint *endpoint);
const NetAddress *link_address (Link *link, LinkSide side);
/* From now on @side's datagrams carry this port (and host, if it is not NULL), and those to the old one are lost: a NAT that forgot. */
void link_rebind (Link *link, LinkSide side, const char *host, guint16 port);

/* @side has this host too, and may send from it; and: what goes to or from its first one is lost from now on. */
void link_add_host (Link *link, LinkSide side, const char *host);
void link_kill_first_host (Link *link, LinkSide side);

LinkConditions *link_conditions (Link *link);
const LinkStats *link_stats (Link *link, LinkSide from);
/* Sees every datagram given to the link, may change it; FALSE = it is lost. NULL = none. */
void link_set_filter (Link *link, gboolean (*filter) (LinkSide from, guint8 *data, gsize length, gpointer user_data),
                      gpointer user_data);
/* The path of the datagram that the filter sees: the address of @side. */
const NetAddress *link_filtered (Link *link, LinkSide side);
/* The socket of @side takes so many datagrams a millisecond, then it is full; 0 = any. */
void link_set_socket_room (Link *link, LinkSide side, guint datagrams);
/* Hands @side a datagram at once, as if from @remote. */
void link_inject (Link *link, LinkSide side, const NetAddress *remote, const guint8 *data, gsize length);

guint64 link_now (Link *link);
guint32 link_random (Link *link, guint32 below);
/* Runs the next thing that is due; FALSE when nothing ever will be. */
gboolean link_step (Link *link);
/* Lets @duration (ns) pass. */
void link_run (Link *link, guint64 duration);
/* Runs until @done says so; FALSE when it does not within @duration. */
gboolean link_run_until (Link *link, gboolean (*done) (gpointer user_data), gpointer user_data, guint64 duration);

G_END_DECLS
