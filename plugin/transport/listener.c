#include "transport/listener.h"

#define BASE_LOG_ROOM "transport"
#include "base/error.h"
#include "base/log.h"
#include "net/resolver.h"
#include "transport/names.h"
#include "transport/peer-session.h"

#include <glib/gi18n-lib.h>

#define DEFAULT_PORT 9001
#define HANDSHAKE_TIMEOUT_MS 10000
/* Half-open connections: how many at once, and from which on `auto` asks for Retry. */
#define MAX_HALF_OPEN 256
#define RETRY_FROM 16

struct _TransportListener
{
  MuxTransport *transport;
  ConfigSettings *settings; /* keeps @config alive */
  const ConfigServer *config;
  GPtrArray *drivers;
  PkiCertificate *certificate;
  QuicTls *tls;
};

gboolean
transport_listener_issues (const TransportListener *listener)
{
  return listener->config->pem_ca == NULL;
}

const ConfigServer *
transport_listener_config (const TransportListener *listener)
{
  return listener->config;
}

static gboolean
add_revocations (TransportListener *listener, PkiTrust *trust, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) crl = pki_store_read (listener->transport->store, "crl.pem", &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (crl == NULL)
    return TRUE;
  if (pki_trust_add_crl (trust, g_bytes_get_data (crl, NULL), g_bytes_get_size (crl), error))
    return TRUE;
  g_prefix_error (error, "%s/crl.pem: ", pki_store_path (listener->transport->store));
  return FALSE;
}

static PkiTrust *
make_trust (TransportListener *listener, const ConfigServer *config, GError **error)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();

  if (config->pem_ca != NULL)
    {
      if (!pki_trust_add_path (trust, config->pem_ca, error))
        return NULL;
    }
  else if (!pki_trust_add (trust, pki_authority_bundle (listener->transport->authority),
                           pki_store_path (listener->transport->store), error)
           || !add_revocations (listener, trust, error))
    return NULL;
  for (guint i = 0; config->pem_root_certs[i] != NULL; i++)
    if (!pki_trust_add_path (trust, config->pem_root_certs[i], error))
      return NULL;
  return g_steal_pointer (&trust);
}

static PkiCredentials *
make_credentials (TransportListener *listener, const ConfigServer *config, GError **error)
{
  if (config->pem_cert != NULL)
    return pki_credentials_load (config->pem_private_key, config->pem_cert, error);
  return pki_authority_server_credentials (listener->transport->authority,
                                           (const char *const *) listener->transport->names,
                                           config->certificate_lifetime_days, error);
}

/* Makes everything new before anything old is let go. */
static gboolean
equip (TransportListener *listener, const ConfigServer *config, GError **error)
{
  g_autoptr (PkiTrust) trust = make_trust (listener, config, error);
  g_autoptr (PkiCredentials) credentials = trust == NULL ? NULL : make_credentials (listener, config, error);
  g_autoptr (QuicTls) tls = NULL;

  if (credentials == NULL)
    return FALSE;
  tls = quic_tls_new_server (credentials, trust, config->raw_service != NULL, error);
  if (tls == NULL)
    return FALSE;
  g_clear_pointer (&listener->tls, quic_tls_unref);
  g_clear_pointer (&listener->certificate, pki_certificate_unref);
  listener->tls = g_steal_pointer (&tls);
  listener->certificate = pki_certificate_ref (credentials->chain->pdata[0]);
  for (guint i = 0; i < listener->drivers->len; i++)
    quic_endpoint_set_tls (quic_driver_endpoint (listener->drivers->pdata[i]), listener->tls);
  return TRUE;
}

static void
accepted_cb (QuicEndpoint *endpoint, QuicConnection *connection, gpointer data)
{
  TransportListener *listener = data;

  transport_session_accept (listener->transport, listener, connection);
}

