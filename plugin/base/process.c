#include "base/process.h"

#include <signal.h>

void
base_process_kill (GSubprocess *process)
{
  /* NULL once it was reaped. */
  const char *identifier = g_subprocess_get_identifier (process);
  gint64 pid = identifier != NULL ? g_ascii_strtoll (identifier, NULL, 10) : 0;

  if (pid > 1)
    kill ((pid_t) pid, SIGKILL);
}
