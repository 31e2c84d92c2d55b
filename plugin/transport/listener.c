#define BASE_LOG_ROOM "transport"
#include "transport/listener.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "net/resolver.h"
#include "transport/adopted.h"
#include "transport/peer-session.h"
#include "transport/watch.h"

#define DEFAULT_PORT 9001
#define MAX_HALF_OPEN 256
#define RETRY_FROM 16

static NetUdp *
open_socket (const NetAddress *address, GError **error)
{
  /* [::] takes IPv4 too; 0.0.0.0 is IPv4 alone. */
  gboolean both = net_address_family (address) == AF_INET6 && net_address_is_wildcard (address);

  return net_udp_open (address, both ? NET_UDP_DUAL_STACK : NET_UDP_DEFAULT, error);
}

/* Port 0 is any port, and so is what nobody configured. */
static gboolean
use_adopted (TransportListener *listener, const NetAddress *address, GError **error)
{
  gboolean any_port = net_address_port (address) == 0 || config_settings_path (listener->settings) == NULL;

  return transport_adopted_lend (listener->transport->adopted, address, any_port, listener->sockets, error);
}

static void
close_sockets (TransportListener *listener)
{
  for (guint i = 0; i < listener->sockets->len; i++)
    transport_adopted_release (listener->transport->adopted, listener->sockets->pdata[i]);
  g_ptr_array_set_size (listener->sockets, 0);
}

/* Of a name's addresses some may be none of this machine's stack (::1 without IPv6); one that is taken or
 * forbidden is an error. */
static gboolean
open_sockets (TransportListener *listener, GArray *addresses, GError **error)
{
  g_autoptr (GError) first = NULL;

  for (guint i = 0; i < addresses->len; i++)
    {
      g_autoptr (GError) failure = NULL;
      NetUdp *udp;

      if (use_adopted (listener, &g_array_index (addresses, NetAddress, i), &failure))
        continue;
      udp = failure == NULL ? open_socket (&g_array_index (addresses, NetAddress, i), &failure) : NULL;
      if (udp != NULL)
        {
          g_ptr_array_add (listener->sockets, udp);
          continue;
        }
      if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)
          || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      base_info ("%s: %s", listener->server->bind_address, failure->message);
      if (first == NULL)
        first = g_steal_pointer (&failure);
    }
  if (listener->sockets->len > 0)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&first));
  return FALSE;
}

