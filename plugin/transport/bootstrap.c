#include "transport/bootstrap.h"

#include "base/error.h"
#include "transport/enrolment.h"

#include <gnutls/gnutls.h>
#include <signal.h>
#include <string.h>

typedef struct
{
  GSubprocess *process;
  GSource *deadline;
  GByteArray *output;
  guint8 buffer[8192];
  char *command; /* for messages */
  GBytes *request;
  GCancellable *cancellable;
  gulong cancelled_id;
  gboolean at_end, timed_out, too_much;
  guint running; /* operations under way */
} Bootstrap;

static void
bootstrap_free (gpointer data)
{
  Bootstrap *bootstrap = data;

  if (bootstrap->deadline != NULL)
    {
      g_source_destroy (bootstrap->deadline);
      g_source_unref (bootstrap->deadline);
    }
  if (bootstrap->output != NULL)
    {
      gnutls_memset (bootstrap->output->data, 0, bootstrap->output->len);
      g_byte_array_unref (bootstrap->output);
    }
  gnutls_memset (bootstrap->buffer, 0, sizeof bootstrap->buffer);
  g_clear_object (&bootstrap->process);
  g_clear_object (&bootstrap->cancellable);
  g_free (bootstrap->command);
  g_bytes_unref (bootstrap->request);
  g_free (bootstrap);
}

static void
end_process (Bootstrap *bootstrap)
{
  /* It is ours and not reaped, so the process id is its own. */
  if (bootstrap->process != NULL)
    g_subprocess_force_exit (bootstrap->process);
}

static void
conclude (GTask *task)
{
  Bootstrap *bootstrap = g_task_get_task_data (task);
  GError *error = NULL;
  GVariant *enrolment;

  if (bootstrap->deadline != NULL)
    g_source_destroy (bootstrap->deadline);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (bootstrap->timed_out)
    base_error_set (&error, MUX_ERROR_ENROLMENT, "the enrolment command did not end in time: %s", bootstrap->command);
  else if (bootstrap->too_much)
    base_error_set (&error, MUX_ERROR_ENROLMENT, "the enrolment command printed more than 1 MiB: %s", bootstrap->command);
  else if (g_subprocess_get_if_signaled (bootstrap->process))
    base_error_set (&error, MUX_ERROR_ENROLMENT, "the enrolment command was ended by signal %d: %s",
                    g_subprocess_get_term_sig (bootstrap->process), bootstrap->command);
  else if (g_subprocess_get_exit_status (bootstrap->process) != 0)
    base_error_set (&error, MUX_ERROR_ENROLMENT, "the enrolment command failed with status %d: %s",
                    g_subprocess_get_exit_status (bootstrap->process), bootstrap->command);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  enrolment = transport_enrolment_parse ((const char *) bootstrap->output->data, bootstrap->output->len, &error);
  if (enrolment == NULL)
    {
      g_prefix_error (&error, "%s: ", bootstrap->command);
      g_task_return_error (task, error);
      return;
    }
  g_task_return_pointer (task, enrolment, (GDestroyNotify) g_variant_unref);
}

/* One operation less; the last one concludes. Takes the reference that the operation held. */
static void
operation_done (GTask *task)
{
  Bootstrap *bootstrap = g_task_get_task_data (task);

  if (--bootstrap->running == 0)
    {
      g_cancellable_disconnect (bootstrap->cancellable, bootstrap->cancelled_id);
      conclude (task);
    }
  g_object_unref (task);
}

static void
waited_cb (GObject *process, GAsyncResult *result, gpointer task)
{
  g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL);
  operation_done (task);
}

static void
written_cb (GObject *input, GAsyncResult *result, gpointer task)
{
  /* A command that does not read its input fails by what it does not print. */
  g_output_stream_write_all_finish (G_OUTPUT_STREAM (input), result, NULL, NULL);
  g_output_stream_close (G_OUTPUT_STREAM (input), NULL, NULL);
  operation_done (task);
}

