#include "host/complete.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct
{
  const HostVerb *const *verbs;
  const char *current; /* the word to be completed */
  const char *prefix;  /* put before every candidate: "" or "--OPTION=" */
  HostCompletion *result;
  HostCompleteSources sources;
  gpointer user_data;
} Job;

static void
candidate_free (gpointer data)
{
  HostCandidate *candidate = data;

  g_free (candidate->word);
  g_free (candidate->description);
  g_free (candidate);
}

void
host_candidate_add (GPtrArray *candidates, const char *word, const char *description)
{
  HostCandidate *candidate = g_new (HostCandidate, 1);

  candidate->word = g_strdup (word);
  candidate->description = g_strdup (description != NULL ? description : "");
  g_ptr_array_add (candidates, candidate);
}

/* Each word once: the first that has it describes it. */
static void
offer (Job *job, const char *word, const char *description)
{
  GPtrArray *candidates = job->result->candidates;
  g_autofree char *whole = g_strconcat (job->prefix, word, NULL);

  if (!g_str_has_prefix (whole, job->current))
    return;
  for (guint i = 0; i < candidates->len; i++)
    if (g_str_equal (((HostCandidate *)candidates->pdata[i])->word, whole))
      return;
  host_candidate_add (candidates, whole, description);
}

static void
offer_sources (Job *job, HostWords kind)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (candidate_free);

  job->sources (kind, found, job->user_data);
  for (guint i = 0; i < found->len; i++)
    {
      HostCandidate *candidate = found->pdata[i];

      offer (job, candidate->word, candidate->description);
    }
}

static void
offer_verbs (Job *job)
{
  for (const HostVerb *const *verb = job->verbs; *verb != NULL; verb++)
    if ((*verb)->summary != NULL)
      offer (job, (*verb)->name, _ ((*verb)->summary));
}

static void
offer_words (Job *job, HostWords kind)
{
  switch (kind)
    {
    case HOST_WORDS_TARGET:
    case HOST_WORDS_SERVICE:
    case HOST_WORDS_SERIAL:
      offer_sources (job, kind);
      break;
    case HOST_WORDS_FILE:
      g_free (job->result->files);
      job->result->files = g_strdup (job->prefix);
      break;
    case HOST_WORDS_COLOR:
      offer (job, "auto", NULL);
      offer (job, "always", NULL);
      offer (job, "never", NULL);
      break;
    case HOST_WORDS_VERB:
      offer_verbs (job);
      break;
    case HOST_WORDS_NONE:
      break;
    }
}

static gboolean
takes_value (const GOptionEntry *option)
{
  return option->arg != G_OPTION_ARG_NONE
         && (option->flags & (G_OPTION_FLAG_NO_ARG | G_OPTION_FLAG_OPTIONAL_ARG)) == 0;
}

/* What the value of @option names. */
static HostWords
option_words (const GOptionEntry *option)
{
  static const struct
  {
    const char *name;
    HostWords words;
  } known[] = { { "service", HOST_WORDS_SERVICE }, { "color", HOST_WORDS_COLOR } };

  if (option->arg == G_OPTION_ARG_FILENAME)
    return HOST_WORDS_FILE;
  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (option->long_name, known[i].name))
      return known[i].words;
  return HOST_WORDS_NONE;
}

/* The option that @word is, with or without =VALUE; NULL. */
static const GOptionEntry *
find_option (const HostVerb *verb, const char *word)
{
  gsize length = strcspn (word, "=");

  for (gsize i = 0; i < HOST_VERB_MAX_OPTIONS && verb->options[i] != NULL; i++)
    for (const GOptionEntry *option = verb->options[i]; option->long_name != NULL; option++)
      if (g_str_has_prefix (word, "--")
              ? strlen (option->long_name) == length - 2
                    && strncmp (option->long_name, word + 2, length - 2) == 0
              : word[0] == '-' && word[1] != '\0' && word[1] == option->short_name && word[2] == '\0')
        return option;
  return NULL;
}

/* One that takes a value only behind "=" is offered with its values, where those can be guessed. */
static void
offer_option (Job *job, const GOptionEntry *option)
{
  g_autofree char *word = g_strconcat ("--", option->long_name, NULL);
  g_autofree char *with_value = g_strconcat (word, "=", NULL);

  if ((option->flags & G_OPTION_FLAG_OPTIONAL_ARG) == 0 || option_words (option) == HOST_WORDS_NONE)
    {
      offer (job, word, _ (option->description));
      return;
    }
  job->prefix = with_value;
  offer_words (job, option_words (option));
  job->prefix = "";
}

static void
offer_options (Job *job, const HostVerb *verb)
{
  for (gsize i = 0; i < HOST_VERB_MAX_OPTIONS && verb->options[i] != NULL; i++)
    for (const GOptionEntry *option = verb->options[i]; option->long_name != NULL; option++)
      if ((option->flags & G_OPTION_FLAG_HIDDEN) == 0)
        offer_option (job, option);
  offer (job, "--help", _ ("show this help"));
}

