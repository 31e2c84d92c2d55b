/* What away.c (the waiting and the dialling) and away-doubt.c (a connection that is still there) share. */
#pragma once

#include "transport/away.h"

G_BEGIN_DECLS

struct _TransportAway
{
  MuxSession *session; /* owns us */
  GSource *deadline;   /* of the session */
  GSource *pause;      /* until the next dial */
  GSource *watch;      /* of a connection that owes an answer */
  GSource *udp;        /* until it is tried, while all goes over ssh */
  guint udp_ms;
  GSource *end;
  GError *end_error;
  TransportDial *dial;
  gint64 dialled; /* monotonic, µs */
  guint pause_ms;
  guint rtt_ms;     /* of the last connection */
  gint64 asked;     /* since when an answer is owed, at the earliest: monotonic, µs */
  guint patience_ms;
};

/* Client: dials now, and again soon if that fails. A dial that is under way is given up for it. */
void transport_away_dial_afresh (TransportAway *away);
/* The same, unless there is a dial that is just as good, or was a moment ago. */
void transport_away_dial_now (TransportAway *away);
/* What goes over ssh tries UDP now. */
void transport_away_look_for_udp_now (TransportAway *away);

G_END_DECLS
