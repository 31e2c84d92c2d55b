#include "config/settings-private.h"

#include "base/error.h"
#include "config/schema.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define DEFAULT_BIND_ADDRESS "[::]:9001"

ConfigServer *
config_server_new (void)
{
  ConfigServer *server = g_new0 (ConfigServer, 1);

  config_schema_preset (config_server_rows, server);
  return server;
}

void
config_server_free (ConfigServer *server)
{
  config_schema_clear (config_server_rows, server);
  g_free (server);
}

ConfigClient *
config_client_new (void)
{
  ConfigClient *client = g_new0 (ConfigClient, 1);

  config_schema_preset (config_client_rows, client);
  return client;
}

void
config_client_free (ConfigClient *client)
{
  config_schema_clear (config_client_rows, client);
  g_strfreev (client->relay_command);
  g_free (client);
}

void
config_server_complete (ConfigServer *server)
{
  const char *own[] = { g_get_user_name (), NULL };

  if (server->users[0] == NULL)
    {
      g_strfreev (server->users);
      server->users = g_strdupv ((char **) own);
    }
}

/* This machine's name as a device name that needs no quotes anywhere. */
static char *
device_name (void)
{
  char *name = g_strndup (g_get_host_name (), 63);

  g_strcanon (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", '-');
  if (*name == '\0' || *name == '-')
    {
      g_free (name);
      return g_strdup ("unnamed");
    }
  return name;
}

/* ssh hands the command to a shell on the other side, which should see one word; and expand ~. */
static char *
remote_word (const char *path)
{
  return path[strspn (path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/~")] == '\0'
             ? g_strdup (path)
             : g_shell_quote (path);
}

/* `ssh -T [-p PORT] -- [USER@]HOST REMOTE_PATH VERB …` */
static GStrvBuilder *
ssh_command (const char *where, const char *remote_path, const char *verb)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const char *colon = strrchr (where, ':');
  g_autofree char *host = NULL;
  g_autofree char *word = remote_word (remote_path);

  g_strv_builder_add_many (argv, "ssh", "-T", NULL);
  /* An IPv6 address without brackets has colons of its own. */
  if (colon != NULL && (strchr (where, ':') == colon || (colon > where && colon[-1] == ']')) && colon[1] != '\0'
      && colon[1 + strspn (colon + 1, "0123456789")] == '\0')
    {
      g_strv_builder_add_many (argv, "-p", colon + 1, NULL);
      host = g_strndup (where, (gsize) (colon - where));
    }
  else
    host = g_strdup (where);
  g_strv_builder_add_many (argv, "--", host, word, verb, NULL);
  return g_steal_pointer (&argv);
}

static char **
ssh_enroll_command (const ConfigClient *client)
{
  g_autoptr (GStrvBuilder) argv = ssh_command (client->bootstrap_via_ssh, client->remote_path, "enroll");
  g_autofree char *device = device_name ();

  g_strv_builder_add_many (argv, "--device", device, NULL);
  return g_strv_builder_end (argv);
}

static char **
ssh_relay_command (const ConfigClient *client)
{
  g_autoptr (GStrvBuilder) argv = ssh_command (client->bootstrap_via_ssh, client->remote_path, "relay");

  return g_strv_builder_end (argv);
}

void
config_client_complete (ConfigClient *client)
{
  if (client->keep_alive_interval_ms == 0)
    client->keep_alive_interval_ms = client->max_idle_timeout_ms / 2;
  if (client->enroll_command != NULL && client->enroll_command[0] == NULL)
    g_clear_pointer (&client->enroll_command, g_strfreev);
  if (client->enroll_command == NULL && client->bootstrap_via_ssh != NULL)
    client->enroll_command = ssh_enroll_command (client);
  if (client->bootstrap_via_ssh != NULL)
    client->relay_command = ssh_relay_command (client);
}

ConfigSettings *
config_settings_new (const char *path, GVariant *table)
{
  ConfigSettings *settings = g_new0 (ConfigSettings, 1);

  g_atomic_ref_count_init (&settings->references);
  settings->path = g_strdup (path);
  settings->servers = g_ptr_array_new_with_free_func ((GDestroyNotify) config_server_free);
  settings->clients = g_ptr_array_new_with_free_func ((GDestroyNotify) config_client_free);
  settings->table = table == NULL ? NULL : g_variant_ref (table);
  return settings;
}

ConfigSettings *
config_settings_ref (ConfigSettings *settings)
{
  g_atomic_ref_count_inc (&settings->references);
  return settings;
}

void
config_settings_unref (ConfigSettings *settings)
{
  if (!g_atomic_ref_count_dec (&settings->references))
    return;
  g_free (settings->path);
  g_ptr_array_unref (settings->servers);
  g_ptr_array_unref (settings->clients);
  g_clear_pointer (&settings->table, g_variant_unref);
  g_free (settings);
}

ConfigSettings *
config_settings_new_default (void)
{
  ConfigSettings *settings = config_settings_new (NULL, NULL);
  ConfigServer *server = config_server_new ();

  server->bind_address = g_strdup (DEFAULT_BIND_ADDRESS);
  config_server_complete (server);
  g_ptr_array_add (settings->servers, server);
  return settings;
}

const char *
config_settings_path (const ConfigSettings *settings)
{
  return settings->path;
}

guint
config_settings_n_servers (const ConfigSettings *settings)
{
  return settings->servers->len;
}

const ConfigServer *
config_settings_server (const ConfigSettings *settings, guint index)
{
  return settings->servers->pdata[index];
}

guint
config_settings_n_clients (const ConfigSettings *settings)
{
  return settings->clients->len;
}

const ConfigClient *
config_settings_client (const ConfigSettings *settings, guint index)
{
  return settings->clients->pdata[index];
}

const ConfigClient *
config_settings_find_client (const ConfigSettings *settings, const char *name)
{
  for (guint i = 0; i < settings->clients->len; i++)
    if (g_str_equal (config_settings_client (settings, i)->name, name))
      return config_settings_client (settings, i);
  return NULL;
}

GVariant *
config_settings_dup_other (const ConfigSettings *settings, const char *key)
{
  return settings->table == NULL ? NULL : g_variant_lookup_value (settings->table, key, NULL);
}

ConfigClient *
config_client_new_for_target (const char *target, GError **error)
{
  const char *at = strrchr (target, '@');
  const char *place = at == NULL ? target : at + 1;
  g_autoptr (GSocketConnectable) parsed = NULL;
  ConfigClient *client;
  const char *host;
  guint16 port;

  if (target[0] == '-' || place[0] == '-' || place[0] == '\0' || at == target
      || strpbrk (target, " \t\r\n/\\'\"`$;&|<>(){}*?!") != NULL)
    {
      base_error_set (error, MUX_ERROR_UNKNOWN_TARGET,
                      _("'%s' is neither the name of a quic_clients entry nor [user@]host[:port]"), target);
      return NULL;
    }
  parsed = g_network_address_parse (place, 0, NULL);
  if (parsed == NULL)
    {
      base_error_set (error, MUX_ERROR_UNKNOWN_TARGET,
                      _("'%s' is neither the name of a quic_clients entry nor [user@]host[:port]"), target);
      return NULL;
    }
  host = g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed));
  client = config_client_new ();
  client->name = g_strdup (target);
  /* Without a port the server is asked for it, by ssh. */
  port = g_network_address_get_port (G_NETWORK_ADDRESS (parsed));
  client->remote_address = port == 0 ? g_strdup_printf (strchr (host, ':') != NULL ? "[%s]" : "%s", host)
                                     : g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
  client->bootstrap_via_ssh = at == NULL ? g_strdup (host)
                                         : g_strdup_printf ("%.*s@%s", (int) (at - target), target, host);
  config_client_complete (client);
  return client;
}
