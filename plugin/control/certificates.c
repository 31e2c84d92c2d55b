#include "control/certificates.h"

#include <glib/gi18n-lib.h>

static const char may_change_key[] = "mux-quic-may-change";

/* Answers @invocation with @result, an empty tuple for NULL, or with @error. */
static void
answer (GDBusMethodInvocation *invocation, GVariant *result, GError *error)
{
  if (error != NULL)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, error->message);
  else
    g_dbus_method_invocation_return_value (invocation, result);
}

static gboolean
may_change (ControlManager *skeleton, GDBusMethodInvocation *invocation)
{
  if (g_object_get_data (G_OBJECT (skeleton), may_change_key) != NULL)
    return TRUE;
  g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                 _("Certificates are changed on the private socket only"));
  return FALSE;
}

static gboolean
list_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) list = transport_list_certificates (data, &error);

  answer (invocation, list != NULL ? g_variant_new ("(@aa{sv})", list) : NULL, error);
  return TRUE;
}

static gboolean
revoke_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *serial, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!may_change (skeleton, invocation))
    return TRUE;
  transport_revoke (data, serial, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

static gboolean
renew_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!may_change (skeleton, invocation))
    return TRUE;
  transport_renew_certificates (data, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

static gboolean
rotate_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!may_change (skeleton, invocation))
    return TRUE;
  transport_rotate_authority (data, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

void
control_certificates_serve (ControlManager *skeleton, MuxTransport *transport, gboolean change)
{
  g_object_set_data (G_OBJECT (skeleton), may_change_key, change ? skeleton : NULL);
  g_signal_connect (skeleton, "handle-list-certificates", G_CALLBACK (list_cb), transport);
  g_signal_connect (skeleton, "handle-revoke", G_CALLBACK (revoke_cb), transport);
  g_signal_connect (skeleton, "handle-renew-certificate", G_CALLBACK (renew_cb), transport);
  g_signal_connect (skeleton, "handle-rotate-authority", G_CALLBACK (rotate_cb), transport);
}
