#include "host/progress.h"

#include "host/terminal.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 1000

struct _HostProgress
{
  char *message;
  gint64 since; /* monotonic, µs */
  guint timer, look;
  gboolean terminal;
  gboolean drawn;     /* it stands on the cursor's line */
  gboolean announced; /* it had a line of its own */
};

/* Whether one of our children lives. */
static gboolean
has_child (void)
{
  siginfo_t info;

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

char *
host_progress_compose (const char *message, guint seconds, guint columns)
{
  g_autofree char *text = g_strdup_printf (_ ("mux-quic: %s… %u s"), message, seconds);

  return columns > 0 ? g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), (glong)columns))
                     : g_steal_pointer (&text);
}

static void
wipe (HostProgress *progress)
{
  if (progress->drawn)
    g_printerr ("\r\033[K");
  progress->drawn = FALSE;
}

static void
announce (HostProgress *progress)
{
  wipe (progress);
  progress->announced = TRUE;
  g_printerr ("mux-quic: %s\n", progress->message);
}

static gboolean
tick_cb (gpointer data)
{
  HostProgress *progress = data;
  guint rows, columns = 0;
  g_autofree char *line = NULL;

  if (progress->announced || progress->message == NULL || has_child ())
    return G_SOURCE_CONTINUE;
  host_terminal_size (STDERR_FILENO, &rows, &columns);
  /* A full last column would wrap. */
  line = host_progress_compose (progress->message,
                                (guint)((g_get_monotonic_time () - progress->since) / G_USEC_PER_SEC),
                                columns > 1 ? columns - 1 : 0);
  g_printerr ("\r%s\033[K", line);
  progress->drawn = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Whoever says what he does next and starts a program for it has started it by now; what that may ask is not
 * to come without a word. */
static gboolean
look_for_child_cb (gpointer data)
{
  HostProgress *progress = data;

  progress->look = 0;
  if (!progress->announced && progress->message != NULL && has_child ())
    announce (progress);
  return G_SOURCE_REMOVE;
}

HostProgress *
host_progress_new (const char *message)
{
  HostProgress *progress = g_new0 (HostProgress, 1);

  progress->since = g_get_monotonic_time ();
  progress->terminal = isatty (STDERR_FILENO) == 1;
  if (progress->terminal)
    progress->timer = g_timeout_add (TICK_MS, tick_cb, progress);
  host_progress_set (progress, message);
  return progress;
}

void
host_progress_free (HostProgress *progress)
{
  wipe (progress);
  g_clear_handle_id (&progress->timer, g_source_remove);
  g_clear_handle_id (&progress->look, g_source_remove);
  g_free (progress->message);
  g_free (progress);
}

void
host_progress_set (HostProgress *progress, const char *message)
{
  g_free (progress->message);
  progress->message = g_strdup (message);
  /* At once, before somebody whom it announces (ssh) writes his own. */
  if (progress->drawn || progress->announced)
    announce (progress);
  else if (progress->terminal && progress->look == 0)
    progress->look = g_timeout_add (0, look_for_child_cb, progress);
}

void
host_progress_wait (const gboolean *done, const char *message)
{
  HostProgress *progress = host_progress_new (message);

  while (!*done)
    g_main_context_iteration (NULL, TRUE);
  host_progress_free (progress);
}
