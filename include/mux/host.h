/* What a host offers a plugin. The host fills one MuxHost, gives it to MuxPluginDesc.activate () and keeps it
 * alive and unchanged until deactivate () has returned. */
#pragma once

#include <mux/plugin.h>

G_BEGIN_DECLS

typedef struct _MuxTransport MuxTransport;       /* owned by the plugin; see transport.h */
typedef struct _MuxTransportOps MuxTransportOps; /* transport.h */
typedef struct _MuxSession MuxSession;           /* owned by the plugin; see transport.h */
typedef struct _MuxSessionOps MuxSessionOps;     /* transport.h */

/* The life of a session. */
typedef enum
{
  MUX_SESSION_CONNECTING, /* client: being dialled */
  MUX_SESSION_CONNECTED,  /* both sides proven */
  MUX_SESSION_AWAY,       /* without a connection, waiting to resume */
  MUX_SESSION_CLOSED,     /* over; last state */
} MuxSessionState;

/* What a host fills. */
struct _MuxHost
{
  gsize struct_size;       /* sizeof (MuxHost) where the host was compiled */
  guint32 abi;             /* MUX_ABI the host was compiled with */
  gpointer user_data;      /* for the functions below */

  const char *application; /* names directories: "mux-quic", "wezterm" */
  gboolean system_mode;    /* directories of the system instead of the user's */
  GMainContext *context;   /* everything runs here; NULL = the default context */
  const char *config_path; /* NULL: the plugin looks in the usual places */
  GDBusConnection *bus;    /* NULL: no bus; status only on the private socket */

  /* Says that @transport exists, with its name ("quic") and operations; both static until unregistered. */
  void (*register_transport) (gpointer user_data, const char *name, const MuxTransportOps *ops,
                              MuxTransport *transport);
  /* @transport is about to be freed. */
  void (*unregister_transport) (gpointer user_data, MuxTransport *transport);

  /* Whether the peer, whose certificate is already verified and whose name is among the configured users, may
   * have a session. @peer: a{sv} with user s, device s, serial s, address s, listener s. May be NULL: yes. */
  gboolean (*authorize) (gpointer user_data, GVariant *peer, GError **error);

  /* A peer asks for a channel. @request: a{sv}, the keys of the `open` frame, `service` always there.
   * The host takes the channel with MuxSessionOps.accept_channel () or refuses it with refuse_channel (),
   * now or later; @channel is borrowed: the host refs it to keep it. Until it is accepted nothing can be
   * read from or written to it. May be NULL: every channel is refused. */
  void (*channel_opened) (gpointer user_data, MuxSession *session, GVariant *request, GIOStream *channel);

  /* Something was said of a channel beside its bytes, @details is a{sv}:
   *   "resize"   rows u, columns u                    (to the side that runs the program)
   *   "signal"   name s: "INT", "TERM", …             (to the side that runs the program)
   *   "exited"   status i, signal s (if by a signal)  (to the side that asked)
   *   "received" lane s, count t: the peer's side has counted so many bytes as delivered that were written here; only for
   *              channels in manual mode (MuxSessionOps.confirm ())
   *   "closed"   code t, message s: the channel is gone; last event
   * May be NULL. */
  void (*channel_event) (gpointer user_data, MuxSession *session, GIOStream *channel, const char *event,
                         GVariant *details);

  /* A session, of either direction, came to @state. @error says why for AWAY and CLOSED; NULL means that it was
   * ended on purpose. May be NULL. */
  void (*session_changed) (gpointer user_data, MuxSession *session, MuxSessionState state, const GError *error);

  /* Progress of a dial in a sentence for a person, translated, e.g. "asking HOST for a certificate". May be
   * NULL. */
  void (*progress) (gpointer user_data, const char *message);

  /* Since 1.1. The log is the host's; a plugin only writes to it. The least important level that is shown, and another
   * one from now on: G_LOG_LEVEL_ERROR … G_LOG_LEVEL_DEBUG, without flags. Both or neither may be NULL: then nobody can
   * ask for it. */
  GLogLevelFlags (*log_level) (gpointer user_data);
  /* See log_level (). */
  void (*set_log_level) (gpointer user_data, GLogLevelFlags level);

  /* Since 1.1. Sockets that somebody bound for this host before it began (socket activation): @n_sockets descriptors,
   * close-on-exec, the plugin's once activate () succeeded. One whose address is that of a configured
   * listener is used by it instead of a socket of its own; what fits none, or is no UDP socket, is complained of in the log.
   * @socket_names: what messages call each of them, e.g. the unit that it is of; or NULL. */
  const int *sockets;
  const char *const *socket_names; /* see sockets */
  guint n_sockets;                 /* see sockets */
};

G_END_DECLS
