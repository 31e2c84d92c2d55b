#define BASE_LOG_ROOM "transport"
#include "transport/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "transport/enrolment.h"

#define READ_SIZE ((gsize) 16 * 1024)
#define MAX_REQUEST ((gsize) 32 * 1024)

typedef struct
{
  GTask *task;   /* this struct is its data; NULL once it is answered */
  char *command; /* for messages */
  guint timeout_ms;
  GSubprocess *process;
  GCancellable *cancellable; /* ours: stops reading and waiting */
  GSource *deadline, *cancel;
  GByteArray *said;
  gboolean ended; /* end of what it says */
  gboolean exited;
} Bootstrap;

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
bootstrap_free (gpointer data)
{
  Bootstrap *bootstrap = data;

  clear_source (&bootstrap->deadline);
  clear_source (&bootstrap->cancel);
  g_clear_object (&bootstrap->process);
  g_clear_object (&bootstrap->cancellable);
  g_byte_array_unref (bootstrap->said);
  g_free (bootstrap->command);
  g_free (bootstrap);
}

/* Quoted as for a shell, so that a person can try it. */
static char *
command_text (const char *const *argv)
{
  GString *text = g_string_new (NULL);

  for (; *argv != NULL; argv++)
    {
      g_autofree char *quoted = g_shell_quote (*argv);
      gboolean plain
          = **argv != '\0'
            && strspn (*argv, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-")
                   == strlen (*argv);

      if (text->len > 0)
        g_string_append_c (text, ' ');
      g_string_append (text, plain ? *argv : quoted);
    }
  return g_string_free (text, FALSE);
}

/* The one answer. Whatever still runs is ended; g_subprocess reaps it. */
static void
answer (Bootstrap *bootstrap, GVariant *enrolment, GError *error)
{
  GTask *task = g_steal_pointer (&bootstrap->task);

  clear_source (&bootstrap->deadline);
  clear_source (&bootstrap->cancel);
  g_cancellable_cancel (bootstrap->cancellable);
  if (bootstrap->process != NULL && !bootstrap->exited)
    base_process_kill (bootstrap->process);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, enrolment, (GDestroyNotify) g_variant_unref);
  g_object_unref (task);
}

static void
fail (Bootstrap *bootstrap, const char *what)
{
  GError *error = NULL;

  base_error_set (&error, MUX_ERROR_ENROLMENT, _("The enrolment command “%s” %s"), bootstrap->command, what);
  answer (bootstrap, NULL, error);
}

static gboolean
says_whole_block (const Bootstrap *bootstrap)
{
  static const char end[] = "-----END " TRANSPORT_ENROLMENT_LABEL "-----";

  return bootstrap->said->len > 0
         && memmem (bootstrap->said->data, bootstrap->said->len, end, strlen (end)) != NULL;
}

/* The command is done, and what it said is whole, or will not become so. */
static void
finish_if_done (Bootstrap *bootstrap)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *what = NULL;
  GVariant *enrolment;

  /* Something it left behind, a host say, may hold its standard output open: so a whole block is enough. */
  if (bootstrap->task == NULL || !bootstrap->exited || (!bootstrap->ended && !says_whole_block (bootstrap)))
    return;
  enrolment = transport_enrolment_parse ((const char *) bootstrap->said->data, bootstrap->said->len, &error);
  if (enrolment != NULL)
    {
      answer (bootstrap, enrolment, NULL);
      return;
    }
  what = g_strdup_printf (_("ended without a certificate. %s"), error->message);
  fail (bootstrap, what);
}

static void read_some (GTask *task);

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Bootstrap *bootstrap = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (bootstrap->task == NULL)
    return;
  if (bytes == NULL)
    {
      g_autofree char *what = g_strdup_printf (_("cannot be read: %s"), error->message);

      fail (bootstrap, what);
      return;
    }
  if (g_bytes_get_size (bytes) == 0)
    {
      bootstrap->ended = TRUE;
      finish_if_done (bootstrap);
      return;
    }
  g_byte_array_append (bootstrap->said, g_bytes_get_data (bytes, NULL), (guint) g_bytes_get_size (bytes));
  if (bootstrap->said->len > TRANSPORT_ENROLMENT_MAX)
    {
      fail (bootstrap, _("said more than 1 MiB: that is no enrolment"));
      return;
    }
  finish_if_done (bootstrap);
  if (bootstrap->task != NULL)
    read_some (task);
}

static void
read_some (GTask *task)
{
  Bootstrap *bootstrap = g_task_get_task_data (task);
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_task_get_context (task));

  g_input_stream_read_bytes_async (g_subprocess_get_stdout_pipe (bootstrap->process), READ_SIZE,
                                   G_PRIORITY_DEFAULT, bootstrap->cancellable, read_cb, g_object_ref (task));
}

