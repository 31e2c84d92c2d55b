/* Wake-ups on a context of the test's own: readable, writable, time, errors, and ends from inside. */
#include "sockets.h"

#include "base/heap.h"
#include "net/source.h"

#include <unistd.h>

typedef struct
{
  GMainContext *context;
  NetUdp *udp, *peer;
  NetSource *source;
  guint dispatches;
  GIOCondition last;
  guint64 dispatched_at;
  /* What the dispatch does besides counting. */
  gboolean read, end, keep_deadline;
  guint64 deadline;
} Fixture;

static void
dispatched_cb (NetUdp *udp, GIOCondition condition, gpointer user_data)
{
  Fixture *fixture = user_data;
  NetReceived received;

  g_assert_true (udp == fixture->udp);
  fixture->dispatched_at = net_now ();
  fixture->dispatches++;
  fixture->last = condition;
  if (fixture->read)
    while (net_udp_receive (udp, &received))
      ;
  if (fixture->keep_deadline)
    net_source_set_ready_time (fixture->source, fixture->deadline);
  if (fixture->end)
    {
      net_source_free (g_steal_pointer (&fixture->source));
      net_udp_free (g_steal_pointer (&fixture->udp));
    }
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->context = g_main_context_new ();
  fixture->udp = open_on ("127.0.0.1", 0);
  fixture->peer = open_on ("127.0.0.1", 0);
  fixture->source = net_source_new (fixture->udp, fixture->context, "test socket", dispatched_cb, fixture);
  fixture->read = TRUE;
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->source, net_source_free);
  g_clear_pointer (&fixture->udp, net_udp_free);
  net_udp_free (fixture->peer);
  g_main_context_unref (fixture->context);
}

static void
poke (Fixture *fixture)
{
  send_text (fixture->peer, NULL, net_udp_local (fixture->udp), 0, "poke");
}

static gboolean
give_up_cb (gpointer unused)
{
  g_test_message ("nothing was dispatched in time");
  g_assert_not_reached ();
}

/* Blocks until the source was dispatched @count times in all. */
static void
run_until (Fixture *fixture, guint count)
{
  g_autoptr (GSource) watchdog = g_timeout_source_new (PATIENCE_MS);

  g_source_set_callback (watchdog, give_up_cb, NULL, NULL);
  g_source_attach (watchdog, fixture->context);
  while (fixture->dispatches < count)
    g_main_context_iteration (fixture->context, TRUE);
  g_source_destroy (watchdog);
}

/* Turns that must find nothing to do. */
static void
expect_quiet (Fixture *fixture)
{
  guint before = fixture->dispatches;

  for (guint i = 0; i < 5; i++)
    g_main_context_iteration (fixture->context, FALSE);
  g_assert_cmpuint (fixture->dispatches, ==, before);
}

static void
test_readable (Fixture *fixture, gconstpointer unused)
{
  expect_quiet (fixture);
  poke (fixture);
  run_until (fixture, 1);
  g_assert_cmpint (fixture->last, ==, G_IO_IN);
  expect_quiet (fixture);

  /* What is left unread comes again. */
  fixture->read = FALSE;
  poke (fixture);
  run_until (fixture, 3);
  fixture->read = TRUE;
  run_until (fixture, 4);
  expect_quiet (fixture);
}

static void
test_writable (Fixture *fixture, gconstpointer unused)
{
  net_source_set_want_write (fixture->source, TRUE);
  net_source_set_want_write (fixture->source, TRUE);
  run_until (fixture, 1);
  g_assert_cmpint (fixture->last, ==, G_IO_OUT);
  poke (fixture);
  await (fixture->udp);
  run_until (fixture, 2);
  g_assert_cmpint (fixture->last, ==, G_IO_IN | G_IO_OUT);
  net_source_set_want_write (fixture->source, FALSE);
  expect_quiet (fixture);
}

static void
test_time (Fixture *fixture, gconstpointer unused)
{
  guint64 deadline = net_now () + 5 * BASE_MILLISECOND;

  net_source_set_ready_time (fixture->source, deadline);
  run_until (fixture, 1);
  g_assert_cmpint (fixture->last, ==, 0);
  g_assert_cmpuint (fixture->dispatched_at, >=, deadline);
  expect_quiet (fixture);

  net_source_set_ready_time (fixture->source, 0);
  g_main_context_iteration (fixture->context, FALSE);
  g_assert_cmpuint (fixture->dispatches, ==, 2);
  expect_quiet (fixture);

  net_source_set_ready_time (fixture->source, 1);
  net_source_set_ready_time (fixture->source, BASE_NEVER);
  expect_quiet (fixture);
}

/* GLib counts microseconds: a deadline between two of them must not come before its time. */
static void
test_never_early (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 1; i <= 300; i++)
    {
      guint64 deadline = net_now () + i * 97;

      net_source_set_ready_time (fixture->source, deadline);
      g_assert_cmpint (g_source_get_ready_time ((GSource *) fixture->source) * 1000, >=, (gint64) deadline);
      g_assert_cmpint (g_source_get_ready_time ((GSource *) fixture->source) * 1000, <,
                       (gint64) deadline + 1000);
      run_until (fixture, i);
      g_assert_cmpuint (fixture->dispatched_at, >=, deadline);
    }
  net_source_set_ready_time (fixture->source, BASE_NEVER - 1);
  g_assert_cmpint (g_source_get_ready_time ((GSource *) fixture->source), >, 0);
  expect_quiet (fixture);
}

