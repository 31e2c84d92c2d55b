#include "host/screen.h"

#include <string.h>

/* screen.c asks for a terminal's size; here there is none. */
gboolean host_terminal_size (int fd, guint *rows, guint *columns);

gboolean
host_terminal_size (int fd, guint *rows, guint *columns)
{
  return FALSE;
}

/* What @text leaves on a terminal of @rows rows that shows @before, as rows joined by "|"; the sequences that
 * screen.c uses, and no others. */
static char *
play (const char *text, guint rows, const char *before)
{
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_free);
  guint row = 0;
  gsize column = 0;

  for (guint i = 0; i < rows; i++)
    g_ptr_array_add (shown, g_strdup (before));
  g_ptr_array_add (shown, NULL);
  while (*text != '\0')
    {
      if (g_str_has_prefix (text, "\033[?2026"))
        text = strpbrk (text, "hl") + 1;
      else if (g_str_has_prefix (text, "\033[H"))
        row = 0, column = 0, text += 3;
      else if (g_str_has_prefix (text, "\033[K"))
        {
          ((char *)shown->pdata[row])[MIN (column, strlen (shown->pdata[row]))] = '\0';
          text += 3;
        }
      else if (g_str_has_prefix (text, "\033[J"))
        {
          for (guint i = row + 1; i < rows; i++)
            *(char *)shown->pdata[i] = '\0';
          text += 3;
        }
      else if (g_str_has_prefix (text, "\r\n"))
        {
          row++, column = 0, text += 2;
          /* Below the last row everything would scroll. */
          g_assert_cmpuint (row, <, rows);
        }
      else
        {
          gsize length = strcspn (text, "\033\r");
          g_autofree char *old = shown->pdata[row];

          g_assert_cmpuint (length, >, 0);
          shown->pdata[row] = g_strdup_printf ("%.*s%.*s%s", (int)column, old, (int)length, text,
                                               strlen (old) > column + length ? old + column + length : "");
          column += length;
          text += length;
        }
    }
  return g_strjoinv ("|", (char **)shown->pdata);
}

static void
test_rows (void)
{
  static const struct
  {
    const char *body;
    guint rows;
    const char *shown;
  } cases[] = {
    { "one\ntwo\n", 6, "title|one|two|||end" },
    { "one\ntwo\nthree\nfour\n", 6, "title|one|two|three|four|end" },
    { "one\ntwo\nthree\nfour\nfive\n", 6, "title|one|two|three|… 2 more lines|end" },
    { "one\n\ntwo", 5, "title|one||two|end" },
    { "", 3, "title||end" },
    { "one\ntwo\n", 3, "title|… 2 more lines|end" },
    { "one\n", 2, "title|end" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text
          = host_screen_compose (&(HostScreen){ "title", cases[i].body, "end" }, cases[i].rows);
      g_autofree char *shown = play (text, cases[i].rows, "what stood there before, and is longer");

      g_assert_cmpstr (shown, ==, cases[i].shown);
    }
}

/* A frame is painted over the one before: nothing is cleared first, which is what one would see flicker. */
static void
test_nothing_is_cleared (void)
{
  g_autofree char *text = host_screen_compose (&(HostScreen){ "title", "one\ntwo\n", "end" }, 24);

  g_assert_null (strstr (text, "\033[2J"));
  g_assert_null (strstr (text, "\033c"));
  g_assert_true (strstr (text, "\033[J") > strstr (text, "end"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/screen/rows", test_rows);
  g_test_add_func ("/screen/nothing-is-cleared", test_nothing_is_cleared);
  return g_test_run ();
}
