#include "host/drain.h"
#include "host/feed.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOTAL ((gsize) 5 * 1000 * 1000 + 7)

typedef struct
{
  gboolean fed, drained;
  guint64 count;
  GChecksum *received;
  int source, sink;
  gsize written;
  guint8 *data;
} Run;

static void
fed_cb (HostFeed *feed, const GError *error, gpointer data)
{
  g_assert_no_error (error);
  ((Run *) data)->fed = TRUE;
}

static void
drained_cb (HostDrain *drain, const GError *error, gboolean writing, gpointer data)
{
  Run *run = data;

  g_assert_no_error (error);
  run->drained = TRUE;
  shutdown (run->sink, SHUT_WR);
  close (run->sink);
  run->sink = -1;
}

static void
progress_cb (HostDrain *drain, guint64 count, gpointer data)
{
  Run *run = data;

  g_assert_cmpuint (count, >, run->count);
  run->count = count;
}

/* What one end is given goes through a feed, a pipe in the middle and a drain to the other end, whole and in order. */
static void
pass (gboolean sockets)
{
  Run run = { .received = g_checksum_new (G_CHECKSUM_SHA256), .data = g_malloc (TOTAL) };
  g_autofree char *sent = NULL;
  GRand *rand = g_rand_new_with_seed (7);
  int in[2], middle[2], out[2], flags;
  HostFeed *feed;
  HostDrain *drain;
  gboolean end = FALSE;

  for (gsize i = 0; i < TOTAL; i++)
    run.data[i] = (guint8) g_rand_int (rand);
  sent = g_compute_checksum_for_data (G_CHECKSUM_SHA256, run.data, TOTAL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in), ==, 0);
  g_assert_cmpint (pipe2 (middle, O_CLOEXEC), ==, 0);
  if (sockets)
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), ==, 0);
  else
    g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  run.sink = out[1];
  flags = fcntl (out[1], F_GETFL);
  g_unix_set_fd_nonblocking (in[0], TRUE, NULL);
  g_unix_set_fd_nonblocking (out[0], TRUE, NULL);
  g_unix_set_fd_nonblocking (middle[0], TRUE, NULL);
  g_unix_set_fd_nonblocking (middle[1], TRUE, NULL);
  {
    g_autoptr (GOutputStream) to = g_unix_output_stream_new (middle[1], TRUE);
    g_autoptr (GInputStream) from = g_unix_input_stream_new (middle[0], TRUE);

    feed = host_feed_new (in[1], to, fed_cb, &run);
    drain = host_drain_new (from, out[1], progress_cb, drained_cb, &run);
  }
  while (!end)
    {
      guint8 buffer[10000];
      gsize piece = MIN (TOTAL - run.written, (gsize) g_rand_int_range (rand, 1, 200000));
      gssize n = piece == 0 ? 0 : write (in[0], run.data + run.written, piece);

      run.written += n > 0 ? (gsize) n : 0;
      if (run.written == TOTAL && in[0] >= 0)
        {
          close (in[0]);
          in[0] = -1;
        }
      while (g_main_context_iteration (NULL, FALSE))
        continue;
      n = read (out[0], buffer, (gsize) g_rand_int_range (rand, 1, sizeof buffer));
      if (n > 0)
        g_checksum_update (run.received, buffer, n);
      end = n == 0;
      if (!run.drained)
        g_assert_cmpint (fcntl (out[1], F_GETFL), ==, flags);
    }
  g_assert_true (run.fed && run.drained);
  g_assert_cmpuint (run.count, ==, TOTAL);
  g_assert_cmpstr (g_checksum_get_string (run.received), ==, sent);
  host_feed_free (feed);
  host_drain_free (drain);
  g_checksum_free (run.received);
  g_rand_free (rand);
  g_free (run.data);
  close (in[1]);
  close (out[0]);
}

static void
test_sockets (void)
{
  pass (TRUE);
}

static void
test_pipes (void)
{
  pass (FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pump/sockets", test_sockets);
  g_test_add_func ("/pump/pipes", test_pipes);
  return g_test_run ();
}
