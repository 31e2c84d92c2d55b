#include "config/locator.h"

#include <string.h>

static void
check (const char *text, const char *path, guint line)
{
  g_autoptr (ConfigLocator) locator = config_locator_new (text, strlen (text));

  g_assert_cmpuint (config_locator_line (locator, path), ==, line);
}

static void
test_places (void)
{
  check ("return {\n quic_servers = {\n  { a = 1,\n    b = 2 },\n  {\n   c = { 'x',\n 'y' } },\n },\n}", "quic_servers[1].b", 4);
  check ("return {\n quic_servers = {\n  { a = 1,\n    b = 2 },\n  {\n   c = { 'x',\n 'y' } },\n },\n}", "quic_servers[2].c[2]", 7);
  check ("config.quic_servers = {\n{ a = f(1, {\n}), b = function() x = 1; return 2 end,\nc = 3 } }", "quic_servers[1].c", 4);
  check ("x = [==[\nquic_servers = {\n]] ]==]\nquic_servers = {\n['a'] = 1 }", "quic_servers.a", 5);
  check ("--[[ quic_servers = {\n]] -- quic_servers = {\nmux_services = { [\"s\"] = {\ntcp = 1 } }", "mux_services.s.tcp", 4);
  check ("if quic_servers == { } then end\nquic_servers = { { x = a == b,\ny = 1 } }", "quic_servers[1].y", 3);
}

static void
test_fallbacks (void)
{
  check ("local e = {}\nconfig.quic_servers = { e }", "quic_servers[1].a", 2);
  check ("local e = {}\n\nconfig.quic_servers = e", "quic_servers[1].a", 3);
  check ("nothing here", "quic_servers[1].a", 1);
  check ("", "x", 1);
}

/* Whatever it is given, it ends and stays within its text. */
static void
test_noise (void)
{
  static const char alphabet[] = "{}[]=,;()'\"-\\\n aequic_servers=1.~";
  GRand *rand = g_rand_new_with_seed (20261123);

  for (guint round = 0; round < 3000; round++)
    {
      gsize length = (gsize) g_rand_int_range (rand, 0, 120);
      g_autofree char *text = g_malloc (length + 1);
      g_autoptr (ConfigLocator) locator = NULL;

      for (gsize i = 0; i < length; i++)
        text[i] = alphabet[g_rand_int_range (rand, 0, sizeof alphabet - 1)];
      locator = config_locator_new (text, length);
      g_assert_cmpuint (config_locator_line (locator, "quic_servers[1].a"), >=, 1);
    }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/locator/places", test_places);
  g_test_add_func ("/locator/fallbacks", test_fallbacks);
  g_test_add_func ("/locator/noise", test_noise);
  return g_test_run ();
}
