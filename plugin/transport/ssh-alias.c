#define BASE_LOG_ROOM "transport"
#include "transport/ssh-alias.h"

#include <string.h>

#include "base/log.h"
#include "base/process.h"

#define DEADLINE_MS 5000
#define MAX_NAME 255

typedef struct
{
  char *host;
  GSubprocess *process;
  GSource *deadline;
} Alias;

static void
alias_free (gpointer data)
{
  Alias *alias = data;

  if (alias->deadline != NULL)
    g_source_destroy (alias->deadline);
  g_clear_pointer (&alias->deadline, g_source_unref);
  g_clear_object (&alias->process);
  g_free (alias->host);
  g_free (alias);
}

/* The value of the line `hostname`, or NULL. */
static char *
find_name (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", 0);

  for (char **line = lines; *line != NULL; line++)
    {
      const char *name = *line + strlen ("hostname ");

      if (!g_str_has_prefix (*line, "hostname ") || *name == '\0' || strlen (name) > MAX_NAME)
        continue;
      return g_strdup (name);
    }
  return NULL;
}

/* Consumes @task. */
static void
answer (GTask *task, char *name)
{
  Alias *alias = g_task_get_task_data (task);
  const char *at = strrchr (alias->host, '@');
  const char *plain = at != NULL ? at + 1 : alias->host;

  if (name != NULL && !g_str_equal (name, plain))
    base_info ("ssh knows %s as %s", alias->host, name);
  g_task_return_pointer (task, name != NULL ? name : g_strdup (plain), g_free);
  g_object_unref (task);
}

static void
said_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Alias *alias = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!g_subprocess_communicate_utf8_finish (alias->process, result, &text, NULL, &error))
    {
      base_process_kill (alias->process);
      base_info ("ssh -G %s: %s", alias->host, error->message);
    }
  if (g_task_return_error_if_cancelled (task))
    g_object_unref (task);
  else
    answer (task, text != NULL ? find_name (text) : NULL);
}

static gboolean
deadline_cb (gpointer data)
{
  /* Its end is the end of what it says. */
  base_process_kill (((Alias *) data)->process);
  return G_SOURCE_REMOVE;
}

void
transport_ssh_alias_async (const char *host, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Alias *alias = g_new0 (Alias, 1);
  const char *argv[] = { "ssh", "-G", "--", host, NULL };
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, transport_ssh_alias_async);
  g_task_set_task_data (task, alias, alias_free);
  alias->host = g_strdup (host);
  alias->process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);
  if (alias->process == NULL)
    {
      base_info ("ssh -G %s: %s", host, error->message);
      answer (task, NULL);
      return;
    }
  alias->deadline = g_timeout_source_new (DEADLINE_MS);
  g_source_set_callback (alias->deadline, deadline_cb, alias, NULL);
  g_source_attach (alias->deadline, g_task_get_context (task));
  g_subprocess_communicate_utf8_async (alias->process, NULL, cancellable, said_cb, task);
}

char *
transport_ssh_alias_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_ssh_alias_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
