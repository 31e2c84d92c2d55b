/* The agent as the rest of the room sees it. */
#include "transport/renewal.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "transport/hold.h"
#include "transport/transport-private.h"

/* Who serves is the agent itself, and remembers. */
static gboolean
has_vault (const MuxTransport *transport)
{
  return transport->vault != NULL && transport->started == 0;
}

void
transport_vault_store (MuxTransport *transport, const char *target, TransportDomain *domain,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) credentials = has_vault (transport) ? transport_domain_export (domain, &error) : NULL;
  GTask *task;

  if (credentials != NULL)
    {
      transport->vault->store (transport->vault_data, target, credentials, cancellable, callback, user_data);
      return;
    }
  if (callback == NULL)
    return;
  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_return_boolean (task, FALSE);
  g_object_unref (task);
}

void
transport_vault_look_up (MuxTransport *transport, const char *target, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  if (has_vault (transport))
    {
      transport->vault->look_up (transport->vault_data, target, cancellable, callback, user_data);
      return;
    }
  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, transport_vault_look_up);
  g_task_return_pointer (task, NULL, NULL);
  g_object_unref (task);
}

gboolean
transport_vault_look_up_finish (MuxTransport *transport, GAsyncResult *result, TransportDomain *domain)
{
  g_autoptr (GVariant) credentials = NULL;

  if (g_async_result_is_tagged (result, transport_vault_look_up))
    return FALSE;
  credentials = transport->vault->look_up_finish (result);
  return credentials != NULL && transport_domain_enrolled (domain, credentials, NULL)
         && transport_domain_is_usable (domain);
}

/* What the agent does for others. */

gboolean
transport_keep_credentials (MuxTransport *transport, const char *target, GVariant *credentials, GError **error)
{
  g_autoptr (TransportDomain) domain = transport_domain_new (transport->host, NULL, target);

  if (!transport_domain_enrolled (domain, credentials, error))
    return FALSE;
  if (g_hash_table_size (transport->renewals) >= TRANSPORT_CREDENTIALS_MAX
      && transport_renewal_find (transport, target) == NULL)
    return base_error_set (error, MUX_ERROR_LIMIT,
                           ngettext ("Certificates for %d target are kept already", "Certificates for %d targets are kept already",
                                     TRANSPORT_CREDENTIALS_MAX),
                           TRANSPORT_CREDENTIALS_MAX);
  transport_renewal_watch (transport, target, domain);
  if (transport->hold != NULL)
    transport_hold_hurry (transport->hold, target);
  return TRUE;
}

GVariant *
transport_look_up_credentials (MuxTransport *transport, const char *target)
{
  TransportDomain *domain = transport_renewal_find (transport, target);
  g_autoptr (GError) error = NULL;

  return domain != NULL && transport_domain_is_usable (domain) ? transport_domain_export (domain, &error) : NULL;
}
