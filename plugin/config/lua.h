/* Evaluates a configuration file in a Lua 5.4 state of its own: text chunks only, without io, debug, package.loadlib, os.execute
 * and the like, at most 2 s (by instruction count and clock) and 32 MiB. `require 'wezterm'` yields a stand-in whose unknown
 * members are inert, so that a wezterm.lua loads unchanged. */
#pragma once

#include "config/settings.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *errors;   /* of char *, "FILE:LINE: text", in the file's order */
  GPtrArray *warnings; /* the same */
} ConfigReport;

void config_report_init (ConfigReport *report);
void config_report_clear (ConfigReport *report);

/* Looks where DESIGN 4.2 says: @explicit_path, $MUX_QUIC_CONFIG, $XDG_CONFIG_HOME/<application>/config.lua, /etc/<application>/config.lua;
 * @system_mode: the last only. NULL when there is none. A path that was named explicitly (or by the variable) is returned even if missing, so that
 * loading it says so. */
char *config_find (const char *application, gboolean system_mode, const char *explicit_path);

/* Loads @path (NULL = defaults). NULL with MUX_ERROR_CONFIG when anything is wrong: the message holds every problem, one a line;
 * @report (may be NULL) gets them apart, warnings also on success. */
ConfigSettings *config_load (const char *path, ConfigReport *report, GError **error);

G_END_DECLS
