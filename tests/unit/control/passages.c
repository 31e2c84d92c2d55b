/* OpenChannel: channels of a whole transport in the hands of another program, which is here the test itself.
 */
#include "control/control.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/passages.h"
#include "transport/peer-session.h"
#include "unit/transport/mini-host.h"

#define MANAGER_PATH CONTROL_ROOT_PATH "/Manager"
#define TOTAL ((gsize)3 * 1000 * 1000 + 7)
/* More than any window, buffer and socket between two programs takes together. */
#define ENDLESS ((gsize)64 * 1024 * 1024)

typedef struct
{
  MiniHost *server, *client;
  Control *control;
  GDBusConnection *connection;
  GString *said; /* signals: name, path, arguments */
} World;

static void
turn (World *world)
{
  g_main_context_iteration (world->server->context, TRUE);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref (result);
}

static void
signal_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *name, GVariant *arguments, gpointer data)
{
  g_autofree char *text = g_variant_print (arguments, FALSE);

  g_string_append_printf (data, "%s %s %s\n", name, path, text);
}

static GDBusConnection *
private_connection (World *world)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);
  g_autofree char *path = control_socket_path ("client", FALSE);
  g_autofree char *address = g_strconcat ("unix:path=", path, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection;

  g_dbus_connection_new_for_address (address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL,
                                     done_cb, &result);
  while (result == NULL)
    turn (world);
  connection = g_dbus_connection_new_for_address_finish (result, &error);
  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static void
listen_to (World *world, GDBusConnection *connection)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);

  g_dbus_connection_signal_subscribe (connection, NULL, "org.muxquic.Quic1.Channel", NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, signal_cb, world->said, NULL);
}

static World
world_new (GDBusConnection *bus)
{
  World world = {
    .server
    = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '127.0.0.1:0', users = {'alice'}}}}"),
    .said = g_string_new (NULL),
  };
  g_autofree char *address = NULL, *pem = NULL;

  mini_start (world.server);
  address = mini_address (world.server);
  world.client = mini_host_new (world.server->context, "client", NULL);
  world.client->host.bus = bus;
  pem = mini_pem (world.server, world.client, "alice");
  mini_host_configure (world.client,
                       "{quic_servers = {{bind_address = '127.0.0.1:0'}},"
                       " quic_clients = {{name = 'there', remote_address = '%s', %s}}}",
                       address, pem);
  world.control = control_new (world.client->transport);
  mini_start (world.client);
  world.connection = private_connection (&world);
  listen_to (&world, world.connection);
  return world;
}

static void
world_clear (World *world)
{
  mini_stop (world->client);
  g_clear_object (&world->connection);
  control_free (world->control);
  mini_host_free (world->client);
  mini_stop (world->server);
  mini_host_free (world->server);
  g_string_free (world->said, TRUE);
}

static void
wait_said (World *world, const char *pattern)
{
  while (!g_regex_match_simple (pattern, world->said->str, 0, 0))
    turn (world);
}

static GVariant *
call (World *world, GDBusConnection *connection, const char *path, const char *interface, const char *method,
      GVariant *arguments, GUnixFDList **fds, GError **error)
{
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world->server->context);
  g_autoptr (GAsyncResult) result = NULL;
  gboolean on_bus = g_dbus_connection_get_unique_name (connection) != NULL;

  g_dbus_connection_call_with_unix_fd_list (connection, on_bus ? CONTROL_BUS_NAME : NULL, path, interface,
                                            method, arguments, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1,
                                            NULL, NULL, done_cb, &result);
  while (result == NULL)
    turn (world);
  return g_dbus_connection_call_with_unix_fd_list_finish (connection, fds, result, error);
}

typedef struct
{
  char *path;
  int fd, lane; /* lane: "stderr", −1 = none */
} Opened;

static gboolean
try_open (World *world, GDBusConnection *connection, const char *target, const char *request, Opened *opened,
          GError **error)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (request));
  g_autoptr (GVariant) reply = call (world, connection, MANAGER_PATH, "org.muxquic.Quic1.Manager",
                                     "OpenChannel", g_variant_new ("(s@a{sv})", target, parsed), &fds, error);
  g_autoptr (GVariant) lanes = NULL;
  gint32 stream, lane;

  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(oh@a{sh})", &opened->path, &stream, &lanes);
  opened->fd = g_unix_fd_list_get (fds, stream, NULL);
  opened->lane = g_variant_lookup (lanes, "stderr", "h", &lane) ? g_unix_fd_list_get (fds, lane, NULL) : -1;
  g_assert_cmpint (opened->fd, >=, 0);
  g_unix_set_fd_nonblocking (opened->fd, TRUE, NULL);
  return TRUE;
}

