/* The stand-in for WezTerm's Lua module: what a wezterm.lua asks of it answers with something harmless. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lua source of a chunk that is called with (config_dir, config_file, home, host name) and returns the module and a function that gives the table of
 * config_builder (), or nil. */
extern const char config_wezterm_source[];

G_END_DECLS
