/* The QUIC transport of a host: its listeners, domains and sessions, behind the operations of mux/transport.h. control/ observes it
 * through this header. Everything runs on the host's context. */
#pragma once

#include <mux/transport.h>
#include "config/settings.h"
#include "pki/authority.h"

G_BEGIN_DECLS

/* MuxTransport is this room's struct. */
extern const MuxTransportOps transport_ops;
extern const MuxSessionOps transport_session_ops;

/* Reads the configuration; touches no network. What is wrong with it is said by start () and connect_async (). A server's PKI is
 * opened by start (). */
MuxTransport *transport_new (const MuxHost *host);
void transport_free (MuxTransport *transport);
const MuxHost *transport_host (const MuxTransport *transport);

/* What happens in it, for the status objects. All but `started` may be NULL. Called on the context, not from inside the causing call
 * except `starting`, `started` and `stopping`. */
typedef struct
{
  /* start () begins. FALSE fails it, before anything is touched. When it fails later, `stopping` is called. */
  gboolean (*starting) (MuxTransport *transport, gpointer user_data, GError **error);
  /* The listeners are bound: the last step of start (). FALSE fails it. */
  gboolean (*started) (MuxTransport *transport, gpointer user_data, GError **error);
  void (*stopping) (MuxTransport *transport, gpointer user_data);
  void (*listeners_changed) (MuxTransport *transport, gpointer user_data);
  void (*session_added) (MuxTransport *transport, MuxSession *session, gpointer user_data);
  void (*session_changed) (MuxTransport *transport, MuxSession *session, gpointer user_data);
  void (*session_removed) (MuxTransport *transport, MuxSession *session, gpointer user_data);
  /* It has a connection again, after @seconds without one; 0: the new one took the place of one that lived. */
  void (*session_back) (MuxTransport *transport, MuxSession *session, guint seconds, gpointer user_data);
  /* Whether session_changed is of interest for counters alone. */
  gboolean (*wants_counters) (MuxTransport *transport, gpointer user_data);
  /* @certificate is used from now on; or comes near its end (transport/expiry.h). @role: "ca", "server", "client"; @name: the bind
   * address, the target, or of the CA. @problem: why it is not renewed, or NULL. */
  void (*certificate_renewed) (MuxTransport *transport, const char *role, const char *name, PkiCertificate *certificate,
                               gpointer user_data);
  void (*certificate_expiring) (MuxTransport *transport, const char *role, const char *name, PkiCertificate *certificate,
                                const char *problem, gpointer user_data);
  /* As MuxHost.channel_event (); TRUE: the channel is the observer's own, and the host is not told. */
  gboolean (*channel_event) (MuxTransport *transport, GIOStream *channel, const char *event, GVariant *details, gpointer user_data);
} TransportObserver;

/* Somebody who keeps certificates between the lives of transports, and renews them: the agent of the desktop session. */
typedef struct
{
  /* @credentials: a{sv}, an enrolment with its key (transport/enrolment.h), and address s: where to dial @target. @callback may be NULL; whether it worked is nobody's
   * concern. */
  void (*store) (gpointer user_data, const char *target, GVariant *credentials, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer callback_data);
  void (*look_up) (gpointer user_data, const char *target, GCancellable *cancellable, GAsyncReadyCallback callback,
                   gpointer callback_data);
  /* NULL: there is nothing, or nobody. Transfer full. */
  GVariant *(*look_up_finish) (GAsyncResult *result);
} TransportVault;

void transport_set_vault (MuxTransport *transport, const TransportVault *vault, gpointer user_data);
/* The other side of it. keep: MUX_ERROR_PKI, MUX_ERROR_ENROLMENT, MUX_ERROR_LIMIT. look_up: NULL when there is nothing
 * that serves; transfer full. */
gboolean transport_keep_credentials (MuxTransport *transport, const char *target, GVariant *credentials,
                                     GError **error);
GVariant *transport_look_up_credentials (MuxTransport *transport, const char *target);

/* At most one; set before start (). */
void transport_set_observer (MuxTransport *transport, const TransportObserver *observer, gpointer user_data);

/* NULL before start (), and when every server has its own pem_ca. */
PkiAuthority *transport_authority (MuxTransport *transport);
const ConfigSettings *transport_settings (MuxTransport *transport);
/* Names the server certificate holds, the primary one first; what an enrolment tells the client. NULL-terminated, owned. */
const char *const *transport_server_names (MuxTransport *transport);
/* "ADDRESS:PORT" of every socket, wildcards as the addresses of the interfaces. Transfer full. */
char **transport_server_addresses (MuxTransport *transport);
/* aa{sv} of bound sockets: address s, bind_address s, connections u, half_open u, certificate_expires x, datagrams_in t, …; full. */
GVariant *transport_describe_listeners (MuxTransport *transport);
/* a{sv}, flat: gauges (u), counters since the transport was made (t), times (x, Unix seconds); data/org.muxquic.Quic1.xml names
 * them. Full. */
GVariant *transport_describe_stats (MuxTransport *transport);
/* The PKI at a person's word. MUX_ERROR_PKI when this host has no CA of its own. list: aa{sv} of issued client certificates, the
 * latest first: serial s, user s, device s, issued x, expires x, revoked x, seen x, address s, renews s (a serial),
 * certificate s (PEM); what is not known is left out; full. revoke: and what was renewed by way of it; its sessions
 * end at once. renew: the server's own. */
GVariant *transport_list_certificates (MuxTransport *transport, GError **error);
/* A client certificate was issued to somebody who asked for the first one. */
void transport_note_issued (MuxTransport *transport);
gboolean transport_revoke (MuxTransport *transport, const char *serial, GError **error);
gboolean transport_renew_certificates (MuxTransport *transport, GError **error);
gboolean transport_rotate_authority (MuxTransport *transport, GError **error);
/* Sessions, borrowed, in the order they came. */
GPtrArray *transport_sessions (MuxTransport *transport);
/* The index there of the first that came after the one with @number; 0: of the first of all. Numbers begin with 1 and are never used
 * again. */
guint transport_sessions_after (MuxTransport *transport, guint64 number);
guint64 transport_session_number (const MuxSession *session);
/* As MuxTransportOps.describe (), but no more than @sessions of the sessions; if there are more, session_count u says how many. */
GVariant *transport_describe_some (MuxTransport *transport, guint sessions);
/* Something that only control knows of has changed: the observer is called for everything a second later at most. */
void transport_touch (MuxTransport *transport);
/* Of the certificates that the host shows the first to end: Unix seconds; 0: there is none. */
gint64 transport_certificate_expires (MuxTransport *transport);

G_END_DECLS
