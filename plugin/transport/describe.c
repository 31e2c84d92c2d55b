#include "transport/transport-private.h"

#include "mux-quic-config.h"
#include "transport/listener.h"
#include "transport/peer-session.h"

GVariant *
transport_describe_listeners (MuxTransport *transport)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < transport->listeners->len; i++)
    transport_listener_describe (transport->listeners->pdata[i], &builder);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

char **
transport_server_addresses (MuxTransport *transport)
{
  GPtrArray *addresses = g_ptr_array_new ();

  for (guint i = 0; i < transport->listeners->len; i++)
    transport_listener_addresses (transport->listeners->pdata[i], addresses);
  g_ptr_array_add (addresses, NULL);
  return (char **) g_ptr_array_free (addresses, FALSE);
}

static void
describe_certificate (GVariantBuilder *builder, const char *role, PkiCertificate *certificate)
{
  const char *name = pki_certificate_common_name (certificate);

  g_variant_builder_open (builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (builder, "{sv}", "role", g_variant_new_string (role));
  g_variant_builder_add (builder, "{sv}", "serial", g_variant_new_string (pki_certificate_serial (certificate)));
  if (name != NULL)
    g_variant_builder_add (builder, "{sv}", "name", g_variant_new_string (name));
  g_variant_builder_add (builder, "{sv}", "names", g_variant_new_strv (pki_certificate_names (certificate), -1));
  g_variant_builder_add (builder, "{sv}", "not_before", g_variant_new_int64 (pki_certificate_not_before (certificate)));
  g_variant_builder_add (builder, "{sv}", "not_after", g_variant_new_int64 (pki_certificate_not_after (certificate)));
  g_variant_builder_close (builder);
}

static GVariant *
describe_certificates (MuxTransport *transport)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  if (transport->authority != NULL)
    describe_certificate (&builder, "ca", pki_authority_bundle (transport->authority)->pdata[0]);
  for (guint i = 0; i < transport->listeners->len; i++)
    describe_certificate (&builder, "server", transport_listener_certificate (transport->listeners->pdata[i]));
  return g_variant_builder_end (&builder);
}

GVariant *
transport_describe (MuxTransport *transport)
{
  const char *path = config_settings_path (transport->settings);
  g_autoptr (GVariant) listeners = transport_describe_listeners (transport);
  GVariantBuilder sessions;
  GVariantDict dict;

  g_variant_builder_init (&sessions, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < transport->sessions->len; i++)
    if (transport_session_is_announced (transport->sessions->pdata[i]))
      {
        g_autoptr (GVariant) one = transport_session_ops.describe (transport->sessions->pdata[i]);

        g_variant_builder_add_value (&sessions, one);
      }
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "version", "s", PACKAGE_VERSION);
  g_variant_dict_insert (&dict, "application", "s", transport->host->application);
  g_variant_dict_insert (&dict, "started", "x", transport->started);
  g_variant_dict_insert (&dict, "config", "s", path == NULL ? "" : path);
  g_variant_dict_insert (&dict, "pki", "s", transport->store == NULL ? "" : pki_store_path (transport->store));
  g_variant_dict_insert_value (&dict, "listeners", listeners);
  g_variant_dict_insert_value (&dict, "sessions", g_variant_builder_end (&sessions));
  g_variant_dict_insert_value (&dict, "certificates", describe_certificates (transport));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
