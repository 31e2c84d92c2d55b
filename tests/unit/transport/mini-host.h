/* The smallest MuxHost, for tests that join two transports in one process. It runs on a context of its own,
 * so that whatever the plugin attaches elsewhere never comes, and the test hangs. Programs call mini_main ()
 * first. */
#pragma once

#include "transport/transport-private.h"

G_BEGIN_DECLS

typedef enum
{
  MINI_ECHO,   /* every channel answers with its own bytes */
  MINI_REFUSE, /* … is refused with code "unknown-service" */
  MINI_EXIT,   /* … ends at the first "resize", with status 3 */
} MiniMode;

typedef struct
{
  GMainContext *context; /* of all hosts of a test */
  MuxHost host;
  MuxTransport *transport;
  const MuxTransportOps *ops;
  const MuxSessionOps *sessions;
  char *directory; /* for its configuration */
  MiniMode mode;
  char *unwelcome;     /* user that `authorize` refuses */
  GPtrArray *log;      /* of char *: what the host was told, in order */
  GVariant *request;   /* of the last channel */
  GVariant *peer;      /* `authorize` was asked about it last */
  MuxSession *session; /* CONNECTED last */
  char *config;
} MiniHost;

/* When the program is run as an enrolment command (see mini_enroll_command ()) it is that, and does not
 * return. Then g_test_init (), and directories of its own for what the plugin keeps. (GTest's
 * G_TEST_OPTION_ISOLATE_DIRS leaks.) */
void mini_main (int *argc, char ***argv);
/* g_test_run (), then all of it is removed. */
int mini_run (void);

/* Writes the configuration, a Lua table without `return`; NULL = no transport yet. @context: NULL = a fresh
 * one. */
MiniHost *mini_host_new (GMainContext *context, const char *application, const char *config);
void mini_host_configure (MiniHost *mini, const char *format, ...) G_GNUC_PRINTF (2, 3);
void mini_host_free (MiniHost *mini);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MiniHost, mini_host_free)

/* Runs the context until *@flag. */
void mini_wait (MiniHost *mini, const gboolean *flag);
/* … until the log holds a line that begins with @prefix. */
void mini_wait_log (MiniHost *mini, const char *prefix);
gboolean mini_has_log (MiniHost *mini, const char *prefix);

void mini_start (MiniHost *mini);
void mini_stop (MiniHost *mini);
/* "127.0.0.1:PORT" of its first socket. */
char *mini_address (MiniHost *mini);
MuxSession *mini_connect (MiniHost *mini, const char *target, GCancellable *cancellable, GError **error);
/* Takes the session @id over, or the last one that waits (""). */
MuxSession *mini_take (MiniHost *mini, const char *target, const char *id, GError **error);
GIOStream *mini_open (MiniHost *mini, MuxSession *session, const char *service, GError **error);
/* With a `term`. */
GIOStream *mini_open_terminal (MiniHost *mini, MuxSession *session, const char *service, GError **error);
GIOStream *mini_open_argv (MiniHost *mini, MuxSession *session, const char *const *argv, GError **error);
/* Cancelled as soon as it is asked for. */
GIOStream *mini_open_cancelled (MiniHost *mini, MuxSession *session, GError **error);
gboolean mini_renew (MiniHost *mini, MuxSession *session, GError **error);
void mini_close (MiniHost *mini, MuxSession *session);
/* Writes @length bytes, ends, and compares what comes back. */
void mini_echo (MiniHost *mini, GIOStream *channel, gsize length);

/* A key and certificate of @server's CA for @user in files key.pem, cert.pem and ca.pem of @client's
 * directory; returns the configuration's lines. */
char *mini_pem (MiniHost *server, MiniHost *client, const char *user);
/* Lua: an enroll_command that issues with the CA of @server for @user, as a process of its own; each run adds
 * a byte to the file "runs" in
 * @client's directory. */
char *mini_enroll_command (MiniHost *server, MiniHost *client, const char *user);
gsize mini_runs (MiniHost *client);

G_END_DECLS
