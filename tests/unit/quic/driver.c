/* Endpoints on real sockets of the loopback device: the same bytes, and few system calls for them. */
#include "harness/certs.h"
#include "quic/driver.h"

#include <mux/plugin.h>

static Certs *certs;

#define LENGTH (32 * 1024 * 1024)
#define PIECE 65536

typedef struct
{
  GMainContext *context;
  QuicDriver *server, *client;
  QuicConnection *connection, *accepted;
  QuicStream *stream;
  guint64 queued, received, echoed;
  GChecksum *sent_sum, *received_sum;
  gboolean connected, fin, closed, accepted_closed;
} Fixture;

static void
fill (Fixture *fixture)
{
  while (fixture->queued < LENGTH && quic_stream_unsent (fixture->stream) < 4 * PIECE)
    {
      guint8 *piece = g_malloc (PIECE);
      g_autoptr (GBytes) bytes = NULL;

      for (gsize i = 0; i < PIECE; i++)
        piece[i] = (guint8)((fixture->queued + i) * 2654435761u >> 11);
      bytes = g_bytes_new_take (piece, PIECE);
      g_checksum_update (fixture->sent_sum, piece, PIECE);
      quic_stream_write (fixture->stream, bytes);
      fixture->queued += PIECE;
      if (fixture->queued == LENGTH)
        quic_stream_finish (fixture->stream);
    }
}

static void
client_readable_cb (QuicStream *stream, gpointer user_data)
{
  Fixture *fixture = user_data;
  guint8 buffer[PIECE];
  gsize n;

  while ((n = quic_stream_read (stream, buffer, sizeof buffer)) > 0)
    {
      g_checksum_update (fixture->received_sum, buffer, (gssize)n);
      fixture->received += n;
    }
  quic_stream_readable (stream, &fixture->fin);
}

static void
client_writable_cb (QuicStream *stream, gpointer user_data)
{
  fill (user_data);
}

static const QuicStreamEvents client_stream_events
    = { .readable = client_readable_cb, .writable = client_writable_cb };

static void
client_connected_cb (QuicConnection *connection, gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->connected = TRUE;
  fixture->stream = quic_connection_open_stream (connection);
  quic_stream_set_events (fixture->stream, &client_stream_events, fixture);
  fill (fixture);
}

static void
client_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  ((Fixture *)user_data)->closed = TRUE;
}

static const QuicConnectionEvents client_events
    = { .connected = client_connected_cb, .closed = client_closed_cb };

static void
echo_cb (QuicStream *stream, gpointer user_data)
{
  Fixture *fixture = user_data;
  guint8 buffer[PIECE];
  gboolean fin;
  gsize n;

  while (quic_stream_unsent (stream) < 4 * PIECE
         && (n = quic_stream_read (stream, buffer, sizeof buffer)) > 0)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (buffer, n);

      quic_stream_write (stream, bytes);
      fixture->echoed += n;
    }
  if (quic_stream_readable (stream, &fin) == 0 && fin)
    quic_stream_finish (stream);
}

static const QuicStreamEvents echo_events = { .readable = echo_cb, .writable = echo_cb };

static void
server_connected_cb (QuicConnection *connection, gpointer user_data)
{
}

static void
server_stream_opened_cb (QuicConnection *connection, QuicStream *stream, gpointer user_data)
{
  quic_stream_set_events (stream, &echo_events, user_data);
}

static void
server_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  ((Fixture *)user_data)->accepted_closed = TRUE;
}

static const QuicConnectionEvents server_events = {
  .connected = server_connected_cb,
  .stream_opened = server_stream_opened_cb,
  .closed = server_closed_cb,
};

static void
accept_cb (QuicEndpoint *endpoint, QuicConnection *connection, gpointer user_data)
{
  ((Fixture *)user_data)->accepted = connection;
  quic_connection_set_events (connection, &server_events, user_data);
}

