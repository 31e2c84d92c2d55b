#define BASE_LOG_ROOM "control"
#include "control/objects.h"

#include <glib/gi18n-lib.h>

#include "control-dbus.h"
#include "control/certificates.h"
#include "control/control.h"
#include "control/enrol.h"
#include "control/manager.h"

struct _ControlObjects
{
  MuxTransport *transport;
  GDBusConnection *connection;
  ControlRights rights;
  GDBusObjectManagerServer *manager;
  GPtrArray *listeners; /* of ControlObjectSkeleton */
  GHashTable *sessions; /* MuxSession → ControlObjectSkeleton */
};

/* Methods of the Manager */

static gboolean
describe_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlObjects *self = data;
  g_autoptr (GVariant) status = NULL;

  if (!control_rights_check (self->rights, CONTROL_MAY_LOOK, invocation))
    return TRUE;
  status = transport_ops.describe (self->transport);
  control_manager_complete_describe (skeleton, invocation, status);
  return TRUE;
}

static gboolean
get_stats_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlObjects *self = data;
  g_autoptr (GVariant) stats = NULL;

  if (!control_rights_check (self->rights, CONTROL_MAY_LOOK, invocation))
    return TRUE;
  stats = transport_describe_stats (self->transport);
  control_manager_complete_get_stats (skeleton, invocation, stats);
  return TRUE;
}

/* Answers Enroll (@request set) and Generate. */
static void
issue (ControlObjects *self, GDBusMethodInvocation *invocation, const char *request, const char *user,
       const char *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) enrolment = NULL;

  if (!control_rights_check (self->rights, CONTROL_MAY_ENROL, invocation))
    return;
  enrolment = control_enrol (self->transport, self->connection, self->rights, request, user, device, &error);
  if (enrolment == NULL)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED,
                                                   error->message);
  else
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@a{sv})", enrolment));
}

static gboolean
enroll_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *request, const char *user,
           const char *device, gpointer data)
{
  issue (data, invocation, request, user, device);
  return TRUE;
}

static gboolean
generate_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *user,
             const char *device, gpointer data)
{
  issue (data, invocation, NULL, user, device);
  return TRUE;
}

static gboolean
reload_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlObjects *self = data;
  g_autoptr (GError) error = NULL;

  if (!control_rights_check (self->rights, CONTROL_MAY_CHANGE, invocation))
    return TRUE;
  if (transport_ops.reload (self->transport, &error))
    control_manager_complete_reload (skeleton, invocation);
  else
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED,
                                                   error->message);
  return TRUE;
}

static void
export_manager (ControlObjects *self)
{
  g_autoptr (ControlManager) skeleton = control_manager_new (self->transport, self->rights);
  g_autoptr (ControlObjectSkeleton) object = control_object_skeleton_new (CONTROL_ROOT_PATH "/Manager");
  g_autoptr (GVariant) status = transport_ops.describe (self->transport);
  const char *version = "", *config = "", *pki = "";
  gint64 started = 0;

  g_variant_lookup (status, "version", "&s", &version);
  g_variant_lookup (status, "config", "&s", &config);
  g_variant_lookup (status, "pki", "&s", &pki);
  g_variant_lookup (status, "started", "x", &started);
  control_manager_set_version (skeleton, version);
  control_manager_set_config_path (skeleton, config);
  control_manager_set_pki_path (skeleton, pki);
  control_manager_set_started (skeleton, started);
  g_signal_connect (skeleton, "handle-describe", G_CALLBACK (describe_cb), self);
  g_signal_connect (skeleton, "handle-get-stats", G_CALLBACK (get_stats_cb), self);
  g_signal_connect (skeleton, "handle-enroll", G_CALLBACK (enroll_cb), self);
  g_signal_connect (skeleton, "handle-generate", G_CALLBACK (generate_cb), self);
  g_signal_connect (skeleton, "handle-reload", G_CALLBACK (reload_cb), self);
  control_certificates_serve (skeleton, self->transport, self->rights);
  control_object_skeleton_set_manager (object, skeleton);
  g_dbus_object_manager_server_export (self->manager, G_DBUS_OBJECT_SKELETON (object));
}

/* Listeners */

static void
fill_listener (ControlListener *skeleton, GVariant *described)
{
  const char *address = "", *bind_address = "";
  guint connections = 0;
  gint64 expires = 0;

  g_variant_lookup (described, "address", "&s", &address);
  g_variant_lookup (described, "bind_address", "&s", &bind_address);
  g_variant_lookup (described, "connections", "u", &connections);
  g_variant_lookup (described, "certificate_expires", "x", &expires);
  control_listener_set_address (skeleton, address);
  control_listener_set_bind_address (skeleton, bind_address);
  control_listener_set_connections (skeleton, connections);
  control_listener_set_certificate_expires (skeleton, expires);
}

static void
add_listener (ControlObjects *self, GVariant *described)
{
  g_autofree char *path = g_strdup_printf (CONTROL_ROOT_PATH "/Listener/%u", self->listeners->len);
  g_autoptr (ControlListener) skeleton = control_listener_skeleton_new ();
  ControlObjectSkeleton *object = control_object_skeleton_new (path);

  fill_listener (skeleton, described);
  control_object_skeleton_set_listener (object, skeleton);
  g_ptr_array_add (self->listeners, object);
  g_dbus_object_manager_server_export (self->manager, G_DBUS_OBJECT_SKELETON (object));
}

static void
unexport (ControlObjects *self, gpointer object)
{
  g_dbus_object_manager_server_unexport (self->manager,
                                         g_dbus_object_get_object_path (G_DBUS_OBJECT (object)));
}

