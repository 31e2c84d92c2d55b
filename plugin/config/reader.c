#include "config/reader.h"

#include "config/schema.h"
#include "net/resolver.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

typedef struct
{
  ConfigReport *report;
  const char *path;
  char *directory;
  const ConfigLocator *locator;
} Reader;

static void complain (Reader *reader, gboolean is_error, const char *where, const char *format, ...) G_GNUC_PRINTF (4, 5);

/* @where: the path of the setting in the table; its last part is its name. */
static void
complain (Reader *reader, gboolean is_error, const char *where, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_ptr_array_add (is_error ? reader->report->errors : reader->report->warnings,
                   g_strdup_printf ("%s:%u: %s: %s", reader->path, config_locator_line (reader->locator, where), where, text));
}

static gboolean
as_number (GVariant *value, double *number)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    *number = (double) g_variant_get_int64 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    *number = g_variant_get_double (value);
  else
    return FALSE;
  return isfinite (*number);
}

static char *
resolve_path (Reader *reader, const char *path)
{
  if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
    return g_build_filename (g_get_home_dir (), path + 1, NULL);
  return g_canonicalize_filename (path, reader->directory);
}

static void
warn_if_missing (Reader *reader, const char *where, const char *path)
{
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    complain (reader, FALSE, where, _("there is no %s"), path);
}

static void
read_text (Reader *reader, const ConfigRow *row, GVariant *value, gpointer at, const char *where)
{
  const char *text;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) || *(text = g_variant_get_string (value, NULL)) == '\0')
    {
      complain (reader, TRUE, where, _("must be a text that is not empty"));
      return;
    }
  g_free (*(char **) at);
  *(char **) at = row->type == CONFIG_PATH ? resolve_path (reader, text) : g_strdup (text);
  if (row->type == CONFIG_PATH)
    warn_if_missing (reader, where, *(char **) at);
}

static void
read_list (Reader *reader, const ConfigRow *row, GVariant *value, gpointer at, const char *where)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  /* An empty table of Lua is a list as well. */
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("av"))
      && !(g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT) && g_variant_n_children (value) == 0))
    {
      complain (reader, TRUE, where, _("must be a list of texts: { 'one', 'two' }"));
      return;
    }
  for (gsize i = 0; g_variant_is_of_type (value, G_VARIANT_TYPE ("av")) && i < g_variant_n_children (value); i++)
    {
      g_autofree char *item_where = g_strdup_printf ("%s[%zu]", where, i + 1);
      g_autoptr (GVariant) boxed = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) item = g_variant_get_variant (boxed);
      g_autofree char *path = NULL;

      if (!g_variant_is_of_type (item, G_VARIANT_TYPE_STRING) || g_variant_get_size (item) < 2)
        complain (reader, TRUE, item_where, _("must be a text that is not empty"));
      else if (row->type == CONFIG_PATHS)
        {
          path = resolve_path (reader, g_variant_get_string (item, NULL));
          warn_if_missing (reader, item_where, path);
          g_strv_builder_add (builder, path);
        }
      else
        g_strv_builder_add (builder, g_variant_get_string (item, NULL));
    }
  g_strfreev (*(char ***) at);
  *(char ***) at = g_strv_builder_end (builder);
}

static void
read_number (Reader *reader, const ConfigRow *row, GVariant *value, gpointer at, const char *where)
{
  double number;

  if (!as_number (value, &number) || number < row->minimum || number > row->maximum
      || (row->type == CONFIG_INTEGER && number != floor (number)))
    {
      complain (reader, TRUE, where, row->type == CONFIG_INTEGER ? _("must be a whole number from %g to %g") : _("must be seconds from %g to %g"),
                row->minimum, row->maximum);
      return;
    }
  if (row->type == CONFIG_INTEGER)
    *(guint *) at = (guint) number;
  else
    *(guint64 *) at = (guint64) (number * 1000);
}

static void
read_choice (Reader *reader, const ConfigRow *row, GVariant *value, gpointer at, const char *where)
{
  g_autofree char *all = g_strjoinv ("', '", (char **) row->choices);

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    for (int i = 0; row->choices[i] != NULL; i++)
      if (g_str_equal (row->choices[i], g_variant_get_string (value, NULL)))
        {
          *(int *) at = i;
          return;
        }
  complain (reader, TRUE, where, _("must be one of '%s'"), all);
}

