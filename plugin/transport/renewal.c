#define BASE_LOG_ROOM "transport"
#include "transport/renewal.h"

#include <glib/gi18n-lib.h>

#include "base/alarm.h"
#include "base/error.h"
#include "base/log.h"
#include "transport/expiry.h"
#include "transport/peer-session.h"
#include "transport/transport-private.h"

/* After a failure: the first wait, doubled up to the second. */
#define RETRY_MIN_SECONDS 60
#define RETRY_MAX_SECONDS 3600
/* The agent leaves so large a part of a life to whoever uses the certificate: their session is there already. */
#define AGENT_GRACE 50

struct _TransportRenewal
{
  guint references;
  MuxTransport *transport; /* NULL: forgotten */
  char *target;
  TransportDomain *domain;
  BaseAlarm *alarm;
  MuxSession *session; /* dialled for this alone */
  gboolean busy;
  guint retry_seconds;
  char *problem;
};

static TransportRenewal *
renewal_ref (TransportRenewal *renewal)
{
  renewal->references++;
  return renewal;
}

static void
renewal_unref (TransportRenewal *renewal)
{
  if (--renewal->references > 0)
    return;
  g_clear_pointer (&renewal->session, transport_session_unref);
  transport_domain_unref (renewal->domain);
  g_free (renewal->target);
  g_free (renewal->problem);
  g_free (renewal);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportRenewal, renewal_unref)

/* Now */

typedef struct
{
  MuxSession *session;
  PkiKey *key;
} Now;

static void
now_free (gpointer data)
{
  Now *now = data;

  g_clear_pointer (&now->key, pki_key_unref);
  transport_session_unref (now->session);
  g_free (now);
}

static void
renewed_cb (Session *session, GVariant *renewed, const GError *error, gpointer data)
{
  g_autoptr (GTask) task = data;
  Now *now = g_task_get_task_data (task);
  MuxSession *self = now->session;
  GError *failure = NULL;

  if (renewed == NULL && error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else if (renewed == NULL)
    g_task_return_new_error (task, MUX_ERROR, MUX_ERROR_GONE, _("The session is over"));
  else if (!transport_domain_renewed (self->domain, now->key, renewed, &failure))
    g_task_return_error (task, failure);
  else
    {
      if (self->transport != NULL)
        {
          transport_certificate_renewed (self->transport, "client", self->target, transport_domain_certificate (self->domain));
          /* Another may have taken its place meanwhile; that one stays. */
          if (transport_renewal_find (self->transport, self->target) == self->domain)
            transport_renewal_watch (self->transport, self->target, self->domain);
          transport_vault_store (self->transport, self->target, self->domain, NULL, NULL, NULL);
        }
      g_task_return_boolean (task, TRUE);
    }
}

/* Whether @session's certificate is one its server can renew. */
static gboolean
check_renewable (MuxSession *session, GError **error)
{
  if (session->incoming)
    return base_error_set (
        error, MUX_ERROR_FAILED,
        _("Not supported: a client renews its certificate itself, its server cannot do it for it"));
  if (transport_domain_is_configured (session->domain))
    return base_error_set (
        error, MUX_ERROR_FAILED,
        _("Not supported: the certificate of this target is a file of yours (pem_cert); renew that"));
  return TRUE;
}

void
transport_renewal_now_async (MuxSession *session, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (session->context);
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Now *now = g_new0 (Now, 1);
  GError *error = NULL;
  g_autofree char *csr = NULL;

  g_task_set_source_tag (task, transport_renewal_now_async);
  g_task_set_task_data (task, now, now_free);
  now->session = transport_session_ref (session);
  if (check_renewable (session, &error))
    now->key = pki_key_generate (&error);
  if (now->key != NULL)
    csr = pki_key_request (now->key, session->user, &error);
  if (csr == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  session_renew (session->session, csr, renewed_cb, task);
}

gboolean
transport_renewal_now_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_renewal_now_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* In time */

static void
arm (TransportRenewal *renewal)
{
  PkiCertificate *leaf = transport_domain_certificate (renewal->domain);
  gint64 life = pki_certificate_not_after (leaf) - pki_certificate_not_before (leaf);
  gint64 grace = renewal->transport->started != 0 ? life / AGENT_GRACE : 0;
  gint64 due = pki_certificate_renew_at (leaf) + grace;

  /* Of the future, because the clock was put back: it does not serve as long as that. */
  if (pki_certificate_not_before (leaf) > g_get_real_time () / G_USEC_PER_SEC)
    due = 0;
  base_alarm_set (renewal->alarm, due, renewal->retry_seconds);
}

/* What is under way ended, well or with @error (consumed). */
static void
end (TransportRenewal *renewal, GError *error)
{
  g_autoptr (GError) owned = error;

  renewal->busy = FALSE;
  if (renewal->session != NULL)
    transport_session_ops.close_async (renewal->session, NULL, NULL);
  g_clear_pointer (&renewal->session, transport_session_unref);
  /* When it went well it is armed already. */
  if (renewal->transport == NULL || owned == NULL)
    return;
  renewal->retry_seconds = CLAMP (2 * renewal->retry_seconds, RETRY_MIN_SECONDS, RETRY_MAX_SECONDS);
  g_free (renewal->problem);
  renewal->problem = g_strdup (owned->message);
  base_event (BASE_EVENT_CERTIFICATE_TROUBLE, "MUX_TARGET", renewal->target, "MUX_REASON", owned->message, "MESSAGE",
              "The certificate for %s cannot be renewed, the next try is in %u s: %s", renewal->target, renewal->retry_seconds,
              owned->message);
  arm (renewal);
}

static void
renewed_in_time_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TransportRenewal) renewal = data;
  GError *error = NULL;

  transport_renewal_now_finish (result, &error);
  end (renewal, error);
}

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TransportRenewal) renewal = data;
  GError *error = NULL;

  renewal->session = transport_dial_finish (NULL, result, &error);
  if (renewal->session == NULL || renewal->transport == NULL)
    end (renewal, error);
  else
    transport_renewal_now_async (renewal->session, NULL, renewed_in_time_cb, renewal_ref (renewal));
}

