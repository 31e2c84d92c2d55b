#define BASE_LOG_ROOM "control"
#include "control/session-object.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/log.h"
#include "control-dbus.h"
#include "control/control.h"

struct _ControlSessionTree
{
  GDBusConnection *connection;
  ControlRights rights;
  MuxTransport *transport;
  ControlSessions *sessions;
  GCancellable *cancellable;
  guint registration;
};

/* Methods. Each answers @invocation; it may be called without a reference to anything. */

static void
describe (const ControlSessionEntry *entry, GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) details = transport_session_ops.describe (entry->session);

  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@a{sv})", details));
}

static void
disconnect (const ControlSessionEntry *entry, GDBusMethodInvocation *invocation)
{
  transport_session_ops.close_async (entry->session, NULL, NULL);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
renewed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GDBusMethodInvocation *invocation = data;
  g_autoptr (GError) error = NULL;

  if (transport_session_ops.renew_finish (NULL, result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED,
                                                   error->message);
}

static void
renew (const ControlSessionEntry *entry, GDBusMethodInvocation *invocation)
{
  transport_session_ops.renew_async (entry->session, NULL, renewed_cb, invocation);
}

static void
get_property (const ControlSessionEntry *entry, GDBusMethodInvocation *invocation)
{
  const char *name;
  g_autoptr (GVariant) value = NULL;

  g_variant_get (g_dbus_method_invocation_get_parameters (invocation), "(&s&s)", NULL, &name);
  value = g_variant_lookup_value (entry->properties, name, NULL);
  if (value != NULL)
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(v)", value));
  else
    g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_PROPERTY, "%s",
                                           name);
}

static void
get_all (const ControlSessionEntry *entry, GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@a{sv})", entry->properties));
}

static const struct
{
  const char *name;
  ControlRights right;
  void (*answer) (const ControlSessionEntry *entry, GDBusMethodInvocation *invocation);
} methods[] = {
  { "Describe", CONTROL_MAY_LOOK, describe }, { "Disconnect", CONTROL_MAY_CHANGE, disconnect },
  { "Renew", CONTROL_MAY_CHANGE, renew },     { "Get", CONTROL_MAY_LOOK, get_property },
  { "GetAll", CONTROL_MAY_LOOK, get_all },
};

static void
granted_cb (GDBusMethodInvocation *invocation, const GError *error, gpointer data)
{
  ControlSessionTree *tree = data;
  /* Looked up again: while the rights were asked for the session may have gone. */
  const ControlSessionEntry *entry
      = control_sessions_find (tree->sessions, g_dbus_method_invocation_get_object_path (invocation));
  const char *name = g_dbus_method_invocation_get_method_name (invocation);

  if (error != NULL)
    {
      control_rights_refuse (invocation, error);
      return;
    }
  for (gsize i = 0; entry != NULL && i < G_N_ELEMENTS (methods); i++)
    if (g_str_equal (methods[i].name, name))
      {
        methods[i].answer (entry, invocation);
        return;
      }
  g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT,
                                                 _ ("The session is over"));
}

static void
method_call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlSessionTree *tree = data;
  ControlRights right = CONTROL_MAY_CHANGE;

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_str_equal (methods[i].name, method))
      right = methods[i].right;
  control_rights_ask (tree->transport, tree->rights, right, invocation, tree->cancellable, granted_cb, tree);
}

/* Without functions for properties they come as methods, which may be answered later. */
static const GDBusInterfaceVTable interface_vtable = { .method_call = method_call_cb };

/* The subtree */

/* Who only looks around sees the first of them; the rest is there all the same. */
static char **
enumerate_cb (GDBusConnection *connection, const char *sender, const char *path, gpointer data)
{
  ControlSessionTree *tree = data;
  GPtrArray *sessions = transport_sessions (tree->transport);
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0;
       (tree->rights & CONTROL_MAY_LOOK) != 0 && i < sessions->len && i < CONTROL_SESSIONS_LISTED; i++)
    {
      const ControlSessionEntry *entry = control_sessions_of (tree->sessions, sessions->pdata[i]);

      if (entry != NULL)
        g_ptr_array_add (names, g_strdup (entry->path + strlen (CONTROL_SESSIONS_PATH "/")));
    }
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (names, FALSE);
}

static GDBusInterfaceInfo **
introspect_cb (GDBusConnection *connection, const char *sender, const char *path, const char *node,
               gpointer data)
{
  ControlSessionTree *tree = data;
  g_autofree char *whole = node != NULL ? g_strconcat (CONTROL_SESSIONS_PATH "/", node, NULL) : NULL;
  GDBusInterfaceInfo **interfaces;

  if (whole == NULL || control_sessions_find (tree->sessions, whole) == NULL)
    return NULL;
  interfaces = g_new0 (GDBusInterfaceInfo *, 2);
  interfaces[0] = g_dbus_interface_info_ref (control_session_interface_info ());
  return interfaces;
}

static const GDBusInterfaceVTable *
dispatch_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
             const char *node, gpointer *out_user_data, gpointer data)
{
  *out_user_data = data;
  return &interface_vtable;
}

static const GDBusSubtreeVTable subtree_vtable
    = { .enumerate = enumerate_cb, .introspect = introspect_cb, .dispatch = dispatch_cb };

ControlSessionTree *
control_session_tree_new (GDBusConnection *connection, ControlRights rights, MuxTransport *transport,
                          ControlSessions *sessions)
{
  ControlSessionTree *tree = g_new0 (ControlSessionTree, 1);
  g_autoptr (GError) error = NULL;

  tree->connection = g_object_ref (connection);
  tree->rights = rights;
  tree->transport = transport;
  tree->sessions = sessions;
  tree->cancellable = g_cancellable_new ();
  tree->registration = g_dbus_connection_register_subtree (
      connection, CONTROL_SESSIONS_PATH, &subtree_vtable, G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES,
      tree, NULL, &error);
  if (tree->registration != 0)
    return tree;
  base_warning ("The sessions cannot be shown on D-Bus: %s", error->message);
  control_session_tree_free (tree);
  return NULL;
}

void
control_session_tree_free (ControlSessionTree *tree)
{
  g_cancellable_cancel (tree->cancellable);
  if (tree->registration != 0)
    g_dbus_connection_unregister_subtree (tree->connection, tree->registration);
  g_object_unref (tree->cancellable);
  g_object_unref (tree->connection);
  g_free (tree);
}
