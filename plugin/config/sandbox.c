#include "config/sandbox.h"

#include "base/error.h"
#include "config/guards.h"
#include "config/wezterm.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <lauxlib.h>
#include <lualib.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Instructions between two looks at the clock: few, since one instruction may copy megabytes. */
#define HOOK_COUNT 100

/* In front of everything Lua allocates. */
typedef struct
{
  _Alignas (max_align_t) GList link;
} Block;

struct _ConfigSandbox
{
  lua_State *state;
  char *directory;
  GQueue blocks; /* of Block: what Lua holds, so that a state may be dropped wherever it was left */
  gsize used;
  gint64 deadline; /* monotonic, µs; 0 = not running */
  jmp_buf escape;  /* valid while deadline is set */
  int builder;     /* registry reference of the function that gives the builder's table */
};

static void *
allocate (void *data, void *old, size_t old_size, size_t new_size)
{
  ConfigSandbox *sandbox = data;
  gsize before = old == NULL ? 0 : old_size;
  Block *block = old == NULL ? NULL : (Block *) old - 1;
  Block *grown;

  if (new_size > before && sandbox->used + (new_size - before) > CONFIG_MEMORY_MAX)
    return NULL;
  if (block != NULL)
    g_queue_unlink (&sandbox->blocks, &block->link);
  sandbox->used -= before;
  if (new_size == 0)
    {
      free (block);
      return NULL;
    }
  grown = realloc (block, sizeof *block + new_size);
  if (grown == NULL)
    {
      if (block != NULL)
        g_queue_push_head_link (&sandbox->blocks, &block->link);
      sandbox->used += before;
      return NULL;
    }
  sandbox->used += new_size;
  grown->link = (GList){ .data = grown };
  g_queue_push_head_link (&sandbox->blocks, &grown->link);
  return grown + 1;
}

static ConfigSandbox *
sandbox_of (lua_State *state)
{
  void *data;

  lua_getallocf (state, &data);
  return data;
}

void
config_sandbox_check (lua_State *state)
{
  ConfigSandbox *sandbox = sandbox_of (state);

  /* An error raised here could be caught, or be answered by a message handler or a __close that Lua runs with hooks off, and that never ends.
   * Leaving by a jump asks none of them; the state is only freed afterwards. */
  if (sandbox->deadline != 0 && g_get_monotonic_time () >= sandbox->deadline)
    longjmp (sandbox->escape, 1);
}

static void
hook (lua_State *state, lua_Debug *debug)
{
  config_sandbox_check (state);
}

/* Whether @name stays below the configuration's directory. */
static gboolean
is_below (const char *name)
{
  return name[0] != '/' && name[0] != '\0' && strstr (name, "..") == NULL && strlen (name) < 512;
}

/* Loads the file `directory/name` as a function on the stack; FALSE when it does not exist. Raises otherwise. */
static gboolean
load_local (lua_State *state, const char *name)
{
  char path[PATH_MAX], message[512] = "";
  ConfigSandbox *sandbox = sandbox_of (state);
  GError *error = NULL;
  gsize length = 0;
  char *text;
  int result = LUA_OK;

  if (g_snprintf (path, sizeof path, "%s/%s", sandbox->directory, name) >= (int) sizeof path || access (path, F_OK) != 0)
    return FALSE;
  text = config_read_file (path, &length, &error);
  if (text == NULL)
    g_strlcpy (message, error->message, sizeof message);
  else
    {
      char chunk[PATH_MAX + 1];

      g_snprintf (chunk, sizeof chunk, "@%s", path);
      result = luaL_loadbufferx (state, text, length, chunk, "t");
    }
  /* Nothing of GLib's is held when Lua raises. */
  g_clear_error (&error);
  g_free (text);
  if (message[0] != '\0')
    luaL_error (state, "%s", message);
  if (result != LUA_OK)
    lua_error (state);
  return TRUE;
}

static int
lua_dofile (lua_State *state)
{
  const char *name = luaL_checkstring (state, 1);

  if (!is_below (name))
    return luaL_error (state, _("dofile '%s': only files below the configuration's directory"), name);
  if (!load_local (state, name))
    return luaL_error (state, _("dofile '%s': no such file beside the configuration"), name);
  lua_call (state, 0, 1);
  return 1;
}

