#define BASE_LOG_ROOM "control"
#include "control/passage.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "control-dbus.h"
#include "control/pump.h"
#include "session/session.h"

typedef struct
{
  ControlPassage *passage;
  const char *name; /* interned */
  GIOStream *stream;
  GSocketConnection *socket;
  ControlPump *up, *down; /* to the channel, from it; NULL when over */
  GSource *hangup;        /* while only the closing of the other end is still to come */
  guint64 sent, counted;  /* bytes given to the channel, and those the far side has */
  gboolean broken;        /* the channel takes no more */
  gboolean ended;         /* the far side has said all, or is torn: `closed` is to come */
  gboolean deserted;      /* the other end is closed */
} Lane;

struct _ControlPassage
{
  MuxSession *session;
  GIOStream *channel;
  GMainContext *context;
  ControlChannel *skeleton;
  GDBusConnection *connection;
  char *owner;
  Lane lanes[1 + CONTROL_PASSAGE_MAX_LANES];
  guint n_lanes;
  gboolean closed; /* the channel is gone; what it still holds can be read */
  guint64 code;
  char *message;
  ControlPassageOver over; /* NULL once it was called */
  gpointer user_data;
};

static void
say (ControlPassage *passage, const char *name, GVariant *arguments)
{
  g_dbus_connection_emit_signal (
      passage->connection, passage->owner,
      g_dbus_interface_skeleton_get_object_path (G_DBUS_INTERFACE_SKELETON (passage->skeleton)),
      "org.muxquic.Quic1.Channel", name, arguments, NULL);
}

static void
end (ControlPassage *passage)
{
  ControlPassageOver over = g_steal_pointer (&passage->over);

  if (over == NULL)
    return;
  say (passage, "Closed",
       g_variant_new ("(ts)", passage->code, passage->message != NULL ? passage->message : ""));
  over (passage, passage->user_data);
}

/* The channel is gone and read out; or its user is gone, and what he wrote is over there. May free @passage.
 */
static void
check (ControlPassage *passage)
{
  const Lane *first = &passage->lanes[0];
  gboolean reading = FALSE;

  for (guint i = 0; i < passage->n_lanes; i++)
    reading |= passage->lanes[i].down != NULL;
  if (passage->closed ? !reading
                      : first->deserted && !first->ended && (first->broken || first->counted >= first->sent))
    end (passage);
}

/* Lanes */

static gboolean
hung_up_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  Lane *lane = data;

  lane->deserted = TRUE;
  check (lane->passage);
  return G_SOURCE_REMOVE;
}

static void
watch_hangup (Lane *lane)
{
  lane->hangup = g_socket_create_source (g_socket_connection_get_socket (lane->socket), G_IO_HUP, NULL);
  g_source_set_static_name (lane->hangup, "mux-quic: control passage");
  g_source_set_callback (lane->hangup, G_SOURCE_FUNC (hung_up_cb), lane, NULL);
  g_source_attach (lane->hangup, lane->passage->context);
}

static void
shut (Lane *lane, gboolean reading)
{
  g_socket_shutdown (g_socket_connection_get_socket (lane->socket), reading, !reading, NULL);
}

static void
sent_cb (ControlPump *pump, guint64 count, gpointer data)
{
  ((Lane *)data)->sent = count;
}

static void
up_done_cb (ControlPump *pump, const GError *error, gboolean writing, gpointer data)
{
  Lane *lane = data;

  g_clear_pointer (&lane->up, control_pump_free);
  if (error != NULL && writing)
    {
      /* Whoever goes on writing is told as a pipe would. */
      lane->broken = TRUE;
      shut (lane, TRUE);
    }
  else
    g_output_stream_close (g_io_stream_get_output_stream (lane->stream), NULL, NULL);
  lane->deserted = error != NULL && !writing;
  if (!lane->deserted)
    watch_hangup (lane);
  check (lane->passage);
}

static void
received_cb (ControlPump *pump, guint64 count, gpointer data)
{
  Lane *lane = data;

  transport_session_ops.confirm (lane->passage->session, lane->stream, count);
}

static void
down_done_cb (ControlPump *pump, const GError *error, gboolean writing, gpointer data)
{
  Lane *lane = data;

  g_clear_pointer (&lane->down, control_pump_free);
  lane->ended = !writing;
  if (error != NULL && writing)
    g_input_stream_close (g_io_stream_get_input_stream (lane->stream), NULL, NULL);
  else
    shut (lane, FALSE);
  check (lane->passage);
}

