#include "control/control.h"

#define BASE_LOG_ROOM "control"
#include "base/error.h"
#include "base/log.h"
#include "control-dbus.h"
#include "control/agent.h"
#include "control/enrol.h"
#include "control/objects.h"
#include "control/passages.h"
#include "control/socket.h"

#include <glib/gi18n-lib.h>

struct _Control
{
  MuxTransport *transport;
  ControlSocket *socket;
  ControlSessions *sessions; /* while it serves */
  GPtrArray *objects; /* of ControlObjects, one for each connection */
  ControlPassages *passages; /* while it serves */
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
add_objects (Control *control, GDBusConnection *connection, gboolean is_private)
{
  ControlObjects *objects = control_objects_new (control->transport, control->sessions, connection, is_private);

  g_ptr_array_add (control->objects, objects);
  control_passages_serve (control->passages, control_objects_manager (objects));
}

static void
socket_connection_cb (GDBusConnection *connection, gboolean there, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  if (there)
    {
      add_objects (control, connection, TRUE);
      return;
    }
  control_passages_drop (control->passages, connection);
  for (guint i = control->objects->len; i-- > 0;)
    if (control_objects_connection (control->objects->pdata[i]) == connection)
      g_ptr_array_remove_index_fast (control->objects, i);
}

static void
name_lost_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  base_message ("the name %s is not to be had on the bus; status is on the private socket only", name);
}

/* The socket comes first, because there is one host for it: another must not touch keys and ports before it knows. Who connects
 * waits until the loop turns, and then all is there. */
static gboolean
starting_cb (MuxTransport *transport, gpointer data, GError **error)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);
  const MuxHost *host = transport_host (transport);
  GMainContext *context = host->context == NULL ? g_main_context_default () : host->context;
  g_autofree char *path = control_socket_path (host->application, host->system_mode);
  GVariant *changed = NULL;
  gboolean is_new;

  control->sessions = control_sessions_new ();
  for (guint i = 0; i < transport_sessions (transport)->len; i++)
    control_sessions_update (control->sessions, transport_sessions (transport)->pdata[i], &is_new, &changed);
  control->passages = control_passages_new (transport);
  control->socket = control_socket_new (path, host->system_mode, context, socket_connection_cb, control, error);
  if (control->socket != NULL)
    return TRUE;
  g_clear_pointer (&control->passages, control_passages_free);
  g_clear_pointer (&control->sessions, control_sessions_free);
  return FALSE;
}

static gboolean
started_cb (MuxTransport *transport, gpointer data, GError **error)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);
  const MuxHost *host = transport_host (transport);

  if (host->bus != NULL)
    {
      add_objects (control, host->bus, FALSE);
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
  g_clear_pointer (&control->passages, control_passages_free);
  g_clear_pointer (&control->sessions, control_sessions_free);
}

static void
stopping_cb (MuxTransport *transport, gpointer data)
{
  close_all (data);
}

/* What is told to everybody */

static void
listeners_changed_cb (MuxTransport *transport, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  for (guint i = 0; i < control->objects->len; i++)
    control_objects_update (control->objects->pdata[i]);
}

static void
session_changed_cb (MuxTransport *transport, MuxSession *session, gpointer data)
{
  Control *control = data;
  const ControlSessionEntry *entry;
  g_autoptr (GVariant) changed = NULL;
  gboolean is_new;

  if (control->sessions == NULL)
    return; /* it only dials, or has stopped */
  entry = control_sessions_update (control->sessions, session, &is_new, &changed);
  for (guint i = 0; i < control->objects->len; i++)
    if (is_new)
      control_objects_session_added (control->objects->pdata[i], entry);
    else if (changed != NULL)
      control_objects_session_changed (control->objects->pdata[i], entry, changed);
}

static void
session_removed_cb (MuxTransport *transport, MuxSession *session, gpointer data)
{
  Control *control = data;
  g_autofree char *path = NULL;

  if (control->sessions == NULL || !control_sessions_remove (control->sessions, session, &path))
    return;
  for (guint i = 0; i < control->objects->len; i++)
    control_objects_session_removed (control->objects->pdata[i], path);
}

static void
session_back_cb (MuxTransport *transport, MuxSession *session, guint seconds, gpointer data)
{
  Control *control = data;
  const ControlSessionEntry *entry = control->sessions != NULL ? control_sessions_of (control->sessions, session) : NULL;

  for (guint i = 0; entry != NULL && i < control->objects->len; i++)
    control_objects_session_back (control->objects->pdata[i], entry, seconds);
}

static gboolean
wants_counters_cb (MuxTransport *transport, gpointer data)
{
  return ((Control *) data)->objects->len > 0;
}

static void
certificate_renewed_cb (MuxTransport *transport, const char *role, const char *name, PkiCertificate *certificate,
                        gpointer data)
{
  Control *control = data;

  for (guint i = 0; i < control->objects->len; i++)
    control_manager_emit_certificate_renewed (control_objects_manager (control->objects->pdata[i]), role, name,
                                              pki_certificate_serial (certificate), pki_certificate_not_after (certificate));
}

static void
certificate_expiring_cb (MuxTransport *transport, const char *role, const char *name, PkiCertificate *certificate,
                         const char *problem, gpointer data)
{
  Control *control = data;
  g_autoptr (GDateTime) end = g_date_time_new_from_unix_local (pki_certificate_not_after (certificate));
  g_autofree char *date = end != NULL ? g_date_time_format_iso8601 (end) : g_strdup ("?");

  base_warning ("The certificate for %s ends at %s%s%s", name, date, problem != NULL ? ": " : "",
                problem != NULL ? problem : "");
  for (guint i = 0; i < control->objects->len; i++)
    control_manager_emit_certificate_expiring (control_objects_manager (control->objects->pdata[i]), role, name,
                                               pki_certificate_serial (certificate), pki_certificate_not_after (certificate),
                                               problem != NULL ? problem : "");
}

static gboolean
channel_event_cb (MuxTransport *transport, GIOStream *channel, const char *event, GVariant *details, gpointer data)
{
  Control *control = data;
  g_autoptr (GMainContextPusher) pusher = push_context (control);

  return control->passages != NULL && control_passages_event (control->passages, channel, event, details);
}

static const TransportObserver observer = {
  .starting = starting_cb,
  .started = started_cb,
  .stopping = stopping_cb,
  .listeners_changed = listeners_changed_cb,
  .session_added = session_changed_cb,
  .session_changed = session_changed_cb,
  .session_removed = session_removed_cb,
  .session_back = session_back_cb,
  .wants_counters = wants_counters_cb,
  .certificate_renewed = certificate_renewed_cb,
  .certificate_expiring = certificate_expiring_cb,
  .channel_event = channel_event_cb,
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
