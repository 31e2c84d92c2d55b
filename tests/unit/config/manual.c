/* mux-quic.lua(5) against the schema: every setting is described, with its type, range and default; and no
 * other. */
#include "config/schema.h"

#include <string.h>

static char *page;

/* What the page has to begin the description of @row with. */
static char *
expected (const ConfigRow *row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *choices = NULL;
  static const char *const kinds[] = {
    [CONFIG_STRING] = "string",       [CONFIG_PATH] = "path",       [CONFIG_INTEGER] = "integer",
    [CONFIG_BOOLEAN] = "boolean",     [CONFIG_SECONDS] = "seconds", [CONFIG_STRINGS] = "list of strings",
    [CONFIG_PATHS] = "list of paths",
  };

  switch (row->type)
    {
    case CONFIG_INERT:
      return g_strdup_printf ("``%s``\n    *accepted, without effect.*", row->name);
    case CONFIG_CHOICE:
      for (guint i = 0; row->choices[i] != NULL; i++)
        g_string_append_printf (text, "%s'%s'",
                                i == 0                        ? ""
                                : row->choices[i + 1] != NULL ? ", "
                                                              : " or ",
                                row->choices[i]);
      g_string_append_printf (text, ", '%s' by default", row->choices[(gsize)row->preset]);
      break;
    case CONFIG_INTEGER:
    case CONFIG_SECONDS:
      g_string_append_printf (text, "%s from %.10g to %.10g, ", kinds[row->type], row->minimum, row->maximum);
      if (row->preset == 0)
        g_string_append (text, "unset by default");
      else
        g_string_append_printf (text, "%.10g by default", row->preset);
      break;
    case CONFIG_BOOLEAN:
      g_string_append_printf (text, "boolean, %s by default", row->preset != 0 ? "true" : "false");
      break;
    case CONFIG_STRINGS:
    case CONFIG_PATHS:
      g_string_append_printf (text, "%s, empty by default", kinds[row->type]);
      break;
    case CONFIG_STRING:
    case CONFIG_PATH:
      if (row->preset_text != NULL)
        g_string_append_printf (text, "%s, '%s' by default", kinds[row->type], row->preset_text);
      else
        g_string_append_printf (text, "%s, %s", kinds[row->type],
                                row->required ? "required" : "unset by default");
      break;
    }
  return g_strdup_printf ("``%s``\n    *%s.*", row->name, text->str);
}

/* The text below @heading, up to the next one. */
static char *
section (const char *heading)
{
  const char *begin = strstr (page, heading), *end;

  g_assert_nonnull (begin);
  begin = strstr (begin, "===\n");
  g_assert_nonnull (begin);
  end = strstr (begin + strlen ("===\n"), "\n====");
  return end != NULL ? g_strndup (begin, (gsize)(end - begin)) : g_strdup (begin);
}

static void
check (const char *heading, const ConfigRow *rows)
{
  g_autofree char *text = section (heading);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 0);
  guint described = 0, there = 0;

  for (const ConfigRow *row = rows; row->name != NULL; row++)
    {
      g_autofree char *wanted = expected (row);

      there++;
      if (strstr (text, wanted) == NULL)
        g_error ("mux-quic.lua.5.rst.in lacks in %s:\n%s", heading, wanted);
    }
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, "``"))
      {
        g_autofree char *name = g_strndup (*line + 2, strcspn (*line + 2, "`"));

        described++;
        if (config_schema_find (rows, name) == NULL)
          g_error ("mux-quic.lua.5.rst.in describes %s in %s, which is no setting", name, heading);
      }
  g_assert_cmpuint (described, ==, there);
}

static void
test_servers (void)
{
  check ("SETTINGS OF quic_servers", config_server_rows);
}

static void
test_clients (void)
{
  check ("SETTINGS OF quic_clients", config_client_rows);
}

int
main (int argc, char **argv)
{
  g_autofree char *path
      = g_build_filename (g_getenv ("MUX_QUIC_SOURCE"), "data", "man", "mux-quic.lua.5.rst.in", NULL);
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  g_file_get_contents (path, &page, NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/config/manual/servers", test_servers);
  g_test_add_func ("/config/manual/clients", test_clients);
  status = g_test_run ();
  g_free (page);
  return status;
}
