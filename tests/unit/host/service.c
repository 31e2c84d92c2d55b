#include "host/service.h"

#include <mux/plugin.h>
#include <string.h>

#define SERVICES                                                                                                       \
  "{'cat': <{'program': <[<'cat'>, <'-u'>]>}>, 'top': <{'program': <[<'top'>]>, 'pty': <true>}>,"                      \
  " 'sock': <{'unix': <'$NOWHERE/x'>}>, 'web': <{'tcp': <'localhost:80'>}>, 'bad': <{'nothing': <true>}>}"

static GVariant *
resolve (const char *request, const char **code, GError **error)
{
  g_autoptr (GVariant) services = g_variant_ref_sink (g_variant_new_parsed (SERVICES));
  g_autoptr (GVariant) asked = g_variant_ref_sink (g_variant_parse (G_VARIANT_TYPE_VARDICT, request, NULL, NULL, NULL));

  return host_service_resolve (services, asked, code, error);
}

static void
test_kinds (void)
{
  static const struct
  {
    const char *request, *kind;
    gboolean errors;
  } cases[] = {
    { "{'service': <'shell'>, 'rows': <uint32 5>, 'columns': <uint32 6>}", "pty", FALSE },
    { "{'service': <'exec'>, 'argv': <['true']>}", "program", TRUE },
    { "{'service': <'cat'>}", "program", TRUE },
    { "{'service': <'top'>}", "pty", FALSE },
    { "{'service': <'sock'>}", "unix", FALSE },
    { "{'service': <'web'>}", "tcp", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      const char *code, *kind = "";
      g_autoptr (GVariant) start = resolve (cases[i].request, &code, &error);

      g_assert_no_error (error);
      g_variant_lookup (start, "kind", "&s", &kind);
      g_assert_cmpstr (kind, ==, cases[i].kind);
      g_assert_cmpint (host_service_has_errors (start), ==, cases[i].errors);
    }
}

static void
test_refusals (void)
{
  static const struct
  {
    const char *request, *code, *words;
  } cases[] = {
    { "{'service': <'nope'>}", "unknown-service", "cat" },
    { "{'service': <''>}", "unknown-service", "shell" },
    { "{'service': <'exec'>}", "failed", "exec" },
    { "{'service': <'exec'>, 'argv': <['']>}", "failed", "exec" },
    { "{'service': <'bad'>}", "failed", "bad" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      const char *code = NULL;

      g_assert_null (resolve (cases[i].request, &code, &error));
      g_assert_cmpstr (code, ==, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].words));
    }
}

/* A client sets how text looks, not what a program loads. */
static void
test_environment (void)
{
  const char *code;
  g_autoptr (GVariant) start
      = resolve ("{'service': <'cat'>, 'term': <'xterm'>, 'environment': <{'LANG': 'de_DE.UTF-8', 'LD_PRELOAD': '/x', 'PATH': '/x',"
                 " 'LC_ALL': 'a\\nb'}>}",
                 &code, NULL);
  g_auto (GStrv) environment = NULL;

  g_variant_lookup (start, "environment", "^as", &environment);
  g_assert_cmpstr (g_environ_getenv (environment, "LANG"), ==, "de_DE.UTF-8");
  g_assert_cmpstr (g_environ_getenv (environment, "TERM"), ==, "xterm");
  g_assert_null (g_environ_getenv (environment, "LD_PRELOAD"));
  g_assert_null (g_environ_getenv (environment, "LC_ALL"));
  g_assert_cmpstr (g_environ_getenv (environment, "PATH"), !=, "/x");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/kinds", test_kinds);
  g_test_add_func ("/service/refusals", test_refusals);
  g_test_add_func ("/service/environment", test_environment);
  return g_test_run ();
}
