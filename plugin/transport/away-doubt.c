/* A client's connection that is still there, and may be no good any more: is it silent, has the network changed? */
#define BASE_LOG_ROOM "transport"
#include "transport/away-private.h"

#include "base/log.h"
#include "net/route.h"

/* A connection that owes an acknowledgement for so long, or for so many round trips, is doubted. */
#define SILENCE_MS 2000
#define SILENCE_ROUND_TRIPS 6
/* … and sooner when the network has just changed. */
#define NEW_PATH_MS 400

/* FALSE when it owes nothing. *@silence: for how long it has owed. */
static gboolean
owes_an_answer (TransportAway *away, gint64 *silence)
{
  QuicConnection *connection = session_connection (away->session->session);
  QuicConnectionInfo info;

  if (connection == NULL)
    return FALSE;
  quic_connection_info (connection, &info);
  away->rtt_ms = (guint) (info.smoothed_rtt_us / 1000);
  *silence = (g_get_monotonic_time () - MAX (away->asked, (gint64) (info.heard / 1000))) / 1000;
  return info.bytes_in_flight > 0;
}

static gboolean
watch_cb (gpointer data)
{
  TransportAway *away = data;
  gint64 silence;

  if (!owes_an_answer (away, &silence))
    {
      transport_timer_clear (&away->watch);
      return G_SOURCE_REMOVE;
    }
  if (silence > MAX (away->patience_ms, SILENCE_ROUND_TRIPS * (gint64) away->rtt_ms))
    {
      base_info ("%s has gone silent: dialling beside the old connection", away->session->target);
      transport_away_dial_now (away);
    }
  return G_SOURCE_CONTINUE;
}

static void
watch (TransportAway *away, guint patience_ms)
{
  transport_timer_clear (&away->watch);
  away->asked = g_get_monotonic_time ();
  away->patience_ms = patience_ms;
  away->watch = transport_timer (away->session->transport, patience_ms / 2, watch_cb, away);
}

void
transport_away_hurry (TransportAway *away)
{
  if (away->session->incoming || away->end != NULL)
    return;
  if (away->session->away_since != 0)
    transport_away_dial_now (away);
  else if (away->watch == NULL && !away->session->keeps_path)
    watch (away, SILENCE_MS);
}

/* The system may send from another address now: then the connection goes there too. */
static void
migrate (QuicConnection *connection)
{
  const NetAddress *local = quic_connection_local (connection);
  NetAddress source;

  if (!net_route_source (quic_connection_remote (connection), &source))
    return;
  net_address_set_port (&source, net_address_port (local));
  quic_connection_migrate (connection, &source, !net_route_is_here (local));
}

void
transport_away_network_changed (TransportAway *away)
{
  MuxSession *session = away->session;

  if (session->incoming || away->end != NULL || !session_is_in_use (session->session))
    return;
  if (session->away_since != 0)
    transport_away_dial_afresh (away);
  else if (session->relay != NULL)
    transport_away_look_for_udp_now (away);
  else if (!session->keeps_path)
    {
      migrate (session_connection (session->session));
      session_probe (session->session);
      watch (away, NEW_PATH_MS);
    }
}
