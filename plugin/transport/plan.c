#include "transport/plan.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"

/* A listener that is there for @bind_address and not taken by another entry. */
static TransportListener *
find_listener (MuxTransport *transport, const TransportPlan *plan, const char *bind_address)
{
  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];

      if (g_str_equal (listener->server->bind_address, bind_address)
          && !g_ptr_array_find (plan->listeners, listener, NULL))
        return listener;
    }
  return NULL;
}

static gboolean
bind_listeners (MuxTransport *transport, TransportPlan *plan, GError **error)
{
  for (guint i = 0; i < config_settings_n_servers (plan->settings); i++)
    {
      const ConfigServer *server = config_settings_server (plan->settings, i);
      TransportListener *listener = find_listener (transport, plan, server->bind_address);

      if (listener == NULL)
        {
          listener = transport_listener_bind (transport, plan->settings, server, error);
          if (listener == NULL)
            return FALSE;
          g_ptr_array_add (plan->fresh, listener);
        }
      g_ptr_array_add (plan->listeners, listener);
    }
  return TRUE;
}

static void
collect_names (TransportPlan *plan)
{
  g_autoptr (GArray) addresses = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  g_autoptr (GPtrArray) extra = g_ptr_array_new ();

  for (guint i = 0; i < plan->listeners->len; i++)
    {
      transport_listener_addresses (plan->listeners->pdata[i], addresses);
      for (char **name = config_settings_server (plan->settings, i)->extra_san; *name != NULL; name++)
        g_ptr_array_add (extra, *name);
    }
  plan->names = transport_reachable_names (addresses, extra);
}

static gboolean
make_tls (TransportPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->listeners->len; i++)
    {
      const ConfigServer *server = config_settings_server (plan->settings, i);
      PkiCertificate *leaf = NULL;
      QuicTls *tls = transport_server_pki_tls (plan->pki, server, (const char *const *) plan->names, TRUE,
                                               &leaf, error);

      if (tls == NULL)
        {
          g_prefix_error (error, _("Cannot serve %s: "), server->bind_address);
          return FALSE;
        }
      g_ptr_array_add (plan->tls, tls);
      g_ptr_array_add (plan->leaves, leaf);
    }
  return TRUE;
}

static gboolean
begin_fresh (TransportPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->listeners->len; i++)
    if (g_ptr_array_find (plan->fresh, plan->listeners->pdata[i], NULL)
        && !transport_listener_begin (plan->listeners->pdata[i], plan->tls->pdata[i], plan->leaves->pdata[i],
                                      transport_server_pki_secret (plan->pki), error))
      return FALSE;
  return TRUE;
}

gboolean
transport_plan_make (TransportPlan *plan, MuxTransport *transport, ConfigSettings *settings, GError **error)
{
  plan->settings = config_settings_ref (settings);
  plan->listeners = g_ptr_array_new ();
  plan->fresh = g_ptr_array_new_with_free_func ((GDestroyNotify) transport_listener_free);
  plan->tls = g_ptr_array_new_with_free_func ((GDestroyNotify) quic_tls_unref);
  plan->leaves = g_ptr_array_new_with_free_func ((GDestroyNotify) pki_certificate_unref);
  /* Without servers it still keeps certificates, and holds domains. */
  if (config_settings_n_servers (settings) == 0 && config_settings_n_clients (settings) == 0)
    return base_error_set (error, MUX_ERROR_CONFIG,
                           _("%s has neither quic_servers nor quic_clients: there is nothing to serve"),
                           config_settings_path (settings));
  plan->pki = transport_server_pki_open (transport->host, settings, error);
  if (plan->pki == NULL || !bind_listeners (transport, plan, error))
    return FALSE;
  collect_names (plan);
  return make_tls (plan, error) && begin_fresh (plan, error);
}

/* What an enrolment tells a client: names of the certificate it will see first. A pattern is no name to ask
 * for. */
static char **
names_to_tell (const TransportPlan *plan)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < plan->leaves->len && names->len == 0; i++)
    for (const char *const *name = pki_certificate_names (plan->leaves->pdata[i]); *name != NULL; name++)
      if (**name != '*')
        g_ptr_array_add (names, g_strdup (*name));
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* From here on nothing can fail. */
void
transport_plan_commit (TransportPlan *plan, MuxTransport *transport)
{
  for (guint i = 0; i < transport->listeners->len; i++)
    ((TransportListener *) transport->listeners->pdata[i])->retired = TRUE;
  for (guint i = 0; i < plan->listeners->len; i++)
    {
      TransportListener *listener = plan->listeners->pdata[i];

      listener->retired = FALSE;
      if (!g_ptr_array_find (plan->fresh, listener, NULL))
        {
          transport_listener_configure (listener, plan->settings, config_settings_server (plan->settings, i));
          transport_listener_set_tls (listener, plan->tls->pdata[i], plan->leaves->pdata[i]);
        }
    }
  g_ptr_array_extend_and_steal (transport->listeners, g_steal_pointer (&plan->fresh));
  g_clear_pointer (&transport->pki, transport_server_pki_free);
  transport->pki = g_steal_pointer (&plan->pki);
  g_strfreev (transport->server_names);
  transport->server_names = names_to_tell (plan);
}

void
transport_plan_clear (TransportPlan *plan)
{
  g_clear_pointer (&plan->settings, config_settings_unref);
  g_clear_pointer (&plan->pki, transport_server_pki_free);
  g_clear_pointer (&plan->names, g_strfreev);
  g_clear_pointer (&plan->listeners, g_ptr_array_unref);
  g_clear_pointer (&plan->fresh, g_ptr_array_unref);
  g_clear_pointer (&plan->tls, g_ptr_array_unref);
  g_clear_pointer (&plan->leaves, g_ptr_array_unref);
}
