/* What `doctor` says of the host here: broken sockets, small limits, and a systemd that answers as it is
 * told. */
#include "host/control-client.h"
#include "host/doctor.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct
{
  char *root; /* XDG_RUNTIME_DIR, with programs in bin/ */
  GPtrArray *findings;
} World;

static void
set_up (World *world, gconstpointer unused)
{
  g_autofree char *bin = NULL;

  world->root = g_dir_make_tmp ("mq-doctor-XXXXXX", NULL);
  bin = g_build_filename (world->root, "bin", NULL);
  g_assert_cmpint (g_mkdir (bin, 0700), ==, 0);
  g_setenv ("XDG_RUNTIME_DIR", world->root, TRUE);
  g_setenv ("PATH", bin, TRUE);
  world->findings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
}

static void
tear_down (World *world, gconstpointer unused)
{
  static const char *const files[]
      = { "bin/systemctl", "bin/loginctl", "bin", "mux-quic/control", "mux-quic", "" };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (world->root, files[i], NULL);

      g_remove (path);
    }
  g_assert_false (g_file_test (world->root, G_FILE_TEST_EXISTS));
  g_ptr_array_unref (world->findings);
  g_free (world->root);
}

/* The only finding there is; it is forgotten then. */
static void
expect (World *world, const char *check, const char *level, const char *found, const char *remedy)
{
  const char *its_check = "", *its_level = "", *text = "", *fix = NULL;

  g_assert_cmpuint (world->findings->len, ==, 1);
  g_variant_lookup (world->findings->pdata[0], "check", "&s", &its_check);
  g_variant_lookup (world->findings->pdata[0], "level", "&s", &its_level);
  g_variant_lookup (world->findings->pdata[0], "found", "&s", &text);
  g_variant_lookup (world->findings->pdata[0], "remedy", "&s", &fix);
  g_assert_cmpstr (its_check, ==, check);
  g_assert_cmpstr (its_level, ==, level);
  if (strstr (text, found) == NULL || (remedy == NULL) != (fix == NULL)
      || (fix != NULL && strstr (fix, remedy) == NULL))
    g_error ("“%s” / “%s” does not say “%s” / “%s”", text, fix, found, remedy);
  g_ptr_array_set_size (world->findings, 0);
}

