#include "control/manager.h"

#include <glib/gi18n-lib.h>

#include "control/certificates.h"
#include "control/control.h"
#include "control/enrol.h"
#include "control/log-level.h"

#define CONTROL_TYPE_MANAGER_EXPORT (control_manager_export_get_type ())
G_DECLARE_FINAL_TYPE (ControlManagerExport, control_manager_export, CONTROL, MANAGER_EXPORT,
                      ControlManagerSkeleton)

struct _ControlManagerExport
{
  ControlManagerSkeleton parent;
  MuxTransport *transport;
  ControlRights rights;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (ControlManagerExport, control_manager_export, CONTROL_TYPE_MANAGER_SKELETON)

/* Rights */

/* What each method needs; 0: nothing. One that is not here needs CONTROL_MAY_CHANGE. */
static const struct
{
  const char *method;
  ControlRights right;
} needs[] = {
  { "GetStats", 0 },
  { "Describe", CONTROL_MAY_LOOK },
  { "ListSessions", CONTROL_MAY_LOOK },
  { "ListCertificates", CONTROL_MAY_LOOK },
  { "Enroll", CONTROL_MAY_ENROL },
  { "Generate", CONTROL_MAY_ENROL },
  { "StoreCredentials", CONTROL_MAY_KEEP },
  { "LookUpCredentials", CONTROL_MAY_KEEP },
  { "OpenChannel", CONTROL_MAY_OPEN },
};

static ControlRights
needed (const char *method)
{
  for (gsize i = 0; i < G_N_ELEMENTS (needs); i++)
    if (g_str_equal (needs[i].method, method))
      return needs[i].right;
  return CONTROL_MAY_CHANGE;
}

static void
set_property (ControlManagerExport *self, GDBusMethodInvocation *invocation)
{
  const MuxHost *host = transport_host (self->transport);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  /* GDBus has looked at name and type: it is LogLevel, there is no other that can be written. */
  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(ssv)", NULL, NULL, &value);
  if (!control_log_level_set (host, g_variant_get_string (value, NULL), &error))
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }
  control_manager_update (CONTROL_MANAGER (self));
  transport_touch (self->transport); /* there are other connections */
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static GDBusInterfaceVTable *
generated (ControlManagerExport *self)
{
  return G_DBUS_INTERFACE_SKELETON_CLASS (control_manager_export_parent_class)
      ->get_vtable (G_DBUS_INTERFACE_SKELETON (self));
}

static void
granted_cb (GDBusMethodInvocation *invocation, const GError *error, gpointer data)
{
  ControlManagerExport *self = data;

  if (error != NULL)
    control_rights_refuse (invocation, error);
  else if (g_dbus_method_invocation_get_property_info (invocation) != NULL)
    set_property (self, invocation);
  else
    generated (self)->method_call (g_dbus_method_invocation_get_connection (invocation),
                                   g_dbus_method_invocation_get_sender (invocation),
                                   g_dbus_method_invocation_get_object_path (invocation),
                                   g_dbus_method_invocation_get_interface_name (invocation),
                                   g_dbus_method_invocation_get_method_name (invocation),
                                   g_dbus_method_invocation_get_parameters (invocation), invocation, self);
}

static void
method_call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlManagerExport *self = data;

  control_rights_ask (self->transport, self->rights, needed (method), invocation, self->cancellable, granted_cb, self);
}

/* Without set_property () GDBus gives Set to method_call (), where it can be refused. */
static GDBusInterfaceVTable *
get_vtable (GDBusInterfaceSkeleton *skeleton)
{
  static GDBusInterfaceVTable vtable = { .method_call = method_call_cb };

  vtable.get_property = generated (CONTROL_MANAGER_EXPORT (skeleton))->get_property;
  return &vtable;
}

/* Methods about the host as a whole */

static gboolean
describe_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer transport)
{
  g_autoptr (GVariant) status = transport_describe_some (transport, CONTROL_SESSIONS_LISTED);

  control_manager_complete_describe (skeleton, invocation, status);
  return TRUE;
}

static gboolean
get_stats_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer transport)
{
  g_autoptr (GVariant) stats = transport_describe_stats (transport);

  control_manager_complete_get_stats (skeleton, invocation, stats);
  return TRUE;
}

