#include "host/status-fetch.h"

#include "host/control-client.h"
#include "host/progress.h"

#include <glib/gi18n.h>

/* A host that says nothing for so long is as good as gone. */
#define ANSWER_MS 10000
/* Of 128 sessions: no host has so many; and one that gives page after page of nothing does not hold us for
 * ever. */
#define PAGES_MAX 1000

/* A GTask's data. */
typedef struct
{
  GVariant *status;    /* of Describe */
  GPtrArray *sessions; /* GVariant *: a{sv} */
  guint n_pages;
} Fetch;

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  g_clear_pointer (&fetch->status, g_variant_unref);
  g_ptr_array_unref (fetch->sessions);
  g_free (fetch);
}

static void
fail (GTask *task, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
done (GTask *task, Fetch *fetch)
{
  GVariant *const *sessions = (GVariant *const *)fetch->sessions->pdata;
  GVariantDict dict;

  if (fetch->sessions->len == 0)
    g_task_return_pointer (task, g_steal_pointer (&fetch->status), (GDestroyNotify)g_variant_unref);
  else
    {
      g_variant_dict_init (&dict, fetch->status);
      g_variant_dict_remove (&dict, "session_count");
      g_variant_dict_insert_value (
          &dict, "sessions", g_variant_new_array (G_VARIANT_TYPE_VARDICT, sessions, fetch->sessions->len));
      g_task_return_pointer (task, g_variant_ref_sink (g_variant_dict_end (&dict)),
                             (GDestroyNotify)g_variant_unref);
    }
  g_object_unref (task);
}

static void page_cb (GObject *source, GAsyncResult *result, gpointer data);

static void
ask (GTask *task, const char *method, GVariant *arguments, const char *reply, GAsyncReadyCallback callback)
{
  g_dbus_connection_call (g_task_get_source_object (task), NULL, HOST_CONTROL_MANAGER_PATH,
                          HOST_CONTROL_MANAGER_INTERFACE, method, arguments, G_VARIANT_TYPE (reply),
                          G_DBUS_CALL_FLAGS_NONE, ANSWER_MS, g_task_get_cancellable (task), callback, task);
}

/* From the beginning: what Describe had of the sessions is older than the pages. */
static void
ask_page (GTask *task, guint64 after)
{
  ask (task, "ListSessions", g_variant_new ("(tu)", after, 0), "(aa{sv}t)", page_cb);
}

static void
page_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) page = NULL;
  guint64 next = 0;

  if (reply == NULL)
    {
      fail (task, error);
      return;
    }
  g_variant_get (reply, "(@aa{sv}t)", &page, &next);
  for (gsize i = 0; i < g_variant_n_children (page); i++)
    g_ptr_array_add (fetch->sessions, g_variant_get_child_value (page, i));
  if (next == 0)
    done (task, fetch);
  else if (++fetch->n_pages < PAGES_MAX)
    ask_page (task, next);
  else
    fail (task, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                                     _ ("the host's list of sessions has no end")));
}

static void
described_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  guint32 count;

  if (reply == NULL)
    {
      fail (task, error);
      return;
    }
  g_variant_get (reply, "(@a{sv})", &fetch->status);
  if (g_variant_lookup (fetch->status, "session_count", "u", &count))
    ask_page (task, 0);
  else
    done (task, fetch);
}

void
host_status_fetch_async (GDBusConnection *connection, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (connection, cancellable, callback, user_data);
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->sessions = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  g_task_set_task_data (task, fetch, fetch_free);
  ask (task, "Describe", NULL, "(a{sv})", described_cb);
}

GVariant *
host_status_fetch_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  gboolean done;
  GVariant *status;
  GError *error;
} Waiting;

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;

  waiting->status = host_status_fetch_finish (result, &waiting->error);
  waiting->done = TRUE;
}

GVariant *
host_status_fetch (GDBusConnection *connection, GError **error)
{
  Waiting waiting = { 0 };

  host_status_fetch_async (connection, NULL, fetched_cb, &waiting);
  host_progress_wait (&waiting.done, _ ("waiting for the host"));
  if (waiting.error != NULL)
    g_propagate_error (error, waiting.error);
  return waiting.status;
}
