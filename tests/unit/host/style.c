#include "host/style.h"

static void
test_decide (void)
{
  static const struct
  {
    HostColor when;
    const char *no_color, *term;
    gboolean terminal, colors;
  } cases[] = {
    { HOST_COLOR_AUTO, NULL, "xterm", TRUE, TRUE },
    { HOST_COLOR_AUTO, "", "xterm", TRUE, TRUE }, /* set, but empty, does not count */
    { HOST_COLOR_AUTO, "1", "xterm", TRUE, FALSE },
    { HOST_COLOR_AUTO, "0", "xterm", TRUE, FALSE },
    { HOST_COLOR_AUTO, NULL, "dumb", TRUE, FALSE },
    { HOST_COLOR_AUTO, NULL, "", TRUE, FALSE },
    { HOST_COLOR_AUTO, NULL, NULL, TRUE, FALSE },
    { HOST_COLOR_AUTO, NULL, "xterm", FALSE, FALSE },
    { HOST_COLOR_ALWAYS, "1", "dumb", FALSE, TRUE },
    { HOST_COLOR_NEVER, NULL, "xterm", TRUE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (host_style_decide (cases[i].when, cases[i].no_color, cases[i].term, cases[i].terminal),
                     ==, cases[i].colors);
}

static void
test_sequences (void)
{
  for (HostStyle style = HOST_STYLE_PLAIN; style <= HOST_STYLE_BAD; style++)
    {
      g_assert_cmpstr (host_style_begin (style, FALSE), ==, "");
      g_assert_cmpstr (host_style_end (style, FALSE), ==, "");
      g_assert_cmpint (*host_style_begin (style, TRUE) == '\033', ==, style != HOST_STYLE_PLAIN);
      g_assert_cmpint (*host_style_end (style, TRUE) == '\033', ==, style != HOST_STYLE_PLAIN);
    }
}

/* --color as it is typed. */
static void
test_option (void)
{
  static const struct
  {
    const char *word;
    gboolean good, colors;
  } cases[] = {
    { "--color=always", TRUE, TRUE },
    { "--color=never", TRUE, FALSE },
    { "--color", TRUE, TRUE },
    { "--color=maybe", FALSE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GOptionContext) context = g_option_context_new (NULL);
      g_autoptr (GError) error = NULL;
      const char *words[] = { "test", cases[i].word, NULL };
      char **argv = (char **)words;
      int argc = 2;

      g_option_context_add_main_entries (context, host_style_options, NULL);
      g_assert_cmpint (g_option_context_parse (context, &argc, &argv, &error), ==, cases[i].good);
      if (cases[i].good)
        g_assert_cmpint (host_style_enabled (-1), ==, cases[i].colors);
      else
        g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/style/decide", test_decide);
  g_test_add_func ("/style/sequences", test_sequences);
  g_test_add_func ("/style/option", test_option);
  return g_test_run ();
}
