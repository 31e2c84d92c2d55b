/* A deadline of the wall clock, which this test sets as it likes. */
#include "base/alarm.h"

static gint64 wall;
static guint rings;
static BaseAlarm *freed_in_ring;

static gint64
now (void)
{
  return wall * G_USEC_PER_SEC;
}

static void
ring_cb (gpointer data)
{
  rings++;
  if (freed_in_ring != NULL)
    base_alarm_free (g_steal_pointer (&freed_in_ring));
}

static void
turn (GMainContext *context)
{
  for (guint i = 0; i < 5; i++)
    g_main_context_iteration (context, FALSE);
}

static BaseAlarm *
new_alarm (GMainContext *context)
{
  BaseAlarm *alarm = base_alarm_new (context, ring_cb, NULL);

  wall = 1000;
  rings = 0;
  base_alarm_set_clock (alarm, now);
  return alarm;
}

static void
test_clock_is_set (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  BaseAlarm *alarm = new_alarm (context);

  turn (context);
  base_alarm_set (alarm, 2000, 0);
  turn (context);
  g_assert_cmpuint (rings, ==, 0);
  wall = 1999;
  turn (context);
  g_assert_cmpuint (rings, ==, 0);
  wall = 500;
  turn (context);
  g_assert_cmpuint (rings, ==, 0);
  wall = 400000000;
  turn (context);
  g_assert_cmpuint (rings, ==, 1);
  turn (context);
  g_assert_cmpuint (rings, ==, 1); /* once */
  base_alarm_set (alarm, G_MAXINT64, 0);
  wall = G_MAXINT64 / G_USEC_PER_SEC;
  turn (context);
  g_assert_cmpuint (rings, ==, 1);
  base_alarm_free (alarm);
}

static void
test_delay (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  BaseAlarm *alarm = new_alarm (context);

  base_alarm_set (alarm, 10, 3600);
  turn (context);
  g_assert_cmpuint (rings, ==, 0);
  base_alarm_set (alarm, 10, 0);
  turn (context);
  g_assert_cmpuint (rings, ==, 1);
  base_alarm_free (alarm);
}

static void
test_freed_in_its_function (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  freed_in_ring = new_alarm (context);
  base_alarm_set (freed_in_ring, 0, 0);
  turn (context);
  g_assert_cmpuint (rings, ==, 1);
}

/* The loop sleeps, but not past a clock that may be set meanwhile. */
static void
test_how_long_it_sleeps (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  BaseAlarm *alarm = new_alarm (context);
  GPollFD fds[8];
  int priority, timeout;

  base_alarm_set (alarm, 1000 + 7 * 24 * 3600, 0);
  g_assert_true (g_main_context_acquire (context));
  g_main_context_prepare (context, &priority);
  g_main_context_query (context, priority, &timeout, fds, G_N_ELEMENTS (fds));
  g_main_context_release (context);
  g_assert_cmpint (timeout, >, 50000);
  g_assert_cmpint (timeout, <=, 60001);
  base_alarm_free (alarm);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/alarm/clock-is-set", test_clock_is_set);
  g_test_add_func ("/alarm/delay", test_delay);
  g_test_add_func ("/alarm/freed-in-its-function", test_freed_in_its_function);
  g_test_add_func ("/alarm/how-long-it-sleeps", test_how_long_it_sleeps);
  return g_test_run ();
}
