#include "host/progress.h"

#include "host/terminal.h"

/* progress.c asks for a terminal's size; here there is none. */
gboolean
host_terminal_size (int fd, guint *rows, guint *columns)
{
  return FALSE;
}

static void
test_compose (void)
{
  static const struct
  {
    const char *message;
    guint seconds, columns;
    const char *line;
  } cases[] = {
    { "connecting", 7, 0, "mux-quic: connecting… 7 s" },
    { "connecting", 7, 80, "mux-quic: connecting… 7 s" },
    { "connecting", 7, 25, "mux-quic: connecting… 7 s" },
    { "connecting", 7, 21, "mux-quic: connecting…" }, /* counted in characters, not in bytes */
    { "connecting", 7, 1, "m" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = host_progress_compose (cases[i].message, cases[i].seconds, cases[i].columns);

      g_assert_cmpstr (line, ==, cases[i].line);
    }
}

static gboolean
done_cb (gpointer done)
{
  *(gboolean *)done = TRUE;
  return G_SOURCE_REMOVE;
}

/* It returns when, and only when, what it waits for has happened; and says nothing where there is no
 * terminal. */
static void
test_wait (void)
{
  if (g_test_subprocess ())
    {
      gboolean done = FALSE;

      g_timeout_add (1500, done_cb, &done);
      host_progress_wait (&done, "waiting");
      g_assert_true (done);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr_unmatched ("*waiting*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress/compose", test_compose);
  g_test_add_func ("/progress/wait", test_wait);
  return g_test_run ();
}
