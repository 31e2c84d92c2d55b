#include "host/nearest.h"

static const char *const verbs[] = { "serve", "connect", "cert", "status", "exec", NULL };

static void
test_guesses (void)
{
  static const struct
  {
    const char *word, *nearest;
  } cases[] = {
    { "status", "status" },  { "stauts", "status" }, { "conect", "connect" }, { "sreve", "serve" },
    { "crt", "cert" },       { "", NULL },           { "x", NULL },           { "zzzz", NULL },
    { "connections", NULL }, { "exce", "exec" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (host_nearest (cases[i].word, verbs), ==, cases[i].nearest);
}

/* What somebody pipes in by mistake costs no time. */
static void
test_long (void)
{
  g_autofree char *word = g_strnfill (100000, 'a');

  g_assert_null (host_nearest (word, verbs));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nearest/guesses", test_guesses);
  g_test_add_func ("/nearest/long", test_long);
  return g_test_run ();
}
