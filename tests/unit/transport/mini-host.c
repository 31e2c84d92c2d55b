#include "unit/transport/mini-host.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transport/enrolment.h"

/* Of this program, while it runs. */
static char *root;

/* mini_main ("--enrol", PKI directory, user, file of runs) */
static void
enrol (char **argv)
{
  static const char *const names[] = { "localhost", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (PkiStore) store = pki_store_open (argv[2], &error);
  g_autoptr (PkiAuthority) authority = NULL;
  g_autoptr (GVariant) enrolment = NULL;
  g_autofree char *text = NULL;
  char request[16384] = "";
  gsize length = fread (request, 1, sizeof request - 1, stdin);

  g_assert_no_error (error);
  authority = pki_authority_open (store, &error);
  g_assert_no_error (error);
  request[length] = '\0';
  enrolment = transport_enrolment_issue (authority, request, argv[3], NULL, 7, names, names, &error);
  g_assert_no_error (error);
  text = transport_enrolment_armour (enrolment, &error);
  g_assert_no_error (error);
  printf ("Welcome to this machine!\n%s\nmail: none\n", text);
}

static void
be_enrolment_command (char **argv)
{
  FILE *runs = fopen (argv[4], "a");

  fputc ('x', runs);
  fclose (runs);
  enrol (argv);
  exit (0);
}

void
mini_main (int *argc, char ***argv)
{
  if (*argc == 5 && g_str_equal ((*argv)[1], "--enrol"))
    be_enrolment_command (*argv);
  g_test_init (argc, argv, NULL);
  root = g_dir_make_tmp ("mux-quic-test-XXXXXX", NULL);
  g_setenv ("XDG_DATA_HOME", root, TRUE);
  g_setenv ("XDG_RUNTIME_DIR", root, TRUE);
}

/* What is below @path, which stays. */
static void
empty_directory (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        empty_directory (child);
      g_remove (child);
    }
}

int
mini_run (void)
{
  int status = g_test_run ();

  empty_directory (root);
  g_rmdir (root);
  g_clear_pointer (&root, g_free);
  return status;
}

