/* Follows the status of the running host over its private socket: it looks again when the host signals that
 * something changed, and at most once a second. When the host goes away it waits for it to come back. Runs in
 * the default main context; calls back from there only. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _HostFollow HostFollow;

typedef struct
{
  /* a{sv} of Manager.Describe, with all sessions. */
  void (*status) (GVariant *status, gpointer user_data);
  /* The host is gone, or does not answer; the next status () says that it is back. */
  void (*gone) (gpointer user_data);
  /* It was not there in the first place, or does not let us look; nothing more comes. */
  void (*failed) (const GError *error, gpointer user_data);
} HostFollowEvents;

/* @counters: whether to look again when nothing but counters (bytes, round-trip times) changed. */
HostFollow *host_follow_new (gboolean counters, const HostFollowEvents *events, gpointer user_data);
void host_follow_free (HostFollow *follow);

G_END_DECLS
