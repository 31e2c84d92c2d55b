#define BASE_LOG_ROOM "control"
#include "control/objects.h"

#include "base/log.h"
#include "control/control.h"
#include "control/manager.h"
#include "control/object-manager.h"
#include "control/session-object.h"

#define LISTENER_INTERFACE "org.muxquic.Quic1.Listener"
/* Between two looks at who reads: signals. */
#define UNREAD_LOOK 64

struct _ControlObjects
{
  MuxTransport *transport;
  GDBusConnection *connection;
  ControlRights rights;
  gboolean is_private;
  guint unread; /* signals since the other end was seen to read; only of a private one, a bus reads always */
  ControlManager *manager;
  GPtrArray *skeletons; /* of GDBusInterfaceSkeleton: the Manager, then the Listeners in their order */
  ControlSessionTree *sessions;         /* NULL: nobody here may see them */
  ControlObjectManager *object_manager; /* NULL: the path is taken on this connection */
};

static void export(ControlObjects *self, gpointer skeleton, const char *path)
{
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (self->skeletons, skeleton);
  if (!g_dbus_interface_skeleton_export (skeleton, self->connection, path, &error))
    base_warning ("%s cannot be shown on D-Bus: %s", path, error->message);
}

/* FALSE: it is not there, because its path was taken. */
static gboolean
unexport (gpointer skeleton)
{
  if (g_dbus_interface_skeleton_get_connection (skeleton) == NULL)
    return FALSE;
  g_dbus_interface_skeleton_unexport (skeleton);
  return TRUE;
}

/* Of what is signalled nothing may be left out, so who does not read is hung up on. It is looked at now and then. */
static void
said (ControlObjects *self)
{
  GSocketConnection *stream;

  if (!self->is_private || ++self->unread % UNREAD_LOOK != 0)
    return;
  stream = G_SOCKET_CONNECTION (g_dbus_connection_get_stream (self->connection));
  if ((g_socket_condition_check (g_socket_connection_get_socket (stream), G_IO_OUT) & G_IO_OUT) != 0)
    self->unread = 0;
  else if (self->unread >= CONTROL_OBJECTS_MAX_UNREAD)
    {
      base_info ("Somebody at the control socket does not read what is signalled, and is hung up on");
      self->unread = 0;
      g_dbus_connection_close (self->connection, NULL, NULL, NULL);
    }
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
  g_autofree char *path = g_strdup_printf (CONTROL_ROOT_PATH "/Listener/%u", self->skeletons->len - 1);
  ControlListener *skeleton = control_listener_skeleton_new ();
  g_autoptr (GVariant) properties = NULL;

  fill_listener (skeleton, described);
  export(self, skeleton, path);
  if (self->object_manager == NULL || g_dbus_interface_skeleton_get_connection (G_DBUS_INTERFACE_SKELETON (skeleton)) == NULL)
    return;
  properties
      = g_variant_ref_sink (g_dbus_interface_skeleton_get_properties (G_DBUS_INTERFACE_SKELETON (skeleton)));
  control_object_manager_added (self->object_manager, path, LISTENER_INTERFACE, properties);
}

static void
remove_last_listener (ControlObjects *self)
{
  GDBusInterfaceSkeleton *skeleton = self->skeletons->pdata[self->skeletons->len - 1];
  g_autofree char *path = g_strdup (g_dbus_interface_skeleton_get_object_path (skeleton));
  gboolean was_there = unexport (skeleton);

  g_ptr_array_set_size (self->skeletons, (gint)self->skeletons->len - 1);
  if (was_there && self->object_manager != NULL)
    control_object_manager_removed (self->object_manager, path, LISTENER_INTERFACE);
}

static void
update_listeners (ControlObjects *self)
{
  g_autoptr (GVariant) all = transport_describe_listeners (self->transport);
  /* Who comes for a certificate sees the Manager alone. */
  guint n
      = (self->rights & (CONTROL_MAY_LOOK | CONTROL_MAY_ASK)) != 0 ? (guint)g_variant_n_children (all) : 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (all, i);

      if (1 + i < self->skeletons->len)
        fill_listener (self->skeletons->pdata[1 + i], one);
      else
        add_listener (self, one);
    }
  while (self->skeletons->len > 1 + n)
    remove_last_listener (self);
}

void
control_objects_update (ControlObjects *self)
{
  control_manager_update (self->manager);
  update_listeners (self);
  said (self);
}

/* Sessions */

void
control_objects_session_added (ControlObjects *self, const ControlSessionEntry *entry)
{
  if (self->sessions == NULL || self->object_manager == NULL)
    return;
  control_object_manager_added (self->object_manager, entry->path, CONTROL_SESSION_INTERFACE, entry->properties);
  said (self);
}

void
control_objects_session_changed (ControlObjects *self, const ControlSessionEntry *entry, GVariant *changed)
{
  if (self->sessions == NULL)
    return;
  g_dbus_connection_emit_signal (
      self->connection, NULL, entry->path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
      g_variant_new ("(s@a{sv}as)", CONTROL_SESSION_INTERFACE, changed, NULL), NULL);
  said (self);
}

void
control_objects_session_back (ControlObjects *self, const ControlSessionEntry *entry, guint seconds)
{
  const char *peer = "";

  if (self->sessions == NULL)
    return;
  g_variant_lookup (entry->properties, "Peer", "&s", &peer);
  g_dbus_connection_emit_signal (self->connection, NULL, entry->path, CONTROL_SESSION_INTERFACE, "Reconnected",
                                 g_variant_new ("(us)", seconds, peer), NULL);
  said (self);
}

void
control_objects_session_removed (ControlObjects *self, const char *path)
{
  if (self->sessions == NULL || self->object_manager == NULL)
    return;
  control_object_manager_removed (self->object_manager, path, CONTROL_SESSION_INTERFACE);
  said (self);
}

/* Life */

GDBusConnection *
control_objects_connection (ControlObjects *self)
{
  return self->connection;
}

ControlManager *
control_objects_manager (ControlObjects *self)
{
  return self->manager;
}

ControlObjects *
control_objects_new (MuxTransport *transport, ControlSessions *sessions, GDBusConnection *connection,
                     gboolean is_private)
{
  ControlObjects *self = g_new0 (ControlObjects, 1);

  self->transport = transport;
  self->connection = g_object_ref (connection);
  self->is_private = is_private;
  self->rights = control_rights (transport, connection, is_private);
  self->skeletons = g_ptr_array_new_with_free_func (g_object_unref);
  self->manager = control_manager_new (transport, self->rights);
  export(self, self->manager, CONTROL_ROOT_PATH "/Manager");
  update_listeners (self);
  if ((self->rights & (CONTROL_MAY_LOOK | CONTROL_MAY_ASK)) != 0)
    self->sessions = control_session_tree_new (connection, self->rights, transport, sessions);
  self->object_manager
      = control_object_manager_new (connection, self->rights, transport, sessions, self->skeletons);
  return self;
}

void
control_objects_free (ControlObjects *self)
{
  control_manager_close (self->manager);
  g_clear_pointer (&self->object_manager, control_object_manager_free);
  g_clear_pointer (&self->sessions, control_session_tree_free);
  for (guint i = 0; i < self->skeletons->len; i++)
    unexport (self->skeletons->pdata[i]);
  g_ptr_array_unref (self->skeletons);
  g_object_unref (self->connection);
  g_free (self);
}
