/* A socket address as a value: small, comparable, printable. No resolution here: see resolver.h. */
#pragma once

#include <gio/gio.h>
#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct
{
  socklen_t length; /* 0 = unset */
  union
  {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } u;
} NetAddress;

/* Room for net_address_format (): "[" + INET6_ADDRSTRLEN + "%" + scope + "]:65535". */
#define NET_ADDRESS_STRLEN 80

/* From numbers only: host "127.0.0.1", "::1", "fe80::1%lo" (a scope belongs to link-local addresses only;
 * brackets do not belong here). FALSE, and @address as it was, when @host is anything else: a name, "*",
 * "127.1". The from functions leave no byte undefined, so that equal addresses hash alike. */
gboolean net_address_from_numeric (NetAddress *address, const char *host, guint16 port);
gboolean net_address_from_sockaddr (NetAddress *address, const struct sockaddr *sockaddr, socklen_t length);
gboolean net_address_from_gsocket (NetAddress *address, GSocketAddress *socket_address);

/* An IPv4-mapped IPv6 address becomes IPv4, and back; any other address stays as it is. */
void net_address_unmap (NetAddress *address);
void net_address_map (NetAddress *address);

/* "127.0.0.1:9001" or "[::1]:9001"; "(none)" when unset. An IPv4-mapped IPv6 address prints as IPv4. Returns
 * @buffer. */
const char *net_address_format (const NetAddress *address, char buffer[NET_ADDRESS_STRLEN]);
char *net_address_to_string (const NetAddress *address);

/* AF_INET, AF_INET6 (mapped ones too), or AF_UNSPEC when unset. */
int net_address_family (const NetAddress *address);
guint16 net_address_port (const NetAddress *address);
void net_address_set_port (NetAddress *address, guint16 port);
gboolean net_address_is_wildcard (const NetAddress *address);
gboolean net_address_is_loopback (const NetAddress *address);
/* IPv4-mapped IPv6 equals its IPv4 form; ports count. */
gboolean net_address_equal (const NetAddress *a, const NetAddress *b);
/* The same host, whatever the port. */
gboolean net_address_same_host (const NetAddress *a, const NetAddress *b);

G_END_DECLS
