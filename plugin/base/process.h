/* Ending a command that was started. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* SIGKILL, now. (g_subprocess_force_exit () leaves it to a thread, which a program that ends right after does not wait for: the
 * command would live on.) */
void base_process_kill (GSubprocess *process);

G_END_DECLS
