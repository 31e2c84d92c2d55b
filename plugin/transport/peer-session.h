/* A session as the host sees it: MuxSession around the protocol's Session, of either direction.
 * Reference-counted; the transport holds one reference until the session is over, so a host may keep its own
 * for longer: operations then say that it is gone. The host's functions are called from passes of the
 * connection, never from inside a call of this header. */
#pragma once

#include "transport/domain.h"
#include "transport/listener.h"
#include "transport/relay.h"

G_BEGIN_DECLS

typedef enum
{
  TRANSPORT_SESSION_ARRIVING, /* in: not admitted; out: not welcome yet */
  TRANSPORT_SESSION_KNOWN,    /* host and observer were told */
  TRANSPORT_SESSION_OVER,
} TransportSessionPhase;

/* Out: the server welcomed us (@error NULL), or the session ended before. Called once. */
typedef void (*TransportWelcomeFunc) (MuxSession *session, const GError *error, gpointer user_data);

struct _MuxSession
{
  guint references;
  MuxTransport *transport; /* NULL when over */
  GMainContext *context;   /* owned: operations answer on it, also when the transport is gone */
  Session *session;
  TransportSessionPhase phase;
  gboolean incoming;
  char *user, *device, *serial, *peer, *local, *target, *agent;
  char **services;
  gint64 since;
  GError *error;       /* why it is over, or away */
  gint64 away_since;   /* Unix seconds; 0: it has a connection */
  guint aways;         /* how often it lost one */
  guint timeout;       /* seconds for which it may be away */
  guint restart_after; /* out, while it is away: the other side wanted to be back in so many seconds; 0: it said nothing */
  struct _TransportAway *away; /* see transport/away.h; NULL when over */
  GList waiting_link;  /* in transport->waiting; its data is NULL while it is not there */
  guint64 number;      /* of its arrival among the known ones, 1 is the first */
  guint place;         /* in transport->arriving, as long as it is there */
  guint told_channels; /* what the observer saw last */
  NetAddress told_peer;
  guint64 told_bytes;
  QuicConnectionInfo past; /* counters of the connections before the one it has */

  /* in */
  TransportListener *listener; /* NULL when over */
  char *listener_address;
  char *raw_service;       /* of a raw session: the service all its channels go to */
  char *renewed;           /* the serial of the last certificate it was given, or NULL */
  GHashTable *services_of; /* number of a channel whose request named no service → the one it got */

  /* out */
  QuicDriver *driver; /* owned */
  TransportRelay *relay; /* owned; its datagrams go over ssh; NULL: by UDP */
  TransportDomain *domain;
  char *default_service; /* for channels that name none */
  guint waiting;         /* sessions of ours over there that wait for their clients, as the welcome said */
  gboolean keeps_path;   /* nothing is dialled beside a connection that lives (enable_migration = false) */
  TransportWelcomeFunc welcome;
  gpointer welcome_data;

  GQueue closing; /* of GTask: wait for its end */
};

void transport_session_new_incoming (TransportListener *listener, QuicConnection *connection);
/* Takes over @connection, which is up, and @driver. The transport owns the session; the welcome (or the end)
 * is told. */
MuxSession *transport_session_new_outgoing (MuxTransport *transport, QuicDriver *driver,
                                            QuicConnection *connection, const char *target,
                                            TransportDomain *domain, const char *service,
                                            TransportWelcomeFunc welcome, gpointer user_data);
MuxSession *transport_session_ref (MuxSession *session);
void transport_session_unref (MuxSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MuxSession, transport_session_unref)

/* Out: goes on over @connection, which is up; takes over @driver and @relay (may be NULL). */
void transport_session_go_on (MuxSession *session, QuicDriver *driver, QuicConnection *connection, TransportRelay *relay);
/* Out: its connection goes over @relay (transfer full), or by UDP if that is NULL. */
void transport_session_set_relay (MuxSession *session, TransportRelay *relay);
/* Ends it with a goodbye, or without one when nobody would hear it. What follows comes in a later turn. */
void transport_session_say_goodbye (MuxSession *session, const char *code, const char *message);
MuxSessionState transport_session_state (const MuxSession *session);
/* a{sv}, transfer full. */
GVariant *transport_session_describe (MuxSession *session);
/* What is known of the connection now, as long as there is one. */
void transport_session_note_addresses (MuxSession *session);

/* admission.c: what a server says to a hello, and what it makes of a request for a channel (a{sv}, transfer
 * full; NULL = host has no use for it). */
void transport_admission_hello (MuxSession *session, GVariant *details);
/* The session with the id @bytes ("ay"), if @newcomer may go on with it: of the same identity, or there is none. Borrowed. */
MuxSession *transport_admission_find (MuxSession *newcomer, GVariant *bytes);
void transport_admission_channel (MuxSession *session, GIOStream *channel, GVariant *request);
/* aa{sv} of the session's channels, each with the service it got; transfer full. */
GVariant *transport_admission_describe_channels (MuxSession *session);
/* The answer to `renew`. */
void transport_admission_renew (MuxSession *session, const char *csr);

G_END_DECLS
