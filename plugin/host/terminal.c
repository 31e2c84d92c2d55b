#include "host/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t raw_fd = -1;

/* For ends that no main loop sees: restore, then die of the signal as one would have. */
static void
fatal_handler (int number)
{
  host_terminal_restore ();
  signal (number, SIG_DFL);
  raise (number);
}

gboolean
host_terminal_make_raw (int fd)
{
  static const int fatal[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
  static gboolean registered;
  struct termios raw;

  if (tcgetattr (fd, &before) != 0)
    return FALSE;
  raw = before;
  cfmakeraw (&raw);
  if (!registered)
    {
      registered = TRUE;
      atexit (host_terminal_restore);
      for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++)
        signal (fatal[i], fatal_handler);
    }
  raw_fd = fd;
  if (tcsetattr (fd, TCSADRAIN, &raw) == 0)
    return TRUE;
  raw_fd = -1;
  return FALSE;
}

void
host_terminal_restore (void)
{
  int fd = raw_fd;
  int saved = errno;

  if (fd >= 0)
    {
      raw_fd = -1;
      /* Not waiting for output: a terminal that is stopped must not stop us. */
      while (tcsetattr (fd, TCSANOW, &before) != 0 && errno == EINTR)
        continue;
    }
  errno = saved;
}

gboolean
host_terminal_size (int fd, guint *rows, guint *columns)
{
  struct winsize size;

  if (ioctl (fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return FALSE;
  *rows = size.ws_row;
  *columns = size.ws_col;
  return TRUE;
}
