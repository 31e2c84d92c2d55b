/* Limits on library functions whose loops are in C, where no instruction hook looks: patterns that backtrack for ever, repetitions of nothing, tables that lie
 * about their length; and setmetatable () without __gc, since finalizers run when nobody looks. */
#pragma once

#include <lua.h>

/* Replaces them in the globals of @state. May raise: call it in protected mode. */
void config_guards_install (lua_State *state);
