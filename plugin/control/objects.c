#include "control/objects.h"

#define BASE_LOG_ROOM "control"
#include "base/log.h"
#include "control-dbus.h"
#include "control/control.h"
#include "control/enrol.h"

struct _ControlObjects
{
  MuxTransport *transport;
  GPtrArray *managers; /* of GDBusObjectManagerServer, one for each connection */
  GPtrArray *privates; /* of GDBusConnection, borrowed: those that may enrol */
  GDBusObjectSkeleton *manager;
  GPtrArray *listeners;  /* of GDBusObjectSkeleton */
  GHashTable *sessions;  /* MuxSession → GDBusObjectSkeleton */
  guint raw_sessions;    /* so far, to number them */
};

static gboolean
is_private (ControlObjects *self, GDBusMethodInvocation *invocation)
{
  return g_ptr_array_find (self->privates, g_dbus_method_invocation_get_connection (invocation), NULL);
}

static gboolean
describe_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlObjects *self = data;
  g_autoptr (GVariant) status = transport_ops.describe (self->transport);

  control_manager_complete_describe (skeleton, invocation, status);
  return TRUE;
}

/* Answers Enroll (@request set) and Generate. */
static void
issue (ControlObjects *self, GDBusMethodInvocation *invocation, const char *request, const char *user, const char *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) enrolment = NULL;

  if (!is_private (self, invocation))
    {
      g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                     "certificates are issued on the private socket only");
      return;
    }
  enrolment = control_enrol (self->transport, request, user, device, &error);
  if (enrolment == NULL)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, error->message);
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
generate_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *user, const char *device,
             gpointer data)
{
  issue (data, invocation, NULL, user, device);
  return TRUE;
}

static gboolean
reload_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlObjects *self = data;
  g_autoptr (GError) error = NULL;

  if (transport_ops.reload (self->transport, &error))
    control_manager_complete_reload (skeleton, invocation);
  else
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, error->message);
  return TRUE;
}

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
  transport_session_ops.close_async (session, NULL, NULL);
  control_session_complete_disconnect (skeleton, invocation);
  return TRUE;
}

static void
export_everywhere (ControlObjects *self, GDBusObjectSkeleton *object)
{
  for (guint i = 0; i < self->managers->len; i++)
    g_dbus_object_manager_server_export (self->managers->pdata[i], object);
}

static void
unexport_everywhere (ControlObjects *self, GDBusObjectSkeleton *object)
{
  const char *path = g_dbus_object_get_object_path (G_DBUS_OBJECT (object));

  for (guint i = 0; i < self->managers->len; i++)
    g_dbus_object_manager_server_unexport (self->managers->pdata[i], path);
}

static void
make_manager (ControlObjects *self)
{
  g_autoptr (ControlManager) skeleton = control_manager_skeleton_new ();
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
  g_signal_connect (skeleton, "handle-enroll", G_CALLBACK (enroll_cb), self);
  g_signal_connect (skeleton, "handle-generate", G_CALLBACK (generate_cb), self);
  g_signal_connect (skeleton, "handle-reload", G_CALLBACK (reload_cb), self);
  self->manager = G_DBUS_OBJECT_SKELETON (control_object_skeleton_new (CONTROL_ROOT_PATH "/Manager"));
  g_dbus_object_skeleton_add_interface (self->manager, G_DBUS_INTERFACE_SKELETON (skeleton));
}

static void
add_listener (ControlObjects *self, GVariant *described)
{
  g_autofree char *path = g_strdup_printf (CONTROL_ROOT_PATH "/Listener/%u", self->listeners->len);
  g_autoptr (ControlListener) skeleton = control_listener_skeleton_new ();
  GDBusObjectSkeleton *object = G_DBUS_OBJECT_SKELETON (control_object_skeleton_new (path));
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
  g_dbus_object_skeleton_add_interface (object, G_DBUS_INTERFACE_SKELETON (skeleton));
  g_ptr_array_add (self->listeners, object);
  export_everywhere (self, object);
}

void
control_objects_update_listeners (ControlObjects *self)
{
  g_autoptr (GVariant) all = transport_describe_listeners (self->transport);
  GVariantIter iter;
  GVariant *one;

  for (guint i = 0; i < self->listeners->len; i++)
    unexport_everywhere (self, self->listeners->pdata[i]);
  g_ptr_array_set_size (self->listeners, 0);
  g_variant_iter_init (&iter, all);
  while ((one = g_variant_iter_next_value (&iter)) != NULL)
    {
      add_listener (self, one);
      g_variant_unref (one);
    }
}

/* The number of connections follows the sessions. */
static void
update_connections (ControlObjects *self)
{
  g_autoptr (GVariant) all = transport_describe_listeners (self->transport);

  for (guint i = 0; i < self->listeners->len && i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (all, i);
      ControlObject *object = CONTROL_OBJECT (self->listeners->pdata[i]);
      guint connections = 0;

      g_variant_lookup (one, "connections", "u", &connections);
      control_listener_set_connections (control_object_peek_listener (object), connections);
    }
}

