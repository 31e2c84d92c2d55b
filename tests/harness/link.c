#include "harness/link.h"

#include <string.h>

typedef struct
{
  BaseHeapNode node; /* when it arrives */
  LinkSide to;
  NetAddress from_address, to_address;
  guint8 ecn;
  gsize length;
  guint8 data[];
} Flight;

typedef struct
{
  Link *link;
  LinkSide side;
  QuicEndpoint *endpoint;
  NetAddress address, second; /* second: unset, or another one of it */
  gboolean first_dead;
  guint64 due;      /* of its next pass */
  guint64 free_at;  /* when the rate lets the next datagram go */
  guint room, used; /* of its socket, in this millisecond */
  guint64 room_since;
  gboolean blocked;
  LinkStats stats;
} End;

struct _Link
{
  GRand *random;
  guint64 now;
  BaseHeap *flights;
  LinkConditions conditions;
  End ends[2];
  gboolean (*filter) (LinkSide from, guint8 *data, gsize length, gpointer user_data);
  gpointer filter_data;
  NetAddress filtered[2]; /* the path of the datagram before the filter */
};

static gboolean
chance (Link *link, guint thousandths)
{
  return thousandths > 0 && (guint)g_rand_int_range (link->random, 0, 1000) < thousandths;
}

/* What @side sends from, when its endpoint says @local: that, if it is one of its addresses, as the system would. */
static const NetAddress *
source (const End *end, const NetAddress *local)
{
  return net_address_equal (local, &end->second) ? &end->second : &end->address;
}

/* Whether a datagram gets to or from @address of @end. */
static gboolean
lives (const End *end, const NetAddress *address)
{
  return net_address_equal (address, &end->second) || (net_address_equal (address, &end->address) && !end->first_dead);
}

static void
launch (Link *link, End *from, const NetAddress *local, const NetAddress *to, guint8 ecn, const guint8 *data, gsize length, guint64 at)
{
  Flight *flight = g_malloc0 (sizeof *flight + length);

  flight->to = from->side == LINK_CLIENT ? LINK_SERVER : LINK_CLIENT;
  flight->from_address = *local;
  flight->to_address = *to;
  flight->ecn = ecn;
  flight->length = length;
  memcpy (flight->data, data, length);
  if (length > 0 && chance (link, link->conditions.corrupt))
    flight->data[g_rand_int_range (link->random, 0, (gint32)length)]
        ^= (guint8)(1 << g_rand_int_range (link->random, 0, 8));
  if (link->conditions.jitter > 0)
    at += (guint64)(g_rand_double (link->random) * (double)link->conditions.jitter);
  base_heap_set (link->flights, &flight->node, at);
}

static void
transmit (Link *link, End *from, const NetAddress *local, const NetAddress *to, guint8 ecn, const guint8 *data, gsize length)
{
  const LinkConditions *conditions = &link->conditions;
  g_autofree guint8 *copy = g_memdup2 (data, length);
  guint64 start = MAX (link->now, from->free_at);
  guint64 backlog = conditions->rate > 0 ? (start - link->now) * conditions->rate / BASE_SECOND : 0;

  from->stats.datagrams++;
  from->stats.bytes += length;
  link->filtered[from->side] = *local;
  link->filtered[!from->side] = *to;
  if (!lives (from, local) || (link->filter != NULL && !link->filter (from->side, copy, length, link->filter_data))
      || conditions->down || (conditions->mtu > 0 && length > conditions->mtu)
      || (conditions->rate > 0 && backlog + length > conditions->queue) || chance (link, conditions->loss))
    {
      from->stats.dropped++;
      return;
    }
  if (conditions->rate > 0)
    {
      start += length * BASE_SECOND / conditions->rate;
      from->free_at = start;
    }
  else
    start = link->now;
  launch (link, from, local, to, ecn, copy, length, start + conditions->delay);
  if (chance (link, conditions->duplicate))
    launch (link, from, local, to, ecn, copy, length, start + conditions->delay);
}

static NetSendResult
send_cb (const NetAddress *local, const NetAddress *remote, guint8 ecn, const guint8 *data, gsize length,
         gsize segment_size, gsize *sent, gpointer user_data)
{
  End *end = user_data;
  Link *link = end->link;

  g_assert_cmpuint (length, >, 0);
  g_assert_cmpuint (segment_size, >, 0);
  g_assert_cmpuint ((length + segment_size - 1) / segment_size, <=, NET_UDP_MAX_SEGMENTS);
  *sent = 0;
  while (*sent < length)
    {
      gsize part = MIN (segment_size, length - *sent);

      if (end->room > 0 && end->used >= end->room)
        {
          end->blocked = TRUE;
          return NET_SEND_BLOCKED;
        }
      end->used++;
      transmit (link, end, source (end, local), remote, ecn, data + *sent, part);
      *sent += part;
    }
  return NET_SEND_DONE;
}

static void
wake_cb (guint64 deadline, gpointer user_data)
{
  End *end = user_data;

  end->due = MIN (end->due, deadline);
}

const QuicSink *
link_sink (void)
{
  static const QuicSink sink = { .send = send_cb, .wake = wake_cb };

  return &sink;
}

gpointer
link_sink_data (Link *link, LinkSide side)
{
  return &link->ends[side];
}

static void
hand_over (Link *link, End *end, const NetAddress *to, const NetAddress *from, guint8 ecn, const guint8 *data, gsize length)
{
  /* A copy of the exact size, so that a sanitizer sees reads past its end. */
  g_autofree guint8 *copy = length > 0 ? g_memdup2 (data, length) : NULL;
  NetReceived received = {
    .local = *to, .remote = *from, .ecn = ecn, .data = copy, .length = length, .segment_size = length
  };

  quic_endpoint_receive (end->endpoint, &received, link->now);
  end->due = 0;
}