/* What nobody configured need not have that very port: on a machine of many users only one can. Clients are told by ssh. */
static gboolean
open_elsewhere (TransportListener *listener, GArray *addresses, GError **error)
{
  if (config_settings_path (listener->settings) != NULL || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    return FALSE;
  base_message ("%s: another port is taken", (*error)->message);
  g_clear_error (error);
  close_sockets (listener);
  for (guint i = 0; i < addresses->len; i++)
    net_address_set_port (&g_array_index (addresses, NetAddress, i), 0);
  return open_sockets (listener, addresses, error);
}

TransportListener *
transport_listener_bind (MuxTransport *transport, ConfigSettings *settings, const ConfigServer *server,
                         GError **error)
{
  TransportListener *listener = g_new0 (TransportListener, 1);
  g_autofree char *host = NULL;
  g_autoptr (GArray) addresses = NULL;
  g_autoptr (GError) failure = NULL;
  guint16 port;

  listener->transport = transport;
  listener->settings = config_settings_ref (settings);
  listener->server = server;
  listener->sockets = g_ptr_array_new_with_free_func ((GDestroyNotify) net_udp_free);
  listener->drivers = g_ptr_array_new_with_free_func ((GDestroyNotify) quic_driver_free);
  if (net_resolver_split (server->bind_address, DEFAULT_PORT, &host, &port, &failure)
      && (addresses = net_resolver_lookup (host, port, NULL, &failure)) != NULL
      && (open_sockets (listener, addresses, &failure) || open_elsewhere (listener, addresses, &failure)))
    return listener;
  g_propagate_prefixed_error (error, g_steal_pointer (&failure), _("Cannot listen on %s: "), server->bind_address);
  transport_listener_free (listener);
  return NULL;
}

void
transport_listener_free (TransportListener *listener)
{
  close_sockets (listener);
  for (guint i = 0; i < listener->drivers->len; i++)
    {
      const NetUdp *udp = quic_driver_udp (listener->drivers->pdata[i]);
      g_autofree char *address = net_address_to_string (net_udp_local (udp));

      transport_stats_keep (listener->transport, listener->drivers->pdata[i]);
      transport_adopted_release (listener->transport->adopted, udp);
      base_event (BASE_EVENT_LISTENER_CLOSED, "MUX_LISTENER", address, "MUX_BIND", listener->server->bind_address, "MESSAGE",
                  "The socket %s is closed", address);
    }
  g_ptr_array_unref (listener->drivers);
  g_ptr_array_unref (listener->sockets);
  g_clear_pointer (&listener->leaf, pki_certificate_unref);
  config_settings_unref (listener->settings);
  g_free (listener);
}

void
transport_listener_addresses (const TransportListener *listener, GArray *addresses)
{
  for (guint i = 0; i < listener->sockets->len; i++)
    g_array_append_vals (addresses, net_udp_local (listener->sockets->pdata[i]), 1);
  for (guint i = 0; i < listener->drivers->len; i++)
    g_array_append_vals (addresses, net_udp_local (quic_driver_udp (listener->drivers->pdata[i])), 1);
}

static void
accept_cb (QuicEndpoint *endpoint, QuicConnection *connection, gpointer user_data)
{
  TransportListener *listener = user_data;

  /* A connection without events is closed politely by its endpoint. */
  if (!listener->retired && listener->transport->stop == NULL)
    transport_session_new_incoming (listener, connection);
}

/* The configuration's words in those of the QUIC room. */
static QuicServerConfig
quic_config (const ConfigServer *server)
{
  static const QuicCongestion congestion[]
      = { [CONFIG_CC_CUBIC] = QUIC_CC_CUBIC, [CONFIG_CC_BBR] = QUIC_CC_BBR, [CONFIG_CC_RENO] = QUIC_CC_RENO };
  static const QuicRetry retry[] = { [CONFIG_RETRY_AUTO] = QUIC_RETRY_AUTO,
                                     [CONFIG_RETRY_ALWAYS] = QUIC_RETRY_ALWAYS,
                                     [CONFIG_RETRY_NEVER] = QUIC_RETRY_NEVER };

  return (QuicServerConfig){
    .connection = {
      .max_idle_timeout_ms = server->max_idle_timeout_ms,
      .keep_alive_interval_ms = server->keep_alive_interval_ms,
      .handshake_timeout_ms = TRANSPORT_DIAL_TIMEOUT_MS,
      .congestion = congestion[server->congestion_control],
    },
    .max_connections = server->max_connections,
    .max_half_open = MAX_HALF_OPEN,
    .retry_from = RETRY_FROM,
    .retry = retry[server->retry],
  };
}

gboolean
transport_listener_begin (TransportListener *listener, QuicTls *tls, PkiCertificate *leaf,
                          const PkiSecret *secret, GError **error)
{
  QuicServerConfig config = quic_config (listener->server);

  while (listener->sockets->len > 0)
    {
      NetUdp *udp = g_ptr_array_steal_index (listener->sockets, 0);
      g_autofree char *address = net_address_to_string (net_udp_local (udp));
      g_autofree char *name = g_strdup_printf ("mux-quic listener %s", address);
      QuicDriver *driver = quic_driver_new_server (udp, listener->transport->context, name, &config, tls,
                                                   secret, accept_cb, listener, error);

      if (driver == NULL)
        {
          transport_adopted_release (listener->transport->adopted, udp);
          return FALSE;
        }
      transport_watch_driver (listener->transport, driver);
      g_ptr_array_add (listener->drivers, driver);
      base_event (BASE_EVENT_LISTENER_OPENED, "MUX_LISTENER", address, "MUX_BIND", listener->server->bind_address, "MESSAGE",
                  "The socket %s is open, for %s", address, listener->server->bind_address);
    }
  listener->leaf = pki_certificate_ref (leaf);
  return TRUE;
}

void
transport_listener_set_tls (TransportListener *listener, QuicTls *tls, PkiCertificate *leaf)
{
  for (guint i = 0; i < listener->drivers->len; i++)
    quic_endpoint_set_tls (quic_driver_endpoint (listener->drivers->pdata[i]), tls);
  pki_certificate_ref (leaf);
  pki_certificate_unref (listener->leaf);
  listener->leaf = leaf;
}

void
transport_listener_configure (TransportListener *listener, ConfigSettings *settings,
                              const ConfigServer *server)
{
  config_settings_ref (settings);
  config_settings_unref (listener->settings);
  listener->settings = settings;
  listener->server = server;
}

static GVariant *
describe_socket (TransportListener *listener, QuicDriver *driver)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *address = net_address_to_string (net_udp_local (quic_driver_udp (driver)));
  const NetUdpStats *udp = net_udp_stats (quic_driver_udp (driver));
  QuicEndpointStats quic;

  quic_endpoint_stats (quic_driver_endpoint (driver), &quic);
  g_variant_dict_insert (&dict, "address", "s", address);
  g_variant_dict_insert (&dict, "bind_address", "s", listener->server->bind_address);
  g_variant_dict_insert (&dict, "connections", "u", quic.connections);
  g_variant_dict_insert (&dict, "half_open", "u", quic.half_open);
  g_variant_dict_insert (&dict, "certificate_expires", "x", pki_certificate_not_after (listener->leaf));
  g_variant_dict_insert (&dict, "datagrams_in", "t", quic.datagrams_in);
  g_variant_dict_insert (&dict, "dropped_short", "t", quic.dropped_short);
  g_variant_dict_insert (&dict, "dropped_unknown", "t", quic.dropped_unknown);
  g_variant_dict_insert (&dict, "dropped_limit", "t", quic.dropped_limit);
  g_variant_dict_insert (&dict, "version_negotiations", "t", quic.version_negotiations);
  g_variant_dict_insert (&dict, "retries", "t", quic.retries);
  g_variant_dict_insert (&dict, "stateless_resets", "t", quic.stateless_resets);
  g_variant_dict_insert (&dict, "refused", "t", quic.refused);
  g_variant_dict_insert (&dict, "datagrams_out", "t", udp->datagrams_out);
  g_variant_dict_insert (&dict, "bytes_in", "t", udp->bytes_in);
  g_variant_dict_insert (&dict, "bytes_out", "t", udp->bytes_out);
  g_variant_dict_insert (&dict, "send_errors", "t", udp->send_errors);
  return g_variant_dict_end (&dict);
}

void
transport_listener_describe (TransportListener *listener, GVariantBuilder *list)
{
  for (guint i = 0; i < listener->drivers->len; i++)
    g_variant_builder_add_value (list, describe_socket (listener, listener->drivers->pdata[i]));
}

void
transport_listener_shutdown (TransportListener *listener)
{
  for (guint i = 0; i < listener->drivers->len; i++)
    quic_endpoint_shutdown (quic_driver_endpoint (listener->drivers->pdata[i]), QUIC_CODE_UNAVAILABLE,
                            "shutting down");
}
