/* A screenful of text that is painted over the one before without flicker: a title, as much of a body as
 * there is room for, and a footer. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *title;  /* one line */
  const char *body;   /* lines, each ended by \n */
  const char *footer; /* one line */
} HostScreen;

/* What paints @screen on a terminal of @rows rows: every row once, nothing scrolled. */
char *host_screen_compose (const HostScreen *screen, guint rows);
/* Writes it to @fd. FALSE: the terminal is gone. */
gboolean host_screen_paint (const HostScreen *screen, int fd);

G_END_DECLS
