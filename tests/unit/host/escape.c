#include "host/escape.h"

#include <string.h>

/* Types @text in pieces of @step bytes; what goes on is in @out, the actions as letters in @actions. */
static void
type (const char *text, gsize step, GString *out, GString *actions)
{
  static const char letters[] = { '-', 'E', 'H', 'S' };
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  gsize length = strlen (text);
  HostEscape escape;

  host_escape_init (&escape);
  for (gsize i = 0; i < length;)
    {
      gsize used = 0;
      HostEscapeAction action
          = host_escape_filter (&escape, (const guint8 *) text + i, MIN (step, length - i), sent, &used);

      g_assert_cmpuint (used, >, 0);
      if (action != HOST_ESCAPE_NONE)
        g_string_append_c (actions, letters[action]);
      i += used;
    }
  g_string_append_len (out, (const char *) sent->data, sent->len);
}

static void
test_table (void)
{
  static const struct
  {
    const char *typed, *sent, *actions;
  } cases[] = {
    { "ls\r", "ls\r", "" },
    { "~.", "", "E" },
    { "ls\r~.", "ls\r", "E" },
    { "ls~.", "ls~.", "" },
    { "~?ls", "ls", "H" },
    { "~?~.", "", "HE" },
    { "~~x", "~x", "" },
    { "~~.", "~.", "" },
    { "~x\n~.", "~x\n", "E" },
    { "\n~\032~.", "\n", "SE" },
    { "~\r~.", "~\r", "E" },
    { "a~\r~~~.", "a~\r~~.", "" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize step = 1; step <= strlen (cases[i].typed); step++)
      {
        g_autoptr (GString) out = g_string_new (NULL);
        g_autoptr (GString) actions = g_string_new (NULL);

        type (cases[i].typed, step, out, actions);
        g_assert_cmpstr (out->str, ==, cases[i].sent);
        g_assert_cmpstr (actions->str, ==, cases[i].actions);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/escape/table", test_table);
  return g_test_run ();
}