/* A time that is still ahead survives a dispatch for another reason; one that came is spent, unless set
 * again. */
static void
test_time_and_data (Fixture *fixture, gconstpointer unused)
{
  guint64 far = net_now () + 3600 * BASE_SECOND;

  net_source_set_ready_time (fixture->source, far);
  poke (fixture);
  run_until (fixture, 1);
  g_assert_cmpint (g_source_get_ready_time ((GSource *) fixture->source), >=, (gint64) (far / 1000));

  fixture->keep_deadline = TRUE;
  fixture->deadline = 1;
  net_source_set_ready_time (fixture->source, 1);
  run_until (fixture, 4);
  fixture->deadline = far;
  run_until (fixture, 5);
  expect_quiet (fixture);
}

static guint polls_woken;

/* Whether anything is ready when the loop looks, without letting it see. */
static gint
poll_cb (GPollFD *fds, guint count, gint timeout)
{
  gint ready = g_poll (fds, count, 0);

  polls_woken += ready > 0;
  return ready;
}

static guint
wakes_after (Fixture *fixture, guint64 deadline)
{
  g_main_context_set_poll_func (fixture->context, poll_cb);
  g_main_context_iteration (fixture->context, FALSE);
  polls_woken = 0;
  net_source_set_ready_time (fixture->source, deadline);
  g_main_context_iteration (fixture->context, FALSE);
  return polls_woken;
}

static void
test_same_time_is_free (Fixture *fixture, gconstpointer unused)
{
  guint64 far = net_now () + 3600 * BASE_SECOND;

  g_main_context_acquire (fixture->context);
  /* GLib wakes the loop for a new time from outside a dispatch: the measure works. */
  g_assert_cmpuint (wakes_after (fixture, far), ==, 1);
  g_assert_cmpuint (wakes_after (fixture, far), ==, 0);
  g_assert_cmpuint (wakes_after (fixture, BASE_NEVER), ==, 1);
  g_assert_cmpuint (wakes_after (fixture, BASE_NEVER), ==, 0);
  g_main_context_release (fixture->context);
}

static void
test_end_in_dispatch (Fixture *fixture, gconstpointer unused)
{
  fixture->end = TRUE;
  net_source_set_ready_time (fixture->source, 0);
  poke (fixture);
  run_until (fixture, 1);
  g_assert_null (fixture->source);
  expect_quiet (fixture);
}

static void
test_end_before_dispatch (Fixture *fixture, gconstpointer unused)
{
  net_source_set_ready_time (fixture->source, 0);
  poke (fixture);
  net_source_free (g_steal_pointer (&fixture->source));
  expect_quiet (fixture);
  g_assert_cmpuint (fixture->dispatches, ==, 0);
}

/* A port that nobody has answers a connected socket with an error, which poll reports until it is read. */
static void
test_error_does_not_spin (Fixture *fixture, gconstpointer unused)
{
  NetAddress dead = *net_udp_local (fixture->peer);

  net_udp_free (fixture->peer);
  fixture->peer = open_on ("127.0.0.1", 0);
  g_assert_cmpint (connect (net_udp_fd (fixture->udp), &dead.u.any, dead.length), ==, 0);
  send_text (fixture->udp, NULL, &dead, 0, "anybody?");
  run_until (fixture, 1);
  g_assert_cmpint (fixture->last, ==, G_IO_IN);
  g_assert_cmpuint (net_udp_stats (fixture->udp)->receive_errors, ==, 1);
  expect_quiet (fixture);
}

static void
test_name_and_clock (Fixture *fixture, gconstpointer unused)
{
  gint64 before = g_get_monotonic_time ();
  guint64 now = net_now ();
  gint64 after = g_get_monotonic_time ();

  g_assert_cmpint ((gint64) (now / 1000), >=, before);
  g_assert_cmpint ((gint64) (now / 1000), <=, after);
  g_assert_cmpstr (g_source_get_name ((GSource *) fixture->source), ==, "test socket");
}

int
main (int argc, char **argv)
{
#define ADD(path, func) g_test_add ("/net/source/" path, Fixture, NULL, set_up, func, tear_down)
  g_test_init (&argc, &argv, NULL);
  ADD ("readable", test_readable);
  ADD ("writable", test_writable);
  ADD ("time", test_time);
  ADD ("never-early", test_never_early);
  ADD ("time-and-data", test_time_and_data);
  ADD ("same-time-is-free", test_same_time_is_free);
  ADD ("end-in-dispatch", test_end_in_dispatch);
  ADD ("end-before-dispatch", test_end_before_dispatch);
  ADD ("error-does-not-spin", test_error_does_not_spin);
  ADD ("name-and-clock", test_name_and_clock);
  return g_test_run ();
}
