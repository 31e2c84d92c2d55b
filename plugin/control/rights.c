#include "control/rights.h"

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
    return transport_host (transport)->system_mode ? CONTROL_MAY_LOOK : CONTROL_MAY_LOOK | CONTROL_MAY_CHANGE;
  if (!is_trusted (connection))
    return CONTROL_MAY_ENROL;
  return CONTROL_MAY_LOOK | CONTROL_MAY_CHANGE | CONTROL_MAY_ENROL | CONTROL_MAY_KEEP;
}

gboolean
control_rights_check (ControlRights rights, ControlRights right, GDBusMethodInvocation *invocation)
{
  if ((rights & right) == right)
    return TRUE;
  g_dbus_method_invocation_return_error_literal (
      invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
      rights == CONTROL_MAY_ENROL ? _("Only root, or who runs the host, may do this") : _("This is done on the private socket only"));
  return FALSE;
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
