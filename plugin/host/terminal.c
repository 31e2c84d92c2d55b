#include "host/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t raw_fd = -1, screen_fd = -1;

/* The other screen, no cursor, no wrapping; and back. Of xterm, and of all that people use today. */
static const char open_screen[] = "\033[?1049h\033[?25l\033[?7l";
static const char close_screen[] = "\033[?7h\033[?25h\033[?1049l";

/* For ends that no main loop sees: restore, then die of the signal as one would have. */
static void
fatal_handler (int number)
{
  host_terminal_restore ();
  signal (number, SIG_DFL);
  raise (number);
}

static void
restore_at_the_end (void)
{
  static const int fatal[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
  static gboolean registered;

  if (registered)
    return;
  registered = TRUE;
  atexit (host_terminal_restore);
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++)
    signal (fatal[i], fatal_handler);
}

gboolean
host_terminal_make_raw (int fd)
{
  struct termios raw;

  if (tcgetattr (fd, &before) != 0)
    return FALSE;
  raw = before;
  cfmakeraw (&raw);
  restore_at_the_end ();
  raw_fd = fd;
  if (tcsetattr (fd, TCSADRAIN, &raw) == 0)
    return TRUE;
  raw_fd = -1;
  return FALSE;
}

static void
send (int fd, const char *sequence, gsize length)
{
  while (write (fd, sequence, length) < 0 && errno == EINTR)
    continue;
}

void
host_terminal_open_screen (int fd)
{
  restore_at_the_end ();
  screen_fd = fd;
  send (fd, open_screen, sizeof open_screen - 1);
}

void
host_terminal_restore (void)
{
  int fd = raw_fd, shown = screen_fd;
  int saved = errno;

  if (shown >= 0)
    {
      screen_fd = -1;
      send (shown, close_screen, sizeof close_screen - 1);
    }
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
