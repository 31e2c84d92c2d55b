/* Certificates over the control stream. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"

typedef struct
{
  Session *session;
  SessionRenewFunc func;
  gpointer user_data;
  GError *error;
} Refusal;

static gboolean
refuse_cb (gpointer data)
{
  Refusal *refusal = data;

  refusal->func (refusal->session, NULL, refusal->error, refusal->user_data);
  return G_SOURCE_REMOVE;
}

static void
refusal_free (gpointer data)
{
  Refusal *refusal = data;

  session_unref (refusal->session);
  g_error_free (refusal->error);
  g_free (refusal);
}

/* What cannot even be asked is answered from the main context: there may be no more passes. */
static void
refuse_later (Session *session, SessionRenewFunc func, gpointer user_data, GError *error)
{
  GSource *source = g_idle_source_new ();
  Refusal *refusal = g_new0 (Refusal, 1);

  *refusal = (Refusal){
    .session = session_ref (session),
    .func = func,
    .user_data = user_data,
    .error = error,
  };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, refuse_cb, refusal, refusal_free);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_source_unref (source);
}

void
session_renew (Session *session, const char *csr, SessionRenewFunc func, gpointer user_data)
{
  GError *error = NULL;

  if (session->server || session->phase != SESSION_UP || session->raw)
    base_error_set (&error, MUX_ERROR_FAILED,
                    _ ("The session cannot renew a certificate now: it is not established"));
  else if (session->renew_func != NULL)
    base_error_set (&error, MUX_ERROR_LIMIT, _ ("The certificate is being renewed already"));
  if (error != NULL)
    {
      refuse_later (session, func, user_data, error);
      return;
    }
  session->renew_func = func;
  session->renew_data = user_data;
  session_say (session, "renew", g_variant_new_parsed ("{'csr': <%s>}", csr));
}

void
session_renew_end (Session *session, GVariant *renewed, const GError *error)
{
  SessionRenewFunc func = g_steal_pointer (&session->renew_func);
  g_autoptr (GError) gone = NULL;

  if (func == NULL)
    return;
  if (renewed == NULL && error == NULL)
    base_error_set (&gone, MUX_ERROR_GONE, _ ("The session ended before the certificate was renewed"));
  func (session, renewed, gone != NULL ? gone : error, session->renew_data);
}

void
session_renewed (Session *session, const char *certificate, const char *ca, gint64 expires,
                 const char *message)
{
  if (!session->renew_asked)
    return;
  session->renew_asked = FALSE;
  if (session->phase != SESSION_UP)
    return;
  if (certificate != NULL)
    session_say (session, "renewed",
                 g_variant_new_parsed ("{'certificate': <%s>, 'ca': <%s>, 'expires': <%x>}", certificate, ca,
                                       expires));
  else
    session_say (session, "renewed", g_variant_new_parsed ("{'message': <%s>}",
                                                           message != NULL ? message : "refused"));
}
