/* The host's side of a keeper: starts one for a session, gives it the session's channels, and copies between each channel and the keeper's
 * sockets. */
#pragma once

#include <mux/transport.h>

G_BEGIN_DECLS

typedef struct _HostKeeperLink HostKeeperLink;

/* Starts a keeper for @session (borrowed: free the link before the session is closed for good). */
HostKeeperLink *host_keeper_link_new (const MuxSessionOps *ops, MuxSession *session, GError **error);
/* The session is over: programs are told to end. */
void host_keeper_link_free (HostKeeperLink *link);

/* Starts what @start (host/service.h) says for @channel, and accepts or refuses it. */
void host_keeper_link_start (HostKeeperLink *link, GIOStream *channel, GVariant *start);
/* An event of MuxHost.channel_event () for one of its channels. */
void host_keeper_link_event (HostKeeperLink *link, GIOStream *channel, const char *event, GVariant *details);

G_END_DECLS
