/* MuxSessionOps: what a host does with a session. */
#include "transport/peer-session.h"
#include "transport/renewal.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"

/* open_channel: what the session answers, against the caller's cancellation; whichever comes first. */

typedef struct
{
  GTask *task; /* NULL once it is answered */
  GSource *cancel;
} Opening;

static void
opening_end (Opening *opening)
{
  if (opening->cancel != NULL)
    g_source_destroy (opening->cancel);
  g_clear_pointer (&opening->cancel, g_source_unref);
  g_clear_object (&opening->task);
}

static gboolean
opening_cancelled_cb (GCancellable *cancellable, gpointer data)
{
  Opening *opening = data;

  /* The peer's answer is still to come: the channel is dropped then. */
  g_task_return_new_error (opening->task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                           _("Opening the channel was cancelled"));
  opening_end (opening);
  return G_SOURCE_REMOVE;
}

static void
opened_cb (Session *session, GIOStream *channel, const GError *error, gpointer data)
{
  Opening *opening = data;

  if (opening->task == NULL)
    g_clear_object (&channel);
  else if (channel != NULL)
    g_task_return_pointer (opening->task, channel, g_object_unref);
  else if (error != NULL)
    g_task_return_error (opening->task, g_error_copy (error));
  else
    g_task_return_new_error (opening->task, MUX_ERROR, MUX_ERROR_GONE, _("The session is over"));
  opening_end (opening);
  g_free (opening);
}

/* What the target's configuration says, where the request says nothing. */
static GVariant *
with_service (MuxSession *session, GVariant *request)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);

  if (session->default_service != NULL && !g_variant_dict_contains (&dict, "service")
      && !g_variant_dict_contains (&dict, "argv"))
    g_variant_dict_insert (&dict, "service", "s", session->default_service);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static void
op_open_channel_async (MuxSession *session, GVariant *request, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (session->context);
  g_autoptr (GVariant) given = request != NULL ? g_variant_ref_sink (request) : NULL;
  g_autoptr (GVariant) complete = with_service (session, given);
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Opening *opening;

  g_task_set_source_tag (task, op_open_channel_async);
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                               _("Opening the channel was cancelled"));
      g_object_unref (task);
      return;
    }
  opening = g_new0 (Opening, 1);
  opening->task = task;
  if (cancellable != NULL)
    {
      opening->cancel = g_cancellable_source_new (cancellable);
      g_source_set_callback (opening->cancel, G_SOURCE_FUNC (opening_cancelled_cb), opening, NULL);
      g_source_attach (opening->cancel, g_task_get_context (task));
    }
  session_open (session->session, complete, opened_cb, opening);
}

static GIOStream *
op_open_channel_finish (MuxSession *session, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, op_open_channel_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Channels */

static void
op_accept_channel (MuxSession *session, GIOStream *channel)
{
  session_accept (session->session, channel);
}

static void
op_refuse_channel (MuxSession *session, GIOStream *channel, const char *code, const char *message)
{
  session_refuse (session->session, channel, code, message);
}

static GIOStream *
op_lane (MuxSession *session, GIOStream *channel, const char *name, GError **error)
{
  return session_lane (session->session, channel, name, error);
}

static void
op_send_event (MuxSession *session, GIOStream *channel, const char *event, GVariant *details)
{
  session_send_event (session->session, channel, event, details);
}

static void
op_set_manual (MuxSession *session, GIOStream *stream)
{
  session_set_manual (session->session, stream);
}

static void
op_confirm (MuxSession *session, GIOStream *stream, guint64 count)
{
  session_confirm (session->session, stream, count);
}

static GVariant *
op_describe_channel (MuxSession *session, GIOStream *channel)
{
  return session_describe_channel (session->session, channel);
}

static GIOStream *
op_channel (MuxSession *session, guint64 id)
{
  return session_channel (session->session, id);
}

static gboolean
op_renew_finish (MuxSession *session, GAsyncResult *result, GError **error)
{
  return transport_renewal_now_finish (result, error);
}

/* End */

static void
op_close_async (MuxSession *session, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (session->context);
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, op_close_async);
  if (session->phase == TRANSPORT_SESSION_OVER)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  /* The protocol waits at most 2 s for the acknowledgement of its goodbye. */
  g_queue_push_tail (&session->closing, task);
  transport_session_say_goodbye (session, "bye", "");
}

static gboolean
op_close_finish (MuxSession *session, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, op_close_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

const MuxSessionOps transport_session_ops = {
  .struct_size = sizeof (MuxSessionOps),
  .ref = transport_session_ref,
  .unref = transport_session_unref,
  .open_channel_async = op_open_channel_async,
  .open_channel_finish = op_open_channel_finish,
  .accept_channel = op_accept_channel,
  .refuse_channel = op_refuse_channel,
  .lane = op_lane,
  .send_event = op_send_event,
  .set_manual = op_set_manual,
  .confirm = op_confirm,
  .renew_async = transport_renewal_now_async,
  .renew_finish = op_renew_finish,
  .describe = transport_session_describe,
  .describe_channel = op_describe_channel,
  .close_async = op_close_async,
  .close_finish = op_close_finish,
  .channel = op_channel,
};
