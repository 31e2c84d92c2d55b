#include "host/program.h"

#include "host/leftover.h"
#include "host/signals.h"

#include "mux-quic-config.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <mux/plugin.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

struct _HostProgram
{
  GVariant *start;
  GPid pid; /* 0 = none, or reaped */
  int fds[3];
  gboolean terminal, socket, exited;
  GSocketConnection *connection;
  GCancellable *cancellable;
  guint watch, idle;
  GError *error;
  HostProgramStarted started;
  HostProgramExited exited_func;
  gpointer user_data;
};

static gboolean
started_cb (gpointer data)
{
  HostProgram *program = data;

  program->idle = 0;
  program->started (program, program->error, program->user_data);
  return G_SOURCE_REMOVE;
}

static void
say_started (HostProgram *program)
{
  program->idle = g_idle_add_full (G_PRIORITY_DEFAULT, started_cb, program, NULL);
}

static void
exited_cb (GPid pid, int wait_status, gpointer data)
{
  HostProgram *program = data;

  program->watch = 0;
  program->pid = 0;
  program->exited = TRUE;
  if (WIFSIGNALED (wait_status))
    program->exited_func (program, 0, WTERMSIG (wait_status), program->user_data);
  else
    program->exited_func (program, WEXITSTATUS (wait_status), 0, program->user_data);
}

/* In the child, after fork: only what is safe there. A session of its own, so that it can be signalled as a whole, the terminal as its
 * controlling one, and signals as a program expects them. */
static void
child_setup (gpointer terminal)
{
  struct sigaction plain;
  sigset_t none;

  memset (&plain, 0, sizeof plain);
  plain.sa_handler = SIG_DFL;
  for (int number = 1; number < 32; number++)
    if (number != SIGKILL && number != SIGSTOP)
      sigaction (number, &plain, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  setsid ();
  if (terminal != NULL)
    ioctl (0, TIOCSCTTY, 0);
}

static void
set_window (int fd, guint rows, guint columns)
{
  struct winsize size = { .ws_row = (unsigned short) MIN (rows, 65535), .ws_col = (unsigned short) MIN (columns, 65535) };

  if (rows > 0 && columns > 0)
    ioctl (fd, TIOCSWINSZ, &size);
}

/* Opens a terminal: our side in fds, the child's side returned. */
static int
open_terminal (HostProgram *program, GError **error)
{
  int ours = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  guint rows = 24, columns = 80;
  char name[64];
  int theirs = -1;

  if (ours >= 0 && grantpt (ours) == 0 && unlockpt (ours) == 0 && ptsname_r (ours, name, sizeof name) == 0)
    theirs = open (name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (theirs < 0)
    {
      int saved = errno;

      if (ours >= 0)
        close (ours);
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("cannot open a terminal: %s"), g_strerror (saved));
      return -1;
    }
  g_variant_lookup (program->start, "rows", "u", &rows);
  g_variant_lookup (program->start, "columns", "u", &columns);
  set_window (ours, rows, columns);
  g_unix_set_fd_nonblocking (ours, TRUE, NULL);
  program->fds[HOST_PROGRAM_INPUT] = program->fds[HOST_PROGRAM_OUTPUT] = ours;
  return theirs;
}

static gboolean
make_pipe (int *read_end, int *write_end, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("cannot make a pipe: %s"), g_strerror (saved));
      return FALSE;
    }
  *read_end = ends[0];
  *write_end = ends[1];
  return TRUE;
}

static void
close_all (int *fds, guint n)
{
  for (guint i = 0; i < n; i++)
    if (fds[i] >= 0)
      {
        close (fds[i]);
        fds[i] = -1;
      }
}

/* The child's descriptors in @theirs; ours in fds. */
static gboolean
open_ends (HostProgram *program, int theirs[3], GError **error)
{
  if (program->terminal)
    {
      theirs[0] = open_terminal (program, error);
      return theirs[0] >= 0;
    }
  if (!make_pipe (&theirs[0], &program->fds[HOST_PROGRAM_INPUT], error)
      || !make_pipe (&program->fds[HOST_PROGRAM_OUTPUT], &theirs[1], error)
      || !make_pipe (&program->fds[HOST_PROGRAM_ERRORS], &theirs[2], error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    g_unix_set_fd_nonblocking (program->fds[i], TRUE, NULL);
  return TRUE;
}

static gboolean
spawn (HostProgram *program, GError **error)
{
  g_auto (GStrv) argv = NULL;
  g_auto (GStrv) environment = NULL;
  g_auto (GStrv) full = NULL;
  const char *argv0 = NULL, *cwd = NULL;
  int theirs[3] = { -1, -1, -1 };
  GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH_FROM_ENVP;
  gboolean good;

  g_variant_lookup (program->start, "argv", "^as", &argv);
  g_variant_lookup (program->start, "environment", "^as", &environment);
  g_variant_lookup (program->start, "argv0", "&s", &argv0);
  g_variant_lookup (program->start, "cwd", "&s", &cwd);
  if (argv == NULL || argv[0] == NULL || argv[0][0] == '\0')
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("there is no program to run"));
      return FALSE;
    }
  if (argv0 != NULL)
    {
      g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

      g_strv_builder_add (builder, argv[0]);
      g_strv_builder_add (builder, argv0);
      g_strv_builder_addv (builder, (const char **) argv + 1);
      full = g_strv_builder_end (builder);
      flags |= G_SPAWN_FILE_AND_ARGV_ZERO;
    }
  good = open_ends (program, theirs, error);
  if (good)
    good = g_spawn_async_with_pipes_and_fds (
        cwd != NULL && g_file_test (cwd, G_FILE_TEST_IS_DIR) ? cwd : "/", (const char *const *) (full != NULL ? full : argv),
        (const char *const *) environment, flags, child_setup, program->terminal ? program : NULL, theirs[0],
        program->terminal ? theirs[0] : theirs[1], program->terminal ? theirs[0] : theirs[2], NULL, NULL, 0,
        &program->pid, NULL, NULL, NULL, error);
  close_all (theirs, 3);
  if (!good)
    {
      g_prefix_error (error, "%s: ", argv[0]);
      return FALSE;
    }
  program->watch = g_child_watch_add (program->pid, exited_cb, program);
  return TRUE;
}

