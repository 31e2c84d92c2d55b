#include "config/lua.h"

#include "base/error.h"
#include "config/convert.h"
#include "config/reader.h"
#include "config/sandbox.h"

#include <stdlib.h>
#include <string.h>

void
config_report_init (ConfigReport *report)
{
  report->errors = g_ptr_array_new_with_free_func (g_free);
  report->warnings = g_ptr_array_new_with_free_func (g_free);
}

void
config_report_clear (ConfigReport *report)
{
  g_clear_pointer (&report->errors, g_ptr_array_unref);
  g_clear_pointer (&report->warnings, g_ptr_array_unref);
}

/* The line in "FILE:LINE: …", for sorting. */
static gulong
line_of (const char *text)
{
  for (const char *p = strchr (text, ':'); p != NULL; p = strchr (p + 1, ':'))
    if (g_ascii_isdigit (p[1]))
      return strtoul (p + 1, NULL, 10);
  return 0;
}

static int
compare_lines_cb (gconstpointer a, gconstpointer b)
{
  gulong first = line_of (*(const char *const *) a), second = line_of (*(const char *const *) b);

  return first < second ? -1 : first > second;
}

char *
config_find (const char *application, gboolean system_mode, const char *explicit_path)
{
  g_autofree char *system_path = g_build_filename ("/etc", application, "config.lua", NULL);
  g_autofree char *own_path = g_build_filename (g_get_user_config_dir (), application, "config.lua", NULL);
  const char *named = g_getenv ("MUX_QUIC_CONFIG");

  if (explicit_path != NULL)
    return g_strdup (explicit_path);
  if (!system_mode && named != NULL && named[0] != '\0')
    return g_strdup (named);
  if (!system_mode && g_file_test (own_path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&own_path);
  return g_file_test (system_path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&system_path) : NULL;
}

static GVariant *
evaluate (const char *path, const char *text, gsize length, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *absolute = g_canonicalize_filename (directory, NULL);
  g_autoptr (ConfigSandbox) sandbox = config_sandbox_new (absolute);
  GVariant *table;

  if (!config_sandbox_run (sandbox, text, length, path, error))
    return NULL;
  table = config_convert (sandbox, error);
  if (table == NULL)
    g_prefix_error (error, "%s:1: ", path);
  return table;
}

ConfigSettings *
config_load (const char *path, ConfigReport *report, GError **error)
{
  g_autofree char *text = NULL;
  g_autofree char *all = NULL;
  g_autoptr (GVariant) table = NULL;
  g_autoptr (ConfigSettings) settings = NULL;
  g_autoptr (ConfigLocator) locator = NULL;
  g_autoptr (GError) local_error = NULL;
  ConfigReport own;
  gsize length = 0;
  gboolean good;

  if (path == NULL)
    return config_settings_new_default ();
  text = config_read_file (path, &length, &local_error);
  if (text != NULL)
    table = evaluate (path, text, length, &local_error);
  if (table == NULL)
    {
      if (report != NULL)
        g_ptr_array_add (report->errors, g_strdup (local_error->message));
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  config_report_init (&own);
  settings = config_settings_new (path, table);
  locator = config_locator_new (text, length);
  config_reader_read (settings, table, path, locator, &own);
  g_ptr_array_sort (own.errors, compare_lines_cb);
  g_ptr_array_sort (own.warnings, compare_lines_cb);
  good = own.errors->len == 0;
  if (!good)
    {
      g_autoptr (GPtrArray) lines = g_ptr_array_new ();

      g_ptr_array_extend (lines, own.errors, NULL, NULL);
      g_ptr_array_add (lines, NULL);
      all = g_strjoinv ("\n", (char **) lines->pdata);
      base_error_set (error, MUX_ERROR_CONFIG, "%s", all);
    }
  if (report != NULL)
    {
      g_ptr_array_extend_and_steal (report->errors, g_steal_pointer (&own.errors));
      g_ptr_array_extend_and_steal (report->warnings, g_steal_pointer (&own.warnings));
    }
  config_report_clear (&own);
  return good ? g_steal_pointer (&settings) : NULL;
}
