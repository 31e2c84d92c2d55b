/* What of our environment a program on another machine is told. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Words for a remote terminal: LANG, LC_*, COLORTERM of ours, as a{ss}; floating. */
GVariant *host_environment_words (void);

G_END_DECLS
