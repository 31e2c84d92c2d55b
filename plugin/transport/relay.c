#define BASE_LOG_ROOM "transport"
#include "transport/relay.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"

#define READ_SIZE ((gsize) 64 * 1024)
/* What waits for the command; more is lost, as in any network, and congestion control sees it. */
#define MAX_WAITING ((gsize) 256 * 1024)
/* Noise before the mark. */
#define MAX_NOISE ((gsize) 64 * 1024)
#define HEADER 2

struct _TransportRelay
{
  MuxTransport *transport;
  TransportRelayFunc func; /* NULL once it was called */
  gpointer user_data;
  GSubprocess *process;
  GCancellable *cancellable; /* of what reads and writes the command's pipes */
  GSocket *socket;
  GSocketAddress *peer; /* the first that wrote to the socket: our own QUIC */
  GSource *source, *deadline;
  GByteArray *waiting; /* for the command */
  GByteArray *come;    /* from it, not yet whole */
  gboolean writing, marked;
};

/* Reading and writing outlive the relay by their answer: once it is cancelled, the relay may be gone. */
typedef struct
{
  TransportRelay *relay;
  GCancellable *cancellable;
  GBytes *bytes;
  guint8 buffer[];
} Transfer;

static Transfer *
transfer_new (TransportRelay *relay, gsize size)
{
  Transfer *transfer = g_malloc0 (sizeof *transfer + size);

  transfer->relay = relay;
  transfer->cancellable = g_object_ref (relay->cancellable);
  return transfer;
}

static void
transfer_free (Transfer *transfer)
{
  g_object_unref (transfer->cancellable);
  g_clear_pointer (&transfer->bytes, g_bytes_unref);
  g_free (transfer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Transfer, transfer_free)

static void write_more (TransportRelay *relay);
static void read_more (TransportRelay *relay);

static void
tell (TransportRelay *relay, const NetAddress *address, const GError *error)
{
  TransportRelayFunc func = g_steal_pointer (&relay->func);

  transport_timer_clear (&relay->deadline);
  if (func != NULL)
    func (relay, address, error, relay->user_data);
}

static void
fail (TransportRelay *relay, const char *what)
{
  g_autoptr (GError) error = NULL;

  base_info ("the relay has ended: %s", what);
  g_cancellable_cancel (relay->cancellable);
  base_error_set (&error, MUX_ERROR_UNREACHABLE, _("UDP is not answered, and going over ssh failed: %s"), what);
  tell (relay, NULL, error);
}

static gboolean
deadline_cb (gpointer data)
{
  fail (data, _("it did not begin in time"));
  return G_SOURCE_REMOVE;
}

/* To the command */

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Transfer) transfer = data;
  g_autoptr (GError) error = NULL;
  gboolean done = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error);
  TransportRelay *relay = transfer->relay;

  if (g_cancellable_is_cancelled (transfer->cancellable))
    return;
  relay->writing = FALSE;
  if (done)
    write_more (relay);
  else
    fail (relay, error->message);
}

static void
write_more (TransportRelay *relay)
{
  GOutputStream *stream = g_subprocess_get_stdin_pipe (relay->process);
  Transfer *transfer;

  if (relay->writing || relay->waiting->len == 0)
    return;
  transfer = transfer_new (relay, 0);
  transfer->bytes = g_byte_array_free_to_bytes (relay->waiting);
  relay->waiting = g_byte_array_new ();
  relay->writing = TRUE;
  g_output_stream_write_all_async (stream, g_bytes_get_data (transfer->bytes, NULL), g_bytes_get_size (transfer->bytes),
                                   G_PRIORITY_DEFAULT, relay->cancellable, written_cb, transfer);
}

static gboolean
readable_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  TransportRelay *relay = data;
  guint8 buffer[65536];

  for (guint i = 0; i < 64; i++)
    {
      g_autoptr (GSocketAddress) from = NULL;
      gssize length = g_socket_receive_from (socket, &from, (char *) buffer, sizeof buffer, NULL, NULL);
      guint8 header[HEADER] = { (guint8) (length >> 8), (guint8) length };

      if (length < 0)
        break;
      if (relay->peer == NULL)
        relay->peer = g_object_ref (from);
      if (length == 0 || length > G_MAXUINT16 || relay->waiting->len + (gsize) length > MAX_WAITING)
        continue;
      g_byte_array_append (relay->waiting, header, HEADER);
      g_byte_array_append (relay->waiting, buffer, (guint) length);
    }
  write_more (relay);
  return G_SOURCE_CONTINUE;
}

