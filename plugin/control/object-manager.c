#define BASE_LOG_ROOM "control"
#include "control/object-manager.h"

#include "base/log.h"
#include "control/control.h"
#include "control/session-object.h"

#define INTERFACE "org.freedesktop.DBus.ObjectManager"

struct _ControlObjectManager
{
  GDBusConnection *connection;
  ControlRights rights;
  MuxTransport *transport;
  ControlSessions *sessions;
  GPtrArray *skeletons;
  GCancellable *cancellable;
  guint registration;
};

/* The interface, as the D-Bus specification has it. */
static GDBusArgInfo objects_arg = { -1, (char *)"objects", (char *)"a{oa{sa{sv}}}", NULL };
static GDBusArgInfo path_arg = { -1, (char *)"object", (char *)"o", NULL };
static GDBusArgInfo added_arg = { -1, (char *)"interfaces", (char *)"a{sa{sv}}", NULL };
static GDBusArgInfo removed_arg = { -1, (char *)"interfaces", (char *)"as", NULL };
static GDBusArgInfo *get_out[] = { &objects_arg, NULL };
static GDBusArgInfo *added_args[] = { &path_arg, &added_arg, NULL };
static GDBusArgInfo *removed_args[] = { &path_arg, &removed_arg, NULL };
static GDBusMethodInfo get_method = { -1, (char *)"GetManagedObjects", NULL, get_out, NULL };
static GDBusMethodInfo *methods[] = { &get_method, NULL };
static GDBusSignalInfo added_signal = { -1, (char *)"InterfacesAdded", added_args, NULL };
static GDBusSignalInfo removed_signal = { -1, (char *)"InterfacesRemoved", removed_args, NULL };
static GDBusSignalInfo *signals[] = { &added_signal, &removed_signal, NULL };
static GDBusInterfaceInfo interface_info = { -1, (char *)INTERFACE, methods, signals, NULL, NULL };

/* @properties may be floating. */
static GVariant *
interfaces (const char *interface, GVariant *properties)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_add (&builder, "{s@a{sv}}", interface, properties);
  return g_variant_builder_end (&builder);
}

static void
list_skeletons (ControlObjectManager *self, GVariantBuilder *objects)
{
  for (guint i = 0; i < self->skeletons->len; i++)
    {
      GDBusInterfaceSkeleton *skeleton = self->skeletons->pdata[i];

      if (g_dbus_interface_skeleton_get_connection (skeleton) == NULL)
        continue; /* its path was taken */
      /* What has changed is said before it is listed. */
      g_dbus_interface_skeleton_flush (skeleton);
      g_variant_builder_add (objects, "{o@a{sa{sv}}}", g_dbus_interface_skeleton_get_object_path (skeleton),
                             interfaces (g_dbus_interface_skeleton_get_info (skeleton)->name,
                                         g_dbus_interface_skeleton_get_properties (skeleton)));
    }
}

static void
list_sessions (ControlObjectManager *self, GVariantBuilder *objects)
{
  GPtrArray *sessions = transport_sessions (self->transport);

  for (guint i = 0; i < sessions->len && i < CONTROL_SESSIONS_LISTED; i++)
    {
      const ControlSessionEntry *entry = control_sessions_of (self->sessions, sessions->pdata[i]);

      if (entry != NULL)
        g_variant_builder_add (objects, "{o@a{sa{sv}}}", entry->path,
                               interfaces (CONTROL_SESSION_INTERFACE, entry->properties));
    }
}

/* Who may not see the sessions sees the rest. */
static void
granted_cb (GDBusMethodInvocation *invocation, const GError *error, gpointer data)
{
  ControlObjectManager *self = data;
  GVariantBuilder objects;

  g_variant_builder_init (&objects, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  list_skeletons (self, &objects);
  if (error == NULL)
    list_sessions (self, &objects);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(a{oa{sa{sv}}})", &objects));
}

static void
method_call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlObjectManager *self = data;

  control_rights_ask (self->transport, self->rights, CONTROL_MAY_LOOK, invocation, self->cancellable, granted_cb, self);
}

static void
emit (ControlObjectManager *self, const char *name, GVariant *arguments)
{
  /* It fails only on a connection that is closed: nobody is there to be told. */
  g_dbus_connection_emit_signal (self->connection, NULL, CONTROL_ROOT_PATH, INTERFACE, name, arguments, NULL);
}

void
control_object_manager_added (ControlObjectManager *self, const char *path, const char *interface,
                              GVariant *properties)
{
  emit (self, "InterfacesAdded", g_variant_new ("(o@a{sa{sv}})", path, interfaces (interface, properties)));
}

void
control_object_manager_removed (ControlObjectManager *self, const char *path, const char *interface)
{
  const char *names[] = { interface, NULL };

  emit (self, "InterfacesRemoved", g_variant_new ("(o^as)", path, names));
}

ControlObjectManager *
control_object_manager_new (GDBusConnection *connection, ControlRights rights, MuxTransport *transport,
                            ControlSessions *sessions, GPtrArray *skeletons)
{
  static const GDBusInterfaceVTable vtable = { .method_call = method_call_cb };
  ControlObjectManager *self = g_new0 (ControlObjectManager, 1);
  g_autoptr (GError) error = NULL;

  self->connection = g_object_ref (connection);
  self->rights = rights;
  self->transport = transport;
  self->sessions = sessions;
  self->skeletons = skeletons;
  self->cancellable = g_cancellable_new ();
  self->registration = g_dbus_connection_register_object (connection, CONTROL_ROOT_PATH, &interface_info,
                                                          &vtable, self, NULL, &error);
  if (self->registration != 0)
    return self;
  base_warning ("The objects cannot be shown on D-Bus: %s", error->message);
  control_object_manager_free (self);
  return NULL;
}

void
control_object_manager_free (ControlObjectManager *self)
{
  g_cancellable_cancel (self->cancellable);
  if (self->registration != 0)
    g_dbus_connection_unregister_object (self->connection, self->registration);
  g_object_unref (self->cancellable);
  g_object_unref (self->connection);
  g_free (self);
}
