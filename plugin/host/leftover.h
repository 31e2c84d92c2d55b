/* Programs that nobody wants any more: told to end, ended by force when they do not, and reaped. Of this process as a whole. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Ends the session of the child @pid, which is not reaped yet: SIGHUP now, SIGKILL after 5 s. */
void host_leftover_end (GPid pid);
/* Whether some have not ended yet; then @gone is called when the last one has. */
gboolean host_leftover_wait (void (*gone) (gpointer user_data), gpointer user_data);

G_END_DECLS