/* From the command */

static gboolean
find_mark (TransportRelay *relay)
{
  const guint8 *mark = memmem (relay->come->data, relay->come->len, TRANSPORT_RELAY_MARK, strlen (TRANSPORT_RELAY_MARK));
  NetAddress address;
  g_autoptr (GSocketAddress) local = NULL;
  guint port;

  if (mark == NULL)
    return FALSE;
  g_byte_array_remove_range (relay->come, 0, (guint) (mark - relay->come->data + strlen (TRANSPORT_RELAY_MARK)));
  relay->marked = TRUE;
  local = g_socket_get_local_address (relay->socket, NULL);
  port = local != NULL ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local)) : 0;
  net_address_from_numeric (&address, "127.0.0.1", (guint16) port);
  tell (relay, &address, NULL);
  return TRUE;
}

static void
deliver (TransportRelay *relay)
{
  gsize offset = 0;

  while (relay->come->len - offset >= HEADER)
    {
      const guint8 *data = relay->come->data + offset;
      gsize length = (gsize) data[0] << 8 | data[1];

      if (relay->come->len - offset < HEADER + length)
        break;
      /* What does not fit into the socket is lost, as elsewhere. */
      if (relay->peer != NULL && length > 0)
        g_socket_send_to (relay->socket, relay->peer, (const char *) data + HEADER, length, NULL, NULL);
      offset += HEADER + length;
    }
  if (offset > 0)
    g_byte_array_remove_range (relay->come, 0, (guint) offset);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Transfer) transfer = data;
  TransportRelay *relay = transfer->relay;
  g_autoptr (GError) error = NULL;
  gssize done = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  if (g_cancellable_is_cancelled (transfer->cancellable))
    return;
  if (done <= 0)
    {
      fail (relay, error != NULL ? error->message : _("the command ended"));
      return;
    }
  g_byte_array_append (relay->come, transfer->buffer, (guint) done);
  if (!relay->marked && !find_mark (relay) && relay->come->len > MAX_NOISE)
    fail (relay, _("nothing that it says makes sense"));
  /* Whom that was told may have freed it. */
  if (g_cancellable_is_cancelled (transfer->cancellable))
    return;
  if (relay->marked)
    deliver (relay);
  read_more (relay);
}

static void
read_more (TransportRelay *relay)
{
  Transfer *transfer = transfer_new (relay, READ_SIZE);

  g_input_stream_read_async (g_subprocess_get_stdout_pipe (relay->process), transfer->buffer, READ_SIZE, G_PRIORITY_DEFAULT,
                             relay->cancellable, read_cb, transfer);
}

/* Life */

static gboolean
open_socket (TransportRelay *relay, GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  relay->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (relay->socket == NULL || !g_socket_bind (relay->socket, address, FALSE, error))
    return FALSE;
  g_socket_set_blocking (relay->socket, FALSE);
  relay->source = g_socket_create_source (relay->socket, G_IO_IN, NULL);
  g_source_set_static_name (relay->source, "mux-quic relay");
  g_source_set_callback (relay->source, G_SOURCE_FUNC (readable_cb), relay, NULL);
  g_source_attach (relay->source, relay->transport->context);
  return TRUE;
}

TransportRelay *
transport_relay_new (MuxTransport *transport, const char *const *argv, TransportRelayFunc func, gpointer user_data,
                     GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (transport->context);
  g_autoptr (TransportRelay) relay = g_new0 (TransportRelay, 1);

  relay->transport = transport;
  relay->func = func;
  relay->user_data = user_data;
  relay->cancellable = g_cancellable_new ();
  relay->waiting = g_byte_array_new ();
  relay->come = g_byte_array_new ();
  if (!open_socket (relay, error))
    return NULL;
  relay->process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, error);
  if (relay->process == NULL)
    return NULL;
  relay->deadline = transport_timer (transport, TRANSPORT_ENROLMENT_TIMEOUT_MS, deadline_cb, relay);
  read_more (relay);
  return g_steal_pointer (&relay);
}

void
transport_relay_free (TransportRelay *relay)
{
  g_cancellable_cancel (relay->cancellable);
  transport_timer_clear (&relay->deadline);
  transport_timer_clear (&relay->source);
  if (relay->process != NULL)
    base_process_kill (relay->process);
  g_clear_object (&relay->process);
  g_clear_object (&relay->socket);
  g_clear_object (&relay->peer);
  g_object_unref (relay->cancellable);
  g_byte_array_unref (relay->waiting);
  g_byte_array_unref (relay->come);
  g_free (relay);
}