static MuxSession *
find_session (const TransportRenewal *renewal)
{
  GPtrArray *sessions = renewal->transport->sessions;

  for (guint i = 0; i < sessions->len; i++)
    {
      MuxSession *session = sessions->pdata[i];

      if (!session->incoming && session->domain == renewal->domain)
        return session;
    }
  return NULL;
}

static void
alarm_cb (gpointer data)
{
  TransportRenewal *renewal = data;
  MuxSession *session = find_session (renewal);
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);

  if (renewal->busy)
    return;
  if (session == NULL && renewal->transport->started == 0)
    {
      /* Nobody uses it now, and a dial will look at it. */
      renewal->retry_seconds = RETRY_MIN_SECONDS;
      arm (renewal);
      return;
    }
  renewal->busy = TRUE;
  if (session != NULL)
    {
      transport_renewal_now_async (session, NULL, renewed_in_time_cb, renewal_ref (renewal));
      return;
    }
  g_variant_dict_insert (&options, "quiet", "b", TRUE);
  if (transport_domain_address (renewal->domain) != NULL)
    g_variant_dict_insert (&options, "address", "s", transport_domain_address (renewal->domain));
  transport_dial_async (renewal->transport, renewal->target, g_variant_dict_end (&options), NULL, dialled_cb,
                        renewal_ref (renewal));
}

/* Memory */

void
transport_renewal_watch (MuxTransport *transport, const char *target, TransportDomain *domain)
{
  TransportRenewal *renewal = g_hash_table_lookup (transport->renewals, target);

  if (renewal == NULL || renewal->domain != domain)
    {
      renewal = g_new0 (TransportRenewal, 1);
      renewal->references = 1;
      renewal->transport = transport;
      renewal->target = g_strdup (target);
      renewal->domain = transport_domain_ref (domain);
      renewal->alarm = base_alarm_new (transport->context, alarm_cb, renewal);
      g_hash_table_replace (transport->renewals, g_strdup (target), renewal);
    }
  renewal->retry_seconds = 0;
  g_clear_pointer (&renewal->problem, g_free);
  arm (renewal);
  transport_expiry_look (transport->expiry);
}

void
transport_renewal_forget (MuxTransport *transport, const char *target)
{
  g_hash_table_remove (transport->renewals, target);
}

TransportDomain *
transport_renewal_find (MuxTransport *transport, const char *target)
{
  TransportRenewal *renewal = g_hash_table_lookup (transport->renewals, target);

  return renewal != NULL ? renewal->domain : NULL;
}

void
transport_renewal_free (TransportRenewal *renewal)
{
  renewal->transport = NULL;
  g_clear_pointer (&renewal->alarm, base_alarm_free);
  renewal_unref (renewal);
}

void
transport_renewal_describe (const TransportRenewal *renewal, GVariantDict *dict)
{
  g_variant_dict_insert (dict, "target", "s", renewal->target);
  if (renewal->problem != NULL)
    g_variant_dict_insert (dict, "problem", "s", renewal->problem);
}

PkiCertificate *
transport_renewal_certificate (const TransportRenewal *renewal)
{
  return transport_domain_certificate (renewal->domain);
}

const char *
transport_renewal_problem (const TransportRenewal *renewal)
{
  return renewal->problem;
}
