/* What the files of the transport share. transport.c: its life and operations; serving.c, plan.c: start and
 * reload; stopping.c; sessions.c: what it has of them; listener.c: one entry of quic_servers; server-pki.c: what it shows and believes;
 * admission.c: who and what may come in; peer-session.c and session-ops.c: a session as the host sees it;
 * dial.c, race.c, domain.c, bootstrap.c: the way out; describe.c, stats.c. Nobody outside the room includes this. */
#pragma once

#include "base/log.h"
#include "quic/driver.h"
#include "session/session.h"
#include "transport/server-pki.h"
#include "transport/transport.h"

G_BEGIN_DECLS

#define TRANSPORT_NAME "quic"
/* From the first packet to the connection that stands. */
#define TRANSPORT_DIAL_TIMEOUT_MS 10000
/* … where there is another way: over ssh. */
#define TRANSPORT_UDP_PATIENCE_MS 3000
/* An enrolment command, ssh's questions included. */
#define TRANSPORT_ENROLMENT_TIMEOUT_MS 30000
/* The first pause before a held domain is dialled again. */
#define TRANSPORT_HOLD_PAUSE_MS 1000
/* A clock that was not set for so long is believed. */
#define TRANSPORT_SETTLE_SECONDS 3600
/* Targets whose certificates are kept for others. */
#define TRANSPORT_CREDENTIALS_MAX 256
/* A host that ends wants to be back after so many seconds. */
#define TRANSPORT_RESTART_AFTER_S 1
/* After it a stop no longer waits for anybody's acknowledgement. */
#define TRANSPORT_STOP_TIMEOUT_MS 3000

typedef struct _TransportListener TransportListener;
typedef struct _TransportDial TransportDial;

/* Counters since the transport was made; the sockets' are of those that are gone. */
typedef struct
{
  guint64 bytes_in, bytes_out, datagrams_in, datagrams_out, datagrams_dropped, send_errors;
  guint64 handshakes_completed, handshakes_failed, connections_refused, version_negotiations;
  guint64 retries_sent, resets_sent, migrations;
  guint64 sessions_started, sessions_resumed;
  guint64 certificates_issued, certificates_renewed, certificates_revoked;
} TransportTotals;

struct _MuxTransport
{
  const MuxHost *host;
  GMainContext *context; /* never NULL */
  ConfigSettings *settings;
  GError *config_error; /* why `settings` are only the defaults */
  const TransportObserver *observer;
  gpointer observer_data;
  gboolean quiet; /* being freed: the host hears nothing more */
  struct _TransportAdopted *adopted; /* sockets that were bound for us */

  gint64 started; /* Unix seconds, 0 = not serving */
  TransportServerPki *pki;
  char **server_names;
  GPtrArray
      *listeners; /* of TransportListener, owned, those that only wait for their sessions' end included */
  struct _TransportUpkeep *upkeep; /* while it serves */
  struct _TransportHold *hold;     /* while it serves */
  guint hold_pause_ms;             /* until a domain is dialled again, the first time */
  guint settle_seconds;            /* see transport/upkeep.h */
  GSource *sweep; /* soon: listeners that nobody needs any more go, and the observer hears of the change */
  GTask *stop;    /* a stop that is under way */
  GSource *stop_deadline;

  GPtrArray *arriving; /* of MuxSession, owned: nobody has admitted them yet */
  GPtrArray *sessions; /* of MuxSession, owned: the host knows them */
  struct _TransportRoster *roster; /* those of them that came in by mux/1 */
  struct _TransportWaiting *waiting; /* those of them whose clients are away */
  guint64 arrivals;    /* number of the session that came last */
  struct _TransportWatch *watch;   /* while it serves */
  struct _TransportExpiry *expiry; /* while it serves */
  BaseLogGate refused_gate; /* of what strangers can have logged */

  PkiSecret *client_secret;
  GHashTable *renewals; /* name of a target → TransportRenewal: certificates of this life */
  const TransportVault *vault;
  gpointer vault_data;
  GPtrArray *dials;    /* of TransportDial, owned */
  GPtrArray *diagnoses; /* of GTask, borrowed: see transport/diagnose.h */
  struct _TransportRoam *roam; /* from the first session that was dialled on */
  guint dial_timeout_ms, enrolment_timeout_ms;

