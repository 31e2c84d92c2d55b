#include "base/error.h"
#include "config/lua.h"

#include <glib/gstdio.h>
#include <string.h>

static char *directory;

static char *
write_file (const char *text)
{
  char *path = g_build_filename (directory, "config.lua", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static ConfigSettings *
load_good (const char *text)
{
  g_autofree char *path = write_file (text);
  g_autoptr (GError) error = NULL;
  ConfigSettings *settings = config_load (path, NULL, &error);

  g_assert_no_error (error);
  return settings;
}

static void
test_defaults (void)
{
  g_autoptr (ConfigSettings) settings = config_load (NULL, NULL, NULL);
  const ConfigServer *server = config_settings_server (settings, 0);

  g_assert_cmpuint (config_settings_n_servers (settings), ==, 1);
  g_assert_cmpuint (config_settings_n_clients (settings), ==, 0);
  g_assert_cmpstr (server->bind_address, ==, "[::]:9001");
  g_assert_cmpuint (server->certificate_lifetime_days, ==, 7);
  g_assert_cmpuint (server->max_idle_timeout_ms, ==, 30000);
  g_assert_cmpuint (server->keep_alive_interval_ms, ==, 0);
  g_assert_cmpuint (server->max_connections, ==, 10000);
  g_assert_cmpuint (server->session_timeout_ms, ==, 86400000);
  g_assert_cmpstr (server->default_service, ==, "shell");
  g_assert_null (server->raw_service);
  g_assert_cmpstr (server->users[0], ==, g_get_user_name ());
  g_assert_null (config_settings_path (settings));
}

static void
test_values (void)
{
  g_autoptr (ConfigSettings) settings = load_good (
      "local c = {}\nc.quic_servers = {{ bind_address = '127.0.0.1:0', max_idle_timeout = 1.5, retry = 'always',\n"
      " congestion_control = 'bbr', users = {'a', 'b'}, raw_service = 'x', keep_alive_interval = 1 }}\n"
      "c.quic_clients = {{ name = 'n', remote_address = '[::1]:5', bootstrap_via_ssh = 'u@h:22', pem_root_certs = {} }}\n"
      "c.mux_services = { x = { program = { 'cat', '-u' }, pty = true } }\nc.other = { 1, 'two', { three = true } }\nreturn c\n");
  const ConfigServer *server = config_settings_server (settings, 0);
  const ConfigClient *client = config_settings_find_client (settings, "n");
  g_autofree char *command = g_strjoinv (" ", client->enroll_command);
  g_autoptr (GVariant) other = config_settings_dup_other (settings, "other");
  g_autofree char *printed = g_variant_print (other, FALSE);

  g_assert_cmpuint (server->max_idle_timeout_ms, ==, 1500);
  g_assert_cmpint (server->retry, ==, CONFIG_RETRY_ALWAYS);
  g_assert_cmpint (server->congestion_control, ==, CONFIG_CC_BBR);
  g_assert_cmpstr (server->users[1], ==, "b");
  g_assert_true (g_str_has_prefix (command, "ssh -T -p 22 -- u@h mux-quic enroll --device "));
  g_assert_cmpuint (client->keep_alive_interval_ms, ==, 15000);
  g_assert_cmpstr (printed, ==, "[<int64 1>, <'two'>, <{'three': <true>}>]");
  g_assert_null (config_settings_find_client (settings, "m"));
}

static void
test_paths (void)
{
  g_autoptr (ConfigSettings) settings
      = load_good ("return { quic_servers = {{ bind_address = 'h:1', pem_private_key = 'k.pem', pem_cert = '~/c.pem' }} }");
  g_autofree char *key = g_build_filename (directory, "k.pem", NULL);
  g_autofree char *certificate = g_build_filename (g_get_home_dir (), "c.pem", NULL);

  g_assert_cmpstr (config_settings_server (settings, 0)->pem_private_key, ==, key);
  g_assert_cmpstr (config_settings_server (settings, 0)->pem_cert, ==, certificate);
}

static void
test_problems (void)
{
  static const struct
  {
    const char *text;
    const char *problem; /* behind the file's name */
  } cases[] = {
    { "return { quic_servers = {{\n bind_adress = 'h:1' }} }", ":2: quic_servers[1].bind_adress: there is no such setting; did you mean 'bind_address'?" },
    { "return { quic_servers = { {}, } }", ":1: quic_servers[1]: bind_address is missing" },
    { "return { quic_servers = {{ bind_address = 'h:1',\n\n retry = 'maybe' }} }", ":3: quic_servers[1].retry: must be one of 'auto', 'always', 'never'" },
    { "return { quic_servers = {{ bind_address = 'h:1',\ncertificate_lifetime_days = 0.5 }} }", ":2: quic_servers[1].certificate_lifetime_days: must be a whole number from 1 to 3650" },
    { "return { quic_servers = {{ bind_address = 'h:1', users = 'me' }} }", ":1: quic_servers[1].users: must be a list of texts" },
    { "return { quic_servers = {{ bind_address = 'h:1', pem_cert = 'c' }} }", "belong together" },
    { "return { quic_servers = {{ bind_address = 'h:1' }, { bind_address = 'h:1' }} }", "bound by another entry" },
    { "return { quic_servers = {{ bind_address = 'h' }} }", "has no port" },
    { "return { quic_servers = {{ bind_address = 'h:99999' }} }", "quic_servers[1].bind_address" },
    { "return { quic_servers = { bind_address = 'h:1' } }", "must be a list of tables" },
    { "return { quic_clients = {{ name = 'a', remote_address = 'h:1' }, { name = 'a', remote_address = 'h:2' }} }", "name of another entry" },
    { "return { quic_clients = {{ name = 'a', remote_address = 'h:1', persist_to_disk = 'yes' }} }", "must be true or false" },
    { "return { mux_services = { a = { program = {}, } } }", "name the program" },
    { "return { mux_services = { a = { unix = '/x', tcp = 'h:1' } } }", "exactly one of" },
    { "return { mux_services = { ['a b'] = { tcp = 'h:1' } } }", "a service's name" },
    { "return 5", "returns no table" },
    { "", "returns no table" },
    { "return {", ":1:" },
    { "error({})", "no text" },
    { "local x = nil; return x.y.z", ":1:" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = write_file (cases[i].text);
      g_autoptr (GError) error = NULL;

      g_assert_null (config_load (path, NULL, &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_CONFIG);
      if (strstr (error->message, cases[i].problem) == NULL || !g_str_has_prefix (error->message, path))
        g_error ("%s\n→ %s", cases[i].text, error->message);
    }
}

static void
test_all_at_once (void)
{
  g_autofree char *path = write_file ("return { quic_servers = {\n {},\n { bind_address = 'h:1', nonsense = 1 },\n} }");
  g_autoptr (GError) error = NULL;
  ConfigReport report;

  config_report_init (&report);
  g_assert_null (config_load (path, &report, &error));
  g_assert_cmpuint (report.errors->len, ==, 2);
  g_assert_nonnull (strstr (report.errors->pdata[0], "config.lua:2: "));
  g_assert_nonnull (strstr (report.errors->pdata[1], "config.lua:3: "));
  config_report_clear (&report);
}

static void
load_source (const char *name, guint warnings)
{
  g_autofree char *path = g_build_filename (g_getenv ("MUX_QUIC_SOURCE"), name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ConfigSettings) settings = NULL;
  ConfigReport report;

  config_report_init (&report);
  settings = config_load (path, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.warnings->len, ==, warnings);
  g_assert_cmpuint (config_settings_n_clients (settings), ==, 1);
  config_report_clear (&report);
}

static void
test_files (void)
{
  load_source ("data/config.lua.example", 0);
  load_source ("tests/unit/config/wezterm.lua", 0);
}

static void
test_targets (void)
{
  static const struct
  {
    const char *target, *address, *ssh;
  } good[] = {
    { "host", "host", "host" },
    { "u@host:7", "host:7", "u@host" },
    { "u@[::1]:7", "[::1]:7", "u@::1" },
  };
  static const char *const bad[] = { "", "-oProxyCommand=x", "u@-x", "a b", "@h", "h;x", "h:99999", "u@" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      ConfigClient *client = config_client_new_for_target (good[i].target, NULL);

      g_assert_nonnull (client);
      g_assert_cmpstr (client->name, ==, good[i].target);
      g_assert_cmpstr (client->remote_address, ==, good[i].address);
      g_assert_cmpstr (client->bootstrap_via_ssh, ==, good[i].ssh);
      g_assert_cmpstr (client->enroll_command[2], ==, "--");
      config_client_free (client);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (config_client_new_for_target (bad[i], &error));
      g_assert_error (error, MUX_ERROR, MUX_ERROR_UNKNOWN_TARGET);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  directory = g_dir_make_tmp ("mux-quic-config-XXXXXX", NULL);
  path = g_build_filename (directory, "config.lua", NULL);
  g_test_add_func ("/config/defaults", test_defaults);
  g_test_add_func ("/config/values", test_values);
  g_test_add_func ("/config/paths", test_paths);
  g_test_add_func ("/config/problems", test_problems);
  g_test_add_func ("/config/all-at-once", test_all_at_once);
  g_test_add_func ("/config/files", test_files);
  g_test_add_func ("/config/targets", test_targets);
  result = g_test_run ();
  g_remove (path);
  g_rmdir (directory);
  g_free (directory);
  return result;
}
