/* What dial.c (a dial's life, from the certificate to the welcome), dial-name.c (its addresses) and dial-relay.c share. */
#pragma once

#include "net/resolver.h"
#include "transport/domain.h"
#include "transport/race.h"
#include "transport/relay.h"

G_BEGIN_DECLS

struct _TransportDial
{
  MuxTransport *transport;
  GTask *task;
  char *target, *service;
  ConfigSettings *settings; /* keeps `client` when it is a configured one */
  ConfigClient *own_client; /* … else this does */
  const ConfigClient *client;
  char *host;
  guint16 port;     /* 0: not given */
  gboolean aliased; /* ssh was asked for the host's name */
  TransportDomain *domain;
  gboolean enrolled;         /* in this dial: what fails now will not get better by enrolling again */
  gboolean retried;          /* what was kept did not serve */
  gboolean takes, takes_any; /* a session that another client began: that one, or the last that waits */
  guint8 taken[SESSION_ID_SIZE];
  gboolean quiet;            /* nobody is there to answer a question */
  gboolean may_relay;        /* over ssh, if it has to be */
  guint timeout_ms;          /* for the handshakes */
  GCancellable *cancellable; /* ours: for what runs without a handle */
  GSource *cancel;           /* the caller's */
  TransportRace *race;
  TransportRelay *relay;
  MuxSession *session; /* waits for its welcome */
  MuxSession *resumes; /* the session that goes on, if it is not a new one */
};

/* The one answer, after which nothing of it runs: @session (transfer full) or @error (transfer full). */
void transport_dial_answer (TransportDial *dial, MuxSession *session, GError *error);
/* dial-relay.c: goes over ssh if that may help against @error. FALSE: it does not. */
gboolean transport_dial_relay (TransportDial *dial, const GError *error);
/* dial-name.c: finds the addresses of its host, ports filled in, … */
void transport_dial_resolve (TransportDial *dial);
/* … and here it dials them. @addresses: transfer full. */
void transport_dial_addresses (TransportDial *dial, GArray *addresses);

G_END_DECLS
