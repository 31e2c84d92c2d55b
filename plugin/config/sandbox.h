/* A Lua 5.4 state for one evaluation: text chunks only, no way out to files, programs or native code, and an end to patience and memory that the
 * chunk cannot catch or put off. */
#pragma once

#include <gio/gio.h>
#include <lua.h>

G_BEGIN_DECLS

#define CONFIG_MEMORY_MAX ((gsize) 32 * 1024 * 1024)
#define CONFIG_SECONDS_MAX 2
#define CONFIG_FILE_MAX ((gsize) 1024 * 1024)

typedef struct _ConfigSandbox ConfigSandbox;

/* @directory: where `require` and `dofile` look. */
ConfigSandbox *config_sandbox_new (const char *directory);
void config_sandbox_free (ConfigSandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConfigSandbox, config_sandbox_free)

/* For functions that may take long without an instruction of Lua: leaves the run when its time is over, and does not return then. Hold nothing
 * across it. */
void config_sandbox_check (lua_State *state);
/* Runs @text, which is called @name in messages. Leaves the one result of the chunk on the stack: the returned table, or the one that
 * config_builder () gave. FALSE with MUX_ERROR_CONFIG, the message as Lua has it ("NAME:LINE: …").
 * After a failure the sandbox is only good for being freed. */
gboolean config_sandbox_run (ConfigSandbox *sandbox, const char *text, gsize length, const char *name, GError **error);
lua_State *config_sandbox_state (ConfigSandbox *sandbox);
/* Whether the table at @index is the one that config_builder () gave. */
gboolean config_sandbox_is_builder (ConfigSandbox *sandbox, int index);

/* Reads a configuration file: regular, at most 1 MiB, no NUL. MUX_ERROR_CONFIG naming it. */
char *config_read_file (const char *path, gsize *length, GError **error);

G_END_DECLS
