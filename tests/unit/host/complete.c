#include "host/complete.h"

#include <string.h>

static gboolean flag;
static char *text;

static gboolean
color_cb (const char *name, const char *value, gpointer data, GError **error)
{
  return TRUE;
}

static const GOptionEntry options[] = {
  { "json", 'j', 0, G_OPTION_ARG_NONE, &flag, "as JSON", NULL },
  { "color", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, (gpointer)color_cb, "colours", "WHEN" },
  { "secret", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &flag, "hidden", NULL },
  G_OPTION_ENTRY_NULL,
};

static const GOptionEntry more[] = {
  { "config", 'c', 0, G_OPTION_ARG_FILENAME, &text, "file", "FILE" },
  { "service", 's', 0, G_OPTION_ARG_STRING, &text, "service", "NAME" },
  { "user", 'u', 0, G_OPTION_ARG_STRING, &text, "user", "NAME" },
  G_OPTION_ENTRY_NULL,
};

static const HostChoice choices[] = {
  { "list", NULL, "list them", HOST_WORDS_NONE },
  { "revoke", "SERIAL", "revoke one", HOST_WORDS_SERIAL },
  { NULL },
};

static const HostVerb status = { .name = "status", .summary = "what there is", .options = { options } };
static const HostVerb dial = { .name = "dial",
                               .summary = "go there",
                               .options = { options, more },
                               .words = HOST_WORDS_TARGET,
                               .max_arguments = 1 };
static const HostVerb run = { .name = "run",
                              .summary = "run there",
                              .options = { more },
                              .words = HOST_WORDS_TARGET,
                              .max_arguments = -1,
                              .options_first = TRUE };
static const HostVerb cert = {
  .name = "cert", .summary = "certificates", .options = { options }, .choices = choices, .max_arguments = -1
};
static const HostVerb check
    = { .name = "check", .summary = "look at a file", .words = HOST_WORDS_FILE, .max_arguments = 1 };
static const HostVerb internal = { .name = "internal" };

static const HostVerb *const verbs[] = { &status, &dial, &run, &cert, &check, &internal, NULL };

static void
sources (HostWords kind, GPtrArray *candidates, gpointer data)
{
  if (kind == HOST_WORDS_TARGET)
    {
      host_candidate_add (candidates, "home", "a.example");
      host_candidate_add (candidates, "work", "b.example");
      host_candidate_add (candidates, "work", "said twice");
    }
  else if (kind == HOST_WORDS_SERVICE)
    host_candidate_add (candidates, "shell", NULL);
  else if (kind == HOST_WORDS_SERIAL)
    host_candidate_add (candidates, "5e00", "alice");
}

/* The candidates joined by blanks, and with ":PREFIX" that there may be files; @line is cut at blanks, one at
 * its end begins a word. */
static char *
complete (const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  gboolean value_only = host_complete_join (words);
  g_autoptr (HostCompletion) completion
      = host_complete (verbs, (const char *const *)words, value_only, sources, NULL);
  GString *joined = g_string_new (NULL);

  for (guint i = 0; i < completion->candidates->len; i++)
    g_string_append_printf (joined, "%s%s", i > 0 ? " " : "",
                            ((HostCandidate *)completion->candidates->pdata[i])->word);
  if (completion->files != NULL)
    g_string_append_printf (joined, ":%s", completion->files);
  return g_string_free (joined, FALSE);
}

static void
test_table (void)
{
  static const struct
  {
    const char *line, *candidates;
  } cases[] = {
    { "", "status dial run cert check help" },
    { "c", "cert check" },
    { "int", "" },
    { "nothing", "" },
    { "nothing ", "" },
    { "-", "--json --color=auto --color=always --color=never --help --version" },
    { "--j", "--json" },
    { "--json --h", "--help" },
    { "help ", "status dial run cert check" },
    { "help d", "dial" },
    { "help dial ", "" },
    { "status ", "" }, /* takes no argument */
    { "status -", "--json --color=auto --color=always --color=never --help" },
    { "status --c", "--color=auto --color=always --color=never" },
    { "status --color=n", "--color=never" },
    { "status --color = n", "never" }, /* as bash cuts it */
    { "status --color =", "auto always never" },
    { "status --se", "" },
    { "status --json=x", "" },
    { "dial ", "home work" },
    { "dial w", "work" },
    { "dial work ", "" },
    { "dial --json ", "home work" },
    { "dial -j ", "home work" },
    { "dial --service ", "shell" },
    { "dial -s ", "shell" },
    { "dial --service=", "--service=shell" },
    { "dial --service = s", "shell" },
    { "dial --service x ", "home work" },
    { "dial --service = x ", "home work" },
    { "dial --service=x work ", "" },
    { "dial --service -", "" }, /* whatever comes is its value */
    { "dial --user ", "" },
    { "dial --config ", ":" },
    { "dial --config=", ":--config=" },
    { "dial --config = ", ":" },
    { "dial --config =", ":" },
    { "dial work --s", "--service" },
    { "dial -- -", "" },
    { "dial -- ", "home work" },
    { "dial -- w", "work" },
    { "run ", "home work" },
    { "run work -", "" }, /* another program's */
    { "run work ls ", "" },
    { "run -c f work --", "" },
    { "cert ", "list revoke" },
    { "cert re", "revoke" },
    { "cert list ", "" },
    { "cert revoke ", "5e00" },
    { "cert revoke 5e00 ", "5e00" },
    { "cert --json revoke ", "5e00" },
    { "cert unknown ", "" },
    { "check ", ":" },
    { "check /tmp/", ":" },
    { "check a ", "" },
    { "internal --h", "--help" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *candidates = complete (cases[i].line);

      g_test_message ("%s", cases[i].line);
      g_assert_cmpstr (candidates, ==, cases[i].candidates);
    }
}

static void
test_descriptions (void)
{
  static const char *const words[] = { "dial", "", NULL };
  g_autoptr (HostCompletion) completion = host_complete (verbs, words, FALSE, sources, NULL);

  g_assert_cmpuint (completion->candidates->len, ==, 2);
  g_assert_cmpstr (((HostCandidate *)completion->candidates->pdata[1])->description, ==, "b.example");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/complete/table", test_table);
  g_test_add_func ("/complete/descriptions", test_descriptions);
  return g_test_run ();
}
