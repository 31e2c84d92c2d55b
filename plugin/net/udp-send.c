#define BASE_LOG_ROOM "net"

#include "net/udp-private.h"

#include "base/heap.h"
#include "net/source.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <string.h>

/* At most so many log lines about lost datagrams in so long; the counter has them all. */
#define LOG_BURST 1
#define LOG_INTERVAL (60 * BASE_SECOND)

typedef union
{
  struct cmsghdr align;
  guint8 bytes[CMSG_SPACE (sizeof (struct in6_pktinfo)) + CMSG_SPACE (sizeof (int))
               + CMSG_SPACE (sizeof (guint16))];
} Control;

/* A message to one place from one address, ready but for its data and its segment size, which come last in
 * the control data. */
typedef struct
{
  NetAddress remote; /* in the socket's family */
  Control control;
  gsize control_length; /* without the segment size */
} Envelope;

static void
add_control (Control *control, gsize *used, int level, int type, const void *value, gsize size)
{
  struct cmsghdr *cmsg = (struct cmsghdr *) (control->bytes + *used);

  g_assert (*used + CMSG_SPACE (size) <= sizeof control->bytes);
  memset (cmsg, 0, CMSG_SPACE (size));
  cmsg->cmsg_level = level;
  cmsg->cmsg_type = type;
  cmsg->cmsg_len = CMSG_LEN (size);
  memcpy (CMSG_DATA (cmsg), value, size);
  *used += CMSG_SPACE (size);
}

