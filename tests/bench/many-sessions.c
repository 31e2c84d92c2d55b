/* How long the host's loop is kept by somebody who looks at ten thousand sessions over D-Bus: the longest
 * turn, in time of the clock and of this thread's processor. Who asks is another thread, so what he does with
 * the answer does not count.
 *
 * usage: bench-many-sessions [SESSIONS] */
#include "unit/control/many.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "transport/peer-session.h"
#include "transport/watch.h"

static double turn_wall, turn_cpu, longest_wall, longest_cpu, all_cpu;

static double
clock_ms (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A turn is from the end of one poll to the beginning of the next. */
static gint
timed_poll (GPollFD *fds, guint n, gint timeout)
{
  double wall = clock_ms (CLOCK_MONOTONIC) - turn_wall, cpu = clock_ms (CLOCK_THREAD_CPUTIME_ID) - turn_cpu;
  gint result;

  longest_wall = MAX (longest_wall, wall);
  longest_cpu = MAX (longest_cpu, cpu);
  all_cpu += cpu;
  result = g_poll (fds, n, timeout);
  turn_wall = clock_ms (CLOCK_MONOTONIC);
  turn_cpu = clock_ms (CLOCK_THREAD_CPUTIME_ID);
  return result;
}

static void
begin (void)
{
  longest_wall = longest_cpu = all_cpu = 0;
  turn_wall = clock_ms (CLOCK_MONOTONIC);
  turn_cpu = clock_ms (CLOCK_THREAD_CPUTIME_ID);
}

static void
report (const char *what, guint answers)
{
  printf ("%-44s %4u answers, longest turn %7.2f ms (processor %7.2f ms), all %8.2f ms\n", what, answers,
          longest_wall, longest_cpu, all_cpu);
}

/* Who asks */

typedef struct
{
  const char *path, *interface, *method;
  guint answers;
  gint done;
  GMainContext *host;
} Question;

static GVariant *
call (GDBusConnection *connection, const Question *question, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply
      = g_dbus_connection_call_sync (connection, NULL, question->path, question->interface, question->method,
                                     arguments, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &error);

  g_assert_no_error (error);
  return reply;
}

static gpointer
ask (gpointer data)
{
  Question *question = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autofree char *path = control_socket_path ("server", FALSE);
  g_autofree char *address = g_strconcat ("unix:path=", path, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_sync (
      address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);
  guint64 next = 0;

  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  do
    {
      gboolean pages = g_str_equal (question->method, "ListSessions");
      g_autoptr (GVariant) reply
          = call (connection, question, pages ? g_variant_new ("(tu)", next, 0) : NULL);

      question->answers++;
      next = 0;
      if (pages)
        g_variant_get_child (reply, 1, "t", &next);
    }
  while (next != 0);
  g_dbus_connection_close_sync (connection, NULL, NULL);
  g_atomic_int_set (&question->done, TRUE);
  g_main_context_wakeup (question->host);
  return NULL;
}

static void
measure (World *world, const char *path, const char *interface, const char *method)
{
  Question question
      = { .path = path, .interface = interface, .method = method, .host = world->server->context };
  GThread *thread;

  begin ();
  thread = g_thread_new ("asks", ask, &question);
  while (!g_atomic_int_get (&question.done))
    g_main_context_iteration (world->server->context, TRUE);
  g_thread_join (thread);
  report (method, question.answers);
}

/* Every session has moved bytes: a second of telling, with somebody who listens. */
static void
measure_counters (World *world, Many *many)
{
  g_autoptr (GDBusConnection) listener = world_connection (world);
  double end = clock_ms (CLOCK_MONOTONIC) + 2500;

  for (guint i = 0; i < many->copies->len; i++)
    ((MuxSession *)many->copies->pdata[i])->told_bytes = 0;
  begin ();
  transport_watch_poke (world->server->transport->watch);
  while (clock_ms (CLOCK_MONOTONIC) < end)
    g_main_context_iteration (world->server->context, TRUE);
  report ("2.5 s of counters that all changed", 0);
}

static void
measure_one (World *world, Many *many)
{
  g_autoptr (GDBusConnection) listener = world_connection (world);

  begin ();
  for (guint i = 0; i < 100; i++)
    {
      many_add (many);
      many_remove (many, 0);
    }
  g_main_context_iteration (world->server->context, FALSE);
  report ("100 sessions come and go (one turn)", 0);
}

int
main (int argc, char **argv)
{
  guint n = argc > 1 ? (guint)atoi (argv[1]) : 10000;
  MuxSession *session;
  World world;
  Many *many;

  mini_main (&argc, &argv);
  world = world_new (NULL);
  g_main_context_set_poll_func (world.server->context, timed_poll);
  session = world_dial (&world);
  begin ();
  many = many_new (&world, world.server->session, n);
  printf ("%u sessions, made in %.0f ms\n", n, clock_ms (CLOCK_MONOTONIC) - turn_wall);
  measure (&world, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping");
  measure (&world, CONTROL_ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  measure (&world, MANAGER_PATH, MANAGER_INTERFACE, "Describe");
  measure (&world, MANAGER_PATH, MANAGER_INTERFACE, "ListSessions");
  measure (&world, MANAGER_PATH, MANAGER_INTERFACE, "GetStats");
  measure_one (&world, many);
  measure_counters (&world, many);
  many_free (many);
  transport_session_unref (session);
  world_clear (&world);
  return mini_run ();
}