/* Upvalue 1: the table of loaded modules. */
static int
lua_require (lua_State *state)
{
  static const char *const forms[] = { "%s.lua", "%s/init.lua" };
  const char *name = luaL_checkstring (state, 1);
  const char *slashed;
  gboolean found = FALSE;

  lua_getfield (state, lua_upvalueindex (1), name);
  if (!lua_isnil (state, -1))
    return 1;
  slashed = luaL_gsub (state, name, ".", "/");
  if (!is_below (slashed))
    return luaL_error (state, _("require '%s': only modules below the configuration's directory"), name);
  for (gsize i = 0; i < G_N_ELEMENTS (forms) && !found; i++)
    found = load_local (state, lua_pushfstring (state, forms[i], slashed));
  if (!found)
    return luaL_error (state, _("require '%s': no %s.lua beside the configuration"), name, slashed);
  lua_pushstring (state, name);
  lua_call (state, 1, 1);
  if (lua_isnil (state, -1))
    {
      lua_pop (state, 1);
      lua_pushboolean (state, TRUE);
    }
  lua_pushvalue (state, -1);
  lua_setfield (state, lua_upvalueindex (1), name);
  return 1;
}

/* In protected mode: everything a chunk finds. The state's light user data argument is the sandbox. */
static int
build (lua_State *state)
{
  static const luaL_Reg libraries[] = {
    { LUA_GNAME, luaopen_base },     { LUA_COLIBNAME, luaopen_coroutine }, { LUA_TABLIBNAME, luaopen_table },
    { LUA_STRLIBNAME, luaopen_string }, { LUA_MATHLIBNAME, luaopen_math }, { LUA_UTF8LIBNAME, luaopen_utf8 },
    { LUA_OSLIBNAME, luaopen_os },
  };
  static const char *const removed[] = { "loadfile", "collectgarbage" };
  static const char *const removed_os[] = { "execute", "exit", "remove", "rename", "tmpname", "setlocale" };
  ConfigSandbox *sandbox = lua_touserdata (state, 1);

  for (gsize i = 0; i < G_N_ELEMENTS (libraries); i++)
    {
      luaL_requiref (state, libraries[i].name, libraries[i].func, TRUE);
      lua_pop (state, 1);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (removed); i++)
    {
      lua_pushnil (state);
      lua_setglobal (state, removed[i]);
    }
  lua_getglobal (state, "os");
  for (gsize i = 0; i < G_N_ELEMENTS (removed_os); i++)
    {
      lua_pushnil (state);
      lua_setfield (state, -2, removed_os[i]);
    }
  lua_pop (state, 1);
  config_guards_install (state);
  lua_pushcfunction (state, lua_dofile);
  lua_setglobal (state, "dofile");

  lua_newtable (state);
  if (luaL_loadbufferx (state, config_wezterm_source, strlen (config_wezterm_source), "=wezterm", "t") != LUA_OK)
    return lua_error (state);
  lua_pushstring (state, sandbox->directory);
  lua_pushstring (state, "config.lua");
  lua_pushstring (state, g_get_home_dir ());
  lua_pushstring (state, g_get_host_name ());
  lua_call (state, 4, 2);
  sandbox->builder = luaL_ref (state, LUA_REGISTRYINDEX);
  lua_setfield (state, -2, "wezterm");
  lua_pushcclosure (state, lua_require, 1);
  lua_setglobal (state, "require");
  return 0;
}

ConfigSandbox *
config_sandbox_new (const char *directory)
{
  ConfigSandbox *sandbox = g_new0 (ConfigSandbox, 1);

  sandbox->directory = g_strdup (directory);
  sandbox->builder = LUA_NOREF;
  sandbox->state = lua_newstate (allocate, sandbox);
  if (sandbox->state == NULL)
    g_error ("out of memory");
  lua_pushcfunction (sandbox->state, build);
  lua_pushlightuserdata (sandbox->state, sandbox);
  if (lua_pcall (sandbox->state, 1, 0, 0) != LUA_OK)
    g_error ("the configuration's sandbox cannot be built: %s", lua_tostring (sandbox->state, -1));
  return sandbox;
}

void
config_sandbox_free (ConfigSandbox *sandbox)
{
  /* No lua_close (): it would run what the chunk left to be closed. */
  for (GList *link; (link = g_queue_pop_head_link (&sandbox->blocks)) != NULL;)
    free (link->data);
  g_free (sandbox->directory);
  g_free (sandbox);
}

lua_State *
config_sandbox_state (ConfigSandbox *sandbox)
{
  return sandbox->state;
}

