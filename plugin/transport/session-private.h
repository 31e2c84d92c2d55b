/* struct _MuxSession, for peer-session.c (its life) and session-ops.c (what the host asks of it). */
#pragma once

#include "transport/peer-session.h"

G_BEGIN_DECLS

struct _MuxSession
{
  guint references;
  MuxTransport *transport; /* NULL once it is closed, or the transport gone */
  GMainContext *context;
  TransportListener *listener; /* incoming ones only; NULL when it is gone */
  QuicDriver *driver;          /* outgoing ones only */
  Session *session;
  gboolean incoming;
  gboolean announced; /* host and observer know of it */
  MuxSessionState state;
  GError *error; /* why it closed */
  char *user, *device, *serial, *peer, *local;
  char **services;
  gint64 since; /* Unix seconds */

  /* Outgoing. */
  TransportDomain *domain;
  TransportIdentity *identity;
  TransportReadyFunc ready;
  gpointer ready_data;

  GList *closing; /* of GTask: who waits for the end */
  GTask *renewing;
  PkiKey *renewal_key;
};

MuxSession *transport_session_ref (MuxSession *session);
void transport_session_unref (MuxSession *session);
/* Answers whoever waits for the session's end or a renewal. */
void transport_session_finish_tasks (MuxSession *session, const GError *error);
/* Remembers, for describe, what a channel is for. */
void transport_session_name_channel (GIOStream *channel, GVariant *request);
/* The identity of an outgoing session, for renewal. Takes it. */
void transport_session_set_identity (MuxSession *session, TransportIdentity *identity);

G_END_DECLS
