/* Under which names and addresses a listening host can be reached. */
#include "transport/server-pki.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

/* A certificate should not grow with every container network of the machine. */
#define MAX_NAMES 64

static void
add_name (GPtrArray *names, const char *name)
{
  if (*name != '\0' && names->len < MAX_NAMES
      && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_ptr_array_add (names, g_strdup (name));
}

/* Without port and brackets. */
static char *
host_text (const NetAddress *address)
{
  char buffer[INET6_ADDRSTRLEN] = "";
  NetAddress plain = *address;

  net_address_unmap (&plain);
  if (net_address_family (&plain) == AF_INET)
    inet_ntop (AF_INET, &plain.u.in.sin_addr, buffer, sizeof buffer);
  else
    inet_ntop (AF_INET6, &plain.u.in6.sin6_addr, buffer, sizeof buffer);
  return g_strdup (buffer);
}

/* Link-local ones need a scope, which no certificate can hold and no other machine knows. */
static gboolean
is_link_local (const NetAddress *address)
{
  return net_address_family (address) == AF_INET6 && IN6_IS_ADDR_LINKLOCAL (&address->u.in6.sin6_addr);
}

/* What a socket bound to @bound answers at: a GArray of NetAddress with its port. */
static GArray *
expand (const NetAddress *bound)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  struct ifaddrs *interfaces = NULL;

  if (!net_address_is_wildcard (bound))
    {
      g_array_append_val (addresses, *bound);
      return addresses;
    }
  if (getifaddrs (&interfaces) < 0)
    return addresses;
  for (struct ifaddrs *item = interfaces; item != NULL; item = item->ifa_next)
    {
      NetAddress address;
      int family = item->ifa_addr != NULL ? item->ifa_addr->sa_family : AF_UNSPEC;
      socklen_t length = family == AF_INET ? sizeof (struct sockaddr_in) : sizeof (struct sockaddr_in6);

      if ((item->ifa_flags & IFF_UP) == 0 || (family != AF_INET && family != AF_INET6)
          || (family == AF_INET6 && net_address_family (bound) == AF_INET)
          || !net_address_from_sockaddr (&address, item->ifa_addr, length) || is_link_local (&address))
        continue;
      net_address_set_port (&address, net_address_port (bound));
      g_array_append_val (addresses, address);
    }
  freeifaddrs (interfaces);
  return addresses;
}

char **
transport_reachable_names (GArray *addresses, GPtrArray *extra)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *host = g_get_host_name ();
  const char *dot = strchr (host, '.');

  add_name (names, host);
  if (dot != NULL && dot != host)
    {
      g_autofree char *first = g_strndup (host, (gsize) (dot - host));

      add_name (names, first);
    }
  add_name (names, "localhost");
  for (guint i = 0; i < extra->len; i++)
    add_name (names, extra->pdata[i]);
  for (guint i = 0; i < addresses->len; i++)
    {
      g_autoptr (GArray) all = expand (&g_array_index (addresses, NetAddress, i));

      for (guint j = 0; j < all->len; j++)
        {
          g_autofree char *text = host_text (&g_array_index (all, NetAddress, j));

          add_name (names, text);
        }
    }
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

void
transport_reachable_at (const NetAddress *bound, GPtrArray *list)
{
  g_autoptr (GArray) all = expand (bound);

  for (guint i = 0; i < all->len; i++)
    g_ptr_array_add (list, net_address_to_string (&g_array_index (all, NetAddress, i)));
}
