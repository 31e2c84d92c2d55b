#include "transport/names.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

/* Addresses of a machine with very many interfaces are cut: a certificate is not a list of networks. */
#define MAX_NAMES 64

/* Calls @func for each address of an interface that is up, of @family (AF_UNSPEC = both); link-local ones mean nothing elsewhere. */
static void
for_each_interface (int family, void (*func) (const NetAddress *address, gpointer data), gpointer data)
{
  struct ifaddrs *list;

  if (getifaddrs (&list) != 0)
    return;
  for (struct ifaddrs *one = list; one != NULL; one = one->ifa_next)
    {
      NetAddress address;
      int has = one->ifa_addr == NULL ? AF_UNSPEC : one->ifa_addr->sa_family;

      if ((has != AF_INET && has != AF_INET6) || (family != AF_UNSPEC && family != has)
          || (one->ifa_flags & IFF_UP) == 0)
        continue;
      if (!net_address_from_sockaddr (&address, one->ifa_addr,
                                      has == AF_INET ? sizeof (struct sockaddr_in) : sizeof (struct sockaddr_in6)))
        continue;
      if (has == AF_INET6 && IN6_IS_ADDR_LINKLOCAL (&address.u.in6.sin6_addr))
        continue;
      func (&address, data);
    }
  freeifaddrs (list);
}

/* "127.0.0.1" of "127.0.0.1:9001". */
static char *
host_text (const NetAddress *address)
{
  char buffer[NET_ADDRESS_STRLEN];
  const char *text = net_address_format (address, buffer);

  if (text[0] == '[')
    return g_strndup (text + 1, strcspn (text + 1, "]%"));
  return g_strndup (text, (gsize) (strrchr (text, ':') - text));
}

static void
add (GPtrArray *names, const char *name)
{
  if (name[0] == '\0' || names->len >= MAX_NAMES)
    return;
  for (guint i = 0; i < names->len; i++)
    if (g_ascii_strcasecmp (names->pdata[i], name) == 0)
      return;
  g_ptr_array_add (names, g_strdup (name));
}

static void
add_address (const NetAddress *address, gpointer names)
{
  g_autofree char *text = host_text (address);

  add (names, text);
}

/* The family a wildcard socket serves: `::` serves both. */
static int
served_family (const NetAddress *bound)
{
  return net_address_family (bound) == AF_INET ? AF_INET : AF_UNSPEC;
}

char **
transport_names_collect (const NetAddress *bound, guint n_bound, const char *const *extra)
{
  GPtrArray *names = g_ptr_array_new ();
  const char *host = g_get_host_name ();
  g_autofree char *label = g_strndup (host, strcspn (host, "."));

  add (names, host);
  add (names, label);
  add (names, "localhost");
  for (guint i = 0; extra != NULL && extra[i] != NULL; i++)
    add (names, extra[i]);
  for (guint i = 0; i < n_bound; i++)
    if (net_address_is_wildcard (&bound[i]))
      for_each_interface (served_family (&bound[i]), add_address, names);
    else
      add_address (&bound[i], names);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

typedef struct
{
  guint16 port;
  GPtrArray *addresses;
} Expansion;

static void
expand_one (const NetAddress *address, gpointer data)
{
  Expansion *expansion = data;
  NetAddress with_port = *address;

  net_address_set_port (&with_port, expansion->port);
  g_ptr_array_add (expansion->addresses, net_address_to_string (&with_port));
}

void
transport_names_expand (const NetAddress *bound, GPtrArray *addresses)
{
  Expansion expansion = { net_address_port (bound), addresses };

  if (net_address_is_wildcard (bound))
    for_each_interface (served_family (bound), expand_one, &expansion);
  else
    g_ptr_array_add (addresses, net_address_to_string (bound));
}
