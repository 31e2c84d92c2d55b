#include "base/error.h"
#include "config/sandbox.h"

#include <string.h>

/* Each must end with an error, within the budgets, and leave the process as it was. */
static void
test_hostile (void)
{
  static const char *const chunks[] = {
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "xpcall(function() while true do end end, function() while true do end end)",
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
    "pcall(function() local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end end)",
    "local co = coroutine.create(function()\n"
    "  local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
    "  while true do end\n"
    "end)\n"
    "coroutine.resume(co) coroutine.close(co)",
    "local s = ('a'):rep(10000) while true do s:find('.-.-b') end",
    "local s = ('a'):rep(1e7) while true do s = s:upper() end",
    "local function f() return f() end f()",
    "local function f() f() end f()",
    "return ('x'):rep(1e9)",
    "return string.rep('', 1e18)",
    "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    "return ('a'):rep(30000):find('.-.-.-.-.-b')",
    "return ('a'):rep(1e6):gsub('(a*)*b', '')",
    "return load(string.dump(function() end))()",
    "setmetatable({}, { __gc = function() while true do end end })",
    "return table.concat(setmetatable({}, { __len = function() return 1e15 end }))",
    "return table.move({}, 1, 1e18, 2)",
    "return table.unpack({}, 1, 1e8)",
    "return table.insert(setmetatable({}, { __len = function() return 1e15 end }), 1, 'x')",
    "error(setmetatable({}, { __tostring = function() while true do end end }))",
    "os.execute('true')",
    "io.open('/etc/passwd')",
    "require 'os.nothing'",
    "dofile '/etc/passwd'",
    "require '../../etc/passwd'",
    "debug.sethook()",
    "package.loadlib('libc.so.6', 'system')",
    "loadfile('/etc/passwd')()",
    "collectgarbage('stop')",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (chunks); i++)
    {
      g_autoptr (ConfigSandbox) sandbox = config_sandbox_new ("/nowhere");
      g_autoptr (GError) error = NULL;

      g_assert_false (config_sandbox_run (sandbox, chunks[i], strlen (chunks[i]), "hostile.lua", &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_CONFIG);
      g_assert_true (g_str_has_prefix (error->message, "hostile.lua"));
    }
}

static void
test_bytecode (void)
{
  static const char chunk[] = "\033LuaT\0\031\223\r\n\032\n";
  g_autoptr (ConfigSandbox) sandbox = config_sandbox_new ("/nowhere");
  g_autoptr (GError) error = NULL;

  g_assert_false (config_sandbox_run (sandbox, chunk, sizeof chunk - 1, "hostile.lua", &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_CONFIG);
}

/* What people write must not be caught by the guards. */
static void
test_harmless (void)
{
  static const char *const chunks[] = {
    "local t = {} for i = 1, 1000 do table.insert(t, i) end table.sort(t) return { n = table.concat(t, ',') }",
    "return { p = ('a/b/c'):gsub('(.*)/(.*)', '%2/%1'), q = ('x=1, y=2'):match('^(%w+)=(%w+)') }",
    "local ok, e = pcall(error, 'x') return { e = e }",
    "local f = load('return 1 + 1') return { n = f(), u = table.unpack({ 1, 2 }) }",
    "return setmetatable({}, { __index = function() return 1 end }).x and {}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (chunks); i++)
    {
      g_autoptr (ConfigSandbox) sandbox = config_sandbox_new ("/nowhere");
      g_autoptr (GError) error = NULL;

      config_sandbox_run (sandbox, chunks[i], strlen (chunks[i]), "good.lua", &error);
      g_assert_no_error (error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/hostile", test_hostile);
  g_test_add_func ("/sandbox/bytecode", test_bytecode);
  g_test_add_func ("/sandbox/harmless", test_harmless);
  return g_test_run ();
}
