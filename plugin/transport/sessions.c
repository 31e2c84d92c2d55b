/* Sessions as they come and go: where the transport has them, and who is told. */
#include "transport/transport-private.h"

#include "transport/hold.h"
#include "transport/journal.h"
#include "transport/peer-session.h"
#include "transport/roam.h"
#include "transport/roster.h"
#include "transport/upkeep.h"
#include "transport/watch.h"

static void
tell_host (MuxTransport *transport, MuxSession *session, MuxSessionState state, const GError *error)
{
  const MuxHost *host = transport->host;

  if (host->session_changed != NULL && !transport->quiet)
    host->session_changed (host->user_data, session, state, error);
}

void
transport_session_arrive (MuxTransport *transport, MuxSession *session)
{
  session->place = transport->arriving->len;
  g_ptr_array_add (transport->arriving, session);
}

/* The last one takes its place, so that it costs as much among many as among few. Gives up its reference. */
static void
arrive_no_more (MuxTransport *transport, MuxSession *session)
{
  MuxSession *last = transport->arriving->pdata[transport->arriving->len - 1];
  guint place = session->place;

  g_assert (transport->arriving->pdata[place] == session);
  last->place = place;
  g_ptr_array_remove_index_fast (transport->arriving, place);
}

void
transport_session_enter (MuxTransport *transport, MuxSession *session)
{
  const TransportObserver *observer = transport->observer;

  g_ptr_array_add (transport->sessions, transport_session_ref (session));
  session->number = ++transport->arrivals;
  transport->totals.sessions_started++;
  session->phase = TRANSPORT_SESSION_KNOWN;
  if (session->incoming)
    transport_upkeep_seen (transport->upkeep, session->serial, session->peer);
  else if (transport->roam == NULL)
    transport->roam = transport_roam_new (transport);
  if (session->incoming && !session_is_raw (session->session))
    transport_roster_enter (transport->roster, session_id_bytes (session->session), session);
  arrive_no_more (transport, session);
  transport_journal_opened (session);
  if (observer != NULL && observer->session_added != NULL)
    observer->session_added (transport, session, transport->observer_data);
  transport_watch_poke (transport->watch);
  tell_host (transport, session, MUX_SESSION_CONNECTED, NULL);
}

void
transport_session_leave (MuxTransport *transport, MuxSession *session, const GError *error)
{
  const TransportObserver *observer = transport->observer;
  gboolean known = session->phase == TRANSPORT_SESSION_KNOWN;

  session->phase = TRANSPORT_SESSION_OVER;
  if (transport->hold != NULL)
    transport_hold_session_left (transport->hold, session);
  if (!known)
    {
      arrive_no_more (transport, session);
      return;
    }
  if (session->incoming && !session_is_raw (session->session))
    transport_roster_leave (transport->roster, session_id_bytes (session->session));
  tell_host (transport, session, MUX_SESSION_CLOSED, error);
  if (observer != NULL && observer->session_removed != NULL)
    observer->session_removed (transport, session, transport->observer_data);
  transport_watch_poke (transport->watch);
  g_ptr_array_remove_index (transport->sessions, transport_sessions_after (transport, session->number - 1));
}

void
transport_session_tell (MuxTransport *transport, MuxSession *session, MuxSessionState state,
                        const GError *error)
{
  if (session->incoming && state == MUX_SESSION_CONNECTED)
    transport_upkeep_seen (transport->upkeep, session->serial, session->peer);
  transport_session_touch (transport, session);
  if (session->phase == TRANSPORT_SESSION_KNOWN)
    tell_host (transport, session, state, error);
}

void
transport_session_touch (MuxTransport *transport, MuxSession *session)
{
  const TransportObserver *observer = transport->observer;
  QuicConnection *connection = session_connection (session->session);

  session->told_channels = session_n_channels (session->session);
  if (connection != NULL)
    {
      session->told_peer = *quic_connection_remote (connection);
      session->told_bytes = quic_connection_bytes (connection);
    }
  if (session->phase == TRANSPORT_SESSION_KNOWN && observer != NULL && observer->session_changed != NULL)
    observer->session_changed (transport, session, transport->observer_data);
}

/* What control sees */

GPtrArray *
transport_sessions (MuxTransport *transport)
{
  return transport->sessions;
}

guint
transport_sessions_after (MuxTransport *transport, guint64 number)
{
  guint low = 0, high = transport->sessions->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (((MuxSession *)transport->sessions->pdata[middle])->number <= number)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

guint64
transport_session_number (const MuxSession *session)
{
  return session->number;
}
