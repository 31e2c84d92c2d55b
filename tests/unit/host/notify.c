/* What systemd is told, over a socket of the test's own: the watchdog hears of the host only while its loop
 * turns. */
#include "host/notify.h"
#include "host/status-line.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

typedef struct
{
  char *directory, *path;
  GSocket *socket;
} Systemd;

static void
systemd_init (Systemd *systemd, const char *usec)
{
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  systemd->directory = g_dir_make_tmp ("mux-quic-test-XXXXXX", NULL);
  systemd->path = g_build_filename (systemd->directory, "notify", NULL);
  address = g_unix_socket_address_new (systemd->path);
  systemd->socket
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_assert_no_error (error);
  g_assert_true (g_socket_bind (systemd->socket, address, FALSE, NULL));
  g_socket_set_blocking (systemd->socket, FALSE);
  g_setenv ("NOTIFY_SOCKET", systemd->path, TRUE);
  if (usec != NULL)
    g_setenv ("WATCHDOG_USEC", usec, TRUE);
}

static void
systemd_clear (Systemd *systemd)
{
  g_object_unref (systemd->socket);
  g_unlink (systemd->path);
  g_rmdir (systemd->directory);
  g_free (systemd->path);
  g_free (systemd->directory);
}

/* The next message, or NULL. */
static char *
next (Systemd *systemd)
{
  char buffer[4096];
  gssize n = g_socket_receive (systemd->socket, buffer, sizeof buffer - 1, NULL, NULL);

  return n < 0 ? NULL : g_strndup (buffer, (gsize)n);
}

static void
expect (Systemd *systemd, const char *wanted)
{
  g_autofree char *text = next (systemd);

  g_assert_cmpstr (text, ==, wanted);
}

static void
test_states (void)
{
  Systemd systemd;
  HostNotify *notify;

  systemd_init (&systemd, NULL);
  notify = host_notify_new ();
  g_assert_null (g_getenv ("NOTIFY_SOCKET"));
  host_notify_ready (notify, "two\nlines");
  expect (&systemd, "READY=1\nSTATUS=two lines\n");
  host_notify_ready (notify, NULL);
  expect (&systemd, "READY=1\n");
  host_notify_status (notify, "busy");
  expect (&systemd, "STATUS=busy\n");
  host_notify_stopping (notify, "goodbye");
  expect (&systemd, "STOPPING=1\nSTATUS=goodbye\n");
  expect (&systemd, NULL);
  host_notify_free (notify);
  systemd_clear (&systemd);
}

static gboolean
watchdog_said (Systemd *systemd)
{
  g_autofree char *text = next (systemd);

  if (text == NULL)
    return FALSE;
  g_assert_cmpstr (text, ==, "WATCHDOG=1\n");
  return TRUE;
}

static void
test_watchdog (void)
{
  Systemd systemd;
  HostNotify *notify;

  systemd_init (&systemd, "2000");
  notify = host_notify_new ();
  g_assert_null (g_getenv ("WATCHDOG_USEC"));
  g_assert_false (g_main_context_pending (NULL));
  host_notify_ready (notify, NULL);
  host_notify_ready (notify, NULL);
  expect (&systemd, "READY=1\n");
  expect (&systemd, "READY=1\n");
  for (guint i = 0; i < 3; i++)
    {
      /* Long after it is due nothing is said: nobody turns the loop. */
      while (!g_main_context_pending (NULL))
        ;
      g_assert_false (watchdog_said (&systemd));
      g_main_context_iteration (NULL, FALSE);
      g_assert_true (watchdog_said (&systemd));
      g_assert_false (watchdog_said (&systemd));
    }
  host_notify_free (notify);
  g_assert_false (g_main_context_pending (NULL));
  systemd_clear (&systemd);
}

/* Nobody to tell, or a path that no socket can have. */
static void
test_nobody (void)
{
  g_autofree char *long_path = g_strnfill (200, 'x');
  const char *paths[] = { NULL, "", "relative", "/", long_path, "/nonexistent/notify" };

  long_path[0] = '/';
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      HostNotify *notify;

      if (paths[i] != NULL)
        g_setenv ("NOTIFY_SOCKET", paths[i], TRUE);
      notify = host_notify_new ();
      host_notify_ready (notify, "ready");
      host_notify_free (notify);
      g_assert_null (g_getenv ("NOTIFY_SOCKET"));
    }
}

static void
expect_line (HostStatusLine *line, const char *wanted)
{
  g_autofree char *text = host_status_line_text (line);

  g_assert_cmpstr (text, ==, wanted);
}

/* Ten thousand sessions are counted, and said in two messages: the first at once, the rest after a while. */
static void
test_status_line (void)
{
  Systemd systemd;
  HostNotify *notify;
  HostStatusLine *line;
  g_autoptr (GVariant) listeners = g_variant_ref_sink (
      g_variant_new_parsed ("[{'address': <'[::]:9001'>}, {'address': <'127.0.0.1:1'>}]"));

  systemd_init (&systemd, NULL);
  notify = host_notify_new ();
  line = host_status_line_new (notify);
  expect_line (line, "listening nowhere; 0 sessions");
  host_status_line_listeners (line, listeners);
  for (guint i = 1; i <= 10000; i++)
    host_status_line_session (line, GUINT_TO_POINTER (i), MUX_SESSION_CONNECTED);
  for (guint i = 1; i <= 9999; i++)
    host_status_line_session (line, GUINT_TO_POINTER (i), i < 3 ? MUX_SESSION_AWAY : MUX_SESSION_CLOSED);
  expect_line (line, "listening on [::]:9001, 127.0.0.1:1; 3 sessions, 2 of them away");
  expect (&systemd, "STATUS=listening on [::]:9001, 127.0.0.1:1; 1 session\n");
  expect (&systemd, NULL);
  while (!g_socket_condition_check (systemd.socket, G_IO_IN))
    g_main_context_iteration (NULL, TRUE);
  expect (&systemd, "STATUS=listening on [::]:9001, 127.0.0.1:1; 3 sessions, 2 of them away\n");
  host_status_line_session (line, GUINT_TO_POINTER (1), MUX_SESSION_CONNECTED);
  host_status_line_session (line, GUINT_TO_POINTER (2), MUX_SESSION_CLOSED);
  host_status_line_session (line, GUINT_TO_POINTER (77), MUX_SESSION_CLOSED);
  expect_line (line, "listening on [::]:9001, 127.0.0.1:1; 2 sessions");
  host_status_line_free (line);
  host_notify_free (notify);
  systemd_clear (&systemd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host/notify/states", test_states);
  g_test_add_func ("/host/notify/watchdog", test_watchdog);
  g_test_add_func ("/host/notify/nobody", test_nobody);
  g_test_add_func ("/host/notify/status-line", test_status_line);
  return g_test_run ();
}