static ControlSession *
session_skeleton (ControlObjects *self, MuxSession *session, const char *id)
{
  GDBusObjectSkeleton *object = g_hash_table_lookup (self->sessions, session);
  ControlSession *skeleton;
  g_autofree char *path = NULL;

  if (object != NULL)
    return control_object_peek_session (CONTROL_OBJECT (object));
  /* A raw session has no id. */
  path = id[0] == '\0' ? g_strdup_printf (CONTROL_ROOT_PATH "/Session/raw%u", ++self->raw_sessions)
                       : g_strdup_printf (CONTROL_ROOT_PATH "/Session/%s", id);
  object = G_DBUS_OBJECT_SKELETON (control_object_skeleton_new (path));
  skeleton = control_session_skeleton_new ();
  g_signal_connect (skeleton, "handle-describe", G_CALLBACK (session_describe_cb), session);
  g_signal_connect (skeleton, "handle-disconnect", G_CALLBACK (disconnect_cb), session);
  control_session_set_id (skeleton, id);
  g_dbus_object_skeleton_add_interface (object, G_DBUS_INTERFACE_SKELETON (skeleton));
  g_hash_table_insert (self->sessions, session, object);
  g_object_unref (skeleton);
  return skeleton;
}

void
control_objects_update_session (ControlObjects *self, MuxSession *session)
{
  g_autoptr (GVariant) details = transport_session_ops.describe (session);
  g_autoptr (GVariant) channels = g_variant_lookup_value (details, "channels", NULL);
  gboolean is_new = !g_hash_table_contains (self->sessions, session);
  const char *id = "", *state = "", *direction = "", *user = "", *device = "", *peer = "";
  ControlSession *skeleton;
  gint64 since = 0;

  g_variant_lookup (details, "id", "&s", &id);
  g_variant_lookup (details, "state", "&s", &state);
  g_variant_lookup (details, "direction", "&s", &direction);
  g_variant_lookup (details, "user", "&s", &user);
  g_variant_lookup (details, "device", "&s", &device);
  g_variant_lookup (details, "peer", "&s", &peer);
  g_variant_lookup (details, "since", "x", &since);
  skeleton = session_skeleton (self, session, id);
  control_session_set_state (skeleton, state);
  control_session_set_direction (skeleton, direction);
  control_session_set_user (skeleton, user);
  control_session_set_device (skeleton, device);
  control_session_set_peer (skeleton, peer);
  control_session_set_since (skeleton, since);
  control_session_set_channels (skeleton, channels == NULL ? 0 : (guint) g_variant_n_children (channels));
  if (is_new)
    {
      export_everywhere (self, g_hash_table_lookup (self->sessions, session));
      update_connections (self);
    }
}

void
control_objects_remove_session (ControlObjects *self, MuxSession *session)
{
  GDBusObjectSkeleton *object = g_hash_table_lookup (self->sessions, session);

  if (object == NULL)
    return;
  unexport_everywhere (self, object);
  g_hash_table_remove (self->sessions, session);
  update_connections (self);
}

void
control_objects_export (ControlObjects *self, GDBusConnection *connection, gboolean private_connection)
{
  GDBusObjectManagerServer *manager = g_dbus_object_manager_server_new (CONTROL_ROOT_PATH);
  GHashTableIter iter;
  gpointer object;

  if (private_connection)
    g_ptr_array_add (self->privates, connection);
  g_dbus_object_manager_server_export (manager, self->manager);
  for (guint i = 0; i < self->listeners->len; i++)
    g_dbus_object_manager_server_export (manager, self->listeners->pdata[i]);
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &object))
    g_dbus_object_manager_server_export (manager, object);
  g_dbus_object_manager_server_set_connection (manager, connection);
  g_ptr_array_add (self->managers, manager);
}

void
control_objects_unexport (ControlObjects *self, GDBusConnection *connection)
{
  g_ptr_array_remove (self->privates, connection);
  for (guint i = 0; i < self->managers->len; i++)
    {
      GDBusObjectManagerServer *manager = self->managers->pdata[i];
      g_autoptr (GDBusConnection) its = g_dbus_object_manager_server_get_connection (manager);

      if (its == connection)
        {
          g_dbus_object_manager_server_set_connection (manager, NULL);
          g_ptr_array_remove_index (self->managers, i);
          return;
        }
    }
}

ControlObjects *
control_objects_new (MuxTransport *transport)
{
  ControlObjects *self = g_new0 (ControlObjects, 1);

  self->transport = transport;
  self->managers = g_ptr_array_new_with_free_func (g_object_unref);
  self->privates = g_ptr_array_new ();
  self->listeners = g_ptr_array_new_with_free_func (g_object_unref);
  self->sessions = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  make_manager (self);
  control_objects_update_listeners (self);
  return self;
}

void
control_objects_free (ControlObjects *self)
{
  for (guint i = 0; i < self->managers->len; i++)
    g_dbus_object_manager_server_set_connection (self->managers->pdata[i], NULL);
  g_ptr_array_unref (self->managers);
  g_ptr_array_unref (self->privates);
  g_object_unref (self->manager);
  g_ptr_array_unref (self->listeners);
  g_hash_table_unref (self->sessions);
  g_free (self);
}
