#define BASE_LOG_ROOM "net"

#include "net/udp-private.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <string.h>

/* Interrupted calls, errors queued on the socket and unusable datagrams that one net_udp_receive () steps
 * over. More of them than this wait for the next turn of the loop, so that nobody can hold us here. */
#define MAX_ATTEMPTS 16

/* Room for what the options of udp.c make the kernel attach (136 bytes on a dual-stack socket: both forms of
 * the address, TOS and GRO), and for what an adopted socket asked for besides, such as time stamps. */
typedef union
{
  struct cmsghdr align;
  guint8 bytes[512];
} Control;

/* A number that the kernel writes as int or as one byte, depending on its kind. */
static int
read_number (const struct cmsghdr *cmsg)
{
  const guint8 *data = CMSG_DATA (cmsg);
  int number = 0;

  if (cmsg->cmsg_len >= CMSG_LEN (sizeof number))
    memcpy (&number, data, sizeof number);
  else if (cmsg->cmsg_len >= CMSG_LEN (1))
    number = data[0];
  return number;
}

static void
read_pktinfo (const struct cmsghdr *cmsg, NetAddress *local)
{
  struct in_pktinfo info;
  struct sockaddr_in in = { .sin_family = AF_INET };

  if (cmsg->cmsg_len < CMSG_LEN (sizeof info))
    return;
  memcpy (&info, CMSG_DATA (cmsg), sizeof info);
  in.sin_addr = info.ipi_addr;
  in.sin_port = g_htons (net_address_port (local));
  net_address_from_sockaddr (local, (struct sockaddr *) &in, sizeof in);
}

static void
read_pktinfo6 (const struct cmsghdr *cmsg, NetAddress *local)
{
  struct in6_pktinfo info;
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

  if (cmsg->cmsg_len < CMSG_LEN (sizeof info))
    return;
  memcpy (&info, CMSG_DATA (cmsg), sizeof info);
  in6.sin6_addr = info.ipi6_addr;
  in6.sin6_port = g_htons (net_address_port (local));
  in6.sin6_scope_id = info.ipi6_ifindex; /* kept for link-local addresses only */
  net_address_from_sockaddr (local, (struct sockaddr *) &in6, sizeof in6);
  net_address_unmap (local);
}

static void
read_control (struct msghdr *message, NetReceived *received)
{
  for (struct cmsghdr *cmsg = CMSG_FIRSTHDR (message); cmsg != NULL; cmsg = CMSG_NXTHDR (message, cmsg))
    {
      if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO)
        read_pktinfo (cmsg, &received->local);
      else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO)
        read_pktinfo6 (cmsg, &received->local);
      else if ((cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TOS)
               || (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_TCLASS))
        received->ecn = read_number (cmsg) & IPTOS_ECN_MASK;
      else if (cmsg->cmsg_level == IPPROTO_UDP && cmsg->cmsg_type == UDP_GRO)
        received->segment_size = (gsize) MAX (read_number (cmsg), 0);
    }
}

/* Fills @received from what recvmsg wrote. FALSE when the datagram is not usable: cut short, or with its GRO
 * size lost, without which its packets cannot be told apart. */
static gboolean
accept_message (NetUdp *udp, struct msghdr *message, gsize length, NetReceived *received)
{
  *received = (NetReceived){ .local = udp->local, .data = udp->buffer, .length = length };
  if ((message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
      || !net_address_from_sockaddr (&received->remote, message->msg_name, message->msg_namelen))
    return FALSE;
  net_address_unmap (&received->remote);
  read_control (message, received);
  if (received->segment_size == 0 || received->segment_size > length)
    received->segment_size = length;
  udp->stats.bytes_in += length;
  udp->stats.datagrams_in += length == 0 ? 1 : (length + received->segment_size - 1) / received->segment_size;
  return TRUE;
}

gboolean
net_udp_receive (NetUdp *udp, NetReceived *received)
{
  for (guint attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
    {
      struct sockaddr_storage name;
      Control control;
      struct iovec data = { .iov_base = udp->buffer, .iov_len = NET_UDP_BUFFER_SIZE };
      struct msghdr message = {
        .msg_name = &name,
        .msg_namelen = sizeof name,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
      };
      ssize_t length = recvmsg (udp->fd, &message, 0);

      udp->stats.receive_calls++;
      if (length >= 0 && accept_message (udp, &message, (gsize) length, received))
        return TRUE;
      if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return FALSE;
      /* Reading an error takes it off the socket; what is queued behind it must not wait for another
       * datagram. */
      if (length >= 0 || errno != EINTR)
        udp->stats.receive_errors++;
    }
  return FALSE;
}
