#include "host/signals.h"

#include <signal.h>

static const struct
{
  const char *name;
  int number;
} signals[] = {
  { "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "BUS", SIGBUS },   { "CONT", SIGCONT }, { "FPE", SIGFPE },
  { "HUP", SIGHUP },   { "ILL", SIGILL },   { "INT", SIGINT },   { "KILL", SIGKILL }, { "PIPE", SIGPIPE },
  { "QUIT", SIGQUIT }, { "SEGV", SIGSEGV }, { "SYS", SIGSYS },   { "TERM", SIGTERM }, { "TRAP", SIGTRAP },
  { "TSTP", SIGTSTP }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 }, { "WINCH", SIGWINCH }, { "XCPU", SIGXCPU },
  { "XFSZ", SIGXFSZ },
};

const char *
host_signal_name (int number)
{
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    if (signals[i].number == number)
      return signals[i].name;
  return "";
}

int
host_signal_number (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    if (g_str_equal (signals[i].name, name))
      return signals[i].number;
  return 0;
}
