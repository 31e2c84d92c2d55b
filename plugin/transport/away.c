#define BASE_LOG_ROOM "transport"
#include "transport/away-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/log.h"
#include "transport/waiting.h"

/* The pause between two dials: the first, doubled up to the last, each with some jitter. */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
/* A dial is given up after so many round trips (the handshake needs two), and never before the first number. A fresh one
 * is sooner there than an old one whose probes have become rare. */
#define DIAL_ROUND_TRIPS 8
#define DIAL_MIN_MS 2500
/* Somebody waits: a dial that is older makes room for a fresh one. */
#define DIAL_STALE_MS 1000
/* Away for so long, ssh is tried as well. */
#define RELAY_SECONDS 10
/* Over ssh: how often UDP is tried. */
#define UDP_MIN_MS 10000
#define UDP_MAX_MS 60000

typedef struct
{
  MuxSession *session;
  TransportDial *dial; /* only to be compared */
} Attempt;

static void dial (TransportAway *away);

/* The end */

static gboolean
end_cb (gpointer data)
{
  TransportAway *away = data;
  g_autoptr (MuxSession) session = transport_session_ref (away->session);
  g_autoptr (GError) error = g_steal_pointer (&away->end_error);

  transport_timer_clear (&away->end);
  /* Another connection may have come in the same turn: what was decided stands. */
  if (session_connection (session->session) != NULL)
    session_close (session->session, error != NULL ? "gone" : "bye", error != NULL ? error->message : "");
  else
    session_abandon (session->session, error); /* frees us */
  return G_SOURCE_REMOVE;
}

void
transport_away_abandon (TransportAway *away, const GError *error)
{
  if (away->end != NULL)
    return;
  away->end_error = error != NULL ? g_error_copy (error) : NULL;
  away->end = transport_timer (away->session->transport, 0, end_cb, away);
}

static guint
patience (const MuxSession *session)
{
  if (session->restart_after == 0)
    return session->timeout;
  return MIN (session->timeout, session->restart_after + TRANSPORT_RESTART_GRACE_S);
}

static gboolean
deadline_cb (gpointer data)
{
  TransportAway *away = data;
  const MuxSession *session = away->session;
  g_autoptr (GError) error = NULL;

  transport_timer_clear (&away->deadline);
  base_error_set (&error, MUX_ERROR_GONE,
                  session->incoming             ? _("The client did not come back within %u s")
                  : session->restart_after != 0 ? _("The host over there said that it restarts, but was not back within %u s")
                                                : _("The session is lost: there was no connection for %u s"),
                  patience (session));
  transport_away_abandon (away, error);
  return G_SOURCE_REMOVE;
}

/* Dialling */

static guint
dial_timeout (const TransportAway *away)
{
  return CLAMP (DIAL_ROUND_TRIPS * away->rtt_ms, DIAL_MIN_MS, TRANSPORT_DIAL_TIMEOUT_MS);
}

static gboolean
pause_cb (gpointer data)
{
  TransportAway *away = data;

  transport_timer_clear (&away->pause);
  dial (away);
  return G_SOURCE_REMOVE;
}

static gboolean
udp_cb (gpointer data)
{
  TransportAway *away = data;

  transport_timer_clear (&away->udp);
  if (away->session->away_since == 0 && away->dial == NULL)
    dial (away);
  else
    transport_away_look_for_udp (away);
  return G_SOURCE_REMOVE;
}

void
transport_away_look_for_udp_now (TransportAway *away)
{
  transport_timer_clear (&away->udp);
  away->udp_ms = 0;
  if (away->dial == NULL)
    dial (away);
}

void
transport_away_look_for_udp (TransportAway *away)
{
  if (away->udp != NULL || away->end != NULL)
    return;
  away->udp_ms = CLAMP (2 * away->udp_ms, UDP_MIN_MS, UDP_MAX_MS);
  away->udp = transport_timer (away->session->transport, away->udp_ms, udp_cb, away);
}

static void
dial_later (TransportAway *away)
{
  guint jitter = away->pause_ms / 4;

  if (away->session->away_since == 0)
    {
      /* The old connection was only doubted, and its watch goes on; or it is the way over ssh. */
      if (away->session->relay != NULL)
        transport_away_look_for_udp (away);
      return;
    }
  transport_timer_clear (&away->pause);
  away->pause = transport_timer (away->session->transport,
                                 (guint) g_random_int_range ((gint32) (away->pause_ms - jitter), (gint32) (away->pause_ms + jitter)),
                                 pause_cb, away);
  away->pause_ms = MIN (2 * away->pause_ms, PAUSE_MAX_MS);
}

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Attempt *attempt = data;
  g_autoptr (MuxSession) session = attempt->session;
  g_autoptr (GError) error = NULL;
  g_autoptr (MuxSession) resumed = transport_dial_finish (session->transport, result, &error);
  gboolean current = session->away != NULL && session->away->dial == attempt->dial;

  g_free (attempt);
  if (!current)
    return;
  session->away->dial = NULL;
  if (resumed != NULL)
    return; /* `back`, or `away` again, follows */
  if (session->away_since != 0)
    {
      base_info ("%s is still away: %s", session->target, error->message);
      g_clear_error (&session->error);
      session->error = g_steal_pointer (&error);
      transport_session_touch (session->transport, session);
    }
  dial_later (session->away);
}

