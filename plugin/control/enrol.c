#include "control/enrol.h"

#include "base/error.h"
#include "transport/enrolment.h"

#include <glib/gi18n-lib.h>
#include <pwd.h>
#include <unistd.h>

/* The entry that admits @user, and whose clients are certified here. */
static const ConfigServer *
find_server (const ConfigSettings *settings, const char *user)
{
  for (guint i = 0; i < config_settings_n_servers (settings); i++)
    {
      const ConfigServer *server = config_settings_server (settings, i);

      if (server->pem_ca == NULL && g_strv_contains ((const char *const *) server->users, user))
        return server;
    }
  return NULL;
}

/* The login name of who sits at the other end of the private socket. */
static char *
name_of (GDBusConnection *caller)
{
  GCredentials *credentials = g_dbus_connection_get_peer_credentials (caller);
  uid_t uid = credentials != NULL ? g_credentials_get_unix_user (credentials, NULL) : (uid_t) -1;
  struct passwd entry, *found = NULL;
  char buffer[4096];

  if (uid != geteuid () && uid != (uid_t) -1 && getpwuid_r (uid, &entry, buffer, sizeof buffer, &found) == 0
      && found != NULL)
    return g_strdup (found->pw_name);
  return g_strdup (g_get_user_name ());
}

GVariant *
control_enrol (MuxTransport *transport, GDBusConnection *caller, const char *request, const char *user,
               const char *device, GError **error)
{
  g_autofree char *name = user[0] == '\0' ? name_of (caller) : g_strdup (user);
  const ConfigServer *server = find_server (transport_settings (transport), name);
  PkiAuthority *authority = transport_authority (transport);
  g_auto (GStrv) addresses = NULL;

  if (server == NULL)
    {
      base_error_set (
          error, MUX_ERROR_REFUSED,
          _("“%s” is none of the users of any quic_servers entry that makes certificates: add it to its "
             "`users` and reload"),
          name);
      return NULL;
    }
  if (authority == NULL)
    {
      base_error_set (error, MUX_ERROR_PKI, _("This host has no CA of its own"));
      return NULL;
    }
  addresses = transport_server_addresses (transport);
  /* With a device the identity is user:NAME/DEVICE, without one NAME. */
  return transport_enrolment_issue (authority, request, name, device[0] == '\0' ? NULL : device,
                                    server->certificate_lifetime_days, transport_server_names (transport),
                                    (const char *const *) addresses, error);
}