/* Puts the table of config_builder () on the stack, or nil. Our own function: it does not raise. */
static void
push_builder (ConfigSandbox *sandbox)
{
  lua_rawgeti (sandbox->state, LUA_REGISTRYINDEX, sandbox->builder);
  if (lua_pcall (sandbox->state, 0, 1, 0) != LUA_OK)
    {
      lua_pop (sandbox->state, 1);
      lua_pushnil (sandbox->state);
    }
}

gboolean
config_sandbox_is_builder (ConfigSandbox *sandbox, int index)
{
  gboolean same;

  index = lua_absindex (sandbox->state, index);
  push_builder (sandbox);
  same = lua_rawequal (sandbox->state, index, -1);
  lua_pop (sandbox->state, 1);
  return same;
}

static gboolean
fail (ConfigSandbox *sandbox, const char *name, GError **error)
{
  /* A table with a __tostring of its own is not asked: that would run the chunk's code again. */
  const char *message = lua_type (sandbox->state, -1) == LUA_TSTRING ? lua_tostring (sandbox->state, -1) : NULL;
  g_autofree char *valid = message == NULL ? g_strdup (_("the file raises an error that is no text"))
                                           : g_utf8_make_valid (message, -1);

  if (g_str_has_suffix (valid, "not enough memory"))
    base_error_set (error, MUX_ERROR_CONFIG, _("%s:1: the file needs more than 32 MiB of memory"), name);
  else if (strstr (valid, ".lua:") != NULL || g_str_has_prefix (valid, name))
    base_error_set (error, MUX_ERROR_CONFIG, "%s", valid);
  else
    base_error_set (error, MUX_ERROR_CONFIG, "%s:1: %s", name, valid);
  lua_pop (sandbox->state, 1);
  return FALSE;
}

gboolean
config_sandbox_run (ConfigSandbox *sandbox, const char *text, gsize length, const char *name, GError **error)
{
  g_autofree char *chunk = g_strconcat ("@", name, NULL);
  lua_State *state = sandbox->state;
  int result;

  if (luaL_loadbufferx (state, text, length, chunk, "t") != LUA_OK)
    return fail (sandbox, name, error);
  if (setjmp (sandbox->escape) != 0)
    {
      sandbox->deadline = 0;
      return base_error_set (error, MUX_ERROR_CONFIG, _("%s:1: the file takes longer than %d s; is there an endless loop?"), name,
                             CONFIG_SECONDS_MAX);
    }
  sandbox->deadline = g_get_monotonic_time () + CONFIG_SECONDS_MAX * G_USEC_PER_SEC;
  lua_sethook (state, hook, LUA_MASKCOUNT, HOOK_COUNT);
  result = lua_pcall (state, 0, 1, 0);
  lua_sethook (state, NULL, 0, 0);
  sandbox->deadline = 0;
  if (result != LUA_OK)
    return fail (sandbox, name, error);
  if (!lua_istable (state, -1))
    {
      lua_pop (state, 1);
      push_builder (sandbox);
    }
  if (lua_istable (state, -1))
    return TRUE;
  lua_pop (state, 1);
  return base_error_set (error, MUX_ERROR_CONFIG,
                         _("%s:1: the file returns no table; it should end with `return config`, a table with quic_servers or quic_clients"),
                         name);
}

char *
config_read_file (const char *path, gsize *length, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  char *text = NULL;
  gssize n;

  if (fd < 0)
    {
      base_error_set (error, MUX_ERROR_CONFIG, _("cannot open the configuration %s: %s"), path, g_strerror (errno));
      return NULL;
    }
  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode))
    base_error_set (error, MUX_ERROR_CONFIG,
                    S_ISDIR (status.st_mode) ? _("the configuration %s is a directory; name the file in it")
                                             : _("the configuration %s is not a regular file"),
                    path);
  else if ((guint64) status.st_size > CONFIG_FILE_MAX)
    base_error_set (error, MUX_ERROR_CONFIG, _("the configuration %s is larger than 1 MiB"), path);
  else
    {
      text = g_malloc0 ((gsize) status.st_size + 1);
      n = read (fd, text, (gsize) status.st_size);
      *length = n < 0 ? 0 : (gsize) n;
      if (n < 0)
        base_error_set (error, MUX_ERROR_CONFIG, _("cannot read the configuration %s: %s"), path, g_strerror (errno));
      else if (memchr (text, '\0', *length) != NULL || (n > 0 && text[0] == LUA_SIGNATURE[0]))
        {
          base_error_set (error, MUX_ERROR_CONFIG, _("%s:1: the file is binary; a configuration is Lua text"), path);
          n = -1;
        }
      if (n < 0)
        g_clear_pointer (&text, g_free);
    }
  close (fd);
  return text;
}
