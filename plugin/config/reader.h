/* From the evaluated table to settings: checks every value against its row, and says all that is wrong at once. */
#pragma once

#include "config/locator.h"
#include "config/lua.h"
#include "config/settings-private.h"

G_BEGIN_DECLS

/* Adds to @settings what @table (a{sv}) holds, and to @report what is wrong with it. @path: the file, for messages and relative paths. */
void config_reader_read (ConfigSettings *settings, GVariant *table, const char *path, const ConfigLocator *locator,
                         ConfigReport *report);

G_END_DECLS
