#include "host/json.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

/* Members are added without a new number; it changes when one is removed or means something else. */
#define SCHEMA 1

static gboolean wanted;

const GOptionEntry host_json_options[] = {
  { "json", 'j', 0, G_OPTION_ARG_NONE, &wanted, N_ ("print JSON"), NULL },
  G_OPTION_ENTRY_NULL,
};

gboolean
host_json_wanted (void)
{
  return wanted;
}

static void
print (GVariant *dictionary, gboolean pretty)
{
  g_autofree char *text = NULL;
  g_autoptr (GVariant) with_schema = NULL;
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GVariant) owned = g_variant_ref_sink (dictionary);
  GVariantDict dict;

  g_variant_dict_init (&dict, owned);
  g_variant_dict_insert (&dict, "schema", "u", SCHEMA);
  with_schema = g_variant_ref_sink (g_variant_dict_end (&dict));
  root = json_gvariant_serialize (with_schema);
  json_generator_set_pretty (generator, pretty);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  /* JSON is UTF-8 whatever the locale is; g_print () would make it the locale's. */
  fputs (text, stdout);
  fputc ('\n', stdout);
  /* Whoever reads a stream of them waits for each. */
  fflush (stdout);
}

void
host_json_print (GVariant *dictionary)
{
  print (dictionary, TRUE);
}

void
host_json_print_line (GVariant *dictionary)
{
  print (dictionary, FALSE);
}