/* The argument number @index, the first of which was @first. */
static void
offer_argument (Job *job, const HostVerb *verb, guint index, const char *first)
{
  const HostChoice *choice;

  if (verb->max_arguments >= 0 && index >= (guint)verb->max_arguments)
    return;
  if (verb->choices == NULL)
    {
      if (index == 0)
        offer_words (job, verb->words);
      return;
    }
  for (choice = verb->choices; choice->name != NULL; choice++)
    if (index == 0)
      offer (job, choice->name, _ (choice->summary));
    else if (g_str_equal (choice->name, first))
      offer_words (job, choice->words);
}

/* @words: those behind the verb. */
static void
complete_verb (Job *job, const HostVerb *verb, const char *const *words)
{
  const GOptionEntry *option = NULL; /* whose value comes next */
  const char *first = NULL;
  gboolean options = TRUE;
  guint n_arguments = 0;

  for (; words[1] != NULL; words++)
    {
      const GOptionEntry *found = options && option == NULL ? find_option (verb, words[0]) : NULL;

      if (option != NULL)
        option = NULL;
      else if (options && g_str_equal (words[0], "--"))
        options = FALSE;
      else if (found != NULL)
        option = takes_value (found) && strchr (words[0], '=') == NULL ? found : NULL;
      else if (!options || words[0][0] != '-')
        {
          first = n_arguments++ == 0 ? words[0] : first;
          options = options && !verb->options_first;
        }
    }
  if (option != NULL)
    offer_words (job, option_words (option));
  else if (options && job->current[0] == '-' && strchr (job->current, '=') != NULL)
    {
      g_autofree char *prefix = g_strndup (job->current, strcspn (job->current, "=") + 1);

      option = find_option (verb, job->current);
      job->prefix = prefix;
      if (option != NULL)
        offer_words (job, option_words (option));
      job->prefix = "";
    }
  else if (options && job->current[0] == '-')
    offer_options (job, verb);
  else
    offer_argument (job, verb, n_arguments, first);
}

static const HostVerb *
find_verb (const HostVerb *const *verbs, const char *name)
{
  for (; *verbs != NULL; verbs++)
    if (g_str_equal ((*verbs)->name, name))
      return *verbs;
  return NULL;
}

/* Leaves of --OPTION=VALUE what bash takes for the word. */
static void
keep_values (HostCompletion *completion)
{
  for (guint i = 0; i < completion->candidates->len; i++)
    {
      HostCandidate *candidate = completion->candidates->pdata[i];
      char *value = strchr (candidate->word, '=');

      if (value != NULL)
        memmove (candidate->word, value + 1, strlen (value));
    }
  if (completion->files != NULL)
    *completion->files = '\0';
}

gboolean
host_complete_join (char **words)
{
  gboolean last = FALSE;
  char **to = words;

  for (char **from = words; *from != NULL;)
    {
      char *word = *from++;

      last = FALSE;
      if (g_str_has_prefix (word, "--") && *from != NULL && g_str_equal (*from, "="))
        {
          char *value = from[1]; /* perhaps not begun yet */
          char *joined = g_strconcat (word, "=", value, NULL);

          g_free (word);
          g_free (*from);
          g_free (value);
          from += value != NULL ? 2 : 1;
          word = joined;
          last = TRUE;
        }
      *to++ = word;
    }
  *to = NULL;
  return last;
}

HostCompletion *
host_complete (const HostVerb *const *verbs, const char *const *words, gboolean value_only,
               HostCompleteSources sources, gpointer user_data)
{
  HostCompletion *result = g_new0 (HostCompletion, 1);
  guint n = g_strv_length ((char **)words);
  Job job = { verbs, n > 0 ? words[n - 1] : "", "", result, sources, user_data };
  const HostVerb *verb = n > 1 ? find_verb (verbs, words[0]) : NULL;

  result->candidates = g_ptr_array_new_with_free_func (candidate_free);
  if (n <= 1 && job.current[0] != '-')
    {
      offer_verbs (&job);
      offer (&job, "help", _ ("tell a verb's options"));
    }
  else if (n == 2 && g_str_equal (words[0], "help"))
    offer_verbs (&job);
  else if (verb != NULL)
    complete_verb (&job, verb, words + 1);
  else if (words[0][0] == '-')
    {
      /* Options without a verb are those of status. */
      verb = find_verb (verbs, "status");
      if (verb != NULL)
        complete_verb (&job, verb, words);
      if (n == 1)
        offer (&job, "--version", _ ("tell the version"));
    }
  if (value_only)
    keep_values (result);
  return result;
}

void
host_completion_free (HostCompletion *completion)
{
  g_ptr_array_unref (completion->candidates);
  g_free (completion->files);
  g_free (completion);
}