static void
read_cb (GObject *output, GAsyncResult *result, gpointer task)
{
  Bootstrap *bootstrap = g_task_get_task_data (task);
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (output), result, NULL);

  if (n > 0 && bootstrap->output->len + (gsize) n > TRANSPORT_ENROLMENT_MAX)
    {
      bootstrap->too_much = TRUE;
      end_process (bootstrap);
      n = 0;
    }
  if (n <= 0)
    {
      operation_done (task);
      return;
    }
  g_byte_array_append (bootstrap->output, bootstrap->buffer, (guint) n);
  g_input_stream_read_async (G_INPUT_STREAM (output), bootstrap->buffer, sizeof bootstrap->buffer, G_PRIORITY_DEFAULT,
                             bootstrap->cancellable, read_cb, task);
}

static gboolean
deadline_cb (gpointer data)
{
  Bootstrap *bootstrap = data;

  bootstrap->timed_out = TRUE;
  end_process (bootstrap);
  /* A grandchild may hold the pipe open: do not wait for its end of file. */
  g_cancellable_cancel (bootstrap->cancellable);
  return G_SOURCE_REMOVE;
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  Bootstrap *bootstrap = data;

  end_process (bootstrap);
}

static void
forward_cancel_cb (GCancellable *outer, gpointer inner)
{
  g_cancellable_cancel (inner);
}

static void
start (GTask *task, const char *const *argv, guint timeout_ms, GMainContext *context)
{
  Bootstrap *bootstrap = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  GInputStream *output;
  GOutputStream *input;

  bootstrap->process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  if (bootstrap->process == NULL)
    {
      g_task_return_new_error (task, MUX_ERROR, MUX_ERROR_ENROLMENT, "cannot run the enrolment command %s: %s", argv[0],
                               error->message);
      g_object_unref (task);
      return;
    }
  bootstrap->deadline = g_timeout_source_new (timeout_ms);
  g_source_set_name (bootstrap->deadline, "mux-quic: enrolment");
  g_source_set_callback (bootstrap->deadline, deadline_cb, bootstrap, NULL);
  g_source_attach (bootstrap->deadline, context);
  bootstrap->cancelled_id
      = g_cancellable_connect (bootstrap->cancellable, G_CALLBACK (cancelled_cb), bootstrap, NULL);

  output = g_subprocess_get_stdout_pipe (bootstrap->process);
  input = g_subprocess_get_stdin_pipe (bootstrap->process);
  bootstrap->running = 3;
  g_subprocess_wait_async (bootstrap->process, NULL, waited_cb, g_object_ref (task));
  g_output_stream_write_all_async (input, g_bytes_get_data (bootstrap->request, NULL),
                                   g_bytes_get_size (bootstrap->request), G_PRIORITY_DEFAULT,
                                   bootstrap->cancellable, written_cb, g_object_ref (task));
  g_input_stream_read_async (output, bootstrap->buffer, sizeof bootstrap->buffer, G_PRIORITY_DEFAULT,
                             bootstrap->cancellable, read_cb, g_object_ref (task));
  g_object_unref (task);
}

void
transport_bootstrap_async (const char *const *argv, const char *request, guint timeout_ms, GMainContext *context,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Bootstrap *bootstrap = g_new0 (Bootstrap, 1);

  g_task_set_source_tag (task, transport_bootstrap_async);
  bootstrap->output = g_byte_array_new ();
  bootstrap->command = g_strjoinv (" ", (char **) argv);
  bootstrap->request = g_bytes_new (request, strlen (request));
  /* One of our own: the deadline cancels as well, and must not cancel the caller's. */
  bootstrap->cancellable = g_cancellable_new ();
  g_task_set_task_data (task, bootstrap, bootstrap_free);
  if (cancellable != NULL)
    g_cancellable_connect (cancellable, G_CALLBACK (forward_cancel_cb), g_object_ref (bootstrap->cancellable),
                           g_object_unref);
  start (task, argv, timeout_ms, context);
}

GVariant *
transport_bootstrap_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