/* By the conventions of shells and of ssh. */
static char *
describe_failure (int status)
{
  if (status == 127)
    return g_strdup (_("found no mux-quic there: install it on the other machine, or name its path (remote_path)"));
  if (status == 255)
    return g_strdup (_("did not get through (status 255): what ssh wrote above says why; try it by hand"));
  return g_strdup_printf (_("failed with status %d: what it wrote to standard error says why"), status);
}

static void
exited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Bootstrap *bootstrap = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autofree char *what = NULL;

  if (g_subprocess_wait_finish (bootstrap->process, result, NULL))
    bootstrap->exited = TRUE;
  if (bootstrap->task == NULL)
    return;
  if (g_subprocess_get_if_exited (bootstrap->process)
      && g_subprocess_get_exit_status (bootstrap->process) == 0)
    {
      finish_if_done (bootstrap);
      return;
    }
  if (g_subprocess_get_if_exited (bootstrap->process))
    what = describe_failure (g_subprocess_get_exit_status (bootstrap->process));
  else
    what = g_strdup_printf (_("was ended by signal %d"), g_subprocess_get_term_sig (bootstrap->process));
  fail (bootstrap, what);
}

static gboolean
deadline_cb (gpointer data)
{
  Bootstrap *bootstrap = data;
  g_autofree char *what
      = g_strdup_printf (_("did not finish within %.3g s"), bootstrap->timeout_ms / 1000.0);

  fail (bootstrap, what);
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  answer (data, NULL,
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The enrolment was cancelled")));
  return G_SOURCE_REMOVE;
}

/* A pipe that holds the whole request already: so nothing has to be written to a command that may be gone. */
static int
request_pipe (const char *request, GError **error)
{
  gsize length = strlen (request);
  int ends[2];
  ssize_t n;

  if (length > MAX_REQUEST)
    {
      base_error_set (error, MUX_ERROR_ENROLMENT, _("The certificate request is too long"));
      return -1;
    }
  if (pipe2 (ends, O_CLOEXEC) < 0)
    {
      base_error_set_errno (error, errno, _("No pipe for the enrolment command"));
      return -1;
    }
  do
    n = write (ends[1], request, length);
  while (n < 0 && errno == EINTR);
  if (n != (ssize_t) length)
    {
      base_error_set_errno (error, n < 0 ? errno : EIO,
                            _("Cannot hand the request to the enrolment command"));
      close (ends[0]);
      close (ends[1]);
      return -1;
    }
  close (ends[1]);
  return ends[0];
}

static gboolean
spawn (Bootstrap *bootstrap, const char *const *argv, const char *request, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) failure = NULL;
  int stdin_fd = request_pipe (request, error);

  if (stdin_fd < 0)
    return FALSE;
  g_subprocess_launcher_take_stdin_fd (launcher, stdin_fd);
  bootstrap->process = g_subprocess_launcher_spawnv (launcher, argv, &failure);
  if (bootstrap->process == NULL)
    return base_error_set (error, MUX_ERROR_ENROLMENT, _("The enrolment command “%s” cannot be started: %s"),
                           bootstrap->command, failure->message);
  return TRUE;
}

void
transport_bootstrap_async (const char *const *argv, const char *request, guint timeout_ms,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Bootstrap *bootstrap = g_new0 (Bootstrap, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, transport_bootstrap_async);
  g_task_set_task_data (task, bootstrap, bootstrap_free);
  bootstrap->task = task;
  bootstrap->command = command_text (argv);
  bootstrap->timeout_ms = timeout_ms;
  bootstrap->cancellable = g_cancellable_new ();
  bootstrap->said = g_byte_array_new ();
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !spawn (bootstrap, argv, request, &error))
    {
      answer (bootstrap, NULL, error);
      return;
    }
  base_debug ("enrolment command started: %s", bootstrap->command);
  bootstrap->deadline = g_timeout_source_new (timeout_ms);
  g_source_set_callback (bootstrap->deadline, deadline_cb, bootstrap, NULL);
  g_source_attach (bootstrap->deadline, g_task_get_context (task));
  if (cancellable != NULL)
    {
      bootstrap->cancel = g_cancellable_source_new (cancellable);
      g_source_set_callback (bootstrap->cancel, G_SOURCE_FUNC (cancelled_cb), bootstrap, NULL);
      g_source_attach (bootstrap->cancel, g_task_get_context (task));
    }
  g_subprocess_wait_async (bootstrap->process, NULL, exited_cb, g_object_ref (task));
  read_some (task);
}

GVariant *
transport_bootstrap_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_bootstrap_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
