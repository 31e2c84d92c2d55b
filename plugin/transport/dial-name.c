/* Under which addresses a target is dialled: ssh's word for its name, the resolver's for the addresses, the server's for the port. */
#include "transport/dial-private.h"
#include "transport/ssh-alias.h"

#define DEFAULT_PORT 9001

/* The port, unless the person gave one, is the server's own word. */
static void
fill_ports (TransportDial *dial, GArray *addresses)
{
  for (guint i = 0; dial->port == 0 && i < addresses->len; i++)
    {
      NetAddress *address = &g_array_index (addresses, NetAddress, i);

      net_address_set_port (address, transport_domain_port (dial->domain, address, DEFAULT_PORT));
    }
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  TransportDial *dial = g_task_get_task_data (task);
  GError *error = NULL;
  GArray *addresses = net_resolver_lookup_finish (result, &error);

  if (dial->task == NULL)
    {
      g_clear_pointer (&addresses, g_array_unref);
      g_clear_error (&error);
    }
  else if (addresses == NULL)
    transport_dial_answer (dial, NULL, error);
  else
    {
      fill_ports (dial, addresses);
      transport_dial_addresses (dial, addresses);
    }
}

static void
look_up (TransportDial *dial)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (dial->transport->context);

  net_resolver_lookup_async (dial->host, dial->port, dial->cancellable, resolved_cb, g_object_ref (dial->task));
}

static void
alias_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  TransportDial *dial = g_task_get_task_data (task);
  g_autofree char *name = transport_ssh_alias_finish (result, NULL);

  if (dial->task == NULL || name == NULL)
    return;
  g_free (dial->host);
  dial->host = g_steal_pointer (&name);
  look_up (dial);
}

/* A target that was not configured is named as ssh would have it: it may be an alias of ssh's. */
void
transport_dial_resolve (TransportDial *dial)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (dial->transport->context);

  if (dial->own_client != NULL && dial->own_client->bootstrap_via_ssh != NULL && !dial->aliased)
    {
      dial->aliased = TRUE;
      transport_ssh_alias_async (dial->own_client->bootstrap_via_ssh, dial->cancellable, alias_cb,
                                 g_object_ref (dial->task));
    }
  else
    look_up (dial);
}
