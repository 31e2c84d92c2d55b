#include "control/control.h"

#define BASE_LOG_ROOM "control"
#include "base/error.h"
#include "base/log.h"
#include "control-dbus.h"
#include "control/agent.h"
#include "control/enrol.h"
#include "control/objects.h"
#include "control/socket.h"

#include <glib/gi18n-lib.h>

struct _Control
{
  MuxTransport *transport;
  ControlSocket *socket;
  GPtrArray *objects; /* of ControlObjects, one for each connection */
  guint name;         /* of g_bus_own_name_on_connection () */
};

char *
control_socket_path (const char *application, gboolean system_mode)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  if (system_mode)
    return g_build_filename ("/run", application, "control", NULL);
  if (runtime != NULL && g_path_is_absolute (runtime))
    return g_build_filename (runtime, application, "control", NULL);
  return g_build_filename (g_get_user_cache_dir (), application, "run", "control", NULL);
}

/* Objects answer on the context that is the thread's default when they are made and exported. */
static GMainContextPusher *
push_context (const Control *control)
{
  const MuxHost *host = transport_host (control->transport);

  return g_main_context_pusher_new (host->context != NULL ? host->context : g_main_context_default ());
}

static void
socket_connection_cb (GDBusConnection *connection, gboolean there, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  if (there)
    {
      g_ptr_array_add (control->objects, control_objects_new (control->transport, connection, TRUE));
      return;
    }
  for (guint i = control->objects->len; i-- > 0;)
    if (control_objects_connection (control->objects->pdata[i]) == connection)
      g_ptr_array_remove_index_fast (control->objects, i);
}

static void
name_lost_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  base_message ("the name %s is not to be had on the bus; status is on the private socket only", name);
}

static gboolean
started_cb (MuxTransport *transport, gpointer data, GError **error)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);
  const MuxHost *host = transport_host (transport);
  GMainContext *context = host->context == NULL ? g_main_context_default () : host->context;
  g_autofree char *path = control_socket_path (host->application, host->system_mode);

  control->socket = control_socket_new (path, host->system_mode, context, socket_connection_cb, control, error);
  if (control->socket == NULL)
    return FALSE;
  if (host->bus != NULL)
    {
      g_ptr_array_add (control->objects, control_objects_new (transport, host->bus, FALSE));
      control->name = g_bus_own_name_on_connection (
          host->bus, CONTROL_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, NULL, name_lost_cb, NULL, NULL);
    }
  return TRUE;
}

static void
close_all (Control *control)
{
  if (control->name != 0)
    g_bus_unown_name (control->name);
  control->name = 0;
  g_clear_pointer (&control->socket, control_socket_free);
  g_ptr_array_set_size (control->objects, 0);
}

static void
stopping_cb (MuxTransport *transport, gpointer data)
{
  close_all (data);
}

/* The number of connections follows the sessions. */
static void
update_listeners (Control *control)
{
  for (guint i = 0; i < control->objects->len; i++)
    control_objects_update_listeners (control->objects->pdata[i]);
}

static void
listeners_changed_cb (MuxTransport *transport, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  update_listeners (control);
}

static void
session_changed_cb (MuxTransport *transport, MuxSession *session, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  for (guint i = 0; i < control->objects->len; i++)
    control_objects_update_session (control->objects->pdata[i], session);
}

static void
session_added_cb (MuxTransport *transport, MuxSession *session, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  session_changed_cb (transport, session, data);
  update_listeners (control);
}

static void
session_removed_cb (MuxTransport *transport, MuxSession *session, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  for (guint i = 0; i < control->objects->len; i++)
    control_objects_remove_session (control->objects->pdata[i], session);
  update_listeners (control);
}

static const TransportObserver observer = {
  .started = started_cb,
  .stopping = stopping_cb,
  .listeners_changed = listeners_changed_cb,
  .session_added = session_added_cb,
  .session_changed = session_changed_cb,
  .session_removed = session_removed_cb,
};

Control *
control_new (MuxTransport *transport)
{
  Control *control = g_new0 (Control, 1);

  control->transport = transport;
  control->objects = g_ptr_array_new_with_free_func ((GDestroyNotify) control_objects_free);
  transport_set_observer (transport, &observer, control);
  transport_set_vault (transport, &control_agent, transport);
  return control;
}

void
control_free (Control *control)
{
  transport_set_observer (control->transport, NULL, NULL);
  transport_set_vault (control->transport, NULL, NULL);
  close_all (control);
  g_ptr_array_unref (control->objects);
  g_free (control);
}
