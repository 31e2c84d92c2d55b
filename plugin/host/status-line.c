#include "host/status-line.h"

#include <glib/gi18n.h>

#define PAUSE_SECONDS 1
/* More are only counted. */
#define MAX_ADDRESSES 3

struct _HostStatusLine
{
  HostNotify *notify;
  char *addresses;
  GHashTable *sessions; /* MuxSession, only compared → whether it is away */
  guint n_away;
  guint pause; /* the timer: what changes meanwhile is said at its end */
  gboolean changed;
};

char *
host_status_line_text (HostStatusLine *line)
{
  guint n = g_hash_table_size (line->sessions);
  g_autofree char *sessions = g_strdup_printf (ngettext ("%u session", "%u sessions", n), n);
  g_autofree char *away
      = g_strdup_printf (ngettext ("%u of them away", "%u of them away", line->n_away), line->n_away);
  g_autofree char *where = *line->addresses != '\0' ? g_strdup_printf (_("listening on %s"), line->addresses)
                                                    : g_strdup (_("listening nowhere"));

  return g_strconcat (where, "; ", sessions, line->n_away > 0 ? ", " : "", line->n_away > 0 ? away : "",
                      NULL);
}

static void
say (HostStatusLine *line)
{
  g_autofree char *text = host_status_line_text (line);

  line->changed = FALSE;
  host_notify_status (line->notify, text);
}

static gboolean
pause_cb (gpointer data)
{
  HostStatusLine *line = data;

  if (line->changed)
    {
      say (line);
      return G_SOURCE_CONTINUE;
    }
  line->pause = 0;
  return G_SOURCE_REMOVE;
}

static void
say_soon (HostStatusLine *line)
{
  line->changed = TRUE;
  if (line->pause != 0)
    return;
  say (line);
  line->pause = g_timeout_add_seconds (PAUSE_SECONDS, pause_cb, line);
}

void
host_status_line_session (HostStatusLine *line, gconstpointer session, MuxSessionState state)
{
  gpointer key = (gpointer)session, was = NULL;
  gboolean away = state == MUX_SESSION_AWAY;

  if (g_hash_table_lookup_extended (line->sessions, key, NULL, &was))
    line->n_away -= GPOINTER_TO_UINT (was);
  if (state == MUX_SESSION_CLOSED)
    g_hash_table_remove (line->sessions, key);
  else
    {
      g_hash_table_replace (line->sessions, key, GUINT_TO_POINTER (away));
      line->n_away += away;
    }
  say_soon (line);
}

void
host_status_line_listeners (HostStatusLine *line, GVariant *listeners)
{
  GString *text = g_string_new (NULL);
  gsize n = g_variant_n_children (listeners);

  for (gsize i = 0; i < MIN (n, MAX_ADDRESSES); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (listeners, i);
      const char *address = "?";

      g_variant_lookup (one, "address", "&s", &address);
      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", address);
    }
  if (n > MAX_ADDRESSES)
    g_string_append_printf (text, ", … (%u)", (guint)n);
  g_free (line->addresses);
  line->addresses = g_string_free (text, FALSE);
}

HostStatusLine *
host_status_line_new (HostNotify *notify)
{
  HostStatusLine *line = g_new0 (HostStatusLine, 1);

  line->notify = notify;
  line->addresses = g_strdup ("");
  line->sessions = g_hash_table_new (NULL, NULL);
  return line;
}

void
host_status_line_free (HostStatusLine *line)
{
  if (line->pause != 0)
    g_source_remove (line->pause);
  g_hash_table_unref (line->sessions);
  g_free (line->addresses);
  g_free (line);
}
