#include "host/screen.h"

#include "host/terminal.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_ROWS 24
/* A terminal that knows it (the rest ignore it) shows nothing of what comes until the end is there. */
#define BEGIN_UPDATE "\033[?2026h"
#define END_UPDATE "\033[?2026l"
#define HOME "\033[H"
/* What was longer before is wiped out behind the text, so no row is ever empty in between. */
#define END_OF_ROW "\033[K\r\n"
#define LAST_ROW "\033[K\033[J"

/* The rows that title, footer and a note on what is left out take. */
#define FRAME_ROWS 2

char *
host_screen_compose (const HostScreen *screen, guint rows)
{
  GString *text = g_string_new (BEGIN_UPDATE HOME);
  g_auto (GStrv) lines = g_strsplit (screen->body, "\n", -1);
  guint n = g_strv_length (lines);
  guint room = rows > FRAME_ROWS ? rows - FRAME_ROWS : 0;

  /* The last line's end is no other line. */
  if (n > 0 && *lines[n - 1] == '\0')
    n--;
  g_string_append_printf (text, "%s" END_OF_ROW, screen->title);
  for (guint i = 0; i < room; i++)
    {
      guint left = n > i ? n - i : 0;

      if (i == room - 1 && left > 1)
        g_string_append_printf (text, ngettext ("… %u more line", "… %u more lines", left), left);
      else if (left > 0)
        g_string_append (text, lines[i]);
      g_string_append (text, END_OF_ROW);
    }
  g_string_append_printf (text, "%s" LAST_ROW END_UPDATE, screen->footer);
  return g_string_free (text, FALSE);
}

gboolean
host_screen_paint (const HostScreen *screen, int fd)
{
  guint rows = DEFAULT_ROWS, columns;
  g_autofree char *text = NULL;
  gsize length, done = 0;

  host_terminal_size (fd, &rows, &columns);
  text = host_screen_compose (screen, rows);
  length = strlen (text);
  while (done < length)
    {
      gssize n = write (fd, text + done, length - done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      done += (gsize)n;
    }
  return TRUE;
}