static gboolean
too_long_cb (gpointer user_data)
{
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

static NetUdp *
open_udp (const char *host, NetUdpFlags flags)
{
  g_autoptr (GError) error = NULL;
  NetAddress address;
  NetUdp *udp;

  g_assert_true (net_address_from_numeric (&address, host, 0));
  udp = net_udp_open (&address, flags, &error);
  g_assert_no_error (error);
  return udp;
}

static void
set_up (Fixture *fixture, const char *listen, const char *bind, NetUdpFlags flags)
{
  static const QuicServerConfig config
      = { .connection = { .max_idle_timeout_ms = 30000, .handshake_timeout_ms = 10000 },
          .max_connections = 10,
          .max_half_open = 256,
          .retry_from = 16 };
  g_autoptr (GError) error = NULL;
  g_autoptr (QuicTls) tls = quic_tls_new_server (certs->server, certs->trust, FALSE, &error);

  *fixture = (Fixture){ .context = g_main_context_new (),
                        .sent_sum = g_checksum_new (G_CHECKSUM_SHA256),
                        .received_sum = g_checksum_new (G_CHECKSUM_SHA256) };
  g_assert_no_error (error);
  fixture->server = quic_driver_new_server (open_udp (listen, flags), fixture->context, "test server",
                                            &config, tls, certs->secret, accept_cb, fixture, &error);
  g_assert_no_error (error);
  fixture->client = quic_driver_new_client (open_udp (bind, flags & ~NET_UDP_DUAL_STACK), fixture->context,
                                            "test client", certs->secret, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture)
{
  quic_driver_free (fixture->client);
  quic_driver_free (fixture->server);
  g_assert_true (fixture->closed && fixture->accepted_closed);
  g_main_context_unref (fixture->context);
  g_checksum_free (fixture->sent_sum);
  g_checksum_free (fixture->received_sum);
}

typedef struct
{
  const char *name, *listen, *bind, *target;
  NetUdpFlags flags;
} Case;

static void
test_echo (gconstpointer data)
{
  const Case *with = data;
  const QuicConnectionConfig config = { .max_idle_timeout_ms = 30000, .handshake_timeout_ms = 10000 };
  g_autoptr (GError) error = NULL;
  g_autoptr (QuicTls) tls
      = quic_tls_new_client (certs->client, certs->trust, "localhost", TRUE, QUIC_ALPN, &error);
  GSource *watchdog = g_timeout_source_new_seconds (120);
  Fixture fixture;
  NetAddress target;
  const NetUdpStats *stats;

  g_assert_no_error (error);
  set_up (&fixture, with->listen, with->bind, with->flags);
  g_source_set_callback (watchdog, too_long_cb, NULL, NULL);
  g_source_attach (watchdog, fixture.context);
  g_assert_true (net_address_from_numeric (
      &target, with->target, net_address_port (net_udp_local (quic_driver_udp (fixture.server)))));
  fixture.connection
      = quic_driver_connect (fixture.client, &target, tls, &config, &client_events, &fixture, &error);
  g_assert_no_error (error);
  while (!fixture.fin)
    g_main_context_iteration (fixture.context, TRUE);
  g_assert_cmpuint (fixture.received, ==, LENGTH);
  g_assert_cmpstr (g_checksum_get_string (fixture.sent_sum), ==,
                   g_checksum_get_string (fixture.received_sum));
  stats = net_udp_stats (quic_driver_udp (fixture.client));
  g_test_message ("per MB each way: %.1f sends, %.1f reads, %.1f datagrams out",
                  (double)stats->send_calls / (LENGTH >> 20), (double)stats->receive_calls / (LENGTH >> 20),
                  (double)stats->datagrams_out / (LENGTH >> 20));
  /* A megabyte is some 740 datagrams, and half as many acknowledgements without batches. */
  if (net_udp_has_gso (quic_driver_udp (fixture.client)) && (with->flags & NET_UDP_NO_OFFLOAD) == 0)
    g_assert_cmpuint (stats->send_calls, <, stats->datagrams_out / 4);
  quic_connection_close (fixture.connection, QUIC_CODE_NONE, NULL);
  while (!fixture.accepted_closed)
    g_main_context_iteration (fixture.context, TRUE);
  g_source_destroy (watchdog);
  g_source_unref (watchdog);
  tear_down (&fixture);
}

int
main (int argc, char *argv[])
{
  static const Case cases[] = {
    { "ipv4", "127.0.0.1", "127.0.0.1", "127.0.0.1", NET_UDP_DEFAULT },
    { "ipv6", "::1", "::", "::1", NET_UDP_DEFAULT },
    { "dual-stack", "::", "0.0.0.0", "127.0.0.1", NET_UDP_DUAL_STACK },
    { "no-offload", "127.0.0.1", "0.0.0.0", "127.0.0.1", NET_UDP_NO_OFFLOAD },
  };
  int result;

  g_test_init (&argc, &argv, NULL);
  certs = certs_new ();
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = g_strdup_printf ("/quic/driver/echo/%s", cases[i].name);

      g_test_add_data_func (name, &cases[i], test_echo);
    }
  result = g_test_run ();
  certs_free (certs);
  return result;
}
