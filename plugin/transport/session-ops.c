#include "transport/session-private.h"

#include "base/error.h"
#include "transport/domain.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static GQuark
service_quark (void)
{
  return g_quark_from_static_string ("mux-quic-service");
}

void
transport_session_name_channel (GIOStream *channel, GVariant *request)
{
  const char *service = NULL;

  if (request != NULL && (g_variant_lookup (request, "service", "&s", &service)
                          || g_variant_lookup (request, "argv", "@as", NULL)))
    g_object_set_qdata_full (G_OBJECT (channel), service_quark (), g_strdup (service == NULL ? "exec" : service), g_free);
}

void
transport_session_set_identity (MuxSession *self, TransportIdentity *identity)
{
  g_clear_pointer (&self->identity, transport_identity_free);
  self->identity = identity;
}

static gboolean
is_over (MuxSession *self)
{
  return self->state == MUX_SESSION_CLOSED || self->transport == NULL;
}

static GError *
over_error (MuxSession *self)
{
  return self->error != NULL ? g_error_copy (self->error)
                             : g_error_new (MUX_ERROR, MUX_ERROR_GONE, _("the session is over"));
}

static void
opened_cb (Session *session, GIOStream *channel, const GError *error, gpointer data)
{
  g_autoptr (GTask) task = data;

  if (channel == NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      return;
    }
  transport_session_name_channel (channel, g_task_get_task_data (task));
  g_task_return_pointer (task, channel, g_object_unref);
}

static void
open_channel_async (MuxSession *self, GVariant *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  if (request != NULL)
    g_task_set_task_data (task, g_variant_ref_sink (request), (GDestroyNotify) g_variant_unref);
  if (is_over (self))
    {
      g_task_return_error (task, over_error (self));
      g_object_unref (task);
      return;
    }
  session_open (self->session, request, opened_cb, task);
}

