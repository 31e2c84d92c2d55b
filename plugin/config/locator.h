/* Lines of settings in a configuration's text: Lua tells no line of a table's key, so the text is read once more, by a small lexer that follows table
 * constructors and passes over whatever it does not understand. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ConfigLocator ConfigLocator;

ConfigLocator *config_locator_new (const char *text, gsize length);
void config_locator_free (ConfigLocator *locator);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConfigLocator, config_locator_free)

/* The line of "quic_servers[1].bind_address" (lists count from 1); where that was not found, of what contains it; else 1. */
guint config_locator_line (const ConfigLocator *locator, const char *path);

G_END_DECLS
