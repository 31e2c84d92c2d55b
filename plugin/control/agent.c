#define BASE_LOG_ROOM "control"
#include "control/agent.h"

#include "base/log.h"
#include "control/control.h"

/* A stuck agent is no reason to keep somebody from connecting. */
#define PATIENCE_MS 3000
#define MANAGER_INTERFACE "org.muxquic.Quic1.Manager"

typedef struct
{
  const char *method;
  GVariant *arguments;
  GDBusConnection *connection;
  GCancellable *cancellable; /* ours: the caller's, or that of our patience */
  GCancellable *theirs;
  gulong handler;
  GSource *deadline;
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_source_destroy (call->deadline);
  g_source_unref (call->deadline);
  if (call->theirs != NULL)
    g_cancellable_disconnect (call->theirs, call->handler);
  g_clear_object (&call->theirs);
  g_clear_object (&call->connection);
  g_object_unref (call->cancellable);
  g_variant_unref (call->arguments);
  g_free (call);
}

static gboolean
deadline_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

/* The one answer: the reply, or NULL. */
static void
answer (GTask *task, GVariant *reply, GError *error)
{
  Call *call = g_task_get_task_data (task);

  if (error != NULL)
    base_debug ("the agent does not answer %s: %s", call->method, error->message);
  g_clear_error (&error);
  g_task_return_pointer (task, reply, (GDestroyNotify) g_variant_unref);
  g_object_unref (task);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  GVariant *reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  g_dbus_connection_close (G_DBUS_CONNECTION (source), NULL, NULL, NULL);
  answer (data, reply, error);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_task_get_context (task));
  GError *error = NULL;

  call->connection = g_dbus_connection_new_for_address_finish (result, &error);
  if (call->connection == NULL)
    {
      answer (task, NULL, error);
      return;
    }
  g_dbus_connection_set_exit_on_close (call->connection, FALSE);
  g_dbus_connection_call (call->connection, NULL, CONTROL_ROOT_PATH "/Manager", MANAGER_INTERFACE, call->method,
                          call->arguments, NULL, G_DBUS_CALL_FLAGS_NONE, PATIENCE_MS, call->cancellable, called_cb,
                          task);
}

static void
theirs_cancelled_cb (GCancellable *cancellable, gpointer ours)
{
  g_cancellable_cancel (ours);
}

/* Answers, in a later turn, with the reply or NULL. @arguments: floating consumed. */
static void
call_async (MuxTransport *transport, const char *method, GVariant *arguments, GCancellable *cancellable,
            GAsyncReadyCallback callback, gpointer callback_data)
{
  const MuxHost *host = transport_host (transport);
  g_autofree char *path = control_socket_path (host->application, host->system_mode);
  g_autofree char *escaped = g_dbus_address_escape_value (path);
  g_autofree char *address = g_strconcat ("unix:path=", escaped, NULL);
  GTask *task = g_task_new (NULL, NULL, callback, callback_data);
  Call *call = g_new0 (Call, 1);

  call->method = method;
  call->arguments = g_variant_ref_sink (arguments);
  call->cancellable = g_cancellable_new ();
  call->deadline = g_timeout_source_new (PATIENCE_MS);
  g_source_set_callback (call->deadline, deadline_cb, call->cancellable, NULL);
  g_source_attach (call->deadline, g_task_get_context (task));
  g_task_set_task_data (task, call, call_free);
  if (cancellable != NULL)
    {
      call->theirs = g_object_ref (cancellable);
      call->handler = g_cancellable_connect (cancellable, G_CALLBACK (theirs_cancelled_cb),
                                             g_object_ref (call->cancellable), g_object_unref);
    }
  g_dbus_connection_new_for_address (address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, call->cancellable,
                                     connected_cb, task);
}

static void
store (gpointer transport, const char *target, GVariant *credentials, GCancellable *cancellable,
       GAsyncReadyCallback callback, gpointer callback_data)
{
  call_async (transport, "StoreCredentials", g_variant_new ("(s@a{sv})", target, credentials), cancellable, callback,
              callback_data);
}

static void
look_up (gpointer transport, const char *target, GCancellable *cancellable, GAsyncReadyCallback callback,
         gpointer callback_data)
{
  call_async (transport, "LookUpCredentials", g_variant_new ("(s)", target), cancellable, callback, callback_data);
}

static GVariant *
look_up_finish (GAsyncResult *result)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autoptr (GVariant) credentials = NULL;

  if (reply == NULL || !g_variant_is_of_type (reply, G_VARIANT_TYPE ("(a{sv})")))
    return NULL;
  credentials = g_variant_get_child_value (reply, 0);
  return g_variant_n_children (credentials) > 0 ? g_steal_pointer (&credentials) : NULL;
}

const TransportVault control_agent = {
  .store = store,
  .look_up = look_up,
  .look_up_finish = look_up_finish,
};
