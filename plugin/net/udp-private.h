/* What the halves of a UDP socket share: its state, and how a cmsg is read and written. Private to
 * net/udp*.c. */
#pragma once

#include "base/log.h"
#include "net/udp.h"

G_BEGIN_DECLS

/* recvmsg with GRO returns at most one IP packet's worth of coalesced payload. */
#define NET_UDP_BUFFER_SIZE (64 * 1024)

struct _NetUdp
{
  int fd;
  int family; /* of the socket: AF_INET or AF_INET6 */
  NetAddress local;
  gboolean gso, gro;
  gboolean both; /* IPv6 and IPv4 */
  NetUdpStats stats;
  BaseLogGate send_gate;
  guint8 *buffer; /* of NET_UDP_BUFFER_SIZE */
};

G_END_DECLS
