#define BASE_LOG_ROOM "transport"
#include "transport/adopted.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

typedef struct
{
  int fd;
  char *name;
  NetAddress address;
  const NetUdp *lent; /* only to be compared; NULL: to nobody */
} Adopted;

struct _TransportAdopted
{
  GArray *entries; /* of Adopted */
};

static void
clear_entry (gpointer data)
{
  Adopted *entry = data;

  close (entry->fd);
  g_free (entry->name);
}

/* The same socket by another descriptor. */
static NetUdp *
copy (const Adopted *entry, GError **error)
{
  int fd = fcntl (entry->fd, F_DUPFD_CLOEXEC, 0);

  if (fd < 0)
    {
      base_error_set_errno (error, errno, _("Cannot use the socket %s that was handed over"), entry->name);
      return NULL;
    }
  return net_udp_adopt (fd, NET_UDP_DEFAULT, error);
}

/* Which address it is for, from one that is made for this alone. */
static gboolean
look (Adopted *entry, GError **error)
{
  g_autoptr (NetUdp) udp = copy (entry, error);

  if (udp == NULL)
    return FALSE;
  entry->address = *net_udp_local (udp);
  return TRUE;
}

TransportAdopted *
transport_adopted_new (const MuxHost *host)
{
  TransportAdopted *adopted = g_new0 (TransportAdopted, 1);

  adopted->entries = g_array_new (FALSE, FALSE, sizeof (Adopted));
  g_array_set_clear_func (adopted->entries, clear_entry);
  for (guint i = 0; MUX_HAS (host, n_sockets) && i < host->n_sockets; i++)
    {
      const char *name = host->socket_names != NULL ? host->socket_names[i] : NULL;
      Adopted entry = { .fd = host->sockets[i],
                        .name = name != NULL ? g_strdup (name) : g_strdup_printf ("%d", host->sockets[i]) };
      g_autoptr (GError) error = NULL;

      if (look (&entry, &error))
        {
          g_array_append_val (adopted->entries, entry);
          continue;
        }
      base_warning (_("%s: what was handed over is not used: %s"), entry.name, error->message);
      clear_entry (&entry);
    }
  return adopted;
}

void
transport_adopted_free (TransportAdopted *adopted)
{
  for (guint i = 0; i < adopted->entries->len; i++)
    g_assert (g_array_index (adopted->entries, Adopted, i).lent == NULL);
  g_array_unref (adopted->entries);
  g_free (adopted);
}

static Adopted *
find (TransportAdopted *adopted, const NetAddress *address, gboolean any_port)
{
  for (guint i = 0; i < adopted->entries->len; i++)
    {
      Adopted *entry = &g_array_index (adopted->entries, Adopted, i);

      if (entry->lent == NULL
          && (any_port ? net_address_same_host (&entry->address, address)
                       : net_address_equal (&entry->address, address)))
        return entry;
    }
  return NULL;
}

/* NULL without @error: there is none. */
static NetUdp *
lend (TransportAdopted *adopted, const NetAddress *address, gboolean any_port, GPtrArray *sockets,
      GError **error)
{
  Adopted *entry = find (adopted, address, FALSE);
  g_autofree char *text = NULL;
  NetUdp *udp;

  if (entry == NULL && any_port)
    entry = find (adopted, address, TRUE);
  if (entry == NULL)
    return NULL;
  udp = copy (entry, error);
  if (udp == NULL)
    return NULL;
  entry->lent = udp;
  g_ptr_array_add (sockets, udp);
  text = net_address_to_string (&entry->address);
  base_info ("using the socket %s that was handed over (%s)", text, entry->name);
  return udp;
}

gboolean
transport_adopted_lend (TransportAdopted *adopted, const NetAddress *address, gboolean any_port,
                        GPtrArray *sockets, GError **error)
{
  g_autoptr (GError) failure = NULL;
  guint before = sockets->len;
  NetUdp *udp = lend (adopted, address, any_port, sockets, &failure);
  NetAddress other;

  /* Like a socket of our own, [::] is for IPv4 too, in one or in two. */
  if (failure == NULL && net_address_family (address) == AF_INET6 && net_address_is_wildcard (address)
      && (udp == NULL || !net_udp_is_dual_stack (udp)))
    {
      net_address_from_numeric (&other, "0.0.0.0",
                                net_address_port (udp != NULL ? net_udp_local (udp) : address));
      if (lend (adopted, &other, any_port && udp == NULL, sockets, &failure) == NULL && udp != NULL
          && failure == NULL)
        {
          g_autofree char *text = net_address_to_string (net_udp_local (udp));

          base_warning (_("The socket %s that was handed over takes IPv6 only: for IPv4 set "
                           "BindIPv6Only=both in the socket unit"),
                        text);
        }
    }
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return sockets->len > before;
}

void
transport_adopted_release (TransportAdopted *adopted, const NetUdp *udp)
{
  for (guint i = 0; i < adopted->entries->len; i++)
    {
      Adopted *entry = &g_array_index (adopted->entries, Adopted, i);

      if (entry->lent == udp)
        entry->lent = NULL;
    }
}

void
transport_adopted_complain (const TransportAdopted *adopted)
{
  for (guint i = 0; i < adopted->entries->len; i++)
    {
      const Adopted *entry = &g_array_index (adopted->entries, Adopted, i);
      g_autofree char *text = net_address_to_string (&entry->address);

      if (entry->lent == NULL)
        base_warning (
            _("%s: nobody listens on the socket %s that was handed over: add an entry with bind_address = "
               "'%s' to "
               "quic_servers, or set ListenDatagram= in the socket unit to an address that is there"),
            entry->name, text, text);
    }
}
