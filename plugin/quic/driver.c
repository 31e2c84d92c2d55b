#include "quic/driver.h"

#include "base/heap.h"
#include "net/route.h"

/* recvmsg calls per turn of the loop; with GRO each may bring dozens of datagrams. */
#define READS_PER_TURN 64

struct _QuicDriver
{
  NetUdp *udp;
  NetSource *source;
  QuicEndpoint *endpoint;
  QuicDriverFunc active;
  gpointer active_data;
};

static NetSendResult
send_cb (const NetAddress *local, const NetAddress *remote, guint8 ecn, const guint8 *data, gsize length,
         gsize segment_size, gsize *sent, gpointer user_data)
{
  QuicDriver *driver = user_data;
  NetSendResult result = net_udp_send (driver->udp, local, remote, ecn, data, length, segment_size, sent);

  if (result == NET_SEND_BLOCKED)
    net_source_set_want_write (driver->source, TRUE);
  return result;
}

static void
wake_cb (guint64 deadline, gpointer user_data)
{
  QuicDriver *driver = user_data;

  /* An earlier pass than @deadline does no harm: it finds out when the next one is due. */
  net_source_set_ready_time (driver->source, 0);
}

static void
dispatch_cb (NetUdp *udp, GIOCondition condition, gpointer user_data)
{
  QuicDriver *driver = user_data;
  const NetUdpStats *stats = net_udp_stats (udp);
  guint64 now = net_now (), before = stats->datagrams_in + stats->datagrams_out;

  if (condition & G_IO_OUT)
    {
      net_source_set_want_write (driver->source, FALSE);
      quic_endpoint_writable (driver->endpoint);
    }
  if (condition & G_IO_IN)
    {
      NetReceived received;

      for (guint n = 0; n < READS_PER_TURN && net_udp_receive (udp, &received); n++)
        quic_endpoint_receive (driver->endpoint, &received, now);
      now = net_now ();
    }
  net_source_set_ready_time (driver->source, quic_endpoint_pass (driver->endpoint, now));
  if (driver->active != NULL && stats->datagrams_in + stats->datagrams_out != before)
    driver->active (driver, driver->active_data);
}

static const QuicSink driver_sink = { .send = send_cb, .wake = wake_cb };

static QuicDriver *
finish_new (QuicDriver *driver, GMainContext *context, const char *name)
{
  if (driver->endpoint == NULL)
    {
      quic_driver_free (driver);
      return NULL;
    }
  driver->source = net_source_new (driver->udp, context, name, dispatch_cb, driver);
  return driver;
}

QuicDriver *
quic_driver_new_server (NetUdp *udp, GMainContext *context, const char *name, const QuicServerConfig *config,
                        QuicTls *tls, const PkiSecret *secret, QuicAcceptFunc accept, gpointer user_data,
                        GError **error)
{
  QuicDriver *driver = g_new0 (QuicDriver, 1);

  driver->udp = udp;
  driver->endpoint
      = quic_endpoint_new_server (config, tls, secret, &driver_sink, driver, accept, user_data, error);
  return finish_new (driver, context, name);
}

QuicDriver *
quic_driver_new_client (NetUdp *udp, GMainContext *context, const char *name, const PkiSecret *secret,
                        GError **error)
{
  QuicDriver *driver = g_new0 (QuicDriver, 1);

  driver->udp = udp;
  driver->endpoint = quic_endpoint_new_client (secret, &driver_sink, driver, error);
  return finish_new (driver, context, name);
}

void
quic_driver_free (QuicDriver *driver)
{
  g_clear_pointer (&driver->endpoint, quic_endpoint_free);
  g_clear_pointer (&driver->source, net_source_free);
  g_clear_pointer (&driver->udp, net_udp_free);
  g_free (driver);
}

void
quic_driver_set_active (QuicDriver *driver, QuicDriverFunc func, gpointer user_data)
{
  driver->active = func;
  driver->active_data = user_data;
}

QuicEndpoint *
quic_driver_endpoint (QuicDriver *driver)
{
  return driver->endpoint;
}

NetUdp *
quic_driver_udp (QuicDriver *driver)
{
  return driver->udp;
}

QuicConnection *
quic_driver_connect (QuicDriver *driver, const NetAddress *remote, QuicTls *tls,
                     const QuicConnectionConfig *config, const QuicConnectionEvents *events,
                     gpointer user_data, GError **error)
{
  NetAddress local = *net_udp_local (driver->udp);
  NetAddress source;

  /* A path has an address of its own at each end: only so is another one seen to be another path. */
  if (net_address_is_wildcard (&local) && net_route_source (remote, &source))
    {
      net_address_set_port (&source, net_address_port (&local));
      local = source;
    }
  return quic_endpoint_connect (driver->endpoint, &local, remote, tls, config, events, user_data, net_now (), error);
}
