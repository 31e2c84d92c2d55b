/* What may come next on a command line of ours: verbs, their options and arguments, all from the verbs' rows.
 * What only a file or the running host knows it asks @sources for. Pure but for that. */
#pragma once

#include "host/verb.h"

G_BEGIN_DECLS

typedef struct
{
  char *word;
  char *description; /* "" for none */
} HostCandidate;

/* Adds what @kind (HOST_WORDS_TARGET, _SERVICE, _SERIAL) may be to @candidates with host_candidate_add (). */
typedef void (*HostCompleteSources) (HostWords kind, GPtrArray *candidates, gpointer user_data);

typedef struct
{
  GPtrArray *candidates; /* HostCandidate *: those that begin as the last word does */
  char *files; /* not NULL: names of files too, behind that beginning of the word ("" or "--OPTION=") */
} HostCompletion;

void host_candidate_add (GPtrArray *candidates, const char *word, const char *description);

/* bash makes three words of --OPTION=VALUE; this makes one again, in place. TRUE: the last was such a one,
 * and bash wants the value alone. */
gboolean host_complete_join (char **words);
/* @words: those behind "mux-quic", the last the one to be completed, perhaps empty. @verbs: as host_verbs.
 * @value_only: see above. */
HostCompletion *host_complete (const HostVerb *const *verbs, const char *const *words, gboolean value_only,
                               HostCompleteSources sources, gpointer user_data);
void host_completion_free (HostCompletion *completion);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostCompletion, host_completion_free)

G_END_DECLS