/* A socket that nobody listens on, as a killed host leaves it. */
static char *
leave_socket (World *world, int directory_mode, int mode)
{
  g_autofree char *directory = g_build_filename (world->root, "mux-quic", NULL);
  char *path = g_build_filename (directory, "control", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpuint (strlen (path), <, sizeof address.sun_path);
  strcpy (address.sun_path, path);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  close (fd);
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
  g_assert_cmpint (g_chmod (directory, directory_mode), ==, 0);
  return path;
}

static void
test_no_host (World *world, gconstpointer unused)
{
  g_autofree char *path = NULL;
  HostDoctorHost host;

  host_doctor_host (world->findings, &host);
  g_assert_false (host.running);
  g_assert_cmpint (host.pid, ==, 0);
  g_assert_null (host.config);
  expect (world, "host", "note", "no host runs here", "mux-quic serve");
  path = leave_socket (world, 0700, 0600);
  host_doctor_host (world->findings, &host);
  g_assert_false (host.running);
  expect (world, "host", "note", path, "mux-quic serve");
}

static void
test_open_socket (World *world, gconstpointer unused)
{
  g_autofree char *path = leave_socket (world, 0700, 0666);
  g_autofree char *directory = g_path_get_dirname (path);
  HostDoctorHost host;

  host_doctor_host (world->findings, &host);
  g_assert_false (host.running);
  expect (world, "socket", "error", "(mode 666)", "chmod 600 '");
  g_chmod (path, 0600);
  g_chmod (directory, 0755);
  host_doctor_host (world->findings, &host);
  g_assert_false (host.running);
  expect (world, "socket", "error", "(mode 755)", "chmod 700 '");
}

static void
test_stranger (World *world, gconstpointer unused)
{
  g_autofree char *path = NULL;
  HostDoctorHost host;

  if (geteuid () != 0)
    {
      g_test_skip ("only root can give a file away");
      return;
    }
  path = leave_socket (world, 0700, 0600);
  g_assert_cmpint (chown (path, 12345, 12345), ==, 0);
  host_doctor_host (world->findings, &host);
  g_assert_false (host.running);
  expect (world, "socket", "error", "belongs to user 12345, not to 0", path);
}

static void
test_files (World *world, gconstpointer unused)
{
  host_doctor_judge_files (world->findings, 1024);
  expect (world, "files", "warning", "1024 files", "LimitNOFILE=65536");
  host_doctor_judge_files (world->findings, 65536);
  expect (world, "files", "ok", "65536 files", NULL);
  host_doctor_judge_files (world->findings, G_MAXUINT64);
  expect (world, "files", "ok", "any number", NULL);
  /* Of a living process, by what the kernel says. */
  host_doctor_files (world->findings, getpid ());
  g_assert_cmpuint (world->findings->len, ==, 1);
}

static void
write_program (World *world, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (world->root, "bin", name, NULL);
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\n%s\n", text);

  g_assert_true (g_file_set_contents_full (path, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
}

static void
test_service (World *world, gconstpointer unused)
{
  static const struct
  {
    const char *systemctl, *loginctl;
    gboolean running;
    const char *level, *found, *remedy;
  } cases[] = {
    { "exit 1", NULL, TRUE, "note", "systemd does not run here", NULL },
    { "echo disabled; exit 1", NULL, TRUE, "warning", "does not start a host", "enable --now mux-quic" },
    { "echo disabled; exit 1", NULL, FALSE, "note", "does not start a host", "enable --now mux-quic" },
    { "echo masked; exit 1", NULL, TRUE, "warning", "masked", "unmask mux-quic" },
    /* The socket alone is enough; where loginctl says nothing, nothing is said of it. */
    { "case $3 in *.socket) echo enabled;; *) echo disabled; exit 1;; esac", "exit 1", TRUE, "ok",
      "starts a host", NULL },
  };

  /* Not even the program is there. */
  host_doctor_service (world->findings, FALSE);
  expect (world, "service", "note", "systemd does not run here", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      write_program (world, "systemctl", cases[i].systemctl);
      write_program (world, "loginctl", cases[i].loginctl != NULL ? cases[i].loginctl : "exit 1");
      host_doctor_service (world->findings, cases[i].running);
      expect (world, "service", cases[i].level, cases[i].found, cases[i].remedy);
    }
}

/* A systemd that is ill holds nobody up. */
static void
test_hung (World *world, gconstpointer unused)
{
  write_program (world, "systemctl", "exec /bin/sleep 1000");
  host_doctor_service (world->findings, TRUE);
  expect (world, "service", "warning", "does not answer", "journalctl");
}

/* Nobody runs, but somebody listens. */
static void
test_awaited (World *world, gconstpointer unused)
{
  g_assert_false (host_doctor_is_awaited ());
  write_program (world, "systemctl", "test \"$*\" = '--user is-active mux-quic.socket' && echo active");
  g_assert_true (host_doctor_is_awaited ());
  write_program (world, "systemctl", "echo inactive; exit 3");
  g_assert_false (host_doctor_is_awaited ());
}

static void
test_linger (World *world, gconstpointer unused)
{
  write_program (world, "systemctl", "echo enabled");
  write_program (world, "loginctl", "test \"$1\" = show-user && echo no");
  host_doctor_service (world->findings, TRUE);
  g_assert_cmpuint (world->findings->len, ==, 2);
  g_ptr_array_remove_index (world->findings, 0);
  expect (world, "linger", "warning", "ends when you log out", "loginctl enable-linger");
  write_program (world, "loginctl", "echo yes");
  host_doctor_service (world->findings, TRUE);
  g_ptr_array_remove_index (world->findings, 0);
  expect (world, "linger", "ok", "outlives", NULL);
}

#define ADD(name, func) g_test_add ("/host/doctor/" name, World, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("no-host", test_no_host);
  ADD ("open-socket", test_open_socket);
  ADD ("stranger", test_stranger);
  ADD ("files", test_files);
  ADD ("service", test_service);
  ADD ("hung", test_hung);
  ADD ("awaited", test_awaited);
  ADD ("linger", test_linger);
  return g_test_run ();
}
