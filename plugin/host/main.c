#include "host/usage.h"

#include "mux-quic-config.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static gboolean
is_one_of (const char *word, const char *const *words)
{
  return g_strv_contains (words, word);
}

/* A key or a status of which the half is missing is no success. */
static int
check_output (int status)
{
  struct pollfd reader = { .fd = STDOUT_FILENO };

  if (fflush (stdout) == 0 && ferror (stdout) == 0)
    return status;
  /* Whoever had enough of it knows. */
  if (poll (&reader, 1, 0) == 1 && (reader.revents & (POLLERR | POLLHUP)) != 0)
    return 128 + SIGPIPE;
  host_complain (_("standard output does not take what is to be written; perhaps its disk is full"));
  return HOST_EXIT_FAILURE;
}

static int
run (int argc, char **argv)
{
  static const char *const help[] = { "--help", "-h", "help", NULL };
  static const char *const version[] = { "--version", "-V", NULL };
  const HostVerb *verb;

  if (argc < 2)
    return host_usage_run (&host_verb_status, argc, argv);
  if (is_one_of (argv[1], version))
    {
      g_print ("mux-quic %s\n", PACKAGE_VERSION);
      return HOST_EXIT_OK;
    }
  /* `help VERB` is `VERB --help`. */
  if (g_str_equal (argv[1], "help") && argc > 2)
    {
      char *asked[] = { argv[0], (char *) "--help", NULL };

      verb = host_verb_find (argv[2]);
      return verb != NULL ? host_usage_run (verb, 2, asked) : host_usage_unknown (argv[2]);
    }
  if (is_one_of (argv[1], help))
    {
      host_usage_print ();
      return HOST_EXIT_OK;
    }
  /* Without a verb it is status, with its options. */
  if (argv[1][0] == '-')
    return host_usage_run (&host_verb_status, argc, argv);
  verb = host_verb_find (argv[1]);
  return verb != NULL ? host_usage_run (verb, argc - 1, argv + 1) : host_usage_unknown (argv[1]);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_prgname ("mux-quic");
  return check_output (run (argc, argv));
}