static void
connected_cb (GObject *client, GAsyncResult *result, gpointer data)
{
  HostProgram *program = data;
  GError *error = NULL;
  GSocketConnection *connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (client), result, &error);

  if (connection == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      /* The program is freed. */
      g_error_free (error);
      return;
    }
  program->connection = connection;
  program->error = error;
  if (connection != NULL)
    {
      GSocket *socket = g_socket_connection_get_socket (connection);
      int fd = g_socket_get_fd (socket);

      if (g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX)
        g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
      program->fds[HOST_PROGRAM_INPUT] = program->fds[HOST_PROGRAM_OUTPUT] = fd;
    }
  else
    {
      const char *where = "";

      if (!g_variant_lookup (program->start, "path", "&s", &where))
        g_variant_lookup (program->start, "address", "&s", &where);
      g_prefix_error (&program->error, _("cannot connect to %s: "), where);
    }
  program->started (program, program->error, program->user_data);
}

static gboolean
dial (HostProgram *program, const char *kind, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) where = NULL;
  const char *text = "";

  /* A proxy of the desktop's settings has no say here. */
  g_socket_client_set_enable_proxy (client, FALSE);
  if (g_str_equal (kind, "unix"))
    {
      g_variant_lookup (program->start, "path", "&s", &text);
      where = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (text));
    }
  else
    {
      g_variant_lookup (program->start, "address", "&s", &text);
      where = g_network_address_parse (text, 0, error);
      if (where == NULL)
        return FALSE;
    }
  g_socket_client_connect_async (client, where, program->cancellable, connected_cb, program);
  return TRUE;
}

HostProgram *
host_program_new (GVariant *start, HostProgramStarted started, HostProgramExited exited, gpointer user_data)
{
  HostProgram *program = g_new0 (HostProgram, 1);
  const char *kind = "";

  program->start = g_variant_ref (start);
  program->fds[0] = program->fds[1] = program->fds[2] = -1;
  program->started = started;
  program->exited_func = exited;
  program->user_data = user_data;
  program->cancellable = g_cancellable_new ();
  g_variant_lookup (start, "kind", "&s", &kind);
  program->terminal = g_str_equal (kind, "pty");
  program->socket = g_str_equal (kind, "unix") || g_str_equal (kind, "tcp");
  if (!program->socket)
    {
      spawn (program, &program->error);
      say_started (program);
    }
  else if (!dial (program, kind, &program->error))
    say_started (program);
  return program;
}

static void
close_fds (HostProgram *program)
{
  if (program->fds[HOST_PROGRAM_INPUT] == program->fds[HOST_PROGRAM_OUTPUT])
    program->fds[HOST_PROGRAM_INPUT] = -1;
  /* A socket's descriptor is its connection's. */
  if (!program->socket)
    close_all (program->fds, 3);
  g_clear_object (&program->connection);
}

void
host_program_free (HostProgram *program)
{
  g_cancellable_cancel (program->cancellable);
  g_object_unref (program->cancellable);
  g_clear_handle_id (&program->watch, g_source_remove);
  g_clear_handle_id (&program->idle, g_source_remove);
  if (program->pid != 0)
    host_leftover_end (program->pid);
  close_fds (program);
  g_clear_error (&program->error);
  g_variant_unref (program->start);
  g_free (program);
}

int
host_program_fd (const HostProgram *program, HostProgramFd which)
{
  return program->fds[which];
}

void
host_program_end_input (HostProgram *program)
{
  int *fd = &program->fds[HOST_PROGRAM_INPUT];

  if (*fd < 0)
    return;
  if (program->socket)
    shutdown (*fd, SHUT_WR);
  else if (program->terminal)
    {
      struct termios modes;

      /* What a person would type; a program that reads the terminal raw gets nothing it did not ask for. */
      if (tcgetattr (*fd, &modes) == 0 && (modes.c_lflag & ICANON) != 0
          && write (*fd, &modes.c_cc[VEOF], 1) != 1)
        g_debug ("the end of input did not reach the terminal");
    }
  else
    {
      close (*fd);
      *fd = -1;
    }
}

gboolean
host_program_is_terminal (const HostProgram *program)
{
  return program->terminal;
}

gboolean
host_program_is_socket (const HostProgram *program)
{
  return program->socket;
}

gboolean
host_program_has_exited (const HostProgram *program)
{
  return program->exited;
}

void
host_program_resize (HostProgram *program, guint rows, guint columns)
{
  if (program->terminal && program->fds[HOST_PROGRAM_OUTPUT] >= 0)
    set_window (program->fds[HOST_PROGRAM_OUTPUT], rows, columns);
}

void
host_program_signal (HostProgram *program, const char *name)
{
  int number = host_signal_number (name);

  if (number == 0 || program->pid == 0)
    return;
  /* To whoever is in front at the terminal; else to the program and its children. */
  if (program->terminal && ioctl (program->fds[HOST_PROGRAM_OUTPUT], TIOCSIG, (long) number) == 0)
    return;
  kill (-program->pid, number);
}
