/* What `status` shows of the transport as a whole. */
#include "transport/transport-private.h"

#include "mux-quic-config.h"
#include "transport/listener.h"
#include "transport/peer-session.h"
#include "transport/renewal.h"
#include "transport/upkeep.h"

GVariant *
transport_describe_listeners (MuxTransport *transport)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];

      if (!listener->retired)
        transport_listener_describe (listener, &list);
    }
  return g_variant_ref_sink (g_variant_builder_end (&list));
}

static GVariant *
describe_sessions (MuxTransport *transport, guint n)
{
  GVariantBuilder list;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < transport->sessions->len && i < n; i++)
    {
      g_autoptr (GVariant) session = transport_session_describe (transport->sessions->pdata[i]);

      g_variant_builder_add_value (&list, session);
    }
  return g_variant_builder_end (&list);
}

static void
add_certificate (GVariantBuilder *list, GHashTable *seen, PkiCertificate *certificate, const char *role,
                 const TransportRenewal *renewal, const char *problem)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *name = pki_certificate_common_name (certificate);

  if (!g_hash_table_add (seen, g_strdup (pki_certificate_serial (certificate))))
    return;
  g_variant_dict_insert (&dict, "role", "s", role);
  g_variant_dict_insert (&dict, "serial", "s", pki_certificate_serial (certificate));
  g_variant_dict_insert (&dict, "name", "s", name != NULL ? name : "");
  g_variant_dict_insert (&dict, "names", "^as", pki_certificate_names (certificate));
  g_variant_dict_insert (&dict, "not_before", "x", pki_certificate_not_before (certificate));
  g_variant_dict_insert (&dict, "not_after", "x", pki_certificate_not_after (certificate));
  g_variant_dict_insert (&dict, "renew_at", "x", pki_certificate_renew_at (certificate));
  if (renewal != NULL)
    transport_renewal_describe (renewal, &dict);
  if (problem != NULL)
    g_variant_dict_insert (&dict, "problem", "s", problem);
  g_variant_builder_add_value (list, g_variant_dict_end (&dict));
}

/* Every certificate in use, once. */
static GVariant *
describe_certificates (MuxTransport *transport)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  PkiAuthority *authority = transport_authority (transport);
  GVariantBuilder list;
  GHashTableIter iter;
  gpointer renewal;

  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; authority != NULL && i < pki_authority_bundle (authority)->len; i++)
    add_certificate (&list, seen, pki_authority_bundle (authority)->pdata[i], "ca", NULL, NULL);
  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];

      if (listener->leaf != NULL)
        add_certificate (&list, seen, listener->leaf, "server", NULL,
                         transport->upkeep != NULL ? transport_upkeep_problem (transport->upkeep) : NULL);
    }
  g_hash_table_iter_init (&iter, transport->renewals);
  while (g_hash_table_iter_next (&iter, NULL, &renewal))
    add_certificate (&list, seen, transport_renewal_certificate (renewal), "client", renewal, NULL);
  return g_variant_builder_end (&list);
}

void
transport_certificates_in_use (MuxTransport *transport, TransportCertificateFunc func, gpointer user_data)
{
  PkiAuthority *authority = transport_authority (transport);
  const char *problem = transport->upkeep != NULL ? transport_upkeep_problem (transport->upkeep) : NULL;
  GHashTableIter iter;
  gpointer target, renewal;

  if (authority != NULL)
    {
      PkiCertificate *ca = pki_authority_bundle (authority)->pdata[0];

      func ("ca", pki_certificate_common_name (ca), ca, problem, user_data);
    }
  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];

      if (!listener->retired && listener->leaf != NULL)
        func ("server", listener->server->bind_address, listener->leaf, problem, user_data);
    }
  g_hash_table_iter_init (&iter, transport->renewals);
  while (g_hash_table_iter_next (&iter, &target, &renewal))
    if (transport_renewal_certificate (renewal) != NULL)
      func ("client", target, transport_renewal_certificate (renewal), transport_renewal_problem (renewal), user_data);
}

GVariant *
transport_describe_some (MuxTransport *transport, guint sessions)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *pki = transport_server_pki_path (transport->host);
  const char *config = config_settings_path (transport->settings);
  g_autoptr (GVariant) listeners = transport_describe_listeners (transport);

  g_variant_dict_insert (&dict, "version", "s", PACKAGE_VERSION);
  g_variant_dict_insert (&dict, "application", "s", transport->host->application);
  g_variant_dict_insert (&dict, "started", "x", transport->started);
  g_variant_dict_insert (&dict, "config", "s", config != NULL ? config : "");
  g_variant_dict_insert (&dict, "pki", "s", pki);
  g_variant_dict_insert_value (&dict, "listeners", listeners);
  g_variant_dict_insert_value (&dict, "sessions", describe_sessions (transport, sessions));
  if (transport->sessions->len > sessions)
    g_variant_dict_insert (&dict, "session_count", "u", transport->sessions->len);
  g_variant_dict_insert_value (&dict, "certificates", describe_certificates (transport));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
transport_describe (MuxTransport *transport)
{
  return transport_describe_some (transport, G_MAXUINT);
}
