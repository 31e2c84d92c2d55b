/* One non-blocking UDP socket: recvmsg and sendmsg with GSO, GRO, ECN and the local address of every datagram
 * (pktinfo). Transient errors (EAGAIN, ENOBUFS, EPERM, ECONNREFUSED, EMSGSIZE, ENETUNREACH, EHOSTUNREACH, …)
 * are packet loss for the caller, never the end of the socket. Addresses come out in one form only: IPv4 is
 * AF_INET even on a dual-stack socket, and both forms are taken when sending. Never calls back. */
#pragma once

#include "net/address.h"

G_BEGIN_DECLS

typedef struct _NetUdp NetUdp;

typedef enum
{
  NET_UDP_DEFAULT = 0,
  NET_UDP_DUAL_STACK = 1 << 0, /* for [::]: IPv4 too; on a machine without IPv6, IPv4 alone */
  NET_UDP_NO_OFFLOAD = 1 << 1, /* neither GSO nor GRO (tests, fallback paths) */
} NetUdpFlags;

/* What one recvmsg returned: one or more datagrams of one sender (GRO), all @segment_size long but the last. */
typedef struct
{
  NetAddress local; /* the address it was sent to, with the socket's port */
  NetAddress remote;
  guint8 ecn;         /* the two ECN bits (RFC 3168) */
  const guint8 *data; /* in the socket's buffer, valid until the next net_udp_receive () */
  gsize length;
  gsize segment_size; /* == length when there is one datagram; 0 when that is empty */
} NetReceived;

typedef enum
{
  NET_SEND_DONE,    /* handed to the kernel, or lost as packets are */
  NET_SEND_BLOCKED, /* the socket's buffer is full: wait until writable, then send the same again */
} NetSendResult;

typedef struct
{
  guint64 datagrams_in, bytes_in, datagrams_out, bytes_out;
  guint64 receive_calls, send_calls;
  guint64 send_errors;    /* datagrams lost to an error of sendmsg */
  guint64 receive_errors; /* errors queued on the socket, and datagrams that did not fit */
} NetUdpStats;

/* Largest number of segments in one GSO send, and of bytes. */
#define NET_UDP_MAX_SEGMENTS 64
#define NET_UDP_MAX_BATCH 65000

/* What a socket asks the kernel for, in bytes. A burst must survive the time one pass takes: 7 MiB is 50 ms of a
 * gigabit. What is sent waits for the device, and a long queue there is delay that no priority of ours can
 * overtake; 2 MiB are 30 GSO batches. */
#define NET_UDP_RECEIVE_BUFFER ((gsize) 7 * 1024 * 1024)
#define NET_UDP_SEND_BUFFER ((gsize) 2 * 1024 * 1024)

/* Opens and binds. Port 0 = any. G_IO_ERROR_ADDRESS_IN_USE etc. with the address in the message. Socket
 * buffers are raised as far as may be; path MTU discovery is on, fragmentation off. Close-on-exec. */
NetUdp *net_udp_open (const NetAddress *address, NetUdpFlags flags, GError **error);
/* Takes over the bound datagram socket @fd (socket activation). Owns it from then on, also on error. What a
 * socket cannot change after bind stays as it is: whether an IPv6 socket is dual-stack is asked of the
 * socket, not of @flags. */
NetUdp *net_udp_adopt (int fd, NetUdpFlags flags, GError **error);
void net_udp_free (NetUdp *udp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetUdp, net_udp_free)

int net_udp_fd (const NetUdp *udp);
/* The bound address, the port filled in. */
const NetAddress *net_udp_local (const NetUdp *udp);
/* What the kernel gave of that, in bytes. */
void net_udp_buffers (const NetUdp *udp, gsize *receive, gsize *send);
/* Whether it takes IPv4 beside IPv6. */
gboolean net_udp_is_dual_stack (const NetUdp *udp);
gboolean net_udp_has_gso (const NetUdp *udp);
gboolean net_udp_has_gro (const NetUdp *udp);
const NetUdpStats *net_udp_stats (const NetUdp *udp);

/* TRUE when @received was filled, an empty datagram included; FALSE when there is nothing (more) to read. */
gboolean net_udp_receive (NetUdp *udp, NetReceived *received);

/* Sends @length bytes as datagrams of @segment_size (the last may be shorter) from @local (its port ignored;
 * unset or wildcard = the kernel chooses) to @remote. Falls back to single sends where GSO fails, for good
 * when the kernel or device cannot do it. After NET_SEND_BLOCKED nothing, or a prefix of whole segments, was
 * sent: *@sent says how many bytes; send the rest later. After NET_SEND_DONE *@sent is @length, lost
 * datagrams included. */
NetSendResult net_udp_send (NetUdp *udp, const NetAddress *local, const NetAddress *remote, guint8 ecn,
                            const guint8 *data, gsize length, gsize segment_size, gsize *sent);

G_END_DECLS
