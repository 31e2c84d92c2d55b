#include "transport/dial.h"

#include "base/error.h"
#include "net/resolver.h"
#include "transport/session-private.h"

#include <glib/gi18n-lib.h>

#define DEFAULT_PORT 9001

typedef struct _Dial Dial;

typedef struct
{
  GTask *task; /* borrowed: the dial outlives its attempts' callbacks */
  NetAddress remote;
  QuicDriver *driver;
  QuicConnection *connection; /* NULL when it is over, or handed on */
} Attempt;

struct _Dial
{
  MuxTransport *transport;
  TransportDomain *domain;
  TransportIdentity *identity;
  PkiSecret *secret;
  QuicTls *tls;
  char *host;
  guint16 port;
  GArray *addresses; /* of NetAddress */
  guint next;        /* in addresses */
  GPtrArray *attempts;
  GSource *timer;
  GError *error; /* of the first attempt that failed */
  MuxSession *session;
  gboolean retried; /* with a fresh enrolment */
  GSource *cancelled;
};

static void identify (GTask *task, gboolean fresh);
static void try_next (GTask *task);

static Dial *
dial_of (GTask *task)
{
  return g_task_get_task_data (task);
}

static gboolean
free_attempt_cb (gpointer data)
{
  Attempt *attempt = data;

  g_clear_pointer (&attempt->driver, quic_driver_free);
  g_free (attempt);
  return G_SOURCE_REMOVE;
}

/* Lets an attempt go when the loop comes round: this may be inside its own callback. */
static void
drop_attempt (Attempt *attempt, GMainContext *context)
{
  static const QuicConnectionEvents deaf = { 0 };
  g_autoptr (GSource) source = g_idle_source_new ();

  if (attempt->connection != NULL)
    {
      quic_connection_set_events (attempt->connection, &deaf, NULL);
      quic_connection_close (attempt->connection, QUIC_CODE_NONE, "");
      attempt->connection = NULL;
    }
  g_source_set_callback (source, free_attempt_cb, attempt, NULL);
  g_source_attach (source, context);
}

static void
stop_timer (Dial *dial)
{
  if (dial->timer == NULL)
    return;
  g_source_destroy (dial->timer);
  g_clear_pointer (&dial->timer, g_source_unref);
}

static void
drop_attempts (Dial *dial)
{
  stop_timer (dial);
  if (dial->cancelled != NULL)
    {
      g_source_destroy (dial->cancelled);
      g_clear_pointer (&dial->cancelled, g_source_unref);
    }
  for (guint i = 0; i < dial->attempts->len; i++)
    drop_attempt (dial->attempts->pdata[i], dial->transport->context);
  g_ptr_array_set_size (dial->attempts, 0);
}

static void
dial_free (gpointer data)
{
  Dial *dial = data;

  drop_attempts (dial);
  g_ptr_array_unref (dial->attempts);
  g_clear_pointer (&dial->domain, transport_domain_free);
  g_clear_pointer (&dial->identity, transport_identity_free);
  g_clear_pointer (&dial->secret, pki_secret_free);
  g_clear_pointer (&dial->tls, quic_tls_unref);
  g_clear_pointer (&dial->addresses, g_array_unref);
  g_clear_pointer (&dial->session, transport_session_unref);
  g_clear_error (&dial->error);
  g_free (dial->host);
  g_free (dial);
}

static void
fail (GTask *task, GError *error)
{
  Dial *dial = dial_of (task);

  drop_attempts (dial);
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_error (task, g_steal_pointer (&error));
  g_clear_error (&error);
  g_object_unref (task);
}

static void
ready_cb (MuxSession *session, const GError *error, gpointer data)
{
  GTask *task = data;
  Dial *dial = dial_of (task);

  if (error != NULL)
    {
      GError *copy = g_error_copy (error);

      g_prefix_error (&copy, "%s: ", dial->domain->client->name);
      fail (task, copy);
      return;
    }
  stop_timer (dial);
  transport_session_set_identity (session, g_steal_pointer (&dial->identity));
  g_task_return_pointer (task, g_steal_pointer (&dial->session), (GDestroyNotify) transport_session_unref);
  g_object_unref (task);
}

static gboolean
check_expected_name (Dial *dial, QuicConnection *connection, GError **error)
{
  const char *expected = dial->domain->client->expected_cn;
  PkiCertificate *peer = quic_connection_peer (connection);
  const char *name = peer == NULL ? NULL : pki_certificate_common_name (peer);

  if (expected == NULL || g_strcmp0 (expected, name) == 0)
    return TRUE;
  return base_error_set (error, MUX_ERROR_TLS, _("%s: the server's certificate has the CN '%s', expected_cn is '%s'"),
                         dial->domain->client->name, name == NULL ? "" : name, expected);
}

