#include "transport/diagnose-private.h"

#include <glib/gi18n-lib.h>

#include "transport/race.h"

/* One that is under way: task data of its task. */
typedef struct
{
  TransportExamination examination;
  GCancellable *cancellable; /* ours, for everything that runs */
  GSource *cancel;           /* the caller's */
} Diagnose;

static void
examine_configuration (TransportExamination *examination)
{
  MuxTransport *transport = examination->transport;
  const char *path = config_settings_path (transport->settings);
  guint n_warnings = 0;
  g_auto (GStrv) problems = transport_ops.check (transport, NULL, &n_warnings);

  for (guint i = 0; problems[i] != NULL; i++)
    transport_diagnosis_add (
        examination->findings, "config", i < n_warnings ? TRANSPORT_FINDING_WARNING : TRANSPORT_FINDING_ERROR,
        _("correct that line: every setting is in man 5 mux-quic.lua"), "%s", problems[i]);
  if (problems[0] == NULL && path != NULL)
    transport_diagnosis_add (examination->findings, "config", TRANSPORT_FINDING_OK, NULL, _("%s is right"),
                             path);
  else if (problems[0] == NULL)
    transport_diagnosis_add (examination->findings, "config", TRANSPORT_FINDING_OK, NULL,
                             _("there is no configuration file, which is fine: everything has its default"));
}

static const struct
{
  TransportExamine examine;
  gboolean by_settings; /* says nothing of worth where the configuration is wrong */
} examinations[] = {
  { examine_configuration },
  { transport_examine_clock },
  { transport_examine_directory },
  { transport_examine_authority },
  { transport_examine_server, .by_settings = TRUE },
  { transport_examine_server_files, .by_settings = TRUE },
  { transport_examine_clients, .by_settings = TRUE },
  { transport_examine_listen, .by_settings = TRUE },
  { transport_examine_socket },
};

static void
diagnose_free (gpointer data)
{
  Diagnose *diagnose = data;

  g_assert (diagnose->examination.race == NULL);
  transport_timer_clear (&diagnose->cancel);
  transport_diagnosis_free (diagnose->examination.findings);
  g_free (diagnose->examination.target);
  g_free (diagnose->examination.config);
  g_object_unref (diagnose->cancellable);
  g_free (diagnose);
}

/* Consumes @task. */
static void
answer (GTask *task)
{
  Diagnose *diagnose = g_task_get_task_data (task);

  transport_timer_clear (&diagnose->cancel);
  if (g_cancellable_is_cancelled (diagnose->cancellable))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, _("The examination was broken off"));
  else
    {
      g_ptr_array_remove_fast (diagnose->examination.transport->diagnoses, task);
      g_task_return_pointer (task, transport_diagnosis_to_variant (diagnose->examination.findings),
                             (GDestroyNotify)g_variant_unref);
    }
  g_object_unref (task);
}

static void
way_cb (GObject *source, GAsyncResult *result, gpointer task)
{
  transport_examine_way_finish (result, NULL);
  answer (task);
}

/* In a turn of its own, so that nothing of it happens inside diagnose_async (). */
static gboolean
begin_cb (gpointer data)
{
  GTask *task = data;
  Diagnose *diagnose = g_task_get_task_data (task);
  TransportExamination *examination = &diagnose->examination;
  MuxTransport *transport = examination->transport;
  g_autoptr (GMainContextPusher) pusher = NULL;

  if (g_cancellable_is_cancelled (diagnose->cancellable))
    {
      answer (g_object_ref (task));
      return G_SOURCE_REMOVE;
    }
  pusher = g_main_context_pusher_new (transport->context);
  for (gsize i = 0; i < G_N_ELEMENTS (examinations); i++)
    if (!examinations[i].by_settings || transport->config_error == NULL)
      examinations[i].examine (examination);
  if (examination->target != NULL && transport->config_error == NULL)
    transport_examine_way_async (examination, G_OBJECT (task), diagnose->cancellable, way_cb,
                                 g_object_ref (task));
  else
    answer (g_object_ref (task));
  return G_SOURCE_REMOVE;
}

static void
abort_one (GTask *task)
{
  Diagnose *diagnose = g_task_get_task_data (task);

  /* Once is enough, and the transport may be gone the next time. */
  transport_timer_clear (&diagnose->cancel);
  g_ptr_array_remove_fast (diagnose->examination.transport->diagnoses, task);
  g_cancellable_cancel (diagnose->cancellable);
  transport_examine_way_abort (&diagnose->examination);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer task)
{
  abort_one (task);
  return G_SOURCE_REMOVE;
}

void
transport_diagnose_abort (MuxTransport *transport)
{
  while (transport->diagnoses->len > 0)
    abort_one (transport->diagnoses->pdata[0]);
}

void
transport_diagnose_async (MuxTransport *transport, const char *target, GVariant *options,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  g_autoptr (GVariant) sunk = options != NULL ? g_variant_ref_sink (options) : NULL;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GSource) begin = g_idle_source_new ();
  Diagnose *diagnose = g_new0 (Diagnose, 1);

  g_task_set_source_tag (task, transport_diagnose_async);
  g_task_set_task_data (task, diagnose, diagnose_free);
  diagnose->cancellable = g_cancellable_new ();
  diagnose->examination.transport = transport;
  diagnose->examination.findings = transport_diagnosis_new ();
  diagnose->examination.target = g_strdup (target);
  diagnose->examination.now = g_get_real_time () / G_USEC_PER_SEC;
  if (sunk != NULL)
    {
      g_variant_lookup (sunk, "running", "b", &diagnose->examination.running);
      g_variant_lookup (sunk, "taken", "b", &diagnose->examination.taken);
      g_variant_lookup (sunk, "config", "s", &diagnose->examination.config);
    }
  g_ptr_array_add (transport->diagnoses, task);
  if (cancellable != NULL)
    {
      diagnose->cancel = g_cancellable_source_new (cancellable);
      g_source_set_callback (diagnose->cancel, G_SOURCE_FUNC (cancelled_cb), task, NULL);
      g_source_attach (diagnose->cancel, transport->context);
    }
  g_source_set_priority (begin, G_PRIORITY_DEFAULT);
  g_source_set_callback (begin, begin_cb, g_object_ref (task), g_object_unref);
  g_source_attach (begin, transport->context);
}

GVariant *
transport_diagnose_finish (MuxTransport *transport, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, transport_diagnose_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
