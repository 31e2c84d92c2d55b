#include "transport/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "transport/enrolment.h"

#define LONG_MS 120000

typedef struct
{
  gboolean done;
  GVariant *enrolment;
  GError *error;
} Outcome;

static void
finished_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->enrolment = transport_bootstrap_finish (result, &outcome->error);
  outcome->done = TRUE;
}

/* Not the default one: what is attached there never comes. */
static GMainContext *context;

static Outcome
run (const char *const *argv, guint timeout_ms, GCancellable *cancellable)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  Outcome outcome = { FALSE, NULL, NULL };

  transport_bootstrap_async (argv, "-----BEGIN THE REQUEST-----\n", timeout_ms, cancellable, finished_cb,
                             &outcome);
  g_assert_false (outcome.done);
  while (!outcome.done)
    g_main_context_iteration (context, TRUE);
  return outcome;
}

static void
check_fails (const char *const *argv, guint timeout_ms, const char *word)
{
  Outcome outcome = run (argv, timeout_ms, NULL);

  g_assert_null (outcome.enrolment);
  g_assert_error (outcome.error, MUX_ERROR, MUX_ERROR_ENROLMENT);
  if (strstr (outcome.error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", outcome.error->message, word);
  g_assert_nonnull (strstr (outcome.error->message, argv[0]));
  g_clear_error (&outcome.error);
}

static char *
block (void)
{
  GVariant *sample
      = g_variant_new_parsed ("{'user': <'alice'>, 'certificate': <'CERT'>, 'ca': <'CA'>, 'names': <['a']>, "
                              "'addresses': <['b']>, 'expires': <int64 5>}");

  return transport_enrolment_armour (sample, NULL);
}

static void
check_succeeds (const char *script)
{
  g_autofree char *text = block ();
  const char *const argv[] = { "sh", "-c", script, "sh", text, NULL };
  Outcome outcome = run (argv, LONG_MS, NULL);
  const char *user = NULL;

  g_assert_no_error (outcome.error);
  g_assert_true (g_variant_lookup (outcome.enrolment, "user", "&s", &user));
  g_assert_cmpstr (user, ==, "alice");
  g_variant_unref (outcome.enrolment);
}

static void
test_success (void)
{
  check_succeeds ("read line && test \"$line\" = '-----BEGIN THE REQUEST-----' && echo \"$1\"");
  check_succeeds ("cat >/dev/null; echo motd; echo \"$1\"; echo bye");
}

/* It need not read what it is given, nor say all at once. */
static void
test_deaf (void)
{
  check_succeeds ("exec <&-; echo \"$1\"");
  check_succeeds ("echo \"$1\" | while read line; do echo \"$line\"; done");
}

/* What the command left behind keeps the pipe open, as a host does that it started: nobody waits for that. */
static void
test_leaves_something_behind (void)
{
  g_autofree char *directory = g_dir_make_tmp ("mux-quic-bootstrap-XXXXXX", NULL);
  g_autofree char *fifo = g_build_filename (directory, "fifo", NULL);
  g_autofree char *text = block ();
  const char *const argv[] = { "sh", "-c", "cat \"$2\" & echo \"$1\"", "sh", text, fifo, NULL };
  Outcome outcome;
  int fd;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  outcome = run (argv, LONG_MS, NULL);
  g_assert_no_error (outcome.error);
  g_variant_unref (outcome.enrolment);
  fd = open (fifo, O_WRONLY); /* waits for the reader, and lets it end */
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_cmpint (unlink (fifo), ==, 0);
  g_assert_cmpint (rmdir (directory), ==, 0);
}

static void
test_failures (void)
{
  check_fails ((const char *[]){ "/nonexistent/program", NULL }, LONG_MS, "cannot be started");
  check_fails ((const char *[]){ "sh", "-c", "exit 7", NULL }, LONG_MS, "status 7");
  check_fails ((const char *[]){ "sh", "-c", "kill -TERM $$", NULL }, LONG_MS, "signal 15");
  check_fails ((const char *[]){ "sh", "-c", "echo hello", NULL }, LONG_MS, "no block");
  check_fails ((const char *[]){ "true", NULL }, LONG_MS, "nothing was said");
  check_fails ((const char *[]){ "sh", "-c", "echo -----BEGIN MUX-QUIC ENROLMENT-----; echo AAAA", NULL },
               LONG_MS, "its end is missing");
}

/* A block before a failure is none. */
static void
test_block_then_failure (void)
{
  g_autofree char *text = block ();

  check_fails ((const char *[]){ "sh", "-c", "echo \"$1\"; exit 1", "sh", text, NULL }, LONG_MS, "status 1");
}

static void
test_hang (void)
{
  check_fails ((const char *[]){ "sleep", "1000", NULL }, 50, "did not finish within 0.05 s");
  check_fails ((const char *[]){ "sh", "-c", "exec >&-; exec sleep 1000", NULL }, 50, "did not finish");
}

static void
test_much (void)
{
  check_fails ((const char *[]){ "head", "-c", "10000000", "/dev/zero", NULL }, LONG_MS, "more than 1 MiB");
  check_fails ((const char *[]){ "cat", "/dev/zero", NULL }, LONG_MS, "more than 1 MiB");
}

static gpointer
cancel_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancelled (void)
{
  g_autoptr (GCancellable) before = g_cancellable_new ();
  g_autoptr (GCancellable) during = g_cancellable_new ();
  g_autoptr (GThread) thread = NULL;
  const char *const argv[] = { "sleep", "1000", NULL };
  Outcome outcome;

  g_cancellable_cancel (before);
  outcome = run (argv, LONG_MS, before);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&outcome.error);
  thread = g_thread_new ("cancel", cancel_thread, g_object_ref (during));
  outcome = run (argv, LONG_MS, during);
  g_thread_join (g_steal_pointer (&thread));
  g_object_unref (during);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&outcome.error);
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (directory) != NULL)
    n++;
  return n;
}

