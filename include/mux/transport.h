/* What a transport offers a host: sessions, and channels that are GIOStreams.
 *
 * A channel is a GIOStream whose halves are pollable (GPollableInputStream, GPollableOutputStream), so GIO's
 * asynchronous calls on it use no thread. g_output_stream_close () is a half-close: the peer reads end of
 * file. A reset, or the end of the session, is G_IO_ERROR_CONNECTION_CLOSED on both halves, and describe_channel () has
 * the code. Dropping the last reference to an unfinished channel resets it.
 */
#pragma once

#include <mux/host.h>

G_BEGIN_DECLS

/* What a host does with a transport. */
struct _MuxTransportOps
{
  gsize struct_size; /* sizeof (MuxTransportOps) where the plugin was compiled */

  /* Opens every configured listener and the status objects. On error nothing is left open. A client that only dials
   * never calls it. */
  gboolean (*start) (MuxTransport *transport, GError **error);

  /* Ends every session and every listener; @callback when all is said, at most 3 s later. Peers hear a goodbye, those that have
   * channels from us that another host may follow. */
  void (*stop_async) (MuxTransport *transport, GAsyncReadyCallback callback, gpointer user_data);
  /* Never fails so far; call it all the same. */
  gboolean (*stop_finish) (MuxTransport *transport, GAsyncResult *result, GError **error);

  /* Reads the configuration again. On error the old one stays in force. */
  gboolean (*reload) (MuxTransport *transport, GError **error);

  /* Dials @target: the name of a configured domain, or `[user@]host[:port]`. @options: a{sv} or NULL; known
   * keys: "service" s overrides the domain's; "quiet" b: nobody is there to answer a question, so do not enrol;
   * "address" s: where @target is, should the configuration not know it. Since 1.1: "relay" b: FALSE = by UDP or not
   * at all; "take" s: takes over a session that another client of the same identity began, the one with this id, or
   * with "" the one with a terminal that began to wait for its client last (MUX_ERROR_GONE when there is none); its channels are had
   * by MuxSessionOps.channel (). Enrols first where no credentials are at hand. The result is transfer full,
   * connected. */
  void (*connect_async) (MuxTransport *transport, const char *target, GVariant *options,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  /* The session, transfer full; or NULL with what went wrong, a MUX_ERROR or a G_IO_ERROR. */
  MuxSession *(*connect_finish) (MuxTransport *transport, GAsyncResult *result, GError **error);

  /* The operations of its sessions; static. */
  const MuxSessionOps *(*session_ops) (MuxTransport *transport);

  /* Everything `status` shows; a{sv}, transfer full (not floating):
   *   version s, application s, started x (Unix seconds), config s, pki s,
   *   listeners aa{sv}, sessions aa{sv} (MuxSessionOps.describe ()), certificates aa{sv}. */
  GVariant *(*describe) (MuxTransport *transport);

  /* Validates the configuration file @path (NULL: where it would be found). Returns every problem as "FILE:LINE: text",
   * NULL-terminated, empty when there is none; free with g_strfreev (). The first @n_warnings of them are no errors. */
  char **(*check) (MuxTransport *transport, const char *path, guint *n_warnings);

  /* Any other key of the evaluated configuration, e.g. "mux_services": tables as a{sv}, lists as av, transfer full.
   * NULL when it is not set. */
  GVariant *(*dup_setting) (MuxTransport *transport, const char *name);

  /* Since 1.1. Finds what is wrong on this machine and, if @target is not NULL, on the way to it, and changes nothing; takes
   * some seconds when nobody answers. @options: a{sv} or NULL; known keys: "running" b: a host of this application serves on
   * this machine now, so that its certificates are in use; "taken" b: its addresses are, by it or by systemd in its place;
   * "config" s: the file by which it does, "" for none. Finish: in the order in which it was looked at: level s ("ok", "note", "warning", "error"), check s (a word, not translated: "config",
   * "clock", "pki", "ca", "certificate", "names", "trust", "enrolment", "listen", "buffers", "offload"; of a target
   * "target", "credentials", "name", "reach", "mtu", "handshake", "session"), found s, and remedy s where something is to be
   * done. */
  void (*diagnose_async) (MuxTransport *transport, const char *target, GVariant *options, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data);
  /* The findings, aa{sv}, transfer full; NULL when it was cancelled. */
  GVariant *(*diagnose_finish) (MuxTransport *transport, GAsyncResult *result, GError **error);
};

/* What a host does with a session and its channels. */
struct _MuxSessionOps
{
  gsize struct_size; /* sizeof (MuxSessionOps) where the plugin was compiled */