static void
lane_clear (Lane *lane)
{
  if (lane->hangup != NULL)
    g_source_destroy (lane->hangup);
  g_clear_pointer (&lane->hangup, g_source_unref);
  g_clear_pointer (&lane->up, control_pump_free);
  g_clear_pointer (&lane->down, control_pump_free);
  if (lane->socket != NULL)
    g_io_stream_close (G_IO_STREAM (lane->socket), NULL, NULL);
  g_clear_object (&lane->socket);
  g_clear_object (&lane->stream);
}

/* @stream: transfer full. The other end is *@fd, also when something fails later. */
static gboolean
lane_open (ControlPassage *passage, const char *name, GIOStream *stream, int *fd, GError **error)
{
  Lane *lane = &passage->lanes[passage->n_lanes++];
  g_autoptr (GSocket) socket = NULL;
  int ends[2];

  lane->passage = passage;
  lane->name = g_intern_string (name);
  lane->stream = stream;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return base_error_set_errno (error, errno, _ ("cannot make a socket for a channel"));
  *fd = ends[1];
  socket = g_socket_new_from_fd (ends[0], error);
  if (socket == NULL)
    {
      close (ends[0]);
      return FALSE;
    }
  lane->socket = g_socket_connection_factory_create_connection (socket);
  transport_session_ops.set_manual (passage->session, stream);
  lane->up = control_pump_new (g_io_stream_get_input_stream (G_IO_STREAM (lane->socket)),
                               g_io_stream_get_output_stream (stream), passage->context, sent_cb, up_done_cb,
                               lane);
  lane->down = control_pump_new (g_io_stream_get_input_stream (stream),
                                 g_io_stream_get_output_stream (G_IO_STREAM (lane->socket)), passage->context,
                                 received_cb, down_done_cb, lane);
  return TRUE;
}

void
control_passage_event (ControlPassage *passage, const char *event, GVariant *details)
{
  const char *text = "";
  gint32 status = 0;

  if (g_str_equal (event, "exited"))
    {
      g_variant_lookup (details, "status", "i", &status);
      g_variant_lookup (details, "signal", "&s", &text);
      say (passage, "Exited", g_variant_new ("(is)", status, text));
    }
  else if (g_str_equal (event, "received") && g_variant_lookup (details, "lane", "&s", &text))
    {
      for (guint i = 0; i < passage->n_lanes; i++)
        if (g_str_equal (passage->lanes[i].name, text))
          g_variant_lookup (details, "count", "t", &passage->lanes[i].counted);
      check (passage);
    }
  else if (g_str_equal (event, "closed"))
    {
      passage->closed = TRUE;
      g_variant_lookup (details, "code", "t", &passage->code);
      g_variant_lookup (details, "message", "s", &passage->message);
      for (guint i = 0; i < passage->n_lanes; i++)
        {
          g_clear_pointer (&passage->lanes[i].up, control_pump_free);
          shut (&passage->lanes[i], TRUE);
        }
      check (passage);
    }
}

/* Methods */

static gboolean
is_owner (ControlPassage *passage, GDBusMethodInvocation *invocation)
{
  if (g_strcmp0 (g_dbus_method_invocation_get_sender (invocation), passage->owner) == 0)
    return TRUE;
  g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                                 _ ("This channel belongs to somebody else"));
  return FALSE;
}

/* FALSE: the caller was told that it cannot be said. */
static gboolean
tell (ControlPassage *passage, GDBusMethodInvocation *invocation, const char *event, GVariant *details,
      const char *complaint)
{
  if (session_event_is_valid (event, details))
    {
      transport_session_ops.send_event (passage->session, passage->channel, event, details);
      return TRUE;
    }
  g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, complaint);
  return FALSE;
}

static gboolean
resize_cb (ControlChannel *skeleton, GDBusMethodInvocation *invocation, guint rows, guint columns,
           gpointer data)
{
  ControlPassage *passage = data;
  g_autoptr (GVariant) details = NULL;

  if (!is_owner (passage, invocation))
    return TRUE;
  details = g_variant_ref_sink (g_variant_new_parsed ("{'rows': <%u>, 'columns': <%u>}", rows, columns));
  if (tell (passage, invocation, "resize", details, _ ("A terminal has at most 65535 rows and columns")))
    control_channel_complete_resize (skeleton, invocation);
  return TRUE;
}

