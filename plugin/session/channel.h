/* An open channel: its number and its lanes, in the session's table from its beginning until nothing of it
   is left to send, to read or to count. The session owns it; the GIOStreams above own only the lanes. */
#pragma once

#include "base/heap.h"
#include "session/lane.h"
#include "session/session.h"

G_BEGIN_DECLS

typedef struct _SessionTimer SessionTimer;
typedef struct _SessionChannel SessionChannel;
typedef struct _SessionRejoin SessionRejoin;

/* One lane in its channel; what lanes call their owner. The first is the channel's own, named "". */
typedef struct
{
  SessionChannel *channel;
  SessionLane *lane;
  gboolean flush_queued, count_queued, unattached_queued;
  SessionRejoin *rejoin; /* client: it asks for its other half */
} SessionChannelLane;

#define SESSION_MAX_LANE_NAME 64

/* @id must be free. @request: a{sv}, kept. Its main lane is there, closed to the host until
   session_channel_open (). */
SessionChannel *session_channel_new (Session *session, guint64 id, GVariant *request);
/* Takes it out of the table and cuts its lanes off. @tell: whether the host hears "closed". Calls back
   then. */
void session_channel_free (SessionChannel *channel, guint64 code, const char *message, gboolean tell);

Session *session_channel_session (const SessionChannel *channel);
/* Server: what the client calls its request, so that the same one is known when it comes again; 0 = nothing. */
guint64 session_channel_token (const SessionChannel *channel);
void session_channel_set_token (SessionChannel *channel, guint64 token);
guint64 session_channel_id (const SessionChannel *channel);
/* Borrowed. */
GVariant *session_channel_request (const SessionChannel *channel);
SessionLane *session_channel_main (const SessionChannel *channel);
guint session_channel_n_lanes (const SessionChannel *channel);
SessionChannelLane *session_channel_nth (SessionChannel *channel, guint index);
SessionChannelLane *session_channel_find (SessionChannel *channel, const char *name);
/* NULL when it has SESSION_MAX_LANES. */
SessionChannelLane *session_channel_add (SessionChannel *channel, const char *name);

/* The host may read and write. */
void session_channel_open (SessionChannel *channel);
gboolean session_channel_is_open (const SessionChannel *channel);
/* Server: keeps a reference of its GIOStream until the host has answered; NULL drops it. */
void session_channel_hold (SessionChannel *channel, GIOStream *stream);
/* Refuses: the main lane loses its stream, which is returned (NULL = gone already); the channel goes in
   the next pass. */
QuicStream *session_channel_refuse (SessionChannel *channel);

/* Tells the host an event, if it still holds the GIOStream. Calls back. */
void session_channel_event (SessionChannel *channel, const char *event, GVariant *details);
void session_channel_set_exited (SessionChannel *channel);

/* In a pass: what lanes asked for. */
void session_channels_flush (Session *session);
void session_channels_count (Session *session, gboolean all);
void session_channels_check (Session *session);
/* Every channel goes. Calls back. */
void session_channels_end (Session *session, guint64 code, const char *message);

G_END_DECLS