void
link_inject (Link *link, LinkSide side, const NetAddress *remote, const guint8 *data, gsize length)
{
  hand_over (link, &link->ends[side], &link->ends[side].address, remote, 0, data, length);
}

static void
arrive (Link *link)
{
  BaseHeapNode *node;

  while ((node = base_heap_peek (link->flights)) != NULL && node->deadline <= link->now)
    {
      Flight *flight = BASE_CONTAINER_OF (node, Flight, node);
      End *end = &link->ends[flight->to];

      base_heap_set (link->flights, node, BASE_NEVER);
      if (end->endpoint != NULL && lives (end, &flight->to_address))
        hand_over (link, end, &flight->to_address, &flight->from_address, flight->ecn, flight->data, flight->length);
      g_free (flight);
    }
}

/* When @end's full socket is free again. */
static guint64
unblocks_at (const End *end)
{
  return end->blocked ? end->room_since + BASE_MILLISECOND : BASE_NEVER;
}

static void
turn (Link *link, End *end)
{
  if (end->endpoint == NULL)
    return;
  if (link->now - end->room_since >= BASE_MILLISECOND)
    {
      end->room_since = link->now;
      end->used = 0;
      if (end->blocked)
        {
          end->blocked = FALSE;
          quic_endpoint_writable (end->endpoint);
          end->due = 0;
        }
    }
  if (end->due <= link->now)
    {
      end->due = BASE_NEVER;
      end->due = MIN (end->due, quic_endpoint_pass (end->endpoint, link->now));
    }
}

static guint64
next_event (Link *link)
{
  BaseHeapNode *node = base_heap_peek (link->flights);
  guint64 next = node != NULL ? node->deadline : BASE_NEVER;

  for (guint i = 0; i < 2; i++)
    if (link->ends[i].endpoint != NULL)
      next = MIN (next, MIN (link->ends[i].due, unblocks_at (&link->ends[i])));
  return next;
}

static void
run_at (Link *link, guint64 when)
{
  link->now = MAX (link->now, when);
  arrive (link);
  turn (link, &link->ends[LINK_CLIENT]);
  turn (link, &link->ends[LINK_SERVER]);
}

gboolean
link_step (Link *link)
{
  guint64 next = next_event (link);

  if (next == BASE_NEVER)
    return FALSE;
  run_at (link, next);
  return TRUE;
}

void
link_run (Link *link, guint64 duration)
{
  guint64 until = link->now + duration;

  while (next_event (link) <= until)
    link_step (link);
  link->now = MAX (link->now, until);
}

gboolean
link_run_until (Link *link, gboolean (*done) (gpointer user_data), gpointer user_data, guint64 duration)
{
  guint64 until = link->now + duration;

  while (!done (user_data))
    if (next_event (link) > until || !link_step (link))
      return FALSE;
  return TRUE;
}

void
link_attach (Link *link, LinkSide side, QuicEndpoint *endpoint)
{
  link->ends[side].endpoint = endpoint;
  link->ends[side].due = endpoint != NULL ? 0 : BASE_NEVER;
}

const NetAddress *
link_address (Link *link, LinkSide side)
{
  return &link->ends[side].address;
}

void
link_rebind (Link *link, LinkSide side, const char *host, guint16 port)
{
  NetAddress *address = &link->ends[side].address;

  if (host != NULL)
    g_assert_true (net_address_from_numeric (address, host, port));
  net_address_set_port (address, port);
}

void
link_add_host (Link *link, LinkSide side, const char *host)
{
  End *end = &link->ends[side];

  g_assert_true (net_address_from_numeric (&end->second, host, net_address_port (&end->address)));
}

void
link_kill_first_host (Link *link, LinkSide side)
{
  link->ends[side].first_dead = TRUE;
}

const NetAddress *
link_filtered (Link *link, LinkSide side)
{
  return &link->filtered[side];
}

LinkConditions *
link_conditions (Link *link)
{
  return &link->conditions;
}

const LinkStats *
link_stats (Link *link, LinkSide from)
{
  return &link->ends[from].stats;
}

void
link_set_filter (Link *link,
                 gboolean (*filter) (LinkSide from, guint8 *data, gsize length, gpointer user_data),
                 gpointer user_data)
{
  link->filter = filter;
  link->filter_data = user_data;
}

void
link_set_socket_room (Link *link, LinkSide side, guint datagrams)
{
  link->ends[side].room = datagrams;
}

guint64
link_now (Link *link)
{
  return link->now;
}

guint32
link_random (Link *link, guint32 below)
{
  return (guint32)g_rand_int_range (link->random, 0, (gint32)below);
}

Link *
link_new (guint32 seed)
{
  Link *link = g_new0 (Link, 1);

  link->random = g_rand_new_with_seed (seed);
  link->now = 1000 * BASE_SECOND;
  link->flights = base_heap_new ();
  link->conditions.delay = 10 * BASE_MILLISECOND;
  for (guint i = 0; i < 2; i++)
    link->ends[i] = (End){ .link = link, .side = i, .due = BASE_NEVER };
  g_assert_true (net_address_from_numeric (&link->ends[LINK_CLIENT].address, "192.0.2.1", 40000));
  g_assert_true (net_address_from_numeric (&link->ends[LINK_SERVER].address, "198.51.100.1", 9001));
  return link;
}

void
link_free (Link *link)
{
  BaseHeapNode *node;

  while ((node = base_heap_peek (link->flights)) != NULL)
    {
      base_heap_set (link->flights, node, BASE_NEVER);
      g_free (BASE_CONTAINER_OF (node, Flight, node));
    }
  base_heap_free (link->flights);
  g_rand_free (link->random);
  g_free (link);
}
