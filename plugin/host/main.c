#include "host/verb.h"

#include "mux-quic-config.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <string.h>

static void
print_help (void)
{
  g_print ("%s\n\n", _("Usage: mux-quic [VERB …]\n\nTerminals and other byte streams over QUIC. Without a verb: status."));
  for (const HostVerb *verb = host_verbs; verb->name != NULL; verb++)
    if (verb->summary != NULL)
      {
        g_autofree char *usage = g_strdup_printf ("%s %s", verb->name, _(verb->arguments));

        g_print ("  %-44s %s\n", usage, _(verb->summary));
      }
  g_print ("\n%s\n", _("TARGET is the name of a quic_clients entry or [user@]host[:port]. "
                       "`mux-quic VERB --help` tells a verb's options."));
}

/* Edits that make @a of @b, to guess what was meant. */
static guint
distance (const char *a, const char *b)
{
  gsize columns = strlen (b) + 1;
  g_autofree guint *row = g_new (guint, columns);

  for (gsize j = 0; j < columns; j++)
    row[j] = (guint) j;
  for (gsize i = 0; a[i] != '\0'; i++)
    {
      guint diagonal = row[0]++;

      for (gsize j = 1; j < columns; j++)
        {
          guint above = row[j];

          row[j] = MIN (MIN (above, row[j - 1]) + 1, diagonal + (a[i] != b[j - 1]));
          diagonal = above;
        }
    }
  return row[columns - 1];
}

static int
unknown_verb (const char *name)
{
  const char *nearest = NULL;
  guint best = 4;

  for (const HostVerb *verb = host_verbs; verb->name != NULL; verb++)
    if (verb->summary != NULL && strlen (name) < 64 && distance (name, verb->name) < best)
      {
        best = distance (name, verb->name);
        nearest = verb->name;
      }
  if (nearest != NULL)
    host_complain (_("there is no verb '%s'; did you mean '%s'?"), name, nearest);
  else
    host_complain (_("there is no verb '%s'; see mux-quic --help"), name);
  return HOST_EXIT_USAGE;
}

int
main (int argc, char **argv)
{
  g_autofree char *program = NULL;
  const char *name;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  if (argc < 2)
    {
      static char *bare[] = { (char *) "mux-quic status", NULL };

      g_set_prgname ("mux-quic status");
      return host_verb_status (1, bare);
    }
  name = argv[1];
  if (g_str_equal (name, "--help") || g_str_equal (name, "-h") || g_str_equal (name, "help"))
    {
      print_help ();
      return HOST_EXIT_OK;
    }
  if (g_str_equal (name, "--version"))
    {
      g_print ("mux-quic %s\n", PACKAGE_VERSION);
      return HOST_EXIT_OK;
    }
  for (const HostVerb *verb = host_verbs; verb->name != NULL; verb++)
    if (g_str_equal (verb->name, name))
      {
        program = g_strdup_printf ("mux-quic %s", name);
        g_set_prgname (program);
        argv[1] = program;
        return verb->run (argc - 1, argv + 1);
      }
  return unknown_verb (name);
}