static QuicServerConfig
server_config (const ConfigServer *config)
{
  return (QuicServerConfig){
    .connection = {
      .max_idle_timeout_ms = config->max_idle_timeout_ms,
      .keep_alive_interval_ms = config->keep_alive_interval_ms,
      .handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
      .congestion = (QuicCongestion) config->congestion_control,
    },
    .max_connections = config->max_connections,
    .max_half_open = MAX_HALF_OPEN,
    .retry_from = RETRY_FROM,
    .retry = (QuicRetry) config->retry,
  };
}

G_STATIC_ASSERT ((int) CONFIG_CC_CUBIC == (int) QUIC_CC_CUBIC && (int) CONFIG_CC_BBR == (int) QUIC_CC_BBR
                 && (int) CONFIG_CC_RENO == (int) QUIC_CC_RENO);
G_STATIC_ASSERT ((int) CONFIG_RETRY_AUTO == (int) QUIC_RETRY_AUTO
                 && (int) CONFIG_RETRY_ALWAYS == (int) QUIC_RETRY_ALWAYS
                 && (int) CONFIG_RETRY_NEVER == (int) QUIC_RETRY_NEVER);

/* Sockets first: the addresses they got belong into the certificate. */
static GPtrArray *
bind_all (const ConfigServer *config, GError **error)
{
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func ((GDestroyNotify) net_udp_free);
  g_autoptr (GArray) addresses = NULL;
  g_autofree char *host = NULL;
  guint16 port;

  if (!net_resolver_split (config->bind_address, DEFAULT_PORT, &host, &port, error))
    return NULL;
  addresses = net_resolver_lookup (host, port, NULL, error);
  if (addresses == NULL)
    {
      g_prefix_error (error, "bind_address '%s': ", config->bind_address);
      return NULL;
    }
  for (guint i = 0; i < addresses->len; i++)
    {
      const NetAddress *address = &g_array_index (addresses, NetAddress, i);
      gboolean dual = net_address_family (address) == AF_INET6 && net_address_is_wildcard (address);
      NetUdp *udp = net_udp_open (address, dual ? NET_UDP_DUAL_STACK : NET_UDP_DEFAULT, error);

      if (udp == NULL)
        return NULL;
      g_ptr_array_add (sockets, udp);
    }
  return g_steal_pointer (&sockets);
}

static void
extend_names (MuxTransport *transport, GPtrArray *sockets, const ConfigServer *config)
{
  g_autofree NetAddress *bound = g_new (NetAddress, sockets->len);
  g_auto (GStrv) more = NULL;
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();

  for (guint i = 0; i < sockets->len; i++)
    bound[i] = *net_udp_local (sockets->pdata[i]);
  more = transport_names_collect (bound, sockets->len, (const char *const *) config->extra_san);
  if (transport->names != NULL)
    g_strv_builder_addv (all, (const char **) transport->names);
  for (guint i = 0; more[i] != NULL; i++)
    if (transport->names == NULL || !g_strv_contains ((const char *const *) transport->names, more[i]))
      g_strv_builder_add (all, more[i]);
  g_strfreev (transport->names);
  transport->names = g_strv_builder_end (all);
}

static gboolean
drive (TransportListener *listener, NetUdp *udp, GError **error)
{
  QuicServerConfig config = server_config (listener->config);
  char buffer[NET_ADDRESS_STRLEN];
  g_autofree char *name
      = g_strdup_printf ("mux-quic: %s", net_address_format (net_udp_local (udp), buffer));
  QuicDriver *driver = quic_driver_new_server (udp, listener->transport->context, name, &config, listener->tls,
                                               listener->transport->secret, accepted_cb, listener, error);

  if (driver == NULL)
    return FALSE;
  g_ptr_array_add (listener->drivers, driver);
  return TRUE;
}

