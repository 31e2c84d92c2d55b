#include "host/environment.h"

GVariant *
host_environment_words (void)
{
  static const char *const passed[] = { "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_TIME", "LC_NUMERIC",
                                        "LC_COLLATE", "COLORTERM", "TERM_PROGRAM" };
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  for (gsize i = 0; i < G_N_ELEMENTS (passed); i++)
    {
      const char *value = g_getenv (passed[i]);

      if (value != NULL && g_utf8_validate (value, -1, NULL))
        g_variant_builder_add (&builder, "{ss}", passed[i], value);
    }
  return g_variant_builder_end (&builder);
}
