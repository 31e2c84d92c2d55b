#include "host/goodbye.h"

#include "host/progress.h"

#include <glib/gi18n.h>

#define HURRY_MS 500

/* It may come when nobody waits for it any more. */
static void
said_cb (GObject *source, GAsyncResult *result, gpointer said)
{
  *(gboolean *) said = TRUE;
  g_rc_box_release (said);
}

static gboolean
hurry_cb (gpointer said)
{
  *(gboolean *) said = TRUE;
  return G_SOURCE_CONTINUE;
}

void
host_goodbye_say (const MuxSessionOps *ops, MuxSession *session, gboolean hurry)
{
  gboolean *said = g_rc_box_new0 (gboolean);
  guint timer = hurry ? g_timeout_add (HURRY_MS, hurry_cb, said) : 0;

  ops->close_async (session, said_cb, g_rc_box_acquire (said));
  host_progress_wait (said, _("saying goodbye"));
  g_clear_handle_id (&timer, g_source_remove);
  g_rc_box_release (said);
}
