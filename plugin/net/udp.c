#define BASE_LOG_ROOM "net"

#include "net/udp-private.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <unistd.h>

typedef enum
{
  ON_IPV4 = 1 << 0, /* sockets that carry IPv4, mapped or not */
  ON_IPV6 = 1 << 1, /* AF_INET6 sockets */
} OptionScope;

typedef struct
{
  OptionScope scope;
  int level, name, value;
  const char *label;
} Option;

static const Option options[] = {
  { ON_IPV4, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "IP_MTU_DISCOVER" },
  { ON_IPV6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, "IPV6_MTU_DISCOVER" },
  { ON_IPV4, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO" },
  { ON_IPV6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO" },
  { ON_IPV4, IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS" },
  { ON_IPV6, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS" },
  /* An adopted socket may have a queue of ICMP errors on, which nobody would read: poll would report it
   * for ever. */
  { ON_IPV4, IPPROTO_IP, IP_RECVERR, 0, "IP_RECVERR" },
  { ON_IPV6, IPPROTO_IPV6, IPV6_RECVERR, 0, "IPV6_RECVERR" },
};

static gboolean
set_int (int fd, int level, int name, int value)
{
  return setsockopt (fd, level, name, &value, sizeof value) == 0;
}

static gboolean
get_int (int fd, int level, int name, int *value)
{
  socklen_t length = sizeof *value;

  return getsockopt (fd, level, name, value, &length) == 0;
}

/* Best effort: a small buffer costs speed under load, never correctness. The privileged form ignores the
 * system's limit. */
static void
raise_buffer (int fd, int name, int force_name, gsize size)
{
  int current = 0, wanted = (int) size;

  /* The kernel reports twice what was asked for, its own overhead included. */
  if (get_int (fd, SOL_SOCKET, name, &current) && current / 2 >= wanted)
    return;
  if (!set_int (fd, SOL_SOCKET, force_name, wanted) && !set_int (fd, SOL_SOCKET, name, wanted))
    base_debug ("cannot raise a UDP socket buffer to %d bytes: %s", wanted, g_strerror (errno));
}

static gboolean
set_options (NetUdp *udp, OptionScope scope, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if ((options[i].scope & scope) != 0
        && !set_int (udp->fd, options[i].level, options[i].name, options[i].value))
      {
        int saved_errno = errno;

        return base_error_set_errno (error, saved_errno, _("Cannot set %s on a UDP socket"),
                                     options[i].label);
      }
  return TRUE;
}

static void
set_offload (NetUdp *udp, NetUdpFlags flags)
{
  gboolean wanted = (flags & NET_UDP_NO_OFFLOAD) == 0;
  int segment = 0;

  udp->gro = set_int (udp->fd, IPPROTO_UDP, UDP_GRO, wanted) && wanted;
  udp->gso = wanted && get_int (udp->fd, IPPROTO_UDP, UDP_SEGMENT, &segment);
  /* A size left on an adopted socket would cut every datagram to it. */
  if (segment != 0)
    set_int (udp->fd, IPPROTO_UDP, UDP_SEGMENT, 0);
}

/* Sets up everything that does not depend on how the socket came into being. */
static gboolean
set_up (NetUdp *udp, NetUdpFlags flags, GError **error)
{
  OptionScope scope = ON_IPV4;
  int v6only = 0;

  if (udp->family == AF_INET6)
    {
      if (!get_int (udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only))
        {
          int saved_errno = errno;

          return base_error_set_errno (error, saved_errno, _("Cannot read IPV6_V6ONLY of a UDP socket"));
        }
      scope = v6only ? ON_IPV6 : ON_IPV4 | ON_IPV6;
      udp->both = !v6only;
    }
  if (!set_options (udp, scope, error))
    return FALSE;
  set_offload (udp, flags);
  raise_buffer (udp->fd, SO_RCVBUF, SO_RCVBUFFORCE, NET_UDP_RECEIVE_BUFFER);
  raise_buffer (udp->fd, SO_SNDBUF, SO_SNDBUFFORCE, NET_UDP_SEND_BUFFER);
  udp->buffer = g_malloc (NET_UDP_BUFFER_SIZE);
  return TRUE;
}

static gboolean
read_local (NetUdp *udp, GError **error)
{
  struct sockaddr_storage name;
  socklen_t length = sizeof name;

  if (getsockname (udp->fd, (struct sockaddr *) &name, &length) != 0)
    {
      int saved_errno = errno;

      return base_error_set_errno (error, saved_errno, _("Cannot read the address of a UDP socket"));
    }
  if (!net_address_from_sockaddr (&udp->local, (struct sockaddr *) &name, length)
      || net_address_port (&udp->local) == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   _("The socket handed over has no UDP address: it must be bound (ListenDatagram= in a "
                     "socket unit)"));
      return FALSE;
    }
  return TRUE;
}

static gboolean
fail_bind (GError **error, const NetAddress *address, int saved_errno)
{
  g_autofree char *text = net_address_to_string (address);

  switch (saved_errno)
    {
    case EADDRINUSE:
      return base_error_set_errno (
          error, saved_errno,
          _("Cannot listen on UDP %s (stop the program that has it, or choose another port)"), text);
    case EADDRNOTAVAIL:
      return base_error_set_errno (error, saved_errno,
                                   _("Cannot listen on UDP %s (this machine has no such address)"), text);
    case EACCES:
      return base_error_set_errno (error, saved_errno,
                                   _("Cannot listen on UDP %s (choose a port from 1024 on, or grant "
                                     "CAP_NET_BIND_SERVICE)"),
                                   text);
    default:
      return base_error_set_errno (error, saved_errno, _("Cannot listen on UDP %s"), text);
    }
}

/* The socket for @address, which becomes 0.0.0.0 where the machine has no IPv6 but would do for a dual-stack
 * socket. */
static int
open_socket (NetAddress *address, NetUdpFlags flags)
{
  int fd = socket (net_address_family (address), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0 && errno == EAFNOSUPPORT && (flags & NET_UDP_DUAL_STACK) != 0
      && net_address_is_wildcard (address))
    {
      net_address_from_numeric (address, "0.0.0.0", net_address_port (address));
      fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
  return fd;
}

NetUdp *
net_udp_open (const NetAddress *address, NetUdpFlags flags, GError **error)
{
  g_autoptr (NetUdp) udp = g_new0 (NetUdp, 1);
  NetAddress wanted = *address;

  net_address_unmap (&wanted);
  udp->fd = open_socket (&wanted, flags);
  udp->family = net_address_family (&wanted);
  if (udp->fd < 0)
    {
      fail_bind (error, &wanted, errno);
      return NULL;
    }
  if (udp->family == AF_INET6
      && !set_int (udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, (flags & NET_UDP_DUAL_STACK) == 0))
    {
      fail_bind (error, &wanted, errno);
      return NULL;
    }
  /* Before bind, so that no datagram comes in without its address and ECN bits. */
  if (!set_up (udp, flags, error))
    return NULL;
  if (bind (udp->fd, &wanted.u.any, wanted.length) != 0)
    {
      fail_bind (error, &wanted, errno);
      return NULL;
    }
  if (!read_local (udp, error))
    return NULL;
  return g_steal_pointer (&udp);
}

static gboolean
check_adopted (NetUdp *udp, GError **error)
{
  int type = 0, flags;

  if (!get_int (udp->fd, SOL_SOCKET, SO_TYPE, &type)
      || !get_int (udp->fd, SOL_SOCKET, SO_DOMAIN, &udp->family))
    {
      int saved_errno = errno;

      return base_error_set_errno (error, saved_errno,
                                   _("Cannot use the descriptor %d handed over as a UDP socket"), udp->fd);
    }
  if (type != SOCK_DGRAM || (udp->family != AF_INET && udp->family != AF_INET6))
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          _("The descriptor %d handed over is not a UDP socket (use ListenDatagram= in a socket unit)"),
          udp->fd);
      return FALSE;
    }
  flags = fcntl (udp->fd, F_GETFL);
  if (flags < 0 || fcntl (udp->fd, F_SETFL, flags | O_NONBLOCK) != 0
      || fcntl (udp->fd, F_SETFD, FD_CLOEXEC) != 0)
    {
      int saved_errno = errno;

      return base_error_set_errno (error, saved_errno, _("Cannot make the socket handed over non-blocking"));
    }
  return TRUE;
}

NetUdp *
net_udp_adopt (int fd, NetUdpFlags flags, GError **error)
{
  g_autoptr (NetUdp) udp = g_new0 (NetUdp, 1);

  udp->fd = fd;
  if (!check_adopted (udp, error) || !read_local (udp, error) || !set_up (udp, flags, error))
    return NULL;
  return g_steal_pointer (&udp);
}

void
net_udp_free (NetUdp *udp)
{
  if (udp->fd >= 0)
    close (udp->fd);
  g_free (udp->buffer);
  g_free (udp);
}

int
net_udp_fd (const NetUdp *udp)
{
  return udp->fd;
}

const NetAddress *
net_udp_local (const NetUdp *udp)
{
  return &udp->local;
}

void
net_udp_buffers (const NetUdp *udp, gsize *receive, gsize *send)
{
  int got[2] = { 0, 0 };

  get_int (udp->fd, SOL_SOCKET, SO_RCVBUF, &got[0]);
  get_int (udp->fd, SOL_SOCKET, SO_SNDBUF, &got[1]);
  /* The kernel reports twice what it counts, its own overhead included. */
  *receive = (gsize) MAX (got[0], 0) / 2;
  *send = (gsize) MAX (got[1], 0) / 2;
}

gboolean
net_udp_is_dual_stack (const NetUdp *udp)
{
  return udp->both;
}

gboolean
net_udp_has_gso (const NetUdp *udp)
{
  return udp->gso;
}

gboolean
net_udp_has_gro (const NetUdp *udp)
{
  return udp->gro;
}

const NetUdpStats *
net_udp_stats (const NetUdp *udp)
{
  return &udp->stats;
}
