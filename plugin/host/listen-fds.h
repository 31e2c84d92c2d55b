/* Sockets that systemd, or whoever speaks as it does, bound for this host (sd_listen_fds(3)), without its
 * library. */
#pragma once

#include <mux/host.h>

G_BEGIN_DECLS

/* More are not taken. */
#define HOST_LISTEN_FDS_MAX 64

typedef struct
{
  GArray *fds;      /* of int; owned by the plugin once it has them */
  GPtrArray *names; /* of char *, one each */
} HostListenFds;

/* Takes $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES out of the environment, so that no program that is
 * started here believes that they are for it, and makes the descriptors close-on-exec. Empty when there are
 * none for this process; what is wrong is complained of. Before there are threads. */
void host_listen_fds_take (HostListenFds *listen);
/* Tells @host of them; they must stay until that goes. */
void host_listen_fds_fill (const HostListenFds *listen, MuxHost *host);
/* The descriptors stay open. */
void host_listen_fds_clear (HostListenFds *listen);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HostListenFds, host_listen_fds_clear)

G_END_DECLS
