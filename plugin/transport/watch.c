#include "transport/watch.h"

#include "transport/peer-session.h"

#define INTERVAL_MS 1000
/* In one turn of the loop: sessions looked at, and told of. */
#define LOOKS_PER_TURN 1024
#define TOLD_PER_TURN 32

struct _TransportWatch
{
  MuxTransport *transport;
  GSource *source; /* the next look, or the rest of one */
  gboolean again;  /* something happened during a look */
  guint64 after;   /* number of the session that was looked at last */
  guint told;      /* in this look */
};

static gboolean
has_changed (const MuxSession *session, gboolean counters)
{
  QuicConnection *connection = session_connection (session->session);

  return session_n_channels (session->session) != session->told_channels
         || (connection != NULL
             && (!net_address_equal (quic_connection_remote (connection), &session->told_peer)
                 || (counters && quic_connection_bytes (connection) != session->told_bytes)));
}

static gboolean
wants_counters (MuxTransport *transport)
{
  const TransportObserver *observer = transport->observer;

  return observer != NULL && observer->wants_counters != NULL
         && observer->wants_counters (transport, transport->observer_data);
}

/* TRUE when every session was looked at. */
static gboolean
look_at_some (TransportWatch *watch)
{
  MuxTransport *transport = watch->transport;
  GPtrArray *sessions = transport->sessions;
  gboolean counters = wants_counters (transport);
  guint told = 0;

  for (guint i = transport_sessions_after (transport, watch->after), n = 0; i < sessions->len; i++, n++)
    {
      MuxSession *session = sessions->pdata[i];

      if (n == LOOKS_PER_TURN || told == TOLD_PER_TURN)
        return FALSE;
      watch->after = session->number;
      if (!has_changed (session, counters))
        continue;
      told++;
      watch->told++;
      transport_session_touch (transport, session);
    }
  watch->after = 0;
  return TRUE;
}

static void later (TransportWatch *watch);
static void soon (TransportWatch *watch);

static void
go_on (TransportWatch *watch)
{
  transport_timer_clear (&watch->source);
  if (look_at_some (watch))
    {
      if (watch->again)
        later (watch);
    }
  else if (watch->told < TRANSPORT_WATCH_TOLD_PER_SECOND)
    soon (watch);
  else
    later (watch); /* with those that are left */
}

static gboolean
rest_cb (gpointer data)
{
  go_on (data);
  return G_SOURCE_REMOVE;
}

static gboolean
look_cb (gpointer data)
{
  TransportWatch *watch = data;
  const TransportObserver *observer = watch->transport->observer;

  watch->told = 0;
  watch->again = FALSE;
  if (observer != NULL && observer->listeners_changed != NULL)
    observer->listeners_changed (watch->transport, watch->transport->observer_data);
  go_on (watch);
  return G_SOURCE_REMOVE;
}

static void
later (TransportWatch *watch)
{
  watch->source = transport_timer (watch->transport, INTERVAL_MS, look_cb, watch);
}

static void
soon (TransportWatch *watch)
{
  watch->source = g_idle_source_new ();
  g_source_set_static_name (watch->source, "mux-quic transport watch");
  g_source_set_callback (watch->source, rest_cb, watch, NULL);
  g_source_attach (watch->source, watch->transport->context);
}

void
transport_watch_poke (TransportWatch *watch)
{
  if (watch == NULL)
    return;
  watch->again = TRUE;
  if (watch->source == NULL)
    later (watch);
}

gboolean
transport_watch_is_awake (const TransportWatch *watch)
{
  return watch->source != NULL;
}

static void
active_cb (QuicDriver *driver, gpointer data)
{
  MuxTransport *transport = data;

  transport_watch_poke (transport->watch);
}

void
transport_watch_driver (MuxTransport *transport, QuicDriver *driver)
{
  quic_driver_set_active (driver, active_cb, transport);
}

TransportWatch *
transport_watch_new (MuxTransport *transport)
{
  TransportWatch *watch = g_new0 (TransportWatch, 1);

  watch->transport = transport;
  return watch;
}

void
transport_watch_free (TransportWatch *watch)
{
  transport_timer_clear (&watch->source);
  g_free (watch);
}
