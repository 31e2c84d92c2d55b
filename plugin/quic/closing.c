/* The end of a connection: what the user will be told, the CONNECTION_CLOSE, and the time after (RFC 9000
 * 10). */
#include "quic/endpoint-private.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <gnutls/gnutls.h>
#include <string.h>

/* Three probe timeouts; bounded both ways because the peer influences its round-trip time. */
#define LINGER_MIN (300 * NGTCP2_MILLISECONDS)
#define LINGER_MAX (3 * NGTCP2_SECONDS)

void
quic_connection_end (QuicConnection *connection, QuicCloseCause cause, gboolean application, guint64 code,
                     int alert, GError *error)
{
  g_autoptr (GError) owned = error;

  if (connection->state >= QUIC_STATE_ENDING)
    return;
  connection->state = QUIC_STATE_ENDING;
  connection->close = (QuicCloseInfo){ .cause = cause,
                                       .application = application,
                                       .code = code,
                                       .alert = alert,
                                       .error = g_steal_pointer (&owned) };
  connection->silent = cause == QUIC_CLOSE_IDLE || cause == QUIC_CLOSE_HANDSHAKE || cause == QUIC_CLOSE_RESET
                       || cause == QUIC_CLOSE_VERSION || connection->draining;
  quic_endpoint_want_events (connection->endpoint, connection);
  quic_endpoint_want_write (connection->endpoint, connection);
}

static const char *
alert_name (int alert)
{
  const char *name = gnutls_alert_get_name ((gnutls_alert_description_t)alert);

  return name != NULL ? name : _ ("unknown alert");
}

/* The peer sent CONNECTION_CLOSE. */
static void
end_by_peer (QuicConnection *connection)
{
  const ngtcp2_ccerr *said = ngtcp2_conn_get_ccerr (connection->conn);
  gboolean application = said->type == NGTCP2_CCERR_TYPE_APPLICATION;
  g_autofree char *reason
      = said->reason == NULL
            ? g_strdup ("")
            : g_utf8_make_valid ((const char *)said->reason, (gssize)MIN (said->reasonlen, QUIC_MAX_REASON));
  GError *error = NULL;

  connection->draining = TRUE;
  if (!application && said->error_code >= NGTCP2_CRYPTO_ERROR
      && said->error_code <= NGTCP2_CRYPTO_ERROR + 0xff)
    {
      int alert = (int)(said->error_code - NGTCP2_CRYPTO_ERROR);

      base_error_set (&error, MUX_ERROR_TLS, _ ("The other side refused the TLS handshake: %s (alert %d)"),
                      alert_name (alert), alert);
      quic_connection_end (connection, QUIC_CLOSE_TLS, FALSE, said->error_code, alert, error);
      return;
    }
  if (application)
    base_error_set (&error, said->error_code == QUIC_CODE_REFUSED ? MUX_ERROR_REFUSED : MUX_ERROR_LOST,
                    *reason != '\0' ? _ ("The other side closed the connection: %s")
                                    : _ ("The other side closed the connection%s"),
                    reason);
  else if (said->error_code == NGTCP2_CONNECTION_REFUSED)
    base_error_set (&error, MUX_ERROR_REFUSED, _ ("The other side takes no more connections now"));
  else
    base_error_set (&error, said->error_code == NGTCP2_NO_ERROR ? MUX_ERROR_LOST : MUX_ERROR_PROTOCOL,
                    _ ("The other side ended the connection (QUIC error 0x%" PRIx64 ") %s"),
                    (guint64)said->error_code, reason);
  quic_connection_end (connection, QUIC_CLOSE_PEER, application, said->error_code, -1, error);
}

/* TLS failed on this side: the alert is the one of our own judgement if there was one, else what GnuTLS said.
 */
static void
end_by_tls (QuicConnection *connection)
{
  int alert = ngtcp2_conn_get_tls_alert (connection->conn);
  GError *error = NULL;

  if (connection->handshake != NULL && connection->handshake->error != NULL)
    error = g_error_copy (connection->handshake->error);
  else
    base_error_set (&error, MUX_ERROR_TLS, _ ("The TLS handshake failed: %s (alert %d)"), alert_name (alert),
                    alert);
  if (alert == 0)
    alert = GNUTLS_A_INTERNAL_ERROR;
  quic_connection_end (connection, QUIC_CLOSE_TLS, FALSE, NGTCP2_CRYPTO_ERROR + (guint64)alert, alert, error);
}