static GIOStream *
open_channel_finish (MuxSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
accept_channel (MuxSession *self, GIOStream *channel)
{
  session_accept (self->session, channel);
}

static void
refuse_channel (MuxSession *self, GIOStream *channel, const char *code, const char *message)
{
  session_refuse (self->session, channel, code, message);
}

static GIOStream *
lane (MuxSession *self, GIOStream *channel, const char *name, GError **error)
{
  return session_lane (self->session, channel, name, error);
}

static void
send_event (MuxSession *self, GIOStream *channel, const char *event, GVariant *details)
{
  session_send_event (self->session, channel, event, details);
}

static void
set_manual (MuxSession *self, GIOStream *stream)
{
  session_set_manual (self->session, stream);
}

static void
confirm (MuxSession *self, GIOStream *stream, guint64 count)
{
  session_confirm (self->session, stream, count);
}

/* Puts the renewed certificate and our new key in the place of the old ones. */
static gboolean
take_renewed (MuxSession *self, GVariant *renewed, GError **error)
{
  const char *certificate = NULL, *ca_pem = NULL;
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (GPtrArray) ca = NULL;
  g_autofree char *pem = NULL;
  char *key;

  if (!g_variant_lookup (renewed, "certificate", "&s", &certificate) || !g_variant_lookup (renewed, "ca", "&s", &ca_pem))
    return base_error_set (error, MUX_ERROR_PROTOCOL, _("the renewal lacks a certificate or a CA"));
  key = pki_key_to_pem (self->renewal_key, error);
  if (key == NULL)
    return FALSE;
  pem = g_strconcat (certificate, key, NULL);
  pki_key_pem_free (key);
  credentials = pki_credentials_from_pem (pem, strlen (pem), _("the renewal"), error);
  gnutls_memset (pem, 0, strlen (pem));
  if (credentials == NULL)
    return FALSE;
  ca = pki_certificate_list_from_pem (ca_pem, strlen (ca_pem), _("the renewal"), error);
  if (ca == NULL)
    return FALSE;
  transport_session_set_identity (
      self, transport_identity_new (credentials, ca, self->identity == NULL ? NULL : self->identity->server_name));
  return transport_domain_keep (self->transport, self->domain, self->identity, error);
}

static void
renewed_cb (Session *session, GVariant *renewed, const GError *error, gpointer data)
{
  MuxSession *self = data;
  g_autoptr (GTask) task = g_steal_pointer (&self->renewing);
  GError *local_error = NULL;

  if (task != NULL && error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else if (task != NULL && (is_over (self) || !take_renewed (self, renewed, &local_error)))
    g_task_return_error (task, local_error == NULL ? over_error (self) : local_error);
  else if (task != NULL)
    g_task_return_boolean (task, TRUE);
  g_clear_pointer (&self->renewal_key, pki_key_unref);
  transport_session_unref (self);
}

static void
renew_async (MuxSession *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *request = NULL;
  GError *error = NULL;

  if (is_over (self))
    error = over_error (self);
  else if (self->incoming || session_is_raw (self->session) || self->domain == NULL)
    base_error_set (&error, MUX_ERROR_FAILED, _("only the side that dialled renews its certificate"));
  else if (self->domain->client->pem_cert != NULL)
    base_error_set (&error, MUX_ERROR_FAILED, _("%s uses pem_cert: its certificate is not ours to renew"),
                    self->domain->client->name);
  else if (self->renewing != NULL)
    base_error_set (&error, MUX_ERROR_LIMIT, _("a renewal is under way"));
  else
    {
      self->renewal_key = pki_key_generate (&error);
      if (self->renewal_key != NULL)
        request = pki_key_request (self->renewal_key, g_get_user_name (), &error);
    }
  if (error != NULL)
    {
      g_clear_pointer (&self->renewal_key, pki_key_unref);
      g_task_return_error (task, error);
      return;
    }
  self->renewing = g_steal_pointer (&task);
  session_renew (self->session, request, renewed_cb, transport_session_ref (self));
}

static gboolean
boolean_finish (MuxSession *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
insert_string (GVariantDict *dict, const char *key, const char *value)
{
  if (value != NULL && value[0] != '\0')
    g_variant_dict_insert (dict, key, "s", value);
}

static GVariant *
describe_channel (MuxSession *self, GIOStream *channel)
{
  return session_describe_channel (self->session, channel);
}

static void
describe_path (MuxSession *self, GVariantDict *dict)
{
  QuicConnection *connection = session_connection (self->session);
  QuicConnectionInfo info;

  if (connection == NULL)
    return;
  quic_connection_info (connection, &info);
  g_clear_pointer (&self->peer, g_free);
  self->peer = net_address_to_string (quic_connection_remote (connection));
  g_variant_dict_insert (dict, "rtt", "d", (double) info.smoothed_rtt_us / 1000.0);
  g_variant_dict_insert (dict, "cwnd", "t", info.cwnd);
  g_variant_dict_insert (dict, "bytes_in", "t", info.bytes_in);
  g_variant_dict_insert (dict, "bytes_out", "t", info.bytes_out);
  g_variant_dict_insert (dict, "lost", "t", info.packets_lost);
  g_variant_dict_insert (dict, "migrations", "u", info.migrations);
}

static GVariant *
describe (MuxSession *self)
{
  static const char *const states[] = { "connecting", "connected", "away", "closed" };
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  insert_string (&dict, "id", session_id (self->session));
  g_variant_dict_insert (&dict, "direction", "s", self->incoming ? "in" : "out");
  g_variant_dict_insert (&dict, "state", "s", states[self->state]);
  g_variant_dict_insert (&dict, "since", "x", self->since);
  g_variant_dict_insert (&dict, "raw", "b", session_is_raw (self->session));
  describe_path (self, &dict);
  insert_string (&dict, "user", self->user);
  insert_string (&dict, "device", self->device);
  insert_string (&dict, "serial", self->serial);
  insert_string (&dict, "peer", self->peer);
  insert_string (&dict, "local", self->local);
  if (self->domain != NULL)
    insert_string (&dict, "target", self->domain->client->name);
  if (self->services != NULL)
    g_variant_dict_insert_value (&dict, "services", g_variant_new_strv ((const char *const *) self->services, -1));
  g_variant_dict_insert_value (&dict, "channels", session_describe_channels (self->session));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

void
transport_session_finish_tasks (MuxSession *self, const GError *error)
{
  while (self->closing != NULL)
    {
      g_autoptr (GTask) task = self->closing->data;

      self->closing = g_list_delete_link (self->closing, self->closing);
      g_task_return_boolean (task, TRUE);
    }
}

static void
close_async (MuxSession *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  if (is_over (self))
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  self->closing = g_list_append (self->closing, task);
  transport_session_end (self, "bye", "");
}

const MuxSessionOps transport_session_ops = {
  .struct_size = sizeof transport_session_ops,
  .ref = transport_session_ref,
  .unref = transport_session_unref,
  .open_channel_async = open_channel_async,
  .open_channel_finish = open_channel_finish,
  .accept_channel = accept_channel,
  .refuse_channel = refuse_channel,
  .lane = lane,
  .send_event = send_event,
  .set_manual = set_manual,
  .confirm = confirm,
  .renew_async = renew_async,
  .renew_finish = boolean_finish,
  .describe = describe,
  .describe_channel = describe_channel,
  .close_async = close_async,
  .close_finish = boolean_finish,
};