  TransportTotals totals;
  GPtrArray *dead; /* of QuicDriver: freed when no callback of theirs can be on the stack */
  GSource *burial;
};

/* transport.c */

/* A one-shot or repeated timer on the transport's context; owned by the caller, ended by
 * transport_timer_clear (). */
GSource *transport_timer (MuxTransport *transport, guint milliseconds, GSourceFunc func, gpointer user_data);
void transport_timer_clear (GSource **source);
/* Frees @driver soon, after what it has to say is said. */
void transport_bury (MuxTransport *transport, QuicDriver *driver);
/* A sentence for the host's progress (). Consumes @message. */
void transport_progress (MuxTransport *transport, char *message);
/* "mux-quic 0.1.0": what a client tells the server of itself. */
const char *transport_agent (void);
/* A copy of @error in MUX_ERROR (or as it is) whose message begins with the formatted one. */
GError *transport_error_prefixed (const GError *error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* sessions.c */

/* Takes over a reference to @session, which nobody has admitted yet. */
void transport_session_arrive (MuxTransport *transport, MuxSession *session);
/* Takes @session into the known ones and tells host and observer. */
void transport_session_enter (MuxTransport *transport, MuxSession *session);
/* @session, known or arriving, is over. */
void transport_session_leave (MuxTransport *transport, MuxSession *session, const GError *error);
/* It is away, or back: tells host and observer. */
void transport_session_tell (MuxTransport *transport, MuxSession *session, MuxSessionState state, const GError *error);
/* Something of it that is seen from outside changed. */
void transport_session_touch (MuxTransport *transport, MuxSession *session);

/* serving.c */
gboolean transport_serving_start (MuxTransport *transport, GError **error);
gboolean transport_serving_reload (MuxTransport *transport, GError **error);
/* Listeners that wait for their last session go soon. */
void transport_serving_sweep (MuxTransport *transport);
/* Closes every socket now, sessions and all. Not from inside a callback of theirs. */
void transport_serving_close (MuxTransport *transport);

/* stopping.c */
void transport_stop_async (MuxTransport *transport, GAsyncReadyCallback callback, gpointer user_data);
gboolean transport_stop_finish (MuxTransport *transport, GAsyncResult *result, GError **error);
/* A session ended: a stop that waits for that goes on. */
void transport_stop_session_left (MuxTransport *transport);
/* What waits is answered, without waiting for anybody. */
void transport_stop_abort (MuxTransport *transport);

/* stats.c */

/* What @driver counted goes into the totals; it is freed next. */
void transport_stats_keep (MuxTransport *transport, QuicDriver *driver);

/* describe.c */
GVariant *transport_describe (MuxTransport *transport);
/* Every certificate in use that somebody must see renewed: the CA that issues ("ca"), what listeners show ("server", @name is
 * their bind address), what targets are dialled with ("client", @name is the target). @problem: what is wrong with it, or NULL. */
typedef void (*TransportCertificateFunc) (const char *role, const char *name, PkiCertificate *certificate, const char *problem,
                                          gpointer user_data);
void transport_certificates_in_use (MuxTransport *transport, TransportCertificateFunc func, gpointer user_data);
/* Tells the observer. */
void transport_certificate_renewed (MuxTransport *transport, const char *role, const char *name, PkiCertificate *certificate);

/* dial.c */
void transport_dial_async (MuxTransport *transport, const char *target, GVariant *options,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
MuxSession *transport_dial_finish (MuxTransport *transport, GAsyncResult *result, GError **error);
/* For a session that was dialled: another connection, over which it goes on; @may_relay: over ssh, if it has to be. @callback, in a later turn, may come after an abort. NULL
 * when that failed at once; it is told all the same. */
TransportDial *transport_dial_again (MuxSession *session, guint timeout_ms, gboolean may_relay,
                                     GAsyncReadyCallback callback, gpointer user_data);
/* Ends it with an error. */
void transport_dial_abort (TransportDial *dial);

G_END_DECLS
