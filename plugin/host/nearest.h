/* What somebody meant who typed a name that there is not. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The one of @names (NULL-terminated) that is at most 3 edits from @word, and fewer than either has letters;
 * NULL when there is none. */
const char *host_nearest (const char *word, const char *const *names);

G_END_DECLS
