/* The way to a target, step by step: its certificate, its name, every address by UDP. */
#include "transport/diagnose-way.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <gnutls/crypto.h>

#include "net/resolver.h"
#include "transport/acquire.h"
#include "transport/ssh-alias.h"

#define DEFAULT_PORT 9001
/* Of one name. */
#define MAX_ADDRESSES 8
/* What goes through Ethernet by IPv6, and so everywhere but through tunnels. */
#define LARGE 1452

static void
way_free (gpointer data)
{
  TransportWay *way = data;

  g_clear_pointer (&way->domain, transport_domain_unref);
  g_clear_pointer (&way->own_client, config_client_free);
  g_clear_pointer (&way->settings, config_settings_unref);
  g_ptr_array_unref (way->questions);
  g_object_unref (way->owner);
  g_free (way->host);
  g_free (way);
}

void
transport_way_finish (GTask *task)
{
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

gboolean
transport_way_is_over (GTask *task)
{
  return g_cancellable_is_cancelled (g_task_get_cancellable (task));
}

static GMainContextPusher *
push_context (const TransportWay *way)
{
  return g_main_context_pusher_new (way->examination->transport->context);
}

/* UDP */

static gboolean
is_answer (const guint8 *data, gsize length, gpointer user_data)
{
  TransportQuestion *question = user_data;
  QuicProbeAnswer answer = quic_probe_read (data, length, question->nonce);

  if (answer != QUIC_PROBE_NO_ANSWER)
    question->answer = answer;
  return answer != QUIC_PROBE_NO_ANSWER;
}

static guint
count_answers (const TransportWay *way)
{
  guint answers = 0;

  for (guint i = 0; i < way->questions->len; i++)
    answers += ((TransportQuestion *)way->questions->pdata[i])->answer == QUIC_PROBE_SPEAKS_V1;
  return answers;
}

static void
all_asked (GTask *task)
{
  TransportWay *way = g_task_get_task_data (task);
  guint answers = count_answers (way);

  for (guint i = 0; i < way->questions->len; i++)
    {
      TransportQuestion *question = way->questions->pdata[i];

      transport_judge_reach (way->examination->findings, &question->address, &question->small,
                             question->answer == QUIC_PROBE_SPEAKS_V1, answers == 0,
                             way->client->relay_command != NULL);
      if (question->asked_large)
        transport_judge_mtu (way->examination->findings, &question->address, &question->large, LARGE);
    }
  if (answers > 0 && way->domain != NULL)
    transport_way_meet (task);
  else
    transport_way_finish (task);
}

static void ask (TransportQuestion *question, gsize length);

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  TransportQuestion *question = data;
  g_autoptr (GTask) held = question->task;
  TransportWay *way = g_task_get_task_data (held);
  NetProbeResult *answer = question->asked_large ? &question->large : &question->small;
  g_autoptr (GError) error = NULL;

  if (!net_probe_finish (result, answer, &error))
    {
      answer->outcome = NET_PROBE_UNREACHABLE;
      answer->error = EIO;
    }
  if (!transport_way_is_over (held) && !question->asked_large && question->answer == QUIC_PROBE_SPEAKS_V1
      && error == NULL)
    {
      question->asked_large = TRUE;
      ask (question, LARGE);
      return;
    }
  question->task = NULL;
  if (--way->pending > 0)
    return;
  if (transport_way_is_over (held))
    transport_way_finish (held); /* the reference of the way itself */
  else
    all_asked (held);
}

static void
ask (TransportQuestion *question, gsize length)
{
  guint8 packet[LARGE];
  TransportWay *way = g_task_get_task_data (question->task);
  g_autoptr (GMainContextPusher) pusher = push_context (way);

  g_object_ref (question->task);
  quic_probe_write (packet, length, question->nonce);
  net_probe_async (&question->address, packet, length, TRANSPORT_UDP_PATIENCE_MS, is_answer, question,
                   g_task_get_cancellable (question->task), asked_cb, question);
}

static void
ask_all (GTask *task, GArray *addresses)
{
  TransportWay *way = g_task_get_task_data (task);

  transport_progress (way->examination->transport, g_strdup_printf (_("asking %s by UDP"), way->host));
  way->pending = MIN (addresses->len, MAX_ADDRESSES);
  for (guint i = 0; i < way->pending; i++)
    {
      TransportQuestion *question = g_new0 (TransportQuestion, 1);

      question->task = task;
      question->address = g_array_index (addresses, NetAddress, i);
      if (way->port == 0)
        net_address_set_port (&question->address, way->domain != NULL ? transport_domain_port (
                                                      way->domain, &question->address, DEFAULT_PORT)
                                                                      : DEFAULT_PORT);
      if (gnutls_rnd (GNUTLS_RND_NONCE, question->nonce, sizeof question->nonce) < 0)
        g_error ("no random numbers");
      g_ptr_array_add (way->questions, question);
      ask (question, QUIC_PROBE_MIN);
    }
}

