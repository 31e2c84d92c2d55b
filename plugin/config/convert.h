/* Values of Lua as GVariants: tables as a{sv} or, when they are lists, av; whole numbers x, others d, b, s. Functions and stand-ins are left out. */
#pragma once

#include "config/sandbox.h"

G_BEGIN_DECLS

/* The table at the top of the stack. Transfer full; MUX_ERROR_CONFIG when it is too deep (a cycle) or too large. Uses raw access only: nothing of
 * the file's code runs, nothing raises. */
GVariant *config_convert (ConfigSandbox *sandbox, GError **error);

G_END_DECLS
