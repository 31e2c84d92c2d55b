/* Names as they stand in certificates, and back. */
#include "harness/forge.h"
#include "tree.h"

#include "pki/names.h"

#include <mux/plugin.h>
#include <string.h>

static void
test_canonical (void)
{
  static const char *const pairs[][2] = {
    { "localhost", "localhost" },
    { "Server.Example.TEST", "server.example.test" },
    { "server.example.test.", "server.example.test" },
    { "*.example.test", "*.example.test" },
    { "my_host", "my_host" },
    { "bücher.example", "xn--bcher-kva.example" },
    { "127.0.0.1", "127.0.0.1" },
    { "0:0::1", "::1" },
    { "[::1]", "::1" },
    { "2001:DB8::A", "2001:db8::a" },
    { "fe80::1%eth0", "fe80::1" },
    { "", NULL },
    { ".", NULL },
    { ".example", NULL },
    { "a..b", NULL },
    { "a b", NULL },
    { "a/b", NULL },
    { "a,b", NULL },
    { "[::1", NULL },
    { "[host]", NULL },
    { "a\n", NULL },
    { "\377", NULL },
  };
  g_autofree char *long_name = g_strnfill (254, 'a');

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *name = pki_names_canonical (pairs[i][0]);

      g_assert_cmpstr (name, ==, pairs[i][1]);
    }
  g_assert_null (pki_names_canonical (long_name));
}

static void
test_list (void)
{
  static const char *const names[] = { "B.test", "::1", "b.test", "0::1", "a.test", NULL };
  static const char *const bad[] = { "a.test", "not a name", NULL };
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) list = pki_names_canonical_list (names, &error);
  g_autofree char *joined = NULL;
  g_autoptr (GPtrArray) many = g_ptr_array_new_with_free_func (g_free);

  g_assert_no_error (error);
  joined = g_strjoinv (" ", list);
  g_assert_cmpstr (joined, ==, "b.test ::1 a.test");
  g_assert_null (pki_names_canonical_list (bad, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
  tree_expect_error (g_steal_pointer (&error), "'not a name'", NULL);
  for (guint i = 0; i <= PKI_NAMES_MAX; i++)
    g_ptr_array_add (many, g_strdup_printf ("n%u.test", i));
  g_ptr_array_add (many, NULL);
  g_assert_null (pki_names_canonical_list ((const char *const *) many->pdata, &error));
  tree_expect_error (g_steal_pointer (&error), "256 names, not 257", NULL);
}

static void
test_read (void)
{
  static const ForgeSpec spec = { .uri = "https://example.test", .dns = { "a.test", "10.0.0.1", "b.test" }, .address = "::1" };
  static const ForgeSpec with_nul = { .dns = { "a.test\001.b.test" } };
  static const ForgeSpec none = { .common_name = "cn.test" };
  static const struct
  {
    const ForgeSpec *spec;
    const char *expected;
  } cases[] = { { &spec, "a.test b.test ::1" }, { &with_nul, "" }, { &none, "" } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Forged) forged = forge (cases[i].spec, NULL);
      g_autoptr (GPtrArray) list = forge_list (forged);
      g_autofree char *joined = g_strjoinv (" ", (char **) pki_certificate_names (list->pdata[0]));

      g_assert_cmpstr (joined, ==, cases[i].expected);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pki/names/canonical", test_canonical);
  g_test_add_func ("/pki/names/list", test_list);
  g_test_add_func ("/pki/names/read", test_read);
  return g_test_run ();
}