static void
note (MiniHost *mini, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (mini->log, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

/* MuxHost */

static gboolean
authorize (gpointer data, GVariant *peer, GError **error)
{
  MiniHost *mini = data;
  const char *user = "";

  g_clear_pointer (&mini->peer, g_variant_unref);
  mini->peer = g_variant_ref (peer);
  g_variant_lookup (peer, "user", "&s", &user);
  if (g_strcmp0 (user, mini->unwelcome) != 0)
    return TRUE;
  g_set_error (error, MUX_ERROR, MUX_ERROR_REFUSED, "%s is on holiday", user);
  return FALSE;
}

static void
spliced_cb (GObject *output, GAsyncResult *result, gpointer channel)
{
  g_output_stream_splice_finish (G_OUTPUT_STREAM (output), result, NULL);
  g_object_unref (channel);
}

static void
channel_opened (gpointer data, MuxSession *session, GVariant *request, GIOStream *channel)
{
  MiniHost *mini = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (mini->context);

  g_clear_pointer (&mini->request, g_variant_unref);
  mini->request = g_variant_ref (request);
  if (mini->mode == MINI_REFUSE)
    {
      mini->sessions->refuse_channel (session, channel, "unknown-service", "There is no such service");
      return;
    }
  mini->sessions->accept_channel (session, channel);
  g_output_stream_splice_async (g_io_stream_get_output_stream (channel),
                                g_io_stream_get_input_stream (channel), G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                G_PRIORITY_DEFAULT, NULL, spliced_cb, g_object_ref (channel));
}

static void
channel_event (gpointer data, MuxSession *session, GIOStream *channel, const char *event, GVariant *details)
{
  MiniHost *mini = data;
  g_autofree char *text = g_variant_print (details, FALSE);

  note (mini, "event %s %s", event, text);
  if (mini->mode == MINI_EXIT && g_str_equal (event, "resize"))
    mini->sessions->send_event (session, channel, "exited", g_variant_new_parsed ("{'status': <3>}"));
}

static void
session_changed (gpointer data, MuxSession *session, MuxSessionState state, const GError *error)
{
  static const char *const names[] = { "connecting", "connected", "away", "closed" };
  MiniHost *mini = data;

  note (mini, "session %s%s%s", names[state], error != NULL ? ": " : "", error != NULL ? error->message : "");
  if (state == MUX_SESSION_CONNECTED)
    mini->session = session;
  else if (mini->session == session)
    mini->session = NULL;
}

static void
progress (gpointer data, const char *message)
{
  note (data, "progress %s", message);
}

/* Life */

void
mini_host_configure (MiniHost *mini, const char *format, ...)
{
  g_autofree char *text = NULL, *file = NULL;
  va_list arguments;
  gboolean done;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  file = g_strconcat ("return ", text, "\n", NULL);
  done = g_file_set_contents (mini->config, file, -1, NULL);
  g_assert_true (done);
  if (mini->transport == NULL)
    {
      mini->transport = transport_new (&mini->host);
      mini->ops = &transport_ops;
      mini->sessions = mini->ops->session_ops (mini->transport);
    }
}

MiniHost *
mini_host_new (GMainContext *context, const char *application, const char *config)
{
  MiniHost *mini = g_new0 (MiniHost, 1);

  if (context == NULL)
    empty_directory (root);
  mini->context = context != NULL ? g_main_context_ref (context) : g_main_context_new ();
  mini->directory = g_dir_make_tmp ("mux-quic-host-XXXXXX", NULL);
  mini->config = g_build_filename (mini->directory, "config.lua", NULL);
  mini->log = g_ptr_array_new_with_free_func (g_free);
  mini->host = (MuxHost){
    .struct_size = sizeof (MuxHost),
    .abi = MUX_ABI,
    .user_data = mini,
    .application = application,
    .context = mini->context,
    .config_path = mini->config,
    .authorize = authorize,
    .channel_opened = channel_opened,
    .channel_event = channel_event,
    .session_changed = session_changed,
    .progress = progress,
  };
  if (config != NULL)
    mini_host_configure (mini, "%s", config);
  return mini;
}

void
mini_host_free (MiniHost *mini)
{
  g_clear_pointer (&mini->transport, transport_free);
  /* Answers of tasks that ended with the transport. */
  while (g_main_context_iteration (mini->context, FALSE))
    ;
  empty_directory (mini->directory);
  g_rmdir (mini->directory);
  g_clear_pointer (&mini->request, g_variant_unref);
  g_clear_pointer (&mini->peer, g_variant_unref);
  g_ptr_array_unref (mini->log);
  g_main_context_unref (mini->context);
  g_free (mini->unwelcome);
  g_free (mini->directory);
  g_free (mini->config);
  g_free (mini);
}

/* Doing things and waiting for them */

void
mini_wait (MiniHost *mini, const gboolean *flag)
{
  while (!*flag)
    g_main_context_iteration (mini->context, TRUE);
}

gboolean
mini_has_log (MiniHost *mini, const char *prefix)
{
  for (guint i = 0; i < mini->log->len; i++)
    if (g_str_has_prefix (mini->log->pdata[i], prefix))
      return TRUE;
  return FALSE;
}

void
mini_wait_log (MiniHost *mini, const char *prefix)
{
  while (!mini_has_log (mini, prefix))
    g_main_context_iteration (mini->context, TRUE);
}

typedef struct
{
  GAsyncResult *result;
  gboolean done;
} Waiter;

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiter *waiter = data;

  waiter->result = g_object_ref (result);
  waiter->done = TRUE;
}

void
mini_start (MiniHost *mini)
{
  g_autoptr (GError) error = NULL;

  mini->ops->start (mini->transport, &error);
  g_assert_no_error (error);
}

void
mini_stop (MiniHost *mini)
{
  g_autoptr (GError) error = NULL;
  Waiter waiter = { NULL, FALSE };

  mini->ops->stop_async (mini->transport, waited_cb, &waiter);
  g_assert_false (waiter.done);
  mini_wait (mini, &waiter.done);
  mini->ops->stop_finish (mini->transport, waiter.result, &error);
  g_assert_no_error (error);
  g_object_unref (waiter.result);
}

char *
mini_address (MiniHost *mini)
{
  g_autoptr (GVariant) listeners = transport_describe_listeners (mini->transport);
  g_autoptr (GVariant) first = g_variant_get_child_value (listeners, 0);
  char *address = NULL;

  g_assert_true (g_variant_lookup (first, "address", "s", &address));
  return address;
}

static MuxSession *
connect_with (MiniHost *mini, const char *target, GVariant *options, GCancellable *cancellable, GError **error)
{
  Waiter waiter = { NULL, FALSE };
  MuxSession *session;

  mini->ops->connect_async (mini->transport, target, options, cancellable, waited_cb, &waiter);
  g_assert_false (waiter.done);
  mini_wait (mini, &waiter.done);
  session = mini->ops->connect_finish (mini->transport, waiter.result, error);
  g_object_unref (waiter.result);
  return session;
}

MuxSession *
mini_connect (MiniHost *mini, const char *target, GCancellable *cancellable, GError **error)
{
  return connect_with (mini, target, NULL, cancellable, error);
}

MuxSession *
mini_take (MiniHost *mini, const char *target, const char *id, GError **error)
{
  return connect_with (mini, target, g_variant_new_parsed ("{'take': <%s>}", id), NULL, error);
}

static GIOStream *
open_channel (MiniHost *mini, MuxSession *session, GVariant *request, GCancellable *cancellable,
              GError **error)
{
  Waiter waiter = { NULL, FALSE };
  GIOStream *channel;

  mini->sessions->open_channel_async (session, request, cancellable, waited_cb, &waiter);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
  g_assert_false (waiter.done);
  mini_wait (mini, &waiter.done);
  channel = mini->sessions->open_channel_finish (session, waiter.result, error);
  g_object_unref (waiter.result);
  return channel;
}

GIOStream *
mini_open (MiniHost *mini, MuxSession *session, const char *service, GError **error)
{
  return open_channel (mini, session,
                       service != NULL ? g_variant_new_parsed ("{'service': <%s>}", service) : NULL, NULL,
                       error);
}

GIOStream *
mini_open_terminal (MiniHost *mini, MuxSession *session, const char *service, GError **error)
{
  return open_channel (mini, session, g_variant_new_parsed ("{'service': <%s>, 'term': <'dumb'>}", service), NULL, error);
}

GIOStream *
mini_open_argv (MiniHost *mini, MuxSession *session, const char *const *argv, GError **error)
{
  return open_channel (mini, session, g_variant_new_parsed ("{'argv': <%^as>}", argv), NULL, error);
}

GIOStream *
mini_open_cancelled (MiniHost *mini, MuxSession *session, GError **error)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  return open_channel (mini, session, NULL, cancellable, error);
}

