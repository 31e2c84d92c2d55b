/* What connect, exec and proxy share: loading the plugin, dialling, opening one channel, waiting for its end, and the exit status. The verb moves
 * the bytes. */
#pragma once

#include "host/drain.h"
#include "host/feed.h"
#include "host/loader.h"

G_BEGIN_DECLS

typedef struct _HostClient HostClient;

typedef struct
{
  /* The channel is there. Start moving bytes. */
  void (*opened) (HostClient *client, gpointer user_data);
  /* Nothing more will come: put the terminal back before anything is printed. May be NULL. */
  void (*ending) (HostClient *client, gpointer user_data);
  /* The screen of the other machine was painted over. May be NULL. */
  void (*redraw) (HostClient *client, gpointer user_data);
} HostClientEvents;

/* Options of every such verb: --config, --plugin, --service. One client in a process. */
extern const GOptionEntry host_client_options[];

/* Loads the plugin. NULL after complaining. */
HostClient *host_client_new (const HostClientEvents *events, gpointer user_data, int *status);
void host_client_free (HostClient *client);

/* Instead of a channel of its own it takes the newest one of a session that another client began: of the one with @id, or of the last that
 * waits (""). Before host_client_run (). */
void host_client_take_over (HostClient *client, const char *id);

/* Dials @target, opens a channel with @request (a{sv}, floating consumed; --service is put into it) and runs until the end. Returns the exit
 * status: the remote program's, or HOST_EXIT_TRANSPORT and the like after complaining. */
int host_client_run (HostClient *client, const char *target, GVariant *request);

GIOStream *host_client_channel (HostClient *client);
/* A lane of the channel, borrowed; NULL when it cannot be had. */
GIOStream *host_client_lane (HostClient *client, const char *name);
void host_client_send_event (HostClient *client, const char *event, GVariant *details);
void host_client_confirm (HostClient *client, GIOStream *stream, guint64 count);

/* What the verb still waits for before the end: each hold needs a release. The program's exit status is waited for by the client itself
 * when @wait_exit was set. */
void host_client_hold (HostClient *client);
void host_client_release (HostClient *client);
void host_client_set_wait_exit (HostClient *client);
/* Ends with @status as soon as possible, without the network's help. @message (may be NULL) is complained. */
void host_client_quit (HostClient *client, int status, const char *message);
/* The same for a transport's failure of which the session may say more in a moment; then that is said. */
void host_client_quit_lost (HostClient *client, const char *message);

/* Whether the channel is of a command, which has a lane "stderr", and not of a terminal or socket. */
gboolean host_client_runs_command (HostClient *client);
/* How many sessions of ours wait over there for their clients. */
guint host_client_n_waiting (HostClient *client);
/* Whether the end came because the session does not exist any more over there. */
gboolean host_client_is_gone (HostClient *client);
/* Whether the terminal shows the screen of the other machine. */
void host_client_set_painted (HostClient *client, gboolean painted);

G_END_DECLS