/* 200 of them, of every kind, leave no descriptor and no file. */
static void
test_cycles (void)
{
  g_autofree char *temporary = g_dir_make_tmp ("mux-quic-bootstrap-XXXXXX", NULL);
  guint before = 0;

  g_setenv ("TMPDIR", temporary, TRUE);
  for (guint i = 0; i < 200; i++)
    {
      switch (i % 5)
        {
        case 0: check_succeeds ("cat >/dev/null; echo motd; echo \"$1\"; echo bye"); break;
        case 1: check_fails ((const char *[]){ "/nonexistent/program", NULL }, LONG_MS, "cannot be started"); break;
        case 2: check_fails ((const char *[]){ "sleep", "1000", NULL }, 5, "did not finish"); break;
        case 3: check_fails ((const char *[]){ "head", "-c", "10000000", "/dev/zero", NULL }, LONG_MS, "more than 1 MiB"); break;
        default:
          check_fails ((const char *[]){ "sh", "-c", "echo -----BEGIN MUX-QUIC ENROLMENT-----; echo AAAA", NULL }, LONG_MS,
                       "its end is missing");
        }
      if (i == 4)
        before = count_entries ("/proc/self/fd");
    }
  /* What was killed ends after its failure was told. */
  while (count_entries ("/proc/self/fd") > before)
    g_main_context_iteration (context, FALSE);
  g_unsetenv ("TMPDIR");
  g_assert_cmpint (rmdir (temporary), ==, 0);
}

/* Every command that was started, and killed, is reaped. */
static void
test_no_zombies (void)
{
  siginfo_t info;

  while (g_main_context_iteration (context, FALSE))
    ;
  while (waitid (P_ALL, 0, &info, WEXITED | WNOWAIT) == 0)
    g_thread_yield ();
  g_assert_cmpint (errno, ==, ECHILD);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  context = g_main_context_new ();
  g_test_add_func ("/transport/bootstrap/success", test_success);
  g_test_add_func ("/transport/bootstrap/deaf", test_deaf);
  g_test_add_func ("/transport/bootstrap/leaves-something-behind", test_leaves_something_behind);
  g_test_add_func ("/transport/bootstrap/failures", test_failures);
  g_test_add_func ("/transport/bootstrap/block-then-failure", test_block_then_failure);
  g_test_add_func ("/transport/bootstrap/hang", test_hang);
  g_test_add_func ("/transport/bootstrap/much", test_much);
  g_test_add_func ("/transport/bootstrap/cancelled", test_cancelled);
  g_test_add_func ("/transport/bootstrap/cycles", test_cycles);
  g_test_add_func ("/transport/bootstrap/no-zombies", test_no_zombies);
  result = g_test_run ();
  g_main_context_unref (context);
  return result;
}