static void
stop_dialling (TransportAway *away)
{
  TransportDial *old = g_steal_pointer (&away->dial);

  transport_timer_clear (&away->pause);
  if (old != NULL)
    transport_dial_abort (old);
}

/* One that lives goes by UDP, or stays where it is. */
static gboolean
may_relay (const TransportAway *away)
{
  const MuxSession *session = away->session;

  return session->away_since != 0
         && (session->relay != NULL || g_get_real_time () / G_USEC_PER_SEC > session->away_since + RELAY_SECONDS);
}

static void
dial (TransportAway *away)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  stop_dialling (away);
  away->dialled = g_get_monotonic_time ();
  attempt->session = transport_session_ref (away->session);
  attempt->dial = away->dial
      = transport_dial_again (away->session, dial_timeout (away), may_relay (away), dialled_cb, attempt);
}

void
transport_away_dial_afresh (TransportAway *away)
{
  away->pause_ms = PAUSE_MIN_MS;
  dial (away);
}

void
transport_away_dial_now (TransportAway *away)
{
  gint64 age = (g_get_monotonic_time () - away->dialled) / 1000;

  /* ssh takes its time, and typing must not begin it anew again and again. */
  if (away->dial != NULL && may_relay (away))
    return;
  if (age < MAX (DIAL_STALE_MS, 4 * (gint64) away->rtt_ms))
    {
      if (away->dial == NULL && away->pause == NULL)
        dial_later (away);
      return;
    }
  transport_away_dial_afresh (away);
}

/* Coming and going */

/* Sessions that wait for their clients cost memory and programs. In one turn of the loop very many can lose theirs: each that is too much
 * is out of the way at once. */
static void
make_room (MuxTransport *transport)
{
  g_autoptr (GError) error = NULL;
  MuxSession *first;

  if (transport_waiting_size (transport->waiting) <= TRANSPORT_AWAY_MAX)
    return;
  first = transport_waiting_first_to_go (transport->waiting);
  transport_waiting_remove (transport->waiting, first);
  base_error_set (&error, MUX_ERROR_LIMIT,
                  ngettext ("%d session waits for its client already; the oldest is ended",
                            "%d sessions wait for their clients already; the oldest is ended", TRANSPORT_AWAY_MAX),
                  TRANSPORT_AWAY_MAX);
  transport_away_abandon (first->away, error);
}

void
transport_away_begin (TransportAway *away, const GError *error)
{
  MuxSession *session = away->session;

  transport_timer_clear (&away->watch);
  if (session->timeout == 0)
    {
      transport_away_abandon (away, error);
      return;
    }
  /* A connection on which nobody was welcome does not begin the waiting anew. */
  if (away->deadline == NULL)
    away->deadline = transport_timer (session->transport, MIN (patience (session), G_MAXUINT / 1000) * 1000, deadline_cb, away);
  if (session->incoming)
    {
      transport_waiting_add (session->transport->waiting, session);
      make_room (session->transport);
    }
  else if (away->dial == NULL && session_is_in_use (session->session))
    {
      away->pause_ms = MAX (PAUSE_MIN_MS, 1000 * session->restart_after);
      dial_later (away);
      away->pause_ms = PAUSE_MIN_MS;
    }
}

void
transport_away_end (TransportAway *away)
{
  transport_waiting_remove (away->session->transport->waiting, away->session);
  transport_timer_clear (&away->deadline);
  stop_dialling (away);
  if (away->session->relay == NULL)
    {
      transport_timer_clear (&away->udp);
      away->udp_ms = 0;
    }
}

TransportAway *
transport_away_new (MuxSession *session)
{
  TransportAway *away = g_new0 (TransportAway, 1);

  away->session = session;
  away->pause_ms = PAUSE_MIN_MS;
  return away;
}

void
transport_away_free (TransportAway *away)
{
  transport_waiting_remove (away->session->transport->waiting, away->session);
  transport_timer_clear (&away->deadline);
  transport_timer_clear (&away->watch);
  transport_timer_clear (&away->end);
  transport_timer_clear (&away->udp);
  stop_dialling (away);
  g_clear_error (&away->end_error);
  g_free (away);
}
