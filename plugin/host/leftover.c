#include "host/leftover.h"

#include <signal.h>
#include <sys/wait.h>

/* Between SIGHUP and SIGKILL. */
#define KILL_SECONDS 5

typedef struct
{
  GPid pid;
  guint killer;
} Leftover;

/* Of this process: programs that were told to end and have not yet. */
static guint leftovers;
static void (*leftovers_gone) (gpointer data);
static gpointer leftovers_data;

gboolean
host_leftover_wait (void (*gone) (gpointer user_data), gpointer user_data)
{
  leftovers_gone = gone;
  leftovers_data = user_data;
  return leftovers > 0;
}

static void
reaped_cb (GPid pid, int wait_status, gpointer data)
{
  Leftover *leftover = data;

  /* From here on the process id may be another's. */
  g_source_remove (leftover->killer);
  g_free (leftover);
  if (--leftovers == 0 && leftovers_gone != NULL)
    leftovers_gone (leftovers_data);
}

static gboolean
leftover_kill_cb (gpointer data)
{
  Leftover *leftover = data;

  kill (-leftover->pid, SIGKILL);
  return G_SOURCE_CONTINUE;
}

void
host_leftover_end (GPid pid)
{
  Leftover *leftover;
  siginfo_t info;

  /* It ended a moment ago, and the main loop has reaped it already without having said so yet: nothing would be told again. */
  if (waitid (P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
    return;
  leftover = g_new0 (Leftover, 1);
  leftovers++;
  kill (-pid, SIGHUP);
  kill (-pid, SIGCONT);
  leftover->pid = pid;
  leftover->killer = g_timeout_add_seconds (KILL_SECONDS, leftover_kill_cb, leftover);
  g_child_watch_add (pid, reaped_cb, leftover);
}