  /* Keeps @session; that does not keep it open. */
  MuxSession *(*ref) (MuxSession *session);
  /* Gives a reference back. */
  void (*unref) (MuxSession *session);

  /* Asks the peer for a channel. @request: a{sv} as in the `open` frame: service s, argv as, term s, rows u,
   * columns u, environment a{ss}; all optional. Finish: transfer full; MUX_ERROR_REFUSED with the peer's message. */
  void (*open_channel_async) (MuxSession *session, GVariant *request, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
  /* The channel, transfer full; or NULL with an error. */
  GIOStream *(*open_channel_finish) (MuxSession *session, GAsyncResult *result, GError **error);

  /* The answers to MuxHost.channel_opened (); exactly one of them, once. @code: a word such as "unknown-service",
   * "limit", "failed". */
  void (*accept_channel) (MuxSession *session, GIOStream *channel);
  /* The other answer: the peer is told @code and @message. */
  void (*refuse_channel) (MuxSession *session, GIOStream *channel, const char *code, const char *message);

  /* A second lane of @channel, e.g. "stderr"; the same stream for every call with the same name while a reference
   * is kept. Transfer full. On the asking side it opens the lane at the peer; on the other it waits to be
   * opened and holds what is written meanwhile. NULL with MUX_ERROR_LIMIT above 4 lanes. */
  GIOStream *(*lane) (MuxSession *session, GIOStream *channel, const char *name, GError **error);

  /* Says @event ("resize", "signal", "exited", with the details of MuxHost.channel_event ()) to the peer. */
  void (*send_event) (MuxSession *session, GIOStream *channel, const char *event, GVariant *details);

  /* Reading counts as received, unless the host calls set_manual () before it first reads: then only
   * confirm () does. @stream: the channel or one of its lanes; @count: all bytes delivered since its
   * beginning (of one that was taken over: since then), never falling, never above what was read. */
  void (*set_manual) (MuxSession *session, GIOStream *stream);
  /* See set_manual (). */
  void (*confirm) (MuxSession *session, GIOStream *stream, guint64 count);

  /* Fetches a fresh certificate over the session now. MUX_ERROR_FAILED with G_IO_ERROR_NOT_SUPPORTED in the message's place
   * where the session cannot. */
  void (*renew_async) (MuxSession *session, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);
  /* Whether there is a fresh certificate. */
  gboolean (*renew_finish) (MuxSession *session, GAsyncResult *result, GError **error);

  /* a{sv}, transfer full: id s, direction s ("in", "out"), state s, aways u (how often the connection was lost), away_since x (Unix
   * seconds, while it is away), user s, device s, serial s, peer s, local s, target s, waiting u (since 1.1, out: how many
   * other sessions of ours with a terminal wait over there for their clients), since x, rtt d (ms), cwnd t, bytes_in t, bytes_out t,
   * lost t, migrations u, services as, raw b, channels aa{sv} (describe_channel (), the oldest first). Members that are
   * not known are left out. */
  GVariant *(*describe) (MuxSession *session);

  /* a{sv}: id t, service s, received t, sent t, confirmed t, code t (after a reset). */
  GVariant *(*describe_channel) (MuxSession *session, GIOStream *channel);

  /* Says goodbye and ends the session; @callback when the peer can know, at most 3 s later. */
  void (*close_async) (MuxSession *session, GAsyncReadyCallback callback, gpointer user_data);
  /* Never fails so far. */
  gboolean (*close_finish) (MuxSession *session, GAsyncResult *result, GError **error);

  /* Since 1.1. */

  /* The open channel with this id (describe () lists them), transfer full; NULL when there is none, or its last reference was dropped. */
  GIOStream *(*channel) (MuxSession *session, guint64 id);
};

G_END_DECLS