TransportListener *
transport_listener_new (MuxTransport *transport, ConfigSettings *settings, const ConfigServer *config,
                        GError **error)
{
  g_autoptr (GPtrArray) sockets = bind_all (config, error);
  TransportListener *listener;
  gboolean good;

  if (sockets == NULL)
    return NULL;
  listener = g_new0 (TransportListener, 1);
  listener->transport = transport;
  listener->settings = config_settings_ref (settings);
  listener->config = config;
  listener->drivers = g_ptr_array_new_with_free_func ((GDestroyNotify) quic_driver_free);
  extend_names (transport, sockets, config);
  good = equip (listener, config, error);
  while (good && sockets->len > 0)
    good = drive (listener, g_ptr_array_steal_index (sockets, 0), error);
  if (!good)
    {
      transport_listener_free (listener);
      return NULL;
    }
  return listener;
}

void
transport_listener_free (TransportListener *listener)
{
  for (guint i = 0; i < listener->transport->sessions->len; i++)
    transport_session_forget_listener (listener->transport->sessions->pdata[i], listener);
  g_ptr_array_unref (listener->drivers);
  g_clear_pointer (&listener->tls, quic_tls_unref);
  g_clear_pointer (&listener->certificate, pki_certificate_unref);
  config_settings_unref (listener->settings);
  g_free (listener);
}

gboolean
transport_listener_reconfigure (TransportListener *listener, ConfigSettings *settings, const ConfigServer *config,
                                GError **error)
{
  if (!equip (listener, config, error))
    return FALSE;
  config_settings_ref (settings);
  config_settings_unref (listener->settings);
  listener->settings = settings;
  listener->config = config;
  return TRUE;
}

gboolean
transport_listener_refresh (TransportListener *listener, GError **error)
{
  return equip (listener, listener->config, error);
}

gint64
transport_listener_renew_at (const TransportListener *listener)
{
  return pki_certificate_renew_at (listener->certificate);
}

PkiCertificate *
transport_listener_certificate (const TransportListener *listener)
{
  return listener->certificate;
}

void
transport_listener_shutdown (TransportListener *listener)
{
  for (guint i = 0; i < listener->drivers->len; i++)
    quic_endpoint_shutdown (quic_driver_endpoint (listener->drivers->pdata[i]), QUIC_CODE_UNAVAILABLE, "shutting down");
}

void
transport_listener_describe (const TransportListener *listener, GVariantBuilder *builder)
{
  for (guint i = 0; i < listener->drivers->len; i++)
    {
      QuicDriver *driver = listener->drivers->pdata[i];
      g_autofree char *address = net_address_to_string (net_udp_local (quic_driver_udp (driver)));
      QuicEndpointStats stats;

      quic_endpoint_stats (quic_driver_endpoint (driver), &stats);
      g_variant_builder_open (builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (builder, "{sv}", "address", g_variant_new_string (address));
      g_variant_builder_add (builder, "{sv}", "bind_address", g_variant_new_string (listener->config->bind_address));
      g_variant_builder_add (builder, "{sv}", "connections", g_variant_new_uint32 (stats.connections));
      g_variant_builder_add (builder, "{sv}", "half_open", g_variant_new_uint32 (stats.half_open));
      g_variant_builder_add (builder, "{sv}", "datagrams_in", g_variant_new_uint64 (stats.datagrams_in));
      g_variant_builder_add (builder, "{sv}", "dropped",
                             g_variant_new_uint64 (stats.dropped_short + stats.dropped_unknown + stats.dropped_limit));
      g_variant_builder_add (builder, "{sv}", "retries", g_variant_new_uint64 (stats.retries));
      g_variant_builder_add (builder, "{sv}", "refused", g_variant_new_uint64 (stats.refused));
      g_variant_builder_add (builder, "{sv}", "certificate_expires",
                             g_variant_new_int64 (pki_certificate_not_after (listener->certificate)));
      g_variant_builder_close (builder);
    }
}

void
transport_listener_addresses (const TransportListener *listener, GPtrArray *addresses)
{
  for (guint i = 0; i < listener->drivers->len; i++)
    transport_names_expand (net_udp_local (quic_driver_udp (listener->drivers->pdata[i])), addresses);
}