/* Its name */

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  TransportWay *way = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) addresses = net_resolver_lookup_finish (result, &error);

  if (transport_way_is_over (task))
    {
      transport_way_finish (task);
      return;
    }
  if (addresses == NULL)
    {
      transport_diagnosis_add_error (
          way->examination->findings, "name", TRANSPORT_FINDING_ERROR, error,
          _("correct the name, or see what the name service says: getent ahosts NAME"));
      transport_way_finish (task);
      return;
    }
  transport_diagnosis_add (
      way->examination->findings, "name", TRANSPORT_FINDING_OK, NULL,
      g_dngettext (GETTEXT_PACKAGE, "%s has %u address", "%s has %u addresses", addresses->len), way->host,
      addresses->len);
  ask_all (task, addresses);
}

static void
look_up (GTask *task)
{
  TransportWay *way = g_task_get_task_data (task);
  g_autoptr (GMainContextPusher) pusher = push_context (way);

  net_resolver_lookup_async (way->host, way->port, g_task_get_cancellable (task), resolved_cb, task);
}

static void
aliased_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  TransportWay *way = g_task_get_task_data (task);
  g_autofree char *name = transport_ssh_alias_finish (result, NULL);

  if (name == NULL || transport_way_is_over (task))
    {
      transport_way_finish (task);
      return;
    }
  g_free (way->host);
  way->host = g_steal_pointer (&name);
  look_up (task);
}

/* A target that was not configured is named as ssh would have it, as it is when it is dialled. */
static void
find_name (GTask *task)
{
  TransportWay *way = g_task_get_task_data (task);
  g_autoptr (GMainContextPusher) pusher = push_context (way);

  if (way->own_client != NULL)
    transport_ssh_alias_async (way->own_client->bootstrap_via_ssh, g_task_get_cancellable (task), aliased_cb,
                               task);
  else
    look_up (task);
}

/* Its certificate */

static void
acquired_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  TransportWay *way = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gboolean enrolled;

  way->domain = transport_acquire_finish (result, &enrolled, &error);
  if (transport_way_is_over (task))
    {
      transport_way_finish (task);
      return;
    }
  if (way->domain != NULL)
    transport_examine_dates (way->examination, "credentials", transport_domain_certificate (way->domain),
                             _("the certificate of this machine for the target"),
                             _("connect once: a fresh one is fetched then"));
  else if (way->client->pem_cert == NULL)
    transport_diagnosis_add (
        way->examination->findings, "credentials", TRANSPORT_FINDING_NOTE,
        _("connect once: it is fetched then, and after that doctor can look at the handshake too"),
        _("this machine has no certificate for %s yet"), way->examination->target);
  find_name (task);
}

static gboolean
find_client (TransportWay *way, GError **error)
{
  const char *target = way->examination->target;

  way->client = config_settings_find_client (way->settings, target);
  if (way->client == NULL)
    way->client = way->own_client = config_client_new_for_target (target, error);
  return way->client != NULL
         && net_resolver_split (way->client->remote_address, 0, &way->host, &way->port, error);
}

void
transport_examine_way_async (TransportExamination *examination, GObject *owner, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  TransportWay *way = g_new0 (TransportWay, 1);
  g_autoptr (GError) error = NULL;

  g_task_set_source_tag (task, transport_examine_way_async);
  g_task_set_task_data (task, way, way_free);
  way->examination = examination;
  way->owner = g_object_ref (owner);
  way->settings = config_settings_ref (examination->transport->settings);
  way->questions = g_ptr_array_new_with_free_func (g_free);
  if (find_client (way, &error))
    transport_acquire_async (examination->transport, examination->target, way->client,
                             TRANSPORT_ACQUIRE_QUIET, cancellable, acquired_cb, task);
  else
    {
      transport_diagnosis_add_error (way->examination->findings, "target", TRANSPORT_FINDING_ERROR, error,
                                     _("name an entry of quic_clients, or a machine: [user@]host[:port]"));
      transport_way_finish (task);
    }
}

gboolean
transport_examine_way_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_examine_way_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