gboolean
mini_renew (MiniHost *mini, MuxSession *session, GError **error)
{
  Waiter waiter = { NULL, FALSE };
  gboolean renewed;

  mini->sessions->renew_async (session, NULL, waited_cb, &waiter);
  g_assert_false (waiter.done);
  mini_wait (mini, &waiter.done);
  renewed = mini->sessions->renew_finish (session, waiter.result, error);
  g_object_unref (waiter.result);
  return renewed;
}

void
mini_close (MiniHost *mini, MuxSession *session)
{
  g_autoptr (GError) error = NULL;
  Waiter waiter = { NULL, FALSE };

  mini->sessions->close_async (session, waited_cb, &waiter);
  mini_wait (mini, &waiter.done);
  mini->sessions->close_finish (session, waiter.result, &error);
  g_assert_no_error (error);
  g_object_unref (waiter.result);
}

void
mini_echo (MiniHost *mini, GIOStream *channel, gsize length)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (mini->context);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autofree guint8 *data = g_malloc (length);
  g_autoptr (GError) error = NULL;
  Waiter sent = { NULL, FALSE }, received = { NULL, FALSE };

  for (gsize i = 0; i < length; i++)
    data[i] = (guint8) (i * 2654435761u >> 13);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (channel), data, length, G_PRIORITY_DEFAULT,
                                   NULL, waited_cb, &sent);
  g_output_stream_splice_async (memory, g_io_stream_get_input_stream (channel),
                                G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT, NULL, waited_cb,
                                &received);
  mini_wait (mini, &sent.done);
  g_assert_true (
      g_output_stream_write_all_finish (g_io_stream_get_output_stream (channel), sent.result, NULL, &error));
  g_assert_true (g_output_stream_close (g_io_stream_get_output_stream (channel), NULL, &error));
  mini_wait (mini, &received.done);
  g_output_stream_splice_finish (memory, received.result, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (memory)),
                   g_memory_output_stream_get_data_size (G_MEMORY_OUTPUT_STREAM (memory)), data, length);
  g_object_unref (sent.result);
  g_object_unref (received.result);
}

/* Certificates */

static char *
write_file (MiniHost *mini, const char *name, const char *text)
{
  char *path = g_build_filename (mini->directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error);
  g_assert_no_error (error);
  return path;
}

char *
mini_pem (MiniHost *server, MiniHost *client, const char *user)
{
  static const char *const nothing[] = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) made = transport_enrolment_issue (transport_authority (server->transport), NULL, user,
                                                         NULL, 7, nothing, nothing, &error);
  const char *key, *certificate, *ca;
  g_autofree char *key_path = NULL, *certificate_path = NULL, *ca_path = NULL;

  g_assert_no_error (error);
  g_assert_true (g_variant_lookup (made, "key", "&s", &key));
  g_assert_true (g_variant_lookup (made, "certificate", "&s", &certificate));
  g_assert_true (g_variant_lookup (made, "ca", "&s", &ca));
  key_path = write_file (client, "key.pem", key);
  certificate_path = write_file (client, "cert.pem", certificate);
  ca_path = write_file (client, "ca.pem", ca);
  return g_strdup_printf ("pem_private_key = '%s', pem_cert = '%s', pem_ca = '%s'", key_path,
                          certificate_path, ca_path);
}

char *
mini_enroll_command (MiniHost *server, MiniHost *client, const char *user)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *pki = pki_store_default_path (server->host.application, FALSE, "pki");

  return g_strdup_printf ("enroll_command = {'%s', '--enrol', '%s', '%s', '%s/runs'}", self, pki, user,
                          client->directory);
}

gsize
mini_runs (MiniHost *client)
{
  g_autofree char *path = g_build_filename (client->directory, "runs", NULL);
  g_autofree char *text = NULL;
  gsize length = 0;

  return g_file_get_contents (path, &text, &length, NULL) ? length : 0;
}