static Opened
open_well (World *world, GDBusConnection *connection, const char *request)
{
  g_autoptr (GError) error = NULL;
  Opened opened;

  try_open (world, connection, "there", request, &opened, &error);
  g_assert_no_error (error);
  return opened;
}

static void
check_refused (World *world, GDBusConnection *connection, const char *target, const char *request, int code,
               const char *word)
{
  g_autoptr (GError) error = NULL;
  Opened opened;

  g_assert_false (try_open (world, connection, target, request, &opened, &error));
  g_assert_error (error, G_DBUS_ERROR, code);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static void
channel_call (World *world, const Opened *opened, const char *method, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (world, world->connection, opened->path, "org.muxquic.Quic1.Channel",
                                     method, arguments, NULL, &error);

  g_assert_no_error (error);
}

/* Writes as much of @data as is taken; closes the sending half at its end. */
static void
write_some (int fd, const guint8 *data, gsize total, gsize *written)
{
  gssize n = *written < total ? send (fd, data + *written, MIN (total - *written, 100000), MSG_NOSIGNAL) : 0;

  if (n < 0)
    g_assert_cmpint (errno, ==, EAGAIN);
  *written += n > 0 ? (gsize)n : 0;
  if (n > 0 && *written == total)
    shutdown (fd, SHUT_WR);
}

/* All of it comes back from the echo, then the end; then all that was made for it goes. */
static void
test_echo (void)
{
  World world = world_new (NULL);
  Opened opened = open_well (&world, world.connection, "{'service': <'echo'>}");
  g_autoptr (GByteArray) back = g_byte_array_new ();
  g_autofree guint8 *data = g_malloc (TOTAL);
  guint8 buffer[50000];
  gsize written = 0;
  gssize n = 1;

  for (gsize i = 0; i < TOTAL; i++)
    data[i] = (guint8)(i * 2654435761u >> 13);
  while (n != 0)
    {
      write_some (opened.fd, data, TOTAL, &written);
      g_main_context_iteration (world.server->context, FALSE);
      n = recv (opened.fd, buffer, sizeof buffer, 0);
      if (n > 0)
        g_byte_array_append (back, buffer, (guint)n);
    }
  g_assert_cmpmem (back->data, back->len, data, TOTAL);
  wait_said (&world, "^Closed /org/muxquic/Quic1/Channel/1 \\(0, ''\\)\n$");
  mini_wait_log (world.client, "session closed");
  close (opened.fd);
  g_free (opened.path);
  /* The host itself heard nothing of a channel that is not its own. */
  g_assert_false (mini_has_log (world.client, "event"));
  world_clear (&world);
}

/* A terminal: its size goes there, its exit status comes back, also when the descriptor is already closed. */
static void
test_terminal (void)
{
  World world = world_new (NULL);
  Opened opened;

  world.server->mode = MINI_EXIT;
  opened = open_well (&world, world.connection,
                      "{'service': <'shell'>, 'rows': <uint32 24>, 'columns': <uint32 80>}");
  channel_call (&world, &opened, "Signal", g_variant_new ("(s)", "INT"));
  channel_call (&world, &opened, "Resize", g_variant_new ("(uu)", 50, 132));
  wait_said (&world, "Exited /org/muxquic/Quic1/Channel/1 \\(3, ''\\)");
  g_assert_true (mini_has_log (world.server, "event signal {'name': <'INT'>}"));
  g_assert_true (
      mini_has_log (world.server, "event resize {'rows': <uint32 50>, 'columns': <uint32 132>}")
      || mini_has_log (world.server, "event resize {'columns': <uint32 132>, 'rows': <uint32 50>}"));
  channel_call (&world, &opened, "Close", NULL);
  wait_said (&world, "Closed /org/muxquic/Quic1/Channel/1");
  mini_wait_log (world.server, "event closed");
  close (opened.fd);
  g_free (opened.path);
  world_clear (&world);
}

static void
channel_call_wrong (World *world, const Opened *opened, const char *method, GVariant *arguments, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (call (world, world->connection, opened->path, "org.muxquic.Quic1.Channel", method, arguments, NULL,
                       &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

/* What the other side would end the whole session over, with everybody's channels, never gets there. */
static void
test_nonsense (void)
{
  World world = world_new (NULL);
  g_autofree char *endless = g_strnfill (70000, 'A');
  Opened opened = open_well (&world, world.connection, "{'service': <'echo'>}");
  char byte = 'x';

  channel_call_wrong (&world, &opened, "Signal", g_variant_new ("(s)", "hup"), "TERM");
  channel_call_wrong (&world, &opened, "Signal", g_variant_new ("(s)", ""), "TERM");
  channel_call_wrong (&world, &opened, "Signal", g_variant_new ("(s)", endless), "TERM");
  channel_call_wrong (&world, &opened, "Resize", g_variant_new ("(uu)", 65536, 80), "65535");
  channel_call (&world, &opened, "Resize", g_variant_new ("(uu)", 65535, 65535));
  g_assert_cmpint (send (opened.fd, &byte, 1, MSG_NOSIGNAL), ==, 1);
  while (recv (opened.fd, &byte, 1, 0) != 1)
    turn (&world);
  g_assert_cmpstr (world.said->str, ==, "");
  close (opened.fd);
  g_free (opened.path);
  world_clear (&world);
}

/* Nobody reads: what is taken is bounded, and nothing turns while everybody waits. Then it is read, and
 * nothing is missing. */
static void
test_pressure (void)
{
  World world = world_new (NULL);
  Opened opened = open_well (&world, world.connection, "{'service': <'echo'>, 'lanes': <['stderr']>}");
  g_autofree guint8 *zeros = g_malloc0 (1 << 20);
  gsize written = 0, back = 0;
  guint idle = 0;
  gssize n;

  g_assert_cmpint (opened.lane, >=, 0);
  /* Acknowledgements and timers end soon; then only what spins would keep the loop from resting. */
  while (idle < 1000)
    {
      n = send (opened.fd, zeros, 1 << 20, MSG_NOSIGNAL);
      written += n > 0 ? (gsize)n : 0;
      if (g_main_context_iteration (world.server->context, FALSE) || n > 0)
        idle = 0;
      else
        {
          idle++;
          g_usleep (100);
        }
      g_assert_cmpuint (written, <, ENDLESS);
    }
  shutdown (opened.fd, SHUT_WR);
  do
    {
      n = recv (opened.fd, zeros, 1 << 20, 0);
      back += n > 0 ? (gsize)n : 0;
      if (n < 0)
        turn (&world);
    }
  while (n != 0);
  g_assert_cmpuint (back, ==, written);
  g_test_message ("%zu bytes were taken unread", written);
  close (opened.fd);
  close (opened.lane);
  g_free (opened.path);
  world_clear (&world);
}

/* A program that takes all it gets, and neither says anything nor ends. */
static void
listener_opened (gpointer data, MuxSession *session, GVariant *request, GIOStream *channel)
{
  MiniHost *mini = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (mini->context);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();

  mini->sessions->accept_channel (session, channel);
  g_output_stream_splice_async (memory, g_io_stream_get_input_stream (channel), G_OUTPUT_STREAM_SPLICE_NONE,
                                G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_object_set_data_full (G_OBJECT (channel), "memory", g_object_ref (memory), g_object_unref);
  g_ptr_array_add (mini->log, g_strdup_printf ("opened %p", g_object_ref (channel)));
}

/* What was written before the descriptor is closed arrives; then the far side is hung up on, and nobody else.
 */
static void
test_hang_up (void)
{
  World world = world_new (NULL);
  Opened opened, other;
  GMemoryOutputStream *memory;
  gpointer channel = NULL;
  char buffer[8];

  other = open_well (&world, world.connection, "{'service': <'echo'>}");
  world.server->host.channel_opened = listener_opened;
  opened = open_well (&world, world.connection, "{'service': <'listener'>}");
  g_assert_cmpint (sscanf (world.server->log->pdata[world.server->log->len - 1], "opened %p", &channel), ==,
                   1);
  memory = g_object_get_data (channel, "memory");
  g_assert_cmpint (send (opened.fd, "last words", 10, MSG_NOSIGNAL), ==, 10);
  close (opened.fd);
  wait_said (&world, "Closed /org/muxquic/Quic1/Channel/2");
  mini_wait_log (world.server, "event closed");
  g_assert_cmpmem (g_memory_output_stream_get_data (memory), g_memory_output_stream_get_data_size (memory),
                   "last words", 10);
  g_object_unref (channel);

  g_assert_cmpint (send (other.fd, "hello", 5, MSG_NOSIGNAL), ==, 5);
  while (recv (other.fd, buffer, sizeof buffer, 0) < 5)
    turn (&world);
  g_assert_cmpuint (transport_sessions (world.client->transport)->len, ==, 1);
  close (other.fd);
  mini_wait_log (world.client, "session closed");
  g_free (opened.path);
  g_free (other.path);
  world_clear (&world);
}

/* The session ends under it: end of file, and the reason. */
static void
test_session_ends (void)
{
  World world = world_new (NULL);
  Opened opened = open_well (&world, world.connection, "{'service': <'echo'>}");
  char buffer[8];
  gssize n;

  mini_close (world.client, transport_sessions (world.client->transport)->pdata[0]);
  wait_said (&world, "Closed /org/muxquic/Quic1/Channel/1");
  n = recv (opened.fd, buffer, sizeof buffer, 0);
  g_assert_cmpint (n, ==, 0);
  close (opened.fd);
  g_free (opened.path);
  world_clear (&world);
}

static void
test_refusals (void)
{
  World world = world_new (NULL);

  check_refused (&world, world.connection, "there", "{'rows': <'many'>}", G_DBUS_ERROR_INVALID_ARGS, "rows");
  check_refused (&world, world.connection, "there", "{'colour': <'red'>}", G_DBUS_ERROR_INVALID_ARGS,
                 "colour");
  check_refused (&world, world.connection, "there", "{'lanes': <['a', 'a']>}", G_DBUS_ERROR_INVALID_ARGS,
                 "twice");
  check_refused (&world, world.connection, "there", "{'lanes': <['a', 'b', 'c', 'd']>}",
                 G_DBUS_ERROR_INVALID_ARGS, "at most");
  check_refused (&world, world.connection, "there", "{'lanes': <['']>}", G_DBUS_ERROR_INVALID_ARGS, "1 to");
  check_refused (&world, world.connection, "", "@a{sv} {}", G_DBUS_ERROR_FAILED, "quic_clients");
  world.server->mode = MINI_REFUSE;
  check_refused (&world, world.connection, "there", "@a{sv} {}", G_DBUS_ERROR_FAILED,
                 "There is no such service");
  mini_wait_log (world.client, "session closed");
  world_clear (&world);
}

/* So many and no more; asked for at once, they share one dial; and all end with their owner. */
static void
test_limit (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) other = private_connection (&world);
  Opened opened[CONTROL_PASSAGES_OF_CALLER], one;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (opened); i++)
    opened[i] = open_well (&world, world.connection, "@a{sv} {}");
  check_refused (&world, world.connection, "there", "@a{sv} {}", G_DBUS_ERROR_LIMITS_EXCEEDED, "64");
  one = open_well (&world, other, "@a{sv} {}");
  close (opened[0].fd);
  wait_said (&world, "Closed");
  close (opened[1].fd);
  g_free (opened[0].path);
  opened[0] = open_well (&world, world.connection, "@a{sv} {}");
  g_assert_cmpuint (transport_sessions (world.client->transport)->len, ==, 1);

  g_dbus_connection_close (world.connection, NULL, NULL, NULL);
  for (guint i = 2; i < G_N_ELEMENTS (opened); i++)
    {
      char byte;

      while (recv (opened[i].fd, &byte, 1, 0) < 0)
        turn (&world);
      close (opened[i].fd);
    }
  g_assert_false (mini_has_log (world.client, "session closed"));
  close (one.fd);
  mini_wait_log (world.client, "session closed");
  close (opened[0].fd);
  for (guint i = 0; i < G_N_ELEMENTS (opened); i++)
    g_free (opened[i].path);
  g_free (one.path);
  world_clear (&world);
}

/* Many at once need one session; who leaves while it is dialled leaves nothing. */
static void
test_at_once (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) other = private_connection (&world);
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (world.server->context);
  GAsyncResult *results[8] = { NULL };
  guint connected = 0;

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    g_dbus_connection_call_with_unix_fd_list (i % 2 == 0 ? world.connection : other, NULL, MANAGER_PATH,
                                              "org.muxquic.Quic1.Manager", "OpenChannel",
                                              g_variant_new_parsed ("('there', @a{sv} {})"), NULL,
                                              G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, done_cb, &results[i]);
  while (!mini_has_log (world.client, "progress connecting"))
    turn (&world);
  g_dbus_connection_close (other, NULL, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GUnixFDList) fds = NULL;
      g_autoptr (GVariant) reply = NULL;

      while (results[i] == NULL)
        turn (&world);
      reply = g_dbus_connection_call_with_unix_fd_list_finish (i % 2 == 0 ? world.connection : other, &fds,
                                                               results[i], NULL);
      if (i % 2 == 0)
        g_assert_nonnull (reply);
      g_object_unref (results[i]);
    }
  for (guint i = 0; i < world.client->log->len; i++)
    connected += g_str_equal (world.client->log->pdata[i], "session connected");
  g_assert_cmpuint (connected, ==, 1);
  mini_wait_log (world.client, "session closed");
  g_clear_pointer (&pusher, g_main_context_pusher_free);
  world_clear (&world);
}

/* On the bus of the system nobody gets a channel, whoever asks. */
static void
test_rights (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  MuxHost host = { .struct_size = sizeof host, .abi = MUX_ABI, .application = "server", .context = context };
  g_autoptr (GError) error = NULL;
  MuxTransport *transport;

  for (guint i = 0; i < 2; i++)
    {
      host.system_mode = i == 1;
      transport = transport_new (&host);
      g_assert_cmpuint (control_rights (transport, NULL, FALSE) & CONTROL_MAY_OPEN, ==,
                        i == 1 ? 0 : CONTROL_MAY_OPEN);
      transport_free (transport);
    }
}

/* A bus of its own, with two callers: each has its channels for itself, and they end when it leaves. */
static void
test_bus (void)
{
  g_autofree char *program = g_find_program_in_path ("dbus-daemon");
  g_autofree char *directory = g_dir_make_tmp ("mux-quic-bus-XXXXXX", NULL);
  g_autofree char *config = g_build_filename (directory, "bus.conf", NULL);
  g_autofree char *option = g_strconcat ("--config-file=", config, NULL);
  g_autofree char *text
      = g_strdup_printf ("<busconfig><type>session</type><listen>unix:path=%s/bus</listen><policy "
                         "context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow "
                         "eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
                         directory);
  g_autofree char *address = NULL;
  g_autofree char *socket = g_build_filename (directory, "bus", NULL);
  GDBusConnection *connections[3];
  g_autoptr (GDataInputStream) said = NULL;
  g_autoptr (GSubprocess) daemon = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *reply;
  Opened opened;
  World world;
  char byte;

  if (program == NULL)
    {
      g_test_skip ("dbus-daemon is not installed");
      return;
    }
  g_assert_true (g_file_set_contents (config, text, -1, &error));
  daemon = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "dbus-daemon", "--nofork",
                             "--print-address=1", option, NULL);
  g_assert_no_error (error);
  said = g_data_input_stream_new (g_subprocess_get_stdout_pipe (daemon));
  address = g_data_input_stream_read_line (said, NULL, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      connections[i] = g_dbus_connection_new_for_address_sync (
          address,
          G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
          NULL, NULL, &error);
      g_assert_no_error (error);
      g_dbus_connection_set_exit_on_close (connections[i], FALSE);
    }
  world = world_new (connections[0]);
  while ((reply = call (&world, connections[1], MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                        NULL))
         == NULL)
    ;
  g_variant_unref (reply);
  listen_to (&world, connections[2]);
  opened = open_well (&world, connections[1], "{'service': <'echo'>}");
  g_assert_null (
      call (&world, connections[2], opened.path, "org.muxquic.Quic1.Channel", "Close", NULL, NULL, &error));
  g_assert_error (error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
  g_assert_cmpint (recv (opened.fd, &byte, 1, 0), ==, -1);
  g_dbus_connection_close_sync (connections[1], NULL, NULL);
  while (recv (opened.fd, &byte, 1, 0) < 0)
    turn (&world);
  mini_wait_log (world.client, "session closed");
  g_assert_cmpstr (world.said->str, ==, "");
  close (opened.fd);
  g_free (opened.path);
  world_clear (&world);
  g_subprocess_force_exit (daemon);
  g_subprocess_wait (daemon, NULL, NULL);
  for (guint i = 0; i < 3; i++)
    g_object_unref (connections[i]);
  unlink (config);
  unlink (socket);
  rmdir (directory);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/control/passages/echo", test_echo);
  g_test_add_func ("/control/passages/terminal", test_terminal);
  g_test_add_func ("/control/passages/nonsense", test_nonsense);
  g_test_add_func ("/control/passages/pressure", test_pressure);
  g_test_add_func ("/control/passages/hang-up", test_hang_up);
  g_test_add_func ("/control/passages/session-ends", test_session_ends);
  g_test_add_func ("/control/passages/refusals", test_refusals);
  g_test_add_func ("/control/passages/limit", test_limit);
  g_test_add_func ("/control/passages/at-once", test_at_once);
  g_test_add_func ("/control/passages/rights", test_rights);
  g_test_add_func ("/control/passages/bus", test_bus);
  return mini_run ();
}
