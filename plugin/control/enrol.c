#include "control/enrol.h"

#include "base/error.h"
#include "transport/enrolment.h"

#include <glib/gi18n-lib.h>

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

GVariant *
control_enrol (MuxTransport *transport, const char *request, const char *user, const char *device, GError **error)
{
  const char *name = user[0] == '\0' ? g_get_user_name () : user;
  const ConfigServer *server = find_server (transport_settings (transport), name);
  PkiAuthority *authority = transport_authority (transport);
  g_auto (GStrv) addresses = NULL;

  if (server == NULL)
    {
      base_error_set (error, MUX_ERROR_REFUSED, _("'%s' is not among the users of any quic_servers entry that issues certificates; add it to its users"),
                      name);
      return NULL;
    }
  if (authority == NULL)
    {
      base_error_set (error, MUX_ERROR_PKI, _("this host has no CA of its own"));
      return NULL;
    }
  addresses = transport_server_addresses (transport);
  /* With a device the identity is user:NAME/DEVICE, without one NAME. */
  return transport_enrolment_issue (authority, request, name, device[0] == '\0' ? NULL : device,
                                    server->certificate_lifetime_days, transport_server_names (transport),
                                    (const char *const *) addresses, error);
}
