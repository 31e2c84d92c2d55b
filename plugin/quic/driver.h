/* An endpoint on a real socket: one GSource that reads a bounded batch, runs one pass, and re-arms its ready time once. */
#pragma once

#include "net/source.h"
#include "quic/endpoint.h"

G_BEGIN_DECLS

typedef struct _QuicDriver QuicDriver;

/* The driver owns @udp from then on (also on error). Attached to @context under the name @name. */
QuicDriver *quic_driver_new_server (NetUdp *udp, GMainContext *context, const char *name,
                                    const QuicServerConfig *config, QuicTls *tls, const PkiSecret *secret,
                                    QuicAcceptFunc accept, gpointer user_data, GError **error);
QuicDriver *quic_driver_new_client (NetUdp *udp, GMainContext *context, const char *name, const PkiSecret *secret,
                                    GError **error);
/* Not from inside a callback of the endpoint: use an idle source there. */
void quic_driver_free (QuicDriver *driver);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (QuicDriver, quic_driver_free)

/* @func: something was received or sent. Called at the end of a turn, outside the endpoint's callbacks. */
typedef void (*QuicDriverFunc) (QuicDriver *driver, gpointer user_data);
void quic_driver_set_active (QuicDriver *driver, QuicDriverFunc func, gpointer user_data);

QuicEndpoint *quic_driver_endpoint (QuicDriver *driver);
NetUdp *quic_driver_udp (QuicDriver *driver);
/* quic_endpoint_connect () from the driver's socket, with the clock read for it. */
QuicConnection *quic_driver_connect (QuicDriver *driver, const NetAddress *remote, QuicTls *tls,
                                     const QuicConnectionConfig *config, const QuicConnectionEvents *events,
                                     gpointer user_data, GError **error);

G_END_DECLS
