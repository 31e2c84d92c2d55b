#include "transport/acquire.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "transport/bootstrap.h"
#include "transport/renewal.h"
#include "transport/transport-private.h"

typedef struct
{
  MuxTransport *transport;
  char *target;
  const ConfigClient *client;
  TransportAcquireFlags flags;
  TransportDomain *domain;
  gboolean enrolled;
} Acquire;

static void
acquire_free (gpointer data)
{
  Acquire *acquire = data;

  g_clear_pointer (&acquire->domain, transport_domain_unref);
  g_free (acquire->target);
  g_free (acquire);
}

/* Consumes @task. */
static void
succeed (GTask *task)
{
  Acquire *acquire = g_task_get_task_data (task);

  g_task_return_pointer (task, transport_domain_ref (acquire->domain), (GDestroyNotify) transport_domain_unref);
  g_object_unref (task);
}

/* Consumes @task and @error. */
static void
fail (GTask *task, GError *error)
{
  g_task_return_error (task, error);
  g_object_unref (task);
}

/* Enrolment */

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  succeed (data);
}

static void
enrolled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Acquire *acquire = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) enrolment = transport_bootstrap_finish (result, &error);

  if (g_task_return_error_if_cancelled (task))
    {
      g_clear_error (&error);
      g_object_unref (task);
    }
  else if (enrolment == NULL || !transport_domain_enrolled (acquire->domain, enrolment, &error))
    fail (task, error);
  else
    {
      acquire->enrolled = TRUE;
      transport_renewal_watch (acquire->transport, acquire->target, acquire->domain);
      /* The next command finds it there. */
      transport_vault_store (acquire->transport, acquire->target, acquire->domain, g_task_get_cancellable (task),
                             stored_cb, task);
    }
}

static gboolean
can_enrol (const Acquire *acquire)
{
  return (acquire->flags & TRANSPORT_ACQUIRE_QUIET) == 0 && acquire->client->enroll_command != NULL
         && *acquire->client->enroll_command != NULL;
}

static void
enrol (GTask *task)
{
  Acquire *acquire = g_task_get_task_data (task);
  GError *error = NULL;
  g_autofree char *request = NULL;

  if (!can_enrol (acquire))
    {
      fail (task, g_error_new (MUX_ERROR, MUX_ERROR_ENROLMENT,
                               _("There is no certificate for %s and no way to get one: set bootstrap_via_ssh or "
                                 "enroll_command, or pem_cert, pem_private_key and pem_ca, in its entry of quic_clients"),
                               acquire->target));
      return;
    }
  request = transport_domain_request (acquire->domain, &error);
  if (request == NULL)
    {
      fail (task, error);
      return;
    }
  transport_progress (acquire->transport, g_strdup_printf (_("asking %s for a certificate"), acquire->target));
  transport_bootstrap_async ((const char *const *) acquire->client->enroll_command, request,
                             acquire->transport->enrolment_timeout_ms, g_task_get_cancellable (task), enrolled_cb,
                             task);
}

/* The agent */

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Acquire *acquire = g_task_get_task_data (task);
  g_autoptr (GMainContextPusher) pusher = NULL;

  /* The transport may be gone then. */
  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }
  pusher = g_main_context_pusher_new (acquire->transport->context);
  if (transport_vault_look_up_finish (acquire->transport, result, acquire->domain))
    {
      transport_renewal_watch (acquire->transport, acquire->target, acquire->domain);
      succeed (task);
    }
  else
    enrol (task);
}

static void
configured (GTask *task)
{
  Acquire *acquire = g_task_get_task_data (task);
  GError *error = NULL;

  if (transport_domain_configure (acquire->domain, acquire->client, &error))
    succeed (task);
  else
    fail (task, error);
}

void
transport_acquire_async (MuxTransport *transport, const char *target, const ConfigClient *client,
                         TransportAcquireFlags flags, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  TransportDomain *known = transport_renewal_find (transport, target);
  gboolean fresh = (flags & TRANSPORT_ACQUIRE_FRESH) != 0;
  Acquire *acquire = g_new0 (Acquire, 1);
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, transport_acquire_async);
  g_task_set_task_data (task, acquire, acquire_free);
  acquire->transport = transport;
  acquire->target = g_strdup (target);
  acquire->client = client;
  acquire->flags = flags;
  if (client->pem_cert == NULL && !fresh && known != NULL && transport_domain_is_usable (known))
    {
      acquire->domain = transport_domain_ref (known);
      succeed (task);
      return;
    }
  acquire->domain = transport_domain_new (transport->host, client, target);
  if (client->pem_cert != NULL)
    configured (task);
  else if (fresh)
    enrol (task);
  else if (transport_domain_load (acquire->domain))
    {
      transport_renewal_watch (transport, target, acquire->domain);
      succeed (task);
    }
  else
    transport_vault_look_up (transport, target, cancellable, looked_up_cb, task);
}

TransportDomain *
transport_acquire_finish (GAsyncResult *result, gboolean *enrolled, GError **error)
{
  TransportDomain *domain;

  g_return_val_if_fail (g_async_result_is_tagged (result, transport_acquire_async), NULL);
  domain = g_task_propagate_pointer (G_TASK (result), error);
  *enrolled = domain != NULL && ((Acquire *) g_task_get_task_data (G_TASK (result)))->enrolled;
  return domain;
}