static void
connected_cb (QuicConnection *connection, gpointer data)
{
  Attempt *attempt = data;
  GTask *task = attempt->task;
  Dial *dial = dial_of (task);
  GError *error = NULL;

  if (!check_expected_name (dial, connection, &error))
    {
      fail (task, error);
      return;
    }
  attempt->connection = NULL;
  dial->session = transport_session_dialled (dial->transport, g_steal_pointer (&attempt->driver), connection, dial->domain,
                                             ready_cb, task);
  drop_attempts (dial);
}

/* A stored identity that the server does not take, or whose CA is not the server's any more, is replaced once. */
static gboolean
can_replace_identity (Dial *dial)
{
  return dial->error != NULL && g_error_matches (dial->error, MUX_ERROR, MUX_ERROR_TLS) && dial->identity->stored
         && !dial->retried && transport_domain_can_enrol (dial->domain);
}

static void
exhausted (GTask *task)
{
  Dial *dial = dial_of (task);
  GError *error = g_steal_pointer (&dial->error);

  dial->error = error;
  if (can_replace_identity (dial))
    {
      g_clear_error (&dial->error);
      g_clear_pointer (&dial->tls, quic_tls_unref);
      g_clear_pointer (&dial->identity, transport_identity_free);
      drop_attempts (dial);
      dial->retried = TRUE;
      dial->next = 0;
      identify (task, TRUE);
      return;
    }
  dial->error = NULL;
  g_prefix_error (&error, "%s: ", dial->domain->client->name);
  fail (task, error);
}

static GError *
explain (const QuicCloseInfo *info, const NetAddress *remote)
{
  char buffer[NET_ADDRESS_STRLEN];
  const char *address = net_address_format (remote, buffer);

  switch (info->cause)
    {
    case QUIC_CLOSE_HANDSHAKE:
    case QUIC_CLOSE_IDLE:
      return g_error_new (MUX_ERROR, MUX_ERROR_UNREACHABLE,
                          _("no answer from %s; is `mux-quic serve` running there, and is UDP port %u open in its firewall?"),
                          address, net_address_port (remote));
    case QUIC_CLOSE_TLS:
      return g_error_new (MUX_ERROR, MUX_ERROR_TLS, _("%s: %s"), address,
                          info->error == NULL ? "TLS" : info->error->message);
    case QUIC_CLOSE_PEER:
      return g_error_new (MUX_ERROR, MUX_ERROR_REFUSED, _("%s refused the connection: %s"), address,
                          info->error == NULL ? "" : info->error->message);
    case QUIC_CLOSE_LOCAL:
    case QUIC_CLOSE_RESET:
    case QUIC_CLOSE_VERSION:
    case QUIC_CLOSE_ERROR:
      break;
    }
  return g_error_new (MUX_ERROR, MUX_ERROR_LOST, "%s: %s", address,
                      info->error == NULL ? _("the connection ended") : info->error->message);
}

static void
attempt_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer data)
{
  Attempt *attempt = data;
  GTask *task = attempt->task;
  Dial *dial = dial_of (task);

  attempt->connection = NULL;
  if (dial->error == NULL)
    dial->error = explain (info, &attempt->remote);
  g_ptr_array_remove (dial->attempts, attempt);
  drop_attempt (attempt, dial->transport->context);
  if (dial->next < dial->addresses->len)
    try_next (task);
  else if (dial->attempts->len == 0)
    exhausted (task);
}

static const QuicConnectionEvents attempt_events = {
  .connected = connected_cb,
  .closed = attempt_closed_cb,
};

static QuicConnectionConfig
connection_config (const ConfigClient *client)
{
  return (QuicConnectionConfig){
    .max_idle_timeout_ms = client->max_idle_timeout_ms,
    .keep_alive_interval_ms = client->keep_alive_interval_ms,
    .handshake_timeout_ms = TRANSPORT_DIAL_TIMEOUT_MS,
  };
}

static gboolean
start_attempt (GTask *task, const NetAddress *remote, GError **error)
{
  Dial *dial = dial_of (task);
  QuicConnectionConfig config = connection_config (dial->domain->client);
  Attempt *attempt = g_new0 (Attempt, 1);
  NetAddress any;
  NetUdp *udp;

  attempt->task = task;
  attempt->remote = *remote;
  net_address_from_numeric (&any, net_address_family (remote) == AF_INET ? "0.0.0.0" : "::", 0);
  udp = net_udp_open (&any, NET_UDP_DEFAULT, error);
  if (udp != NULL)
    attempt->driver = quic_driver_new_client (udp, dial->transport->context, "mux-quic: client", dial->secret, error);
  if (attempt->driver != NULL)
    attempt->connection
        = quic_driver_connect (attempt->driver, remote, dial->tls, &config, &attempt_events, attempt, error);
  if (attempt->connection == NULL)
    {
      g_clear_pointer (&attempt->driver, quic_driver_free);
      g_free (attempt);
      return FALSE;
    }
  g_ptr_array_add (dial->attempts, attempt);
  return TRUE;
}

