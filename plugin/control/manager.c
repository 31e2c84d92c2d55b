#include "control/manager.h"

#include <glib/gi18n-lib.h>

#include "control/log-level.h"

#define CONTROL_TYPE_MANAGER_EXPORT (control_manager_export_get_type ())
G_DECLARE_FINAL_TYPE (ControlManagerExport, control_manager_export, CONTROL, MANAGER_EXPORT,
                      ControlManagerSkeleton)

struct _ControlManagerExport
{
  ControlManagerSkeleton parent;
  MuxTransport *transport;
  ControlRights rights;
};

G_DEFINE_FINAL_TYPE (ControlManagerExport, control_manager_export, CONTROL_TYPE_MANAGER_SKELETON)

static void
set_property (ControlManagerExport *self, GVariant *arguments, GDBusMethodInvocation *invocation)
{
  const MuxHost *host = transport_host (self->transport);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  if (!control_rights_check (self->rights, CONTROL_MAY_CHANGE, invocation))
    return;
  /* GDBus has looked at name and type: it is LogLevel, there is no other that can be written. */
  g_variant_get (arguments, "(ssv)", NULL, NULL, &value);
  if (!control_log_level_set (host, g_variant_get_string (value, NULL), &error))
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }
  control_manager_set_log_level (CONTROL_MANAGER (self), control_log_level_get (host));
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
method_call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  GDBusInterfaceVTable *generated
      = G_DBUS_INTERFACE_SKELETON_CLASS (control_manager_export_parent_class)->get_vtable (data);

  if (g_dbus_method_invocation_get_property_info (invocation) != NULL)
    set_property (data, arguments, invocation);
  else
    generated->method_call (connection, sender, path, interface, method, arguments, invocation, data);
}

/* Without set_property () GDBus gives Set to method_call (), where it can be refused. */
static GDBusInterfaceVTable *
get_vtable (GDBusInterfaceSkeleton *skeleton)
{
  static GDBusInterfaceVTable vtable = { .method_call = method_call_cb };

  vtable.get_property = G_DBUS_INTERFACE_SKELETON_CLASS (control_manager_export_parent_class)
                            ->get_vtable (skeleton)
                            ->get_property;
  return &vtable;
}

static void
control_manager_export_init (ControlManagerExport *self)
{
}

static void
control_manager_export_class_init (ControlManagerExportClass *class)
{
  G_DBUS_INTERFACE_SKELETON_CLASS (class)->get_vtable = get_vtable;
}

ControlManager *
control_manager_new (MuxTransport *transport, ControlRights rights)
{
  ControlManagerExport *self = g_object_new (CONTROL_TYPE_MANAGER_EXPORT, NULL);

  self->transport = transport;
  self->rights = rights;
  control_manager_set_log_level (CONTROL_MANAGER (self), control_log_level_get (transport_host (transport)));
  return CONTROL_MANAGER (self);
}
