/* What the person sees while the connection is away: one line, with the seconds. Over the screen of another machine it is painted on
 * the first row; else it is a line of its own when it begins, and one when it is over. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _HostAway HostAway;

/* Says nothing unless standard error is a terminal. */
HostAway *host_away_new (void);
void host_away_free (HostAway *away);

/* Whether the terminal shows the screen of another machine. */
void host_away_set_painted (HostAway *away, gboolean painted);
/* The connection is lost; @restarting: because the other side ended it to restart. */
void host_away_begin (HostAway *away, gboolean restarting);
/* It is there again. TRUE: the line was painted over a screen, which is to be drawn again. */
gboolean host_away_end (HostAway *away);

G_END_DECLS