static gboolean
list_sessions_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, guint64 after, guint count,
                  gpointer transport)
{
  GPtrArray *sessions = transport_sessions (transport);
  guint i = transport_sessions_after (transport, after), end;
  guint64 next = 0;
  GVariantBuilder list;

  count = count == 0 ? CONTROL_SESSIONS_PAGE : MIN (count, CONTROL_SESSIONS_PAGE);
  end = MIN (sessions->len, i + count);
  if (end < sessions->len)
    next = transport_session_number (sessions->pdata[end - 1]);
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (; i < end; i++)
    {
      g_autoptr (GVariant) details = transport_session_ops.describe (sessions->pdata[i]);

      g_variant_builder_add_value (&list, details);
    }
  control_manager_complete_list_sessions (skeleton, invocation, g_variant_builder_end (&list), next);
  return TRUE;
}

static gboolean
reload_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer transport)
{
  g_autoptr (GError) error = NULL;

  if (transport_ops.reload (transport, &error))
    control_manager_complete_reload (skeleton, invocation);
  else
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED,
                                                   error->message);
  return TRUE;
}

/* Answers Enroll (@request set) and Generate. */
static void
issue (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *request, const char *user,
       const char *device)
{
  ControlManagerExport *self = CONTROL_MANAGER_EXPORT (skeleton);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) enrolment
      = control_enrol (self->transport, g_dbus_method_invocation_get_connection (invocation), self->rights,
                       request, user, device, &error);

  if (enrolment == NULL)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED,
                                                   error->message);
  else
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@a{sv})", enrolment));
}

static gboolean
enroll_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *request, const char *user,
           const char *device, gpointer transport)
{
  issue (skeleton, invocation, request, user, device);
  return TRUE;
}

static gboolean
generate_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *user,
             const char *device, gpointer transport)
{
  issue (skeleton, invocation, NULL, user, device);
  return TRUE;
}

/* Life */

void
control_manager_update (ControlManager *manager)
{
  MuxTransport *transport = CONTROL_MANAGER_EXPORT (manager)->transport;
  const char *config = config_settings_path (transport_settings (transport));

  control_manager_set_config_path (manager, config != NULL ? config : "");
  control_manager_set_log_level (manager, control_log_level_get (transport_host (transport)));
  control_manager_set_sessions (manager, transport_sessions (transport)->len);
  control_manager_set_certificate_expires (manager, transport_certificate_expires (transport));
}

void
control_manager_close (ControlManager *manager)
{
  g_cancellable_cancel (CONTROL_MANAGER_EXPORT (manager)->cancellable);
}

static void
control_manager_export_init (ControlManagerExport *self)
{
  self->cancellable = g_cancellable_new ();
}

static void
control_manager_export_finalize (GObject *object)
{
  g_object_unref (CONTROL_MANAGER_EXPORT (object)->cancellable);
  G_OBJECT_CLASS (control_manager_export_parent_class)->finalize (object);
}

static void
control_manager_export_class_init (ControlManagerExportClass *class)
{
  G_OBJECT_CLASS (class)->finalize = control_manager_export_finalize;
  G_DBUS_INTERFACE_SKELETON_CLASS (class)->get_vtable = get_vtable;
}

ControlManager *
control_manager_new (MuxTransport *transport, ControlRights rights)
{
  ControlManagerExport *self = g_object_new (CONTROL_TYPE_MANAGER_EXPORT, NULL);
  ControlManager *manager = CONTROL_MANAGER (self);
  g_autoptr (GVariant) status = transport_describe_some (transport, 0);
  const char *version = "", *pki = "";
  gint64 started = 0;

  self->transport = transport;
  self->rights = rights;
  g_variant_lookup (status, "version", "&s", &version);
  g_variant_lookup (status, "pki", "&s", &pki);
  g_variant_lookup (status, "started", "x", &started);
  control_manager_set_version (manager, version);
  control_manager_set_pki_path (manager, pki);
  control_manager_set_started (manager, started);
  control_manager_update (manager);
  g_signal_connect (manager, "handle-describe", G_CALLBACK (describe_cb), transport);
  g_signal_connect (manager, "handle-get-stats", G_CALLBACK (get_stats_cb), transport);
  g_signal_connect (manager, "handle-list-sessions", G_CALLBACK (list_sessions_cb), transport);
  g_signal_connect (manager, "handle-enroll", G_CALLBACK (enroll_cb), transport);
  g_signal_connect (manager, "handle-generate", G_CALLBACK (generate_cb), transport);
  g_signal_connect (manager, "handle-reload", G_CALLBACK (reload_cb), transport);
  control_certificates_serve (manager, transport);
  return manager;
}
