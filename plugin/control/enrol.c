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

/* Whom to make it for: @user, or without one the caller. */
static char *
choose_user (GDBusConnection *caller, ControlRights rights, gboolean system_mode, const char *user, GError **error)
{
  g_autofree char *own = control_rights_user (caller);
  gboolean for_anybody = (rights & CONTROL_MAY_CHANGE) != 0;

  if (for_anybody && user[0] != '\0')
    return g_strdup (user);
  /* Root has no sessions of its own at a user's host; that user is whom one means then. The user of the system's host is nobody's
   * identity. */
  if (for_anybody && !system_mode)
    return g_strdup (g_get_user_name ());
  if (own == NULL)
    base_error_set (error, MUX_ERROR_REFUSED, _("The user who asks has no name on this machine, so there is nobody to certify"));
  else if (user[0] != '\0' && !g_str_equal (user, own))
    base_error_set (error, MUX_ERROR_REFUSED, _("“%s” gets certificates for itself only; root may make them for anybody"), own);
  else
    return g_steal_pointer (&own);
  return NULL;
}

GVariant *
control_enrol (MuxTransport *transport, GDBusConnection *caller, ControlRights rights, const char *request,
               const char *user, const char *device, GError **error)
{
  g_autofree char *name = choose_user (caller, rights, transport_host (transport)->system_mode, user, error);
  const ConfigServer *server = name != NULL ? find_server (transport_settings (transport), name) : NULL;
  PkiAuthority *authority = transport_authority (transport);
  g_auto (GStrv) addresses = NULL;
  GVariant *enrolment;

  if (name == NULL)
    return NULL;
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
  enrolment = transport_enrolment_issue (authority, request, name, device[0] == '\0' ? NULL : device,
                                         server->certificate_lifetime_days, transport_server_names (transport),
                                         (const char *const *) addresses, error);
  if (enrolment != NULL)
    transport_note_issued (transport);
  return enrolment;
}
