/* A target that answers: who it is, and whether it lets this machine in. */
#include "transport/diagnose-way.h"

#include <glib/gi18n-lib.h>

#include "pki/names.h"
#include "transport/domain-private.h"
#include "transport/peer-session.h"
#include "transport/race.h"

/* A session */

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer task)
{
  /* That its goodbye was not heard is no finding. */
  transport_way_finish (task);
}

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  TransportWay *way = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  MuxSession *session = transport_dial_finish (NULL, result, &error);

  if (transport_way_is_over (task))
    {
      if (session != NULL) /* it was answered just before nobody wanted it any more */
        transport_session_ops.close_async (session, NULL, NULL);
      g_clear_pointer (&session, transport_session_unref);
      transport_way_finish (task);
      return;
    }
  if (session == NULL)
    {
      transport_diagnosis_add_error (way->examination->findings, "session", TRANSPORT_FINDING_ERROR, error,
                                     _("on the server: users in quic_servers says who may come in, and "
                                        "mux-quic cert list who has a certificate"));
      transport_way_finish (task);
      return;
    }
  transport_diagnosis_add (way->examination->findings, "session", TRANSPORT_FINDING_OK, NULL,
                           _("%s lets this machine in"), way->examination->target);
  g_object_set_data_full (G_OBJECT (task), "session", session, (GDestroyNotify)transport_session_unref);
  transport_session_ops.close_async (session, closed_cb, task);
}

static void
ask_for_session (GTask *task)
{
  TransportWay *way = g_task_get_task_data (task);
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&options, "quiet", "b", TRUE);
  g_variant_dict_insert (&options, "relay", "b", FALSE);
  transport_dial_async (way->examination->transport, way->examination->target, g_variant_dict_end (&options),
                        g_task_get_cancellable (task), dialled_cb, task);
}

/* The handshake */

static const char *
server_name (const TransportWay *way)
{
  return *way->domain->names != NULL ? *way->domain->names : way->host;
}

static void
raced_cb (QuicDriver *driver, QuicConnection *connection, const GError *error, gpointer data)
{
  GTask *task = data;
  TransportWay *way = g_task_get_task_data (task);
  TransportExamination *examination = way->examination;
  const char *name = server_name (way);
  gboolean named = FALSE;

  if (error != NULL)
    transport_diagnosis_add_error (way->examination->findings, "handshake", TRANSPORT_FINDING_ERROR, error,
                                   way->own_client != NULL || way->client->pem_cert == NULL
                                       ? _("connect once more: a fresh certificate is fetched then; if that "
                                            "does not help, compare the clocks of both machines")
                                       : _("have the certificate issued by the CA that the server trusts "
                                            "(pem_ca there), and see that pem_ca here is that of the "
                                            "server's certificate"));
  else
    {
      PkiCertificate *peer = quic_connection_peer (connection);

      transport_diagnosis_add (way->examination->findings, "handshake", TRANSPORT_FINDING_OK, NULL,
                               _("both sides have proven who they are: TLS 1.3, certificates of both"));
      transport_judge_peer (examination, way->client, name, peer);
      named = way->client->accept_invalid_hostnames || pki_names_match (pki_certificate_native (peer), name);
      quic_connection_close (connection, QUIC_CODE_NONE, "");
      transport_bury (examination->transport, driver);
    }
  examination->racing = NULL;
  g_clear_pointer (&examination->race, transport_race_free);
  if (named)
    ask_for_session (task);
  else
    transport_way_finish (task);
}

/* The name is left to transport_judge_peer (), which knows more to say than
 * an alert. */
void
transport_way_meet (GTask *task)
{
  TransportWay *way = g_task_get_task_data (task);
  MuxTransport *transport = way->examination->transport;
  const QuicConnectionConfig config = {
    .max_idle_timeout_ms = way->client->max_idle_timeout_ms,
    .handshake_timeout_ms = transport->dial_timeout_ms,
    .congestion = QUIC_CC_CUBIC,
  };
  ConfigClient any_name = *way->client;
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (NetAddress));
  g_autoptr (GError) error = NULL;
  g_autoptr (QuicTls) tls = NULL;

  for (guint i = 0; i < way->questions->len; i++)
    {
      TransportQuestion *question = way->questions->pdata[i];

      if (question->answer == QUIC_PROBE_SPEAKS_V1)
        g_array_append_val (addresses, question->address);
    }
  any_name.accept_invalid_hostnames = TRUE;
  if (transport->client_secret != NULL || (transport->client_secret = pki_secret_new_random (&error)) != NULL)
    tls = transport_domain_tls (way->domain, &any_name, way->host, &error);
  if (tls == NULL)
    {
      transport_diagnosis_add_error (way->examination->findings, "handshake", TRANSPORT_FINDING_ERROR, error,
                                     NULL);
      g_array_unref (addresses);
      transport_way_finish (task);
      return;
    }
  way->examination->racing = task;
  way->examination->race
      = transport_race_new (transport, addresses, tls, &config, way->client->remote_address, raced_cb, task);
}

void
transport_examine_way_abort (TransportExamination *examination)
{
  GTask *task = g_steal_pointer (&examination->racing);

  g_clear_pointer (&examination->race, transport_race_free);
  if (task != NULL)
    transport_way_finish (task);
}
