/* The ways by which a connection's packets go: the path they came by, the change to another one, and that it is told. */
#define BASE_LOG_ROOM "quic"
#include "quic/endpoint-private.h"

#include "base/log.h"

ngtcp2_path
quic_connection_path (const NetAddress *local, const NetAddress *remote)
{
  return (ngtcp2_path){
    .local = { .addr = (ngtcp2_sockaddr *)&local->u.any, .addrlen = local->length },
    .remote = { .addr = (ngtcp2_sockaddr *)&remote->u.any, .addrlen = remote->length },
  };
}

/* FALSE and nothing there when ngtcp2 has an address that is none. */
static gboolean
current_path (const QuicConnection *connection, NetAddress *local, NetAddress *remote)
{
  const ngtcp2_path *path = ngtcp2_conn_get_path (connection->conn);

  return net_address_from_sockaddr (local, path->local.addr, path->local.addrlen)
         && net_address_from_sockaddr (remote, path->remote.addr, path->remote.addrlen);
}

void
quic_connection_arrival (const QuicConnection *connection, const NetAddress *local, NetAddress *arrival)
{
  NetAddress remote;

  /* ngtcp2 drops what comes to a client by a way it does not use. But a server that has not noticed yet still sends its data by one that was
   * left, and one that asks whether that way still leads here may learn that it does, rather than wait. Not by the way that was proven last:
   * when several were taken at once and never proven, that is not the one in use, and nothing would be heard any more. */
  if (connection->server || net_address_equal (local, &connection->candidate) || !current_path (connection, arrival, &remote))
    *arrival = *local;
}

void
quic_connection_migrate (QuicConnection *connection, const NetAddress *local, gboolean at_once)
{
  NetAddress current, remote;

  if (connection->server || connection->state != QUIC_STATE_OPEN || !current_path (connection, &current, &remote)
      || net_address_equal (local, &current))
    return;
  connection->wanted = *local;
  connection->migrate = TRUE;
  /* Nothing is lost with a path that was taken at once and never proven. */
  connection->migrate_at_once = at_once || !net_address_equal (&current, &connection->local);
  quic_endpoint_want_write (connection->endpoint, connection);
}

void
quic_connection_begin_migration (QuicConnection *connection)
{
  ngtcp2_path path = quic_connection_path (&connection->wanted, &connection->remote);
  char text[NET_ADDRESS_STRLEN];
  int rv;

  connection->migrate = FALSE;
  /* A dead path holds back the probe of the next one too, when it is full: they share the congestion window until the change. */
  rv = (connection->migrate_at_once ? ngtcp2_conn_initiate_immediate_migration : ngtcp2_conn_initiate_migration) (
      connection->conn, &path, connection->endpoint->now);
  if (rv == 0)
    connection->candidate = connection->wanted;
  else if (rv == NGTCP2_ERR_NOMEM || rv == NGTCP2_ERR_CALLBACK_FAILURE)
    quic_connection_fail (connection, rv);
  else /* the peer does not want it, or has given us no connection ID for it: what we use is still heard */
    base_debug ("no migration to %s: %s", net_address_format (&connection->wanted, text), ngtcp2_strerror (rv));
}

void
quic_connection_tell_path (QuicConnection *connection)
{
  NetAddress local, remote;

  connection->tell_path = FALSE;
  if (!current_path (connection, &local, &remote)
      || (net_address_equal (&local, &connection->local) && net_address_equal (&remote, &connection->remote)))
    return;
  connection->local = local;
  connection->remote = remote;
  connection->migrations++;
  connection->endpoint->stats.migrations++;
  if (connection->events->path_changed != NULL)
    connection->events->path_changed (connection, connection->user_data);
}