static gboolean
signal_cb (ControlChannel *skeleton, GDBusMethodInvocation *invocation, const char *name, gpointer data)
{
  ControlPassage *passage = data;
  g_autoptr (GVariant) details = NULL;

  if (!is_owner (passage, invocation))
    return TRUE;
  details = g_variant_ref_sink (g_variant_new_parsed ("{'name': <%s>}", name));
  if (tell (passage, invocation, "signal", details,
            _ ("This is no name of a signal: say one in capitals and without SIG, as INT, TERM or HUP")))
    control_channel_complete_signal (skeleton, invocation);
  return TRUE;
}

static gboolean
close_cb (ControlChannel *skeleton, GDBusMethodInvocation *invocation, gpointer data)
{
  ControlPassage *passage = data;

  if (!is_owner (passage, invocation))
    return TRUE;
  control_channel_complete_close (skeleton, invocation);
  end (passage);
  return TRUE;
}

static gboolean export(ControlPassage *passage, const char *path, GError **error)
{
  g_autoptr (GVariant) details = transport_session_ops.describe (passage->session);
  const char *id = "";

  g_variant_lookup (details, "id", "&s", &id);
  passage->skeleton = control_channel_skeleton_new ();
  control_channel_set_session (passage->skeleton, id);
  g_signal_connect (passage->skeleton, "handle-resize", G_CALLBACK (resize_cb), passage);
  g_signal_connect (passage->skeleton, "handle-signal", G_CALLBACK (signal_cb), passage);
  g_signal_connect (passage->skeleton, "handle-close", G_CALLBACK (close_cb), passage);
  return g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (passage->skeleton), passage->connection,
                                           path, error);
}

GIOStream *
control_passage_channel (const ControlPassage *passage)
{
  return passage->channel;
}

static gboolean
open_lanes (ControlPassage *passage, const char *const *names, int *fds, GError **error)
{
  if (!lane_open (passage, "", g_object_ref (passage->channel), &fds[0], error))
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    {
      GIOStream *stream = transport_session_ops.lane (passage->session, passage->channel, names[i], error);

      if (stream == NULL || !lane_open (passage, names[i], stream, &fds[i + 1], error))
        return FALSE;
    }
  return TRUE;
}

ControlPassage *
control_passage_new (const ControlPassageConfig *config, int *fds, ControlPassageOver over,
                     gpointer user_data, GError **error)
{
  g_autoptr (ControlPassage) passage = g_new0 (ControlPassage, 1);
  guint n = 1 + g_strv_length ((char **)config->lanes);

  g_assert (n <= G_N_ELEMENTS (passage->lanes));
  for (guint i = 0; i < n; i++)
    fds[i] = -1;
  passage->session = transport_session_ops.ref (config->session);
  passage->channel = g_object_ref (config->channel);
  passage->context = g_main_context_ref (config->context);
  passage->connection = g_object_ref (config->connection);
  passage->owner = g_strdup (config->owner);
  passage->over = over;
  passage->user_data = user_data;
  if (open_lanes (passage, config->lanes, fds, error) && export(passage, config->path, error))
    return g_steal_pointer (&passage);
  for (guint i = 0; i < n; i++)
    if (fds[i] >= 0)
      close (fds[i]);
  return NULL;
}

void
control_passage_free (ControlPassage *passage)
{
  if (passage->skeleton != NULL)
    {
      g_signal_handlers_disconnect_by_data (passage->skeleton, passage);
      if (g_dbus_interface_skeleton_get_connection (G_DBUS_INTERFACE_SKELETON (passage->skeleton)) != NULL)
        g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (passage->skeleton));
    }
  g_clear_object (&passage->skeleton);
  for (guint i = 0; i < passage->n_lanes; i++)
    lane_clear (&passage->lanes[i]);
  g_object_unref (passage->channel);
  g_object_unref (passage->connection);
  transport_session_ops.unref (passage->session);
  g_main_context_unref (passage->context);
  g_free (passage->owner);
  g_free (passage->message);
  g_free (passage);
}