void
quic_connection_fail (QuicConnection *connection, int liberr)
{
  char remote[NET_ADDRESS_STRLEN];
  GError *error = NULL;
  gboolean forget = FALSE; /* as if it had never been */

  if (connection->state >= QUIC_STATE_ENDING)
    return;
  net_address_format (&connection->remote, remote);
  switch (liberr)
    {
    case NGTCP2_ERR_DRAINING:
      if (!connection->got_reset)
        {
          end_by_peer (connection);
          return;
        }
      base_error_set (&error, MUX_ERROR_LOST,
                      _ ("%s does not know the connection any more: it was restarted"), remote);
      quic_connection_end (connection, QUIC_CLOSE_RESET, FALSE, NGTCP2_NO_ERROR, -1, error);
      return;
    case NGTCP2_ERR_CRYPTO:
      end_by_tls (connection);
      return;
    case NGTCP2_ERR_IDLE_CLOSE:
      base_error_set (&error, MUX_ERROR_LOST, _ ("Nothing was heard from %s for too long"), remote);
      quic_connection_end (connection, QUIC_CLOSE_IDLE, FALSE, NGTCP2_NO_ERROR, -1, error);
      return;
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      base_error_set (&error, MUX_ERROR_UNREACHABLE,
                      _ ("%s does not answer: is UDP open there, and the server running?"), remote);
      quic_connection_end (connection, QUIC_CLOSE_HANDSHAKE, FALSE, NGTCP2_NO_ERROR, -1, error);
      return;
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("%s speaks no version of QUIC that is spoken here"),
                      remote);
      quic_connection_end (connection, QUIC_CLOSE_VERSION, FALSE, NGTCP2_NO_ERROR, -1, error);
      return;
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
      forget = TRUE;
      break;
    default:
      break;
    }
  base_error_set (&error, MUX_ERROR_PROTOCOL, _ ("The connection with %s failed: %s"), remote,
                  ngtcp2_strerror (liberr));
  quic_connection_end (connection, QUIC_CLOSE_ERROR, FALSE,
                       ngtcp2_err_infer_quic_transport_error_code (liberr), -1, error);
  if (forget)
    connection->silent = TRUE;
}

static void
fill_ccerr (const QuicConnection *connection, ngtcp2_ccerr *ccerr)
{
  const QuicCloseInfo *info = &connection->close;
  const char *reason = connection->close_reason != NULL ? connection->close_reason : "";

  if (info->application)
    ngtcp2_ccerr_set_application_error (ccerr, info->code, (const guint8 *)reason, strlen (reason));
  else if (info->alert >= 0)
    ngtcp2_ccerr_set_tls_alert (ccerr, (guint8)info->alert, NULL, 0);
  else
    ngtcp2_ccerr_set_transport_error (ccerr, info->code, NULL, 0);
}

/* Writes the packet into the outbox, and keeps a copy. */
static void
write_close (QuicConnection *connection, guint8 *buffer)
{
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info = { 0 };
  ngtcp2_ccerr ccerr;
  ngtcp2_ssize n;
  NetAddress local, remote;

  ngtcp2_path_storage_zero (&path);
  ngtcp2_ccerr_default (&ccerr);
  fill_ccerr (connection, &ccerr);
  n = ngtcp2_conn_write_connection_close (connection->conn, &path.path, &info, buffer, QUIC_OUTBOX_PACKET,
                                          &ccerr, connection->endpoint->now);
  /* Nothing to write before there are keys, or when the amplification limit is reached: then it ends in
   * silence. */
  if (n <= 0 || !net_address_from_sockaddr (&local, path.path.local.addr, path.path.local.addrlen)
      || !net_address_from_sockaddr (&remote, path.path.remote.addr, path.path.remote.addrlen))
    return;
  connection->close_packet = g_bytes_new (buffer, (gsize)n);
  connection->bytes_out += (guint64)n;
  connection->local = local;
  connection->remote = remote;
  quic_outbox_commit (connection->endpoint->outbox, (gsize)n, &local, &remote, info.ecn, FALSE);
}

static guint64
linger_time (QuicConnection *connection)
{
  ngtcp2_duration pto = ngtcp2_conn_get_pto (connection->conn);

  return CLAMP (3 * pto, LINGER_MIN, LINGER_MAX);
}

void
quic_connection_last_words (QuicConnection *connection)
{
  guint packets;

  if (connection->spoke || connection->silent || connection->conn == NULL || !connection->opened
      || connection->close.cause != QUIC_CLOSE_LOCAL)
    return;
  connection->spoke = TRUE;
  quic_connection_write (connection, &packets);
}

gboolean
quic_connection_finish (QuicConnection *connection)
{
  guint64 linger = linger_time (connection);

  quic_connection_last_words (connection);
  if (!connection->silent)
    {
      guint8 *buffer = quic_outbox_reserve (connection->endpoint->outbox);

      if (buffer == NULL)
        return FALSE;
      write_close (connection, buffer);
    }
  /* From here on it is a few hundred bytes: the IDs, so that late packets get no stateless reset, and the
   * packet that answers them. */
  connection->linger_until = connection->silent && !connection->draining ? connection->endpoint->now
                                                                         : connection->endpoint->now + linger;
  connection->linger_answer_at = 1;
  connection->state = QUIC_STATE_LINGER;
  g_clear_pointer (&connection->handshake, quic_handshake_free);
  g_clear_pointer (&connection->conn, ngtcp2_conn_del);
  quic_cid_table_remove_all (connection->endpoint->resets, &connection->reset_tokens);
  return TRUE;
}

void
quic_connection_linger (QuicConnection *connection)
{
  QuicOutbox *outbox = connection->endpoint->outbox;
  guint8 *buffer;
  gsize length;
  const guint8 *packet;

  if (connection->close_packet == NULL)
    return;
  /* Answers the 1st, 2nd, 4th, 8th … packet (RFC 9000 10.2.1). */
  if (++connection->linger_heard < connection->linger_answer_at)
    return;
  buffer = quic_outbox_reserve (outbox);
  if (buffer == NULL)
    return;
  connection->linger_answer_at *= 2;
  packet = g_bytes_get_data (connection->close_packet, &length);
  memcpy (buffer, packet, length);
  quic_outbox_commit (outbox, length, &connection->local, &connection->remote, 0, FALSE);
}
