#include "host/usage.h"

#include "host/nearest.h"
#include "mux-quic-config.h"

#include <glib/gi18n.h>
#include <string.h>

/* Pads to @width columns, whatever the language. */
static void
append_padded (GString *text, const char *word, glong width)
{
  g_string_append (text, word);
  for (glong n = g_utf8_strlen (word, -1); n < width; n++)
    g_string_append_c (text, ' ');
}

static void
append_row (GString *text, const char *name, const char *arguments, const char *summary, glong width)
{
  g_autofree char *usage
      = arguments != NULL ? g_strdup_printf ("%s %s", name, _ (arguments)) : g_strdup (name);

  g_string_append (text, "  ");
  append_padded (text, usage, width);
  g_string_append_printf (text, " %s\n", _ (summary));
}

void
host_usage_print (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (const HostVerb *const *verb = host_verbs; *verb != NULL; verb++)
    if ((*verb)->summary != NULL)
      append_row (text, (*verb)->name, (*verb)->arguments, (*verb)->summary, 25);
  g_print (
      "%s\n\n%s\n%s\n",
      _ ("Usage: mux-quic [VERB …]\n\nTerminals and other byte streams over QUIC. Without a verb: status."),
      text->str,
      _ ("TARGET is the name of a quic_clients entry or [user@]host[:port]. "
         "`mux-quic VERB --help` tells a verb's options, `mux-quic --version` the version."));
}

int
host_usage_unknown (const char *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *nearest;

  for (const HostVerb *const *verb = host_verbs; *verb != NULL; verb++)
    if ((*verb)->summary != NULL)
      g_ptr_array_add (names, (gpointer)(*verb)->name);
  g_ptr_array_add (names, NULL);
  nearest = host_nearest (name, (const char *const *)names->pdata);
  if (nearest != NULL)
    host_complain (_ ("there is no verb '%s'; did you mean '%s'?"), name, nearest);
  else
    host_complain (_ ("there is no verb '%s'; see mux-quic --help"), name);
  return HOST_EXIT_USAGE;
}

static char *
describe (const HostVerb *verb)
{
  GString *text = g_string_new (verb->description != NULL ? _ (verb->description) : NULL);

  if (verb->choices != NULL)
    g_string_append (text, "\n\n");
  for (const HostChoice *choice = verb->choices; choice != NULL && choice->name != NULL; choice++)
    append_row (text, choice->name, choice->arguments, choice->summary, 18);
  if (text->len > 0 && text->str[text->len - 1] == '\n')
    g_string_truncate (text, text->len - 1);
  return g_string_free (text, FALSE);
}

static gboolean wants_help;

static const GOptionEntry help_options[] = {
  { "help", 'h', 0, G_OPTION_ARG_NONE, &wants_help, N_ ("show this help"), NULL },
  G_OPTION_ENTRY_NULL,
};

static GOptionContext *
make_context (const HostVerb *verb)
{
  GOptionContext *context = g_option_context_new (verb->arguments != NULL ? _ (verb->arguments) : NULL);
  g_autofree char *description = describe (verb);

  g_option_context_set_summary (context, description);
  g_option_context_set_strict_posix (context, verb->options_first);
  for (gsize i = 0; i < HOST_VERB_MAX_OPTIONS && verb->options[i] != NULL; i++)
    g_option_context_add_main_entries (context, verb->options[i], GETTEXT_PACKAGE);
  /* GLib's own help ends the process; ours returns, so that what is held is let go. */
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, help_options, GETTEXT_PACKAGE);
  return context;
}

static gboolean
may_lack_value (const HostVerb *verb, const char *name)
{
  for (gsize i = 0; i < HOST_VERB_MAX_OPTIONS && verb->options[i] != NULL; i++)
    for (const GOptionEntry *option = verb->options[i]; option->long_name != NULL; option++)
      if ((option->flags & G_OPTION_FLAG_OPTIONAL_ARG) != 0 && g_str_equal (option->long_name, name))
        return TRUE;
  return FALSE;
}

/* GOption takes the next word for the value of an option that may lack one: of `connect --take-over work` it would
 * leave no target. A value comes behind "=", as --help tells; none is one that is empty. @made owns new words. */
static void
end_options_without_value (const HostVerb *verb, int argc, char **argv, GPtrArray *made)
{
  for (int i = 1; i < argc && !g_str_equal (argv[i], "--"); i++)
    if (g_str_has_prefix (argv[i], "--") && may_lack_value (verb, argv[i] + 2))
      {
        argv[i] = g_strconcat (argv[i], "=", NULL);
        g_ptr_array_add (made, argv[i]);
      }
}

/* GOption leaves the "--" that ends the options among the arguments. Behind its first argument it belongs to
 * another program. */
static void
drop_dashes (const HostVerb *verb, int *argc, char **argv)
{
  int end = verb->options_first ? MIN (*argc, 2) : *argc;

  for (int i = 1; i < end; i++)
    if (g_str_equal (argv[i], "--"))
      {
        memmove (argv + i, argv + i + 1, (gsize)(*argc - i) * sizeof *argv);
        *argc -= 1;
        return;
      }
}

/* The first argument must be one of the verb's words. */
static gboolean
check_choice (const HostVerb *verb, int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *nearest;

  if (verb->choices == NULL || argc < 2 || host_choice_find (verb->choices, argv[1]) != NULL)
    return TRUE;
  for (const HostChoice *choice = verb->choices; choice->name != NULL; choice++)
    g_ptr_array_add (names, (gpointer)choice->name);
  g_ptr_array_add (names, NULL);
  nearest = host_nearest (argv[1], (const char *const *)names->pdata);
  if (nearest != NULL)
    host_complain (_ ("'%s' is not known here; did you mean '%s'?"), argv[1], nearest);
  else
    host_complain (_ ("'%s' is not known here; see %s --help"), argv[1], g_get_prgname ());
  return FALSE;
}

int
host_usage_run (const HostVerb *verb, int argc, char **argv)
{
  g_autofree char *program = g_strdup_printf ("mux-quic %s", verb->name);
  g_autoptr (GOptionContext) context = make_context (verb);
  g_autoptr (GPtrArray) made = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  g_set_prgname (program);
  argv[0] = program;
  end_options_without_value (verb, argc, argv, made);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      host_complain (_ ("%s; see %s --help"), error->message, g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  if (wants_help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);

      g_print ("%s", text);
      return HOST_EXIT_OK;
    }
  drop_dashes (verb, &argc, argv);
  if (verb->max_arguments >= 0 && argc - 1 > verb->max_arguments)
    {
      host_complain (_ ("unexpected argument '%s'; see %s --help"), argv[1 + verb->max_arguments],
                     g_get_prgname ());
      return HOST_EXIT_USAGE;
    }
  return check_choice (verb, argc, argv) ? verb->run (argc, argv) : HOST_EXIT_USAGE;
}