static gboolean
timer_cb (gpointer task)
{
  stop_timer (dial_of (task));
  try_next (task);
  return G_SOURCE_REMOVE;
}

/* Starts the next address that can be started; the one after that follows when this one failed, or soon. */
static void
try_next (GTask *task)
{
  Dial *dial = dial_of (task);

  stop_timer (dial);
  while (dial->next < dial->addresses->len)
    {
      const NetAddress *remote = &g_array_index (dial->addresses, NetAddress, dial->next++);

      if (start_attempt (task, remote, dial->error == NULL ? &dial->error : NULL))
        {
          if (dial->next < dial->addresses->len)
            {
              dial->timer = g_timeout_source_new (TRANSPORT_ATTEMPT_DELAY_MS);
              g_source_set_callback (dial->timer, timer_cb, task, NULL);
              g_source_attach (dial->timer, dial->transport->context);
            }
          return;
        }
    }
  if (dial->attempts->len == 0)
    exhausted (task);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer task)
{
  Dial *dial = dial_of (task);

  /* Once there is a session its end answers the task, in a later pass. */
  if (dial->session != NULL)
    transport_session_end (dial->session, "bye", "");
  else
    fail (task, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, _("cancelled")));
  return G_SOURCE_REMOVE;
}

static void
progress (Dial *dial, const char *format, const char *what)
{
  const MuxHost *host = dial->transport->host;
  g_autoptr (GString) text = NULL;

  if (host->progress == NULL)
    return;
  text = g_string_new (format);
  g_string_replace (text, "%s", what, 1);
  host->progress (host->user_data, text->str);
}

static void
resolved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Dial *dial = dial_of (task);
  GError *error = NULL;

  dial->addresses = net_resolver_lookup_finish (result, &error);
  if (dial->addresses == NULL)
    {
      g_prefix_error (&error, "%s: ", dial->domain->client->name);
      fail (task, error);
      return;
    }
  if (g_task_get_cancellable (task) != NULL)
    {
      dial->cancelled = g_cancellable_source_new (g_task_get_cancellable (task));
      g_source_set_callback (dial->cancelled, G_SOURCE_FUNC (cancelled_cb), task, NULL);
      g_source_attach (dial->cancelled, dial->transport->context);
    }
  progress (dial, _("connecting to %s"), dial->domain->client->remote_address);
  try_next (task);
}

static void
identified_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Dial *dial = dial_of (task);
  const ConfigClient *client = dial->domain->client;
  GError *error = NULL;
  g_autoptr (PkiTrust) trust = NULL;

  dial->identity = transport_domain_identify_finish (result, &error);
  if (dial->identity != NULL)
    trust = transport_domain_trust (dial->domain, dial->identity, &error);
  if (trust != NULL)
    {
      const char *name = dial->identity->server_name != NULL && client->pem_ca == NULL ? dial->identity->server_name
                                                                                       : dial->host;

      if (client->accept_invalid_hostnames)
        progress (dial, _("%s: the server's name is not checked (accept_invalid_hostnames)"), client->name);
      dial->tls = quic_tls_new_client (dial->identity->credentials, trust, name, !client->accept_invalid_hostnames,
                                       QUIC_ALPN, &error);
    }
  if (dial->tls == NULL)
    {
      fail (task, error);
      return;
    }
  g_clear_pointer (&dial->addresses, g_array_unref);
  net_resolver_lookup_async (dial->host, dial->port, g_task_get_cancellable (task), resolved_cb, task);
}

static void
identify (GTask *task, gboolean fresh)
{
  Dial *dial = dial_of (task);

  transport_domain_identify_async (dial->transport, dial->domain, fresh, g_task_get_cancellable (task), identified_cb,
                                   task);
}

void
transport_dial_async (MuxTransport *transport, const char *target, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Dial *dial = g_new0 (Dial, 1);
  GError *error = NULL;

  dial->transport = transport;
  dial->attempts = g_ptr_array_new ();
  g_task_set_source_tag (task, transport_dial_async);
  g_task_set_task_data (task, dial, dial_free);
  dial->domain = transport_domain_find (transport, target, &error);
  if (dial->domain != NULL)
    dial->secret = pki_secret_new_random (&error);
  if (dial->secret == NULL
      || !net_resolver_split (dial->domain->client->remote_address, DEFAULT_PORT, &dial->host, &dial->port, &error))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  identify (task, FALSE);
}

MuxSession *
transport_dial_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
