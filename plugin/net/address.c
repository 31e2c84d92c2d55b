#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

/* Every constructor writes a whole, zeroed struct: equal addresses are equal bytes for hashing. */

static gboolean
is_mapped (const NetAddress *address)
{
  return net_address_family (address) == AF_INET6 && IN6_IS_ADDR_V4MAPPED (&address->u.in6.sin6_addr);
}

/* The scope of a global address says nothing, and would make equal addresses look different. */
static gboolean
has_scope (const struct in6_addr *address)
{
  return IN6_IS_ADDR_LINKLOCAL (address) || IN6_IS_ADDR_MC_LINKLOCAL (address);
}

static void
set_in (NetAddress *address, struct in_addr in, guint16 port)
{
  memset (address, 0, sizeof *address);
  address->length = sizeof (struct sockaddr_in);
  address->u.in.sin_family = AF_INET;
  address->u.in.sin_port = g_htons (port);
  address->u.in.sin_addr = in;
}

static void
set_in6 (NetAddress *address, const struct in6_addr *in6, guint32 scope, guint16 port)
{
  memset (address, 0, sizeof *address);
  address->length = sizeof (struct sockaddr_in6);
  address->u.in6.sin6_family = AF_INET6;
  address->u.in6.sin6_port = g_htons (port);
  address->u.in6.sin6_addr = *in6;
  address->u.in6.sin6_scope_id = has_scope (in6) ? scope : 0;
}

static gboolean
parse_scope (const char *text, guint32 *scope)
{
  guint64 number;

  *scope = if_nametoindex (text);
  if (*scope != 0)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT32, &number, NULL))
    return FALSE;
  *scope = (guint32) number;
  return TRUE;
}

gboolean
net_address_from_numeric (NetAddress *address, const char *host, guint16 port)
{
  char numbers[INET6_ADDRSTRLEN];
  const char *percent = strchr (host, '%');
  gsize length = percent != NULL ? (gsize) (percent - host) : strlen (host);
  struct in_addr in;
  struct in6_addr in6;
  guint32 scope = 0;

  if (length >= sizeof numbers)
    return FALSE;
  memcpy (numbers, host, length);
  numbers[length] = '\0';
  if (percent == NULL && inet_pton (AF_INET, numbers, &in) == 1)
    {
      set_in (address, in, port);
      return TRUE;
    }
  if (inet_pton (AF_INET6, numbers, &in6) != 1)
    return FALSE;
  if (percent != NULL && (!has_scope (&in6) || !parse_scope (percent + 1, &scope)))
    return FALSE;
  set_in6 (address, &in6, scope, port);
  return TRUE;
}

gboolean
net_address_from_sockaddr (NetAddress *address, const struct sockaddr *sockaddr, socklen_t length)
{
  /* Copied out, for @sockaddr may stand at any alignment. */
  if (length >= sizeof (struct sockaddr_in6) && sockaddr->sa_family == AF_INET6)
    {
      struct sockaddr_in6 in6;

      memcpy (&in6, sockaddr, sizeof in6);
      set_in6 (address, &in6.sin6_addr, in6.sin6_scope_id, g_ntohs (in6.sin6_port));
      return TRUE;
    }
  if (length >= sizeof (struct sockaddr_in) && sockaddr->sa_family == AF_INET)
    {
      struct sockaddr_in in;

      memcpy (&in, sockaddr, sizeof in);
      set_in (address, in.sin_addr, g_ntohs (in.sin_port));
      return TRUE;
    }
  return FALSE;
}

gboolean
net_address_from_gsocket (NetAddress *address, GSocketAddress *socket_address)
{
  struct sockaddr_storage native;
  gssize size = g_socket_address_get_native_size (socket_address);

  if (size <= 0 || (gsize) size > sizeof native
      || !g_socket_address_to_native (socket_address, &native, sizeof native, NULL))
    return FALSE;
  return net_address_from_sockaddr (address, (struct sockaddr *) &native, (socklen_t) size);
}

void
net_address_unmap (NetAddress *address)
{
  struct in_addr in;

  if (!is_mapped (address))
    return;
  memcpy (&in, &address->u.in6.sin6_addr.s6_addr[12], sizeof in);
  set_in (address, in, net_address_port (address));
}

