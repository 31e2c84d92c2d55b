#include "host/away.h"

#include "host/style.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <unistd.h>

/* Shorter absences are not worth a word. */
#define DELAY_SECONDS 1

struct _HostAway
{
  gboolean painted, shown, restarting;
  gint64 since; /* monotonic, µs; 0: it is not away */
  guint timer;
};

static guint
seconds (const HostAway *away)
{
  return (guint) ((g_get_monotonic_time () - away->since) / G_USEC_PER_SEC);
}

/* Saves the cursor and its attributes, writes reversed on the first row, and puts them back. */
static void
paint (const char *text)
{
  if (text != NULL)
    g_printerr ("\0337\033[1;1H\033[0;7m%s\033[0m\033[K\0338", text);
  else
    g_printerr ("\0337\033[1;1H\033[0m\033[2K\0338");
}

/* A line of its own. */
static void
say (HostStyle style, const char *line)
{
  gboolean colors = host_style_enabled (STDERR_FILENO);

  g_printerr ("%s%s%s\n", host_style_begin (style, colors), line, host_style_end (style, colors));
}

static gboolean
tick_cb (gpointer data)
{
  HostAway *away = data;
  gboolean network = g_network_monitor_get_network_available (g_network_monitor_get_default ());
  g_autofree char *text = !network           ? g_strdup_printf (_("mux-quic: reconnecting… %u s, network is down"), seconds (away))
                          : away->restarting ? g_strdup_printf (_("mux-quic: reconnecting… %u s, the host restarts"), seconds (away))
                                             : g_strdup_printf (_("mux-quic: reconnecting… %u s"), seconds (away));

  if (away->painted)
    paint (text);
  else if (!away->shown)
    say (HOST_STYLE_WARNING, away->restarting ? _("mux-quic: the host over there restarts, reconnecting…")
                                              : _("mux-quic: the connection is lost, reconnecting…"));
  away->shown = TRUE;
  return G_SOURCE_CONTINUE;
}

HostAway *
host_away_new (void)
{
  return g_new0 (HostAway, 1);
}

void
host_away_free (HostAway *away)
{
  host_away_end (away);
  g_free (away);
}

void
host_away_set_painted (HostAway *away, gboolean painted)
{
  away->painted = painted;
}

void
host_away_begin (HostAway *away, gboolean restarting)
{
  away->restarting = restarting;
  if (away->since != 0)
    return;
  away->since = g_get_monotonic_time ();
  if (isatty (STDERR_FILENO))
    away->timer = g_timeout_add_seconds (DELAY_SECONDS, tick_cb, away);
}

gboolean
host_away_end (HostAway *away)
{
  g_autofree char *line = g_strdup_printf (_("mux-quic: connected again after %u s"), seconds (away));
  gboolean shown = away->shown;

  g_clear_handle_id (&away->timer, g_source_remove);
  if (shown && away->painted)
    paint (NULL);
  else if (shown)
    say (HOST_STYLE_GOOD, line);
  away->shown = FALSE;
  away->since = 0;
  return shown && away->painted;
}
