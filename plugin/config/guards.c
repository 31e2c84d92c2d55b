#include "config/guards.h"

#include "config/sandbox.h"

#include <glib.h>
#include <glib/gi18n-lib.h>
#include <lauxlib.h>

/* Steps that a single call may take at worst; about a tenth of a second. */
#define MAX_STEPS 2e8
#define MAX_COUNT 1000000

/* Calls upvalue 1 with all arguments. */
static int
call_original (lua_State *state)
{
  config_sandbox_check (state);
  lua_pushvalue (state, lua_upvalueindex (1));
  lua_insert (state, 1);
  lua_call (state, lua_gettop (state) - 1, LUA_MULTRET);
  return lua_gettop (state);
}

/* find, match, gmatch, gsub: every repetition of a pattern can start and end anywhere, so the cost grows with a power of the subject. */
static int
guarded_pattern (lua_State *state)
{
  size_t subject, length;
  const char *pattern;
  double steps;

  luaL_checklstring (state, 1, &subject);
  pattern = luaL_checklstring (state, 2, &length);
  steps = pattern[0] == '^' ? 1 : (double) subject + 1;
  for (size_t i = 0; i < length; i++)
    {
      if (pattern[i] == '%')
        i++;
      else if (pattern[i] == '*' || pattern[i] == '+' || pattern[i] == '-' || pattern[i] == '?')
        steps *= pattern[i] == '?' ? 2 : (double) subject + 1;
      if (steps > MAX_STEPS)
        return luaL_error (state, _("a pattern with so many repetitions on %d bytes may take for ever"), (int) subject);
    }
  if (steps * (double) (length + 1) > MAX_STEPS * 100)
    return luaL_error (state, _("this search is too long"));
  return call_original (state);
}

static int
guarded_rep (lua_State *state)
{
  if (luaL_checkinteger (state, 2) > MAX_COUNT * 32)
    return luaL_error (state, _("string.rep of more than %d"), MAX_COUNT * 32);
  return call_original (state);
}

/* The functions of `table`: arguments that are numbers stay small, and tables have no metatable that could lie about them. */
static int
guarded_table (lua_State *state)
{
  for (int i = 1; i <= lua_gettop (state); i++)
    {
      if (lua_type (state, i) == LUA_TNUMBER && lua_gettop (state) > 1
          && (lua_tonumber (state, i) > 1e15 || lua_tonumber (state, i) < -1e15))
        return luaL_error (state, _("a number out of all proportion"));
    }
  if (lua_istable (state, 1) && luaL_getmetafield (state, 1, "__len") != LUA_TNIL)
    return luaL_error (state, _("table functions work on plain tables only"));
  return call_original (state);
}

/* concat, move, unpack: loops over a range of whole numbers. Upvalue 2: the argument at which the range begins. */
static int
guarded_range (lua_State *state)
{
  int first = (int) lua_tointeger (state, lua_upvalueindex (2));
  lua_Integer from = luaL_optinteger (state, first, 1);
  lua_Integer to = luaL_optinteger (state, first + 1, 0);

  if (from < -MAX_COUNT || to > MAX_COUNT || (to > from && to - from > MAX_COUNT))
    return luaL_error (state, _("a range of more than %d"), MAX_COUNT);
  return guarded_table (state);
}

static int
guarded_setmetatable (lua_State *state)
{
  if (lua_istable (state, 2))
    {
      lua_pushliteral (state, "__gc");
      if (lua_rawget (state, 2) != LUA_TNIL)
        return luaL_error (state, _("finalizers (__gc) are not available here"));
      lua_pop (state, 1);
    }
  return call_original (state);
}

/* load (chunk, name, mode, env): text only, whatever mode was asked for. */
static int
guarded_load (lua_State *state)
{
  int given = lua_gettop (state);

  if (given < 3)
    lua_settop (state, 3);
  lua_pushliteral (state, "t");
  lua_replace (state, 3);
  return call_original (state);
}

static int
silent (lua_State *state)
{
  return 0;
}

static void
replace (lua_State *state, const char *name, lua_CFunction function, int argument)
{
  lua_getfield (state, -1, name);
  lua_pushinteger (state, argument);
  lua_pushcclosure (state, function, 2);
  lua_setfield (state, -2, name);
}

void
config_guards_install (lua_State *state)
{
  static const char *const patterns[] = { "find", "match", "gmatch", "gsub" };
  static const char *const tables[] = { "insert", "remove", "sort" };

  lua_getglobal (state, "string");
  for (gsize i = 0; i < G_N_ELEMENTS (patterns); i++)
    replace (state, patterns[i], guarded_pattern, 0);
  replace (state, "rep", guarded_rep, 0);
  lua_pop (state, 1);

  lua_getglobal (state, "table");
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    replace (state, tables[i], guarded_table, 0);
  replace (state, "concat", guarded_range, 3);
  replace (state, "move", guarded_range, 2);
  replace (state, "unpack", guarded_range, 2);
  lua_pop (state, 1);

  lua_pushglobaltable (state);
  replace (state, "setmetatable", guarded_setmetatable, 0);
  replace (state, "load", guarded_load, 0);
  lua_pushcfunction (state, silent);
  lua_setfield (state, -2, "print");
  lua_pop (state, 1);
}