void
net_address_map (NetAddress *address)
{
  struct in6_addr in6 = { 0 };

  if (net_address_family (address) != AF_INET)
    return;
  in6.s6_addr[10] = in6.s6_addr[11] = 0xff;
  memcpy (&in6.s6_addr[12], &address->u.in.sin_addr, sizeof address->u.in.sin_addr);
  set_in6 (address, &in6, 0, net_address_port (address));
}

static void
format_scope (guint32 scope, char text[IF_NAMESIZE + 1])
{
  text[0] = '%';
  if (if_indextoname (scope, text + 1) == NULL)
    g_snprintf (text + 1, IF_NAMESIZE, "%u", scope);
}

const char *
net_address_format (const NetAddress *address, char buffer[NET_ADDRESS_STRLEN])
{
  NetAddress plain = *address;
  char numbers[INET6_ADDRSTRLEN] = "";
  char scope[IF_NAMESIZE + 1] = "";

  net_address_unmap (&plain);
  switch (net_address_family (&plain))
    {
    case AF_INET:
      inet_ntop (AF_INET, &plain.u.in.sin_addr, numbers, sizeof numbers);
      g_snprintf (buffer, NET_ADDRESS_STRLEN, "%s:%u", numbers, net_address_port (&plain));
      break;
    case AF_INET6:
      inet_ntop (AF_INET6, &plain.u.in6.sin6_addr, numbers, sizeof numbers);
      if (plain.u.in6.sin6_scope_id != 0)
        format_scope (plain.u.in6.sin6_scope_id, scope);
      g_snprintf (buffer, NET_ADDRESS_STRLEN, "[%s%s]:%u", numbers, scope, net_address_port (&plain));
      break;
    default:
      g_strlcpy (buffer, "(none)", NET_ADDRESS_STRLEN);
    }
  return buffer;
}

char *
net_address_to_string (const NetAddress *address)
{
  char buffer[NET_ADDRESS_STRLEN];

  return g_strdup (net_address_format (address, buffer));
}

int
net_address_family (const NetAddress *address)
{
  return address->length == 0 ? AF_UNSPEC : address->u.any.sa_family;
}

guint16
net_address_port (const NetAddress *address)
{
  switch (net_address_family (address))
    {
    case AF_INET:
      return g_ntohs (address->u.in.sin_port);
    case AF_INET6:
      return g_ntohs (address->u.in6.sin6_port);
    default:
      return 0;
    }
}

void
net_address_set_port (NetAddress *address, guint16 port)
{
  switch (net_address_family (address))
    {
    case AF_INET:
      address->u.in.sin_port = g_htons (port);
      break;
    case AF_INET6:
      address->u.in6.sin6_port = g_htons (port);
      break;
    default:
      g_assert_not_reached ();
    }
}

gboolean
net_address_is_wildcard (const NetAddress *address)
{
  NetAddress plain = *address;

  net_address_unmap (&plain);
  switch (net_address_family (&plain))
    {
    case AF_INET:
      return plain.u.in.sin_addr.s_addr == g_htonl (INADDR_ANY);
    case AF_INET6:
      return IN6_IS_ADDR_UNSPECIFIED (&plain.u.in6.sin6_addr);
    default:
      return FALSE;
    }
}

gboolean
net_address_is_loopback (const NetAddress *address)
{
  NetAddress plain = *address;

  net_address_unmap (&plain);
  switch (net_address_family (&plain))
    {
    case AF_INET:
      return g_ntohl (plain.u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
      return IN6_IS_ADDR_LOOPBACK (&plain.u.in6.sin6_addr);
    default:
      return FALSE;
    }
}

gboolean
net_address_same_host (const NetAddress *a, const NetAddress *b)
{
  NetAddress plain_a = *a, plain_b = *b;

  net_address_unmap (&plain_a);
  net_address_unmap (&plain_b);
  if (net_address_family (&plain_a) != net_address_family (&plain_b))
    return FALSE;
  switch (net_address_family (&plain_a))
    {
    case AF_INET:
      return plain_a.u.in.sin_addr.s_addr == plain_b.u.in.sin_addr.s_addr;
    case AF_INET6:
      return IN6_ARE_ADDR_EQUAL (&plain_a.u.in6.sin6_addr, &plain_b.u.in6.sin6_addr)
             && plain_a.u.in6.sin6_scope_id == plain_b.u.in6.sin6_scope_id;
    default:
      return TRUE;
    }
}

gboolean
net_address_equal (const NetAddress *a, const NetAddress *b)
{
  return net_address_same_host (a, b) && net_address_port (a) == net_address_port (b);
}