static void
read_value (Reader *reader, const ConfigRow *row, GVariant *value, gpointer target, const char *where)
{
  gpointer at = (guint8 *) target + row->offset;

  switch (row->type)
    {
    case CONFIG_STRING:
    case CONFIG_PATH:
      read_text (reader, row, value, at, where);
      break;
    case CONFIG_STRINGS:
    case CONFIG_PATHS:
      read_list (reader, row, value, at, where);
      break;
    case CONFIG_INTEGER:
    case CONFIG_SECONDS:
      read_number (reader, row, value, at, where);
      break;
    case CONFIG_CHOICE:
      read_choice (reader, row, value, at, where);
      break;
    case CONFIG_BOOLEAN:
      if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
        *(gboolean *) at = g_variant_get_boolean (value);
      else
        complain (reader, TRUE, where, _("must be true or false"));
      break;
    case CONFIG_INERT:
      complain (reader, FALSE, where, _("has no effect here"));
      break;
    }
}

/* Reads one entry; FALSE when it is none. */
static gboolean
read_entry (Reader *reader, const ConfigRow *rows, GVariant *entry, gpointer target, const char *where)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  if (!g_variant_is_of_type (entry, G_VARIANT_TYPE_VARDICT))
    {
      complain (reader, TRUE, where, _("must be a table with named fields: { %s = … }"), rows[0].name);
      return FALSE;
    }
  g_variant_iter_init (&iter, entry);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      const ConfigRow *row = config_schema_find (rows, name);
      g_autofree char *child = g_strdup_printf ("%s.%s", where, name);
      const char *nearest;

      if (row != NULL)
        {
          read_value (reader, row, value, target, child);
          continue;
        }
      nearest = config_schema_nearest (rows, name);
      if (nearest != NULL)
        complain (reader, TRUE, child, _("there is no such setting; did you mean '%s'?"), nearest);
      else
        complain (reader, TRUE, child, _("there is no such setting"));
    }
  for (const ConfigRow *row = rows; row->name != NULL; row++)
    {
      g_autoptr (GVariant) there = row->required ? g_variant_lookup_value (entry, row->name, NULL) : NULL;

      if (row->required && there == NULL)
        complain (reader, TRUE, where, _("%s is missing"), row->name);
    }
  return TRUE;
}

/* What both kinds of entries have. */
static void
check_common (Reader *reader, const char *where, const char *key, const char *certificate, guint64 idle, guint64 keep_alive)
{
  if ((key == NULL) != (certificate == NULL))
    complain (reader, TRUE, where, _("pem_private_key and pem_cert belong together: give both or neither"));
  if (keep_alive >= idle)
    complain (reader, FALSE, where, _("keep_alive_interval is not shorter than max_idle_timeout, so it keeps nothing alive"));
}

static void
check_address (Reader *reader, const char *where, const char *field, const char *address)
{
  g_autofree char *child = g_strdup_printf ("%s.%s", where, field);
  g_autofree char *host = NULL;
  g_autoptr (GError) error = NULL;
  guint16 port;

  if (address == NULL)
    return;
  if (!net_resolver_split (address, 0, &host, &port, &error))
    complain (reader, TRUE, child, "%s", error->message);
  else if (!g_str_has_suffix (address, "]") && strrchr (address, ':') == NULL)
    complain (reader, TRUE, child, _("has no port; write '%s:9001'"), address);
}

static void
read_servers (Reader *reader, ConfigSettings *settings, GVariant *entry, const char *where)
{
  ConfigServer *server = config_server_new ();

  if (!read_entry (reader, config_server_rows, entry, server, where))
    {
      config_server_free (server);
      return;
    }
  check_address (reader, where, "bind_address", server->bind_address);
  check_common (reader, where, server->pem_private_key, server->pem_cert, server->max_idle_timeout_ms,
                server->keep_alive_interval_ms);
  for (guint i = 0; server->bind_address != NULL && i < settings->servers->len; i++)
    if (g_strcmp0 (config_settings_server (settings, i)->bind_address, server->bind_address) == 0
        && !g_str_has_suffix (server->bind_address, ":0"))
      complain (reader, TRUE, where, _("%s is bound by another entry already"), server->bind_address);
  config_server_complete (server);
  g_ptr_array_add (settings->servers, server);
}

static void
read_clients (Reader *reader, ConfigSettings *settings, GVariant *entry, const char *where)
{
  ConfigClient *client = config_client_new ();

  if (!read_entry (reader, config_client_rows, entry, client, where))
    {
      config_client_free (client);
      return;
    }
  check_address (reader, where, "remote_address", client->remote_address);
  check_common (reader, where, client->pem_private_key, client->pem_cert, client->max_idle_timeout_ms,
                client->keep_alive_interval_ms);
  if (client->pem_cert != NULL && client->pem_ca == NULL && client->pem_root_certs[0] == NULL)
    complain (reader, TRUE, where, _("with pem_cert, pem_ca or pem_root_certs must say which servers to trust"));
  if (client->bootstrap_via_ssh != NULL && client->bootstrap_via_ssh[0] == '-')
    complain (reader, TRUE, where, _("bootstrap_via_ssh must not begin with '-'"));
  for (guint i = 0; client->name != NULL && i < settings->clients->len; i++)
    if (g_strcmp0 (config_settings_client (settings, i)->name, client->name) == 0)
      complain (reader, TRUE, where, _("'%s' is the name of another entry already"), client->name);
  config_client_complete (client);
  g_ptr_array_add (settings->clients, client);
}

