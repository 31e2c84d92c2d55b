#include "net/route.h"

#include <unistd.h>

gboolean
net_route_source (const NetAddress *remote, NetAddress *source)
{
  NetAddress found = { .length = sizeof found.u };
  /* Connecting a datagram socket binds it to the route's source address (connect(2)), and sends nothing. */
  int fd = socket (remote->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean done;

  if (fd < 0)
    return FALSE;
  done = connect (fd, &remote->u.any, remote->length) == 0 && getsockname (fd, &found.u.any, &found.length) == 0
         && net_address_from_sockaddr (&found, &found.u.any, found.length) && !net_address_is_wildcard (&found);
  close (fd);
  if (!done)
    return FALSE;
  net_address_set_port (&found, 0);
  *source = found;
  return TRUE;
}

gboolean
net_route_is_here (const NetAddress *address)
{
  NetAddress host = *address;
  int fd = socket (address->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean here;

  if (fd < 0)
    return FALSE;
  net_address_set_port (&host, 0);
  here = bind (fd, &host.u.any, host.length) == 0;
  close (fd);
  return here;
}
