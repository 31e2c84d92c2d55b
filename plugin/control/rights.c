#include "control/rights.h"

#include "control/polkit.h"

#include <glib/gi18n-lib.h>
#include <pwd.h>
#include <unistd.h>

static gboolean
is_trusted (GDBusConnection *connection)
{
  GCredentials *credentials = g_dbus_connection_get_peer_credentials (connection);
  uid_t user = credentials != NULL ? g_credentials_get_unix_user (credentials, NULL) : (uid_t) -1;

  return user == 0 || user == geteuid ();
}

ControlRights
control_rights (const MuxTransport *transport, GDBusConnection *connection, gboolean is_private)
{
  if (!is_private)
    return transport_host (transport)->system_mode ? CONTROL_MAY_ASK : CONTROL_MAY_LOOK | CONTROL_MAY_CHANGE | CONTROL_MAY_OPEN;
  if (!is_trusted (connection))
    return CONTROL_MAY_ENROL;
  return CONTROL_MAY_LOOK | CONTROL_MAY_CHANGE | CONTROL_MAY_ENROL | CONTROL_MAY_KEEP | CONTROL_MAY_OPEN;
}

/* NULL: @right is among @rights. */
static GError *
refusal (ControlRights rights, ControlRights right)
{
  if ((rights & right) == right)
    return NULL;
  return g_error_new_literal (G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                              rights == CONTROL_MAY_ENROL ? _("Only root, or who runs the host, may do this")
                                                          : _("This is done on the private socket only"));
}

void
control_rights_refuse (GDBusMethodInvocation *invocation, const GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  if (name != NULL)
    {
      g_autoptr (GError) plain = g_error_copy (error);

      g_dbus_error_strip_remote_error (plain);
      g_dbus_method_invocation_return_dbus_error (invocation, name, plain->message);
    }
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
}

/* Asking */

typedef struct
{
  GDBusMethodInvocation *invocation;
  GCancellable *cancellable;
  ControlRightsFunc func;
  gpointer user_data;
} Question;

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Question *question = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_task_get_context (G_TASK (result)));
  g_autoptr (GError) error = NULL;

  control_polkit_check_finish (result, &error);
  if (g_cancellable_is_cancelled (question->cancellable))
    g_dbus_method_invocation_return_error_literal (question->invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                   _("The host is shutting down"));
  else
    question->func (question->invocation, error, question->user_data);
  g_object_unref (question->cancellable);
  g_free (question);
}

void
control_rights_ask (const MuxTransport *transport, ControlRights rights, ControlRights right, GDBusMethodInvocation *invocation,
                    GCancellable *cancellable, ControlRightsFunc func, gpointer user_data)
{
  const MuxHost *host = transport_host (transport);
  g_autoptr (GMainContextPusher) pusher
      = g_main_context_pusher_new (host->context != NULL ? host->context : g_main_context_default ());
  g_autoptr (GError) error = refusal (rights, right);
  GDBusMessageFlags flags = g_dbus_message_get_flags (g_dbus_method_invocation_get_message (invocation));
  Question *question;

  if (error == NULL || (rights & CONTROL_MAY_ASK) == 0 || (right != CONTROL_MAY_LOOK && right != CONTROL_MAY_CHANGE))
    {
      func (invocation, error, user_data);
      return;
    }
  question = g_new0 (Question, 1);
  question->invocation = invocation;
  question->cancellable = g_object_ref (cancellable);
  question->func = func;
  question->user_data = user_data;
  control_polkit_check_async (g_dbus_method_invocation_get_connection (invocation),
                              g_dbus_method_invocation_get_sender (invocation),
                              right == CONTROL_MAY_LOOK ? CONTROL_POLKIT_INSPECT : CONTROL_POLKIT_MANAGE,
                              (flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0, cancellable,
                              asked_cb, question);
}

char *
control_rights_user (GDBusConnection *connection)
{
  GCredentials *credentials = g_dbus_connection_get_peer_credentials (connection);
  uid_t user = credentials != NULL ? g_credentials_get_unix_user (credentials, NULL) : (uid_t) -1;
  struct passwd entry, *found = NULL;
  char buffer[4096];

  if (user == (uid_t) -1 || getpwuid_r (user, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
    return NULL;
  return g_strdup (found->pw_name);
}