static void
add_source (Envelope *envelope, const NetAddress *local)
{
  if (net_address_family (local) == AF_INET)
    {
      struct in_pktinfo info = { .ipi_spec_dst = local->u.in.sin_addr };

      add_control (&envelope->control, &envelope->control_length, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
  else
    {
      struct in6_pktinfo info
          = { .ipi6_addr = local->u.in6.sin6_addr, .ipi6_ifindex = local->u.in6.sin6_scope_id };

      add_control (&envelope->control, &envelope->control_length, IPPROTO_IPV6, IPV6_PKTINFO, &info,
                   sizeof info);
    }
}

/* What decides the form of the control data is the packet on the wire: for a mapped address the kernel takes
 * the IPv4 path, on which it ignores IPV6_TCLASS. */
static void
address_envelope (Envelope *envelope, const NetUdp *udp, const NetAddress *local, const NetAddress *remote,
                  guint8 ecn)
{
  NetAddress source = *local;
  int tos = ecn & IPTOS_ECN_MASK;
  gboolean ipv4;

  envelope->control_length = 0;
  envelope->remote = *remote;
  net_address_unmap (&envelope->remote);
  net_address_unmap (&source);
  ipv4 = net_address_family (&envelope->remote) == AF_INET;
  if (net_address_family (&source) == net_address_family (&envelope->remote)
      && !net_address_is_wildcard (&source))
    add_source (envelope, &source);
  if (tos != 0)
    add_control (&envelope->control, &envelope->control_length, ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                 ipv4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos);
  if (udp->family == AF_INET6)
    net_address_map (&envelope->remote);
}

/* One sendmsg; with @segment_size the kernel cuts @length to datagrams of it. Returns 0 or an errno. */
static int
send_once (NetUdp *udp, Envelope *envelope, const guint8 *data, gsize length, gsize segment_size)
{
  gsize control_length = envelope->control_length;
  struct iovec vector = { .iov_base = (void *) data, .iov_len = length };
  struct msghdr message = {
    .msg_name = &envelope->remote.u,
    .msg_namelen = envelope->remote.length,
    .msg_iov = &vector,
    .msg_iovlen = 1,
  };
  ssize_t result;

  if (segment_size != 0)
    {
      guint16 size = (guint16) segment_size;

      add_control (&envelope->control, &control_length, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
  if (control_length != 0)
    {
      message.msg_control = &envelope->control;
      message.msg_controllen = control_length;
    }
  do
    {
      result = sendmsg (udp->fd, &message, MSG_NOSIGNAL);
      udp->stats.send_calls++;
    }
  while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

static gboolean
is_blocked (int error)
{
  return error == EAGAIN || error == EWOULDBLOCK;
}

static void
count_sent (NetUdp *udp, gsize datagrams, gsize length)
{
  udp->stats.datagrams_out += datagrams;
  udp->stats.bytes_out += length;
}

static void
count_lost (NetUdp *udp, gsize datagrams, const NetAddress *remote, int error)
{
  char text[NET_ADDRESS_STRLEN];

  udp->stats.send_errors += datagrams;
  if (base_log_gate (&udp->send_gate, net_now (), LOG_BURST, LOG_INTERVAL))
    base_debug ("a UDP datagram to %s was lost in sending: %s (%" G_GUINT64_FORMAT " more before it)",
                net_address_format (remote, text), g_strerror (error), udp->send_gate.suppressed);
}

static NetSendResult
send_singly (NetUdp *udp, Envelope *envelope, const guint8 *data, gsize length, gsize segment_size,
             gsize *sent)
{
  do
    {
      gsize size = MIN (segment_size, length - *sent);
      int error = send_once (udp, envelope, data + *sent, size, 0);

      if (is_blocked (error))
        return NET_SEND_BLOCKED;
      if (error == 0)
        count_sent (udp, 1, size);
      else
        count_lost (udp, 1, &envelope->remote, error);
      *sent += size;
    }
  while (*sent < length);
  return NET_SEND_DONE;
}

/* After a batch that the kernel would not cut. EIO says that it cannot on this device; EINVAL may as well
 * mean the local address (gone since the last packet) or, from older kernels, a segment above the device's
 * MTU. Then single sends fail too, all or all but a short last one, and say nothing about GSO. */
static NetSendResult
fall_back (NetUdp *udp, Envelope *envelope, int error, const guint8 *data, gsize length, gsize segment_size,
           gsize *sent)
{
  NetUdpStats before = udp->stats;
  NetSendResult result = send_singly (udp, envelope, data, length, segment_size, sent);
  gboolean fine
      = udp->stats.datagrams_out > before.datagrams_out && udp->stats.send_errors == before.send_errors;

  if (error == EIO || fine)
    {
      udp->gso = FALSE;
      base_info ("segmentation offload does not work here (%s): sending datagrams one by one",
                 g_strerror (error));
    }
  return result;
}

/* Sends at most NET_UDP_MAX_SEGMENTS; *@sent, 0 before, says how much of it is done with. */
static NetSendResult
send_batch (NetUdp *udp, Envelope *envelope, const guint8 *data, gsize length, gsize segment_size,
            gsize *sent)
{
  int error;

  if (length <= segment_size || !udp->gso)
    return send_singly (udp, envelope, data, length, segment_size, sent);
  error = send_once (udp, envelope, data, length, segment_size);
  if (is_blocked (error))
    return NET_SEND_BLOCKED;
  if (error == EIO || error == EINVAL)
    return fall_back (udp, envelope, error, data, length, segment_size, sent);
  if (error == 0)
    count_sent (udp, (length + segment_size - 1) / segment_size, length);
  else
    count_lost (udp, (length + segment_size - 1) / segment_size, &envelope->remote, error);
  *sent = length;
  return NET_SEND_DONE;
}

NetSendResult
net_udp_send (NetUdp *udp, const NetAddress *local, const NetAddress *remote, guint8 ecn, const guint8 *data,
              gsize length, gsize segment_size, gsize *sent)
{
  Envelope envelope;
  NetSendResult result;
  gsize batch, in_batch;

  if (segment_size == 0 || segment_size > length)
    segment_size = MAX (length, 1);
  batch
      = MIN (NET_UDP_MAX_BATCH / MIN (segment_size, NET_UDP_MAX_BATCH), NET_UDP_MAX_SEGMENTS) * segment_size;
  address_envelope (&envelope, udp, local, remote, ecn);
  *sent = 0;
  do
    {
      in_batch = 0;
      result
          = send_batch (udp, &envelope, data + *sent, MIN (batch, length - *sent), segment_size, &in_batch);
      *sent += in_batch;
    }
  while (result == NET_SEND_DONE && *sent < length);
  return result;
}