static void
read_all (Reader *reader, ConfigSettings *settings, GVariant *table, const char *key,
          void (*read_one) (Reader *, ConfigSettings *, GVariant *, const char *))
{
  g_autoptr (GVariant) list = g_variant_lookup_value (table, key, NULL);

  if (list == NULL || (g_variant_is_of_type (list, G_VARIANT_TYPE_VARDICT) && g_variant_n_children (list) == 0))
    return;
  if (!g_variant_is_of_type (list, G_VARIANT_TYPE ("av")))
    {
      complain (reader, TRUE, key, _("must be a list of tables: %s = { { … }, { … } }"), key);
      return;
    }
  for (gsize i = 0; i < g_variant_n_children (list); i++)
    {
      g_autofree char *where = g_strdup_printf ("%s[%zu]", key, i + 1);
      g_autoptr (GVariant) boxed = g_variant_get_child_value (list, i);
      g_autoptr (GVariant) entry = g_variant_get_variant (boxed);

      read_one (reader, settings, entry, where);
    }
}

static gboolean
is_service_name (const char *name)
{
  return strlen (name) >= 1 && strlen (name) <= 64
         && name[strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}

static void
check_service (Reader *reader, const char *name, GVariant *service)
{
  g_autofree char *where = g_strdup_printf ("mux_services.%s", name);
  g_autofree char *program_where = g_strdup_printf ("%s.program", where);
  g_autoptr (GVariant) program = NULL;
  const char *path = NULL, *address = NULL;
  char **argv = NULL;
  const ConfigRow list = { .type = CONFIG_STRINGS };

  if (!is_service_name (name))
    complain (reader, TRUE, where, _("a service's name has 1 to 64 letters, digits, '_', '.' or '-'"));
  if (!g_variant_is_of_type (service, G_VARIANT_TYPE_VARDICT))
    {
      complain (reader, TRUE, where, _("must be a table with program, unix or tcp"));
      return;
    }
  program = g_variant_lookup_value (service, "program", NULL);
  g_variant_lookup (service, "unix", "&s", &path);
  g_variant_lookup (service, "tcp", "&s", &address);
  if ((program != NULL) + (path != NULL) + (address != NULL) != 1)
    complain (reader, TRUE, where, _("must have exactly one of program = {…}, unix = 'path', tcp = 'host:port'"));
  if (program != NULL)
    {
      argv = g_new0 (char *, 1);
      read_list (reader, &list, program, &argv, program_where);
      if (argv[0] == NULL)
        complain (reader, TRUE, program_where, _("is empty: name the program and its arguments"));
      g_strfreev (argv);
    }
  else if (g_variant_lookup (service, "pty", "@*", NULL))
    complain (reader, FALSE, where, _("pty has an effect on programs only"));
  check_address (reader, where, "tcp", address);
}

static void
check_services (Reader *reader, GVariant *table)
{
  g_autoptr (GVariant) services = g_variant_lookup_value (table, "mux_services", NULL);
  GVariantIter iter;
  const char *name;
  GVariant *service;

  if (services == NULL)
    return;
  if (!g_variant_is_of_type (services, G_VARIANT_TYPE_VARDICT))
    {
      complain (reader, TRUE, "mux_services", _("must be a table: mux_services = { NAME = { … } }"));
      return;
    }
  g_variant_iter_init (&iter, services);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &service))
    check_service (reader, name, service);
}

void
config_reader_read (ConfigSettings *settings, GVariant *table, const char *path, const ConfigLocator *locator,
                    ConfigReport *report)
{
  Reader reader = { .report = report, .path = path, .locator = locator };
  g_autofree char *directory = g_path_get_dirname (path);

  reader.directory = g_canonicalize_filename (directory, NULL);
  if (g_variant_is_of_type (table, G_VARIANT_TYPE_VARDICT))
    {
      read_all (&reader, settings, table, "quic_servers", read_servers);
      read_all (&reader, settings, table, "quic_clients", read_clients);
      check_services (&reader, table);
    }
  else
    complain (&reader, TRUE, "quic_servers", _("the file returns a list; it must return a table with named fields"));
  g_free (reader.directory);
}
