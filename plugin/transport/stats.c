/* Counters of the transport as a whole. A socket counts for itself and takes its counts with it, so they are
 * kept when it goes: no counter ever falls. */
#include "transport/listener.h"
#include "transport/peer-session.h"

static void
add_driver (TransportTotals *totals, QuicDriver *driver)
{
  const NetUdpStats *udp = net_udp_stats (quic_driver_udp (driver));
  QuicEndpointStats quic;

  quic_endpoint_stats (quic_driver_endpoint (driver), &quic);
  totals->bytes_in += udp->bytes_in;
  totals->bytes_out += udp->bytes_out;
  totals->datagrams_in += udp->datagrams_in;
  totals->datagrams_out += udp->datagrams_out;
  totals->send_errors += udp->send_errors;
  totals->datagrams_dropped += quic.dropped_short + quic.dropped_unknown + quic.dropped_limit;
  totals->handshakes_completed += quic.handshakes_completed;
  totals->handshakes_failed += quic.handshakes_failed;
  totals->connections_refused += quic.refused;
  totals->version_negotiations += quic.version_negotiations;
  totals->retries_sent += quic.retries;
  totals->resets_sent += quic.stateless_resets;
  totals->migrations += quic.migrations;
}

void
transport_stats_keep (MuxTransport *transport, QuicDriver *driver)
{
  add_driver (&transport->totals, driver);
}

/* What is now. */

typedef struct
{
  guint connections, half_open, sessions, away, channels;
} Gauges;

static void
add_open (Gauges *gauges, QuicDriver *driver)
{
  QuicEndpointStats quic;

  quic_endpoint_stats (quic_driver_endpoint (driver), &quic);
  gauges->connections += quic.connections;
  gauges->half_open += quic.half_open;
}

static void
look_at_listeners (MuxTransport *transport, TransportTotals *totals, Gauges *gauges)
{
  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];

      for (guint j = 0; j < listener->drivers->len; j++)
        {
          add_driver (totals, listener->drivers->pdata[j]);
          add_open (gauges, listener->drivers->pdata[j]);
        }
    }
}

static void
look_at_sessions (GPtrArray *sessions, TransportTotals *totals, Gauges *gauges)
{
  for (guint i = 0; i < sessions->len; i++)
    {
      MuxSession *session = sessions->pdata[i];

      if (session->driver != NULL)
        {
          add_driver (totals, session->driver);
          add_open (gauges, session->driver);
        }
      if (session->phase != TRANSPORT_SESSION_KNOWN)
        continue;
      gauges->sessions++;
      gauges->away += session->away_since != 0;
      gauges->channels += session_n_channels (session->session);
    }
}

gint64
transport_certificate_expires (MuxTransport *transport)
{
  gint64 expires = G_MAXINT64;

  for (guint i = 0; i < transport->listeners->len; i++)
    {
      const TransportListener *listener = transport->listeners->pdata[i];

      if (!listener->retired && listener->leaf != NULL)
        expires = MIN (expires, pki_certificate_not_after (listener->leaf));
    }
  return expires != G_MAXINT64 ? expires : 0;
}

static const struct
{
  const char *name;
  gsize offset;
} counters[] = {
#define COUNTER(name)                                                                                        \
  {                                                                                                          \
#name, G_STRUCT_OFFSET(TransportTotals, name)                                                            \
  }
  COUNTER (bytes_in),
  COUNTER (bytes_out),
  COUNTER (datagrams_in),
  COUNTER (datagrams_out),
  COUNTER (datagrams_dropped),
  COUNTER (send_errors),
  COUNTER (handshakes_completed),
  COUNTER (handshakes_failed),
  COUNTER (connections_refused),
  COUNTER (version_negotiations),
  COUNTER (retries_sent),
  COUNTER (resets_sent),
  COUNTER (migrations),
  COUNTER (sessions_started),
  COUNTER (sessions_resumed),
  COUNTER (certificates_issued),
  COUNTER (certificates_renewed),
  COUNTER (certificates_revoked),
#undef COUNTER
};

GVariant *
transport_describe_stats (MuxTransport *transport)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  TransportTotals totals = transport->totals;
  Gauges gauges = { 0 };
  gint64 expires = transport_certificate_expires (transport);

  look_at_listeners (transport, &totals, &gauges);
  look_at_sessions (transport->sessions, &totals, &gauges);
  look_at_sessions (transport->arriving, &totals, &gauges);
  for (guint i = 0; i < transport->dead->len; i++)
    add_driver (&totals, transport->dead->pdata[i]);
  g_variant_dict_insert (&dict, "connections", "u", gauges.connections);
  g_variant_dict_insert (&dict, "half_open", "u", gauges.half_open);
  g_variant_dict_insert (&dict, "sessions", "u", gauges.sessions);
  g_variant_dict_insert (&dict, "sessions_away", "u", gauges.away);
  g_variant_dict_insert (&dict, "channels", "u", gauges.channels);
  g_variant_dict_insert (&dict, "started", "x", transport->started);
  if (expires != 0)
    g_variant_dict_insert (&dict, "certificate_expires", "x", expires);
  for (gsize i = 0; i < G_N_ELEMENTS (counters); i++)
    g_variant_dict_insert (&dict, counters[i].name, "t",
                           G_STRUCT_MEMBER (guint64, &totals, counters[i].offset));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
