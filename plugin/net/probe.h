/* Asks an address by UDP whether anybody is there: one datagram, sent again now and then until it is
 * answered, until something on the way says why not, or until the time is up. The socket is the probe's own
 * and connected, so that ICMP's words reach it; like all sockets of this room it never fragments. For
 * diagnosis: who wants to connect connects. The callback runs on the thread-default context of the call. */
#pragma once

#include "net/address.h"

G_BEGIN_DECLS

typedef enum
{
  NET_PROBE_ANSWERED,
  NET_PROBE_REFUSED,     /* the machine is there, and says that nobody listens (ICMP port unreachable) */
  NET_PROBE_FORBIDDEN,   /* a firewall that says so: this machine's own, or `reporter`'s */
  NET_PROBE_UNREACHABLE, /* no route to it, from here or from `reporter` on */
  NET_PROBE_TOO_LARGE,   /* a link on the way is too small for the datagram: `mtu` */
  NET_PROBE_SILENT,      /* nothing came */
} NetProbeOutcome;

typedef struct
{
  NetProbeOutcome outcome;
  int error;           /* errno, when something said no */
  NetAddress reporter; /* who said so; unset: this machine */
  guint mtu;           /* of the path, IP header included, as far as the kernel knows; 0 = unknown */
  guint64 round_trip;  /* ns, when it was answered */
} NetProbeResult;

/* Whether the @length bytes that came are an answer to what was sent. */
typedef gboolean (*NetProbeFunc) (const guint8 *data, gsize length, gpointer user_data);

/* @data is copied; @is_answer_data must live until @callback. */
void net_probe_async (const NetAddress *remote, const guint8 *data, gsize length, guint timeout_ms,
                      NetProbeFunc is_answer, gpointer is_answer_data, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data);
/* FALSE only for a socket that is not to be had, and G_IO_ERROR_CANCELLED. */
gboolean net_probe_finish (GAsyncResult *result, NetProbeResult *answer, GError **error);

G_END_DECLS