void
control_objects_update_listeners (ControlObjects *self)
{
  g_autoptr (GVariant) all = transport_describe_listeners (self->transport);
  /* Who may not look sees the Manager alone. */
  guint n = (self->rights & CONTROL_MAY_LOOK) != 0 ? (guint) g_variant_n_children (all) : 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (all, i);

      if (i < self->listeners->len)
        fill_listener (control_object_peek_listener (CONTROL_OBJECT (self->listeners->pdata[i])), one);
      else
        add_listener (self, one);
    }
  while (self->listeners->len > n)
    {
      unexport (self, self->listeners->pdata[self->listeners->len - 1]);
      g_ptr_array_set_size (self->listeners, (gint) self->listeners->len - 1);
    }
}

/* Sessions */

static gboolean
session_describe_cb (ControlSession *skeleton, GDBusMethodInvocation *invocation, gpointer session)
{
  g_autoptr (GVariant) details = transport_session_ops.describe (session);

  control_session_complete_describe (skeleton, invocation, details);
  return TRUE;
}

static gboolean
disconnect_cb (ControlSession *skeleton, GDBusMethodInvocation *invocation, gpointer session)
{
  ControlObjects *self = g_object_get_data (G_OBJECT (skeleton), "mux-quic-objects");

  if (!control_rights_check (self->rights, CONTROL_MAY_CHANGE, invocation))
    return TRUE;
  transport_session_ops.close_async (session, NULL, NULL);
  control_session_complete_disconnect (skeleton, invocation);
  return TRUE;
}

static void
fill_session (ControlSession *skeleton, GVariant *details)
{
  g_autoptr (GVariant) channels = g_variant_lookup_value (details, "channels", NULL);
  const char *id = "", *state = "", *direction = "", *user = "", *device = "", *peer = "";
  gint64 since = 0;

  g_variant_lookup (details, "id", "&s", &id);
  g_variant_lookup (details, "state", "&s", &state);
  g_variant_lookup (details, "direction", "&s", &direction);
  g_variant_lookup (details, "user", "&s", &user);
  g_variant_lookup (details, "device", "&s", &device);
  g_variant_lookup (details, "peer", "&s", &peer);
  g_variant_lookup (details, "since", "x", &since);
  control_session_set_id (skeleton, id);
  control_session_set_state (skeleton, state);
  control_session_set_direction (skeleton, direction);
  control_session_set_user (skeleton, user);
  control_session_set_device (skeleton, device);
  control_session_set_peer (skeleton, peer);
  control_session_set_since (skeleton, since);
  control_session_set_channels (skeleton, channels == NULL ? 0 : (guint) g_variant_n_children (channels));
}

static void
add_session (ControlObjects *self, MuxSession *session, GVariant *details)
{
  g_autoptr (ControlSession) skeleton = control_session_skeleton_new ();
  g_autofree char *path = NULL;
  ControlObjectSkeleton *object;
  const char *id = "";

  g_variant_lookup (details, "id", "&s", &id);
  path = g_strconcat (CONTROL_ROOT_PATH "/Session/", *id != '\0' ? id : "none", NULL);
  object = control_object_skeleton_new (path);
  fill_session (skeleton, details);
  g_signal_connect (skeleton, "handle-describe", G_CALLBACK (session_describe_cb), session);
  g_signal_connect (skeleton, "handle-disconnect", G_CALLBACK (disconnect_cb), session);
  g_object_set_data (G_OBJECT (skeleton), "mux-quic-objects", self);
  control_object_skeleton_set_session (object, skeleton);
  g_hash_table_insert (self->sessions, session, object);
  /* Both ends of a session have the same id, and may both be here. */
  g_dbus_object_manager_server_export_uniquely (self->manager, G_DBUS_OBJECT_SKELETON (object));
}

void
control_objects_update_session (ControlObjects *self, MuxSession *session)
{
  g_autoptr (GVariant) details = transport_session_ops.describe (session);
  ControlObject *object = g_hash_table_lookup (self->sessions, session);

  if ((self->rights & CONTROL_MAY_LOOK) == 0)
    return;
  if (object != NULL)
    fill_session (control_object_peek_session (object), details);
  else
    add_session (self, session, details);
}

void
control_objects_remove_session (ControlObjects *self, MuxSession *session)
{
  gpointer object = g_hash_table_lookup (self->sessions, session);

  if (object == NULL)
    return;
  unexport (self, object);
  g_hash_table_remove (self->sessions, session);
}

GDBusConnection *
control_objects_connection (ControlObjects *self)
{
  return self->connection;
}

ControlObjects *
control_objects_new (MuxTransport *transport, GDBusConnection *connection, gboolean is_private)
{
  ControlObjects *self = g_new0 (ControlObjects, 1);
  GPtrArray *sessions = transport_sessions (transport);

  self->transport = transport;
  self->connection = g_object_ref (connection);
  self->rights = control_rights (transport, connection, is_private);
  self->manager = g_dbus_object_manager_server_new (CONTROL_ROOT_PATH);
  self->listeners = g_ptr_array_new_with_free_func (g_object_unref);
  self->sessions = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  export_manager (self);
  control_objects_update_listeners (self);
  for (guint i = 0; i < sessions->len; i++)
    control_objects_update_session (self, sessions->pdata[i]);
  g_dbus_object_manager_server_set_connection (self->manager, connection);
  return self;
}

void
control_objects_free (ControlObjects *self)
{
  g_dbus_object_manager_server_set_connection (self->manager, NULL);
  g_object_unref (self->manager);
  g_ptr_array_unref (self->listeners);
  g_hash_table_unref (self->sessions);
  g_object_unref (self->connection);
  g_free (self);
}
