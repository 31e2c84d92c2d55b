#include "control/certificates.h"

#include <glib/gi18n-lib.h>

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
list_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) list = NULL;

  list = transport_list_certificates (data, &error);
  answer (invocation, list != NULL ? g_variant_new ("(@aa{sv})", list) : NULL, error);
  return TRUE;
}

static gboolean
revoke_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *serial, gpointer data)
{
  g_autoptr (GError) error = NULL;

  transport_revoke (data, serial, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

static gboolean
renew_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;

  transport_renew_certificates (data, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

static gboolean
rotate_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;

  transport_rotate_authority (data, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

static gboolean
store_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *target, GVariant *credentials,
          gpointer data)
{
  g_autoptr (GError) error = NULL;

  transport_keep_credentials (data, target, credentials, &error);
  answer (invocation, NULL, error);
  return TRUE;
}

static gboolean
look_up_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, const char *target, gpointer data)
{
  g_autoptr (GVariant) credentials = NULL;

  credentials = transport_look_up_credentials (data, target);
  if (credentials == NULL)
    credentials = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  answer (invocation, g_variant_new ("(@a{sv})", credentials), NULL);
  return TRUE;
}

void
control_certificates_serve (ControlManager *skeleton, MuxTransport *transport)
{
  g_signal_connect (skeleton, "handle-list-certificates", G_CALLBACK (list_cb), transport);
  g_signal_connect (skeleton, "handle-revoke", G_CALLBACK (revoke_cb), transport);
  g_signal_connect (skeleton, "handle-renew-certificate", G_CALLBACK (renew_cb), transport);
  g_signal_connect (skeleton, "handle-rotate-authority", G_CALLBACK (rotate_cb), transport);
  g_signal_connect (skeleton, "handle-store-credentials", G_CALLBACK (store_cb), transport);
  g_signal_connect (skeleton, "handle-look-up-credentials", G_CALLBACK (look_up_cb), transport);
}
