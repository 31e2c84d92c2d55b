/* What becomes of a question by UDP: answered, refused, too large, silent, given up; over loopback. */
#include "net/probe.h"
#include "sockets.h"

#include <errno.h>

#define QUESTION "anybody there?"

typedef struct
{
  NetProbeResult answer;
  GError *error;
  gboolean done;
} Outcome;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  net_probe_finish (result, &outcome->answer, &outcome->error);
  outcome->done = TRUE;
}

static gboolean
is_yes (const guint8 *data, gsize length, gpointer user_data)
{
  guint *seen = user_data;

  (*seen)++;
  return length == 3 && memcmp (data, "yes", 3) == 0;
}

static void
wait_for (Outcome *outcome)
{
  while (!outcome->done)
    g_main_context_iteration (NULL, TRUE);
}

static Outcome
ask (const NetAddress *remote, gsize length, guint timeout_ms)
{
  g_autofree guint8 *data = g_malloc0 (length);
  Outcome outcome = { 0 };
  guint seen = 0;

  net_probe_async (remote, data, length, timeout_ms, is_yes, &seen, NULL, done_cb, &outcome);
  g_assert_false (outcome.done);
  wait_for (&outcome);
  g_assert_no_error (outcome.error);
  return outcome;
}

/* Two answers that are none, then one that is, and only to the second question: the first was lost. */
static void
test_answered (gconstpointer host)
{
  g_autoptr (NetUdp) udp = NULL;
  NetReceived received;
  Outcome outcome = { 0 };
  NetAddress to;
  guint seen = 0;

  if (skip_without (host))
    return;
  udp = open_on (host, 0);
  to = at_port_of (host, udp);
  net_probe_async (&to, (const guint8 *)QUESTION, strlen (QUESTION), 60000, is_yes, &seen, NULL, done_cb,
                   &outcome);
  for (guint i = 0; i < 2; i++)
    {
      while (!net_udp_receive (udp, &received))
        g_main_context_iteration (NULL, FALSE);
      g_assert_cmpmem (received.data, received.length, QUESTION, strlen (QUESTION));
    }
  send_text (udp, NULL, &received.remote, 0, "no");
  send_text (udp, NULL, &received.remote, 0, "perhaps");
  send_text (udp, NULL, &received.remote, 0, "yes");
  wait_for (&outcome);
  g_assert_no_error (outcome.error);
  g_assert_cmpint (outcome.answer.outcome, ==, NET_PROBE_ANSWERED);
  g_assert_cmpuint (outcome.answer.round_trip, >, 0);
  g_assert_cmpuint (outcome.answer.mtu, >, 1280);
  g_assert_cmpuint (seen, ==, 3);
}

/* Nobody has the port any more. */
static void
test_refused (gconstpointer host)
{
  NetAddress to;
  Outcome outcome;

  if (skip_without (host))
    return;
  {
    g_autoptr (NetUdp) udp = open_on (host, 0);

    to = at_port_of (host, udp);
  }
  outcome = ask (&to, 1200, 60000);
  g_assert_cmpint (outcome.answer.outcome, ==, NET_PROBE_REFUSED);
  g_assert_cmpint (outcome.answer.error, ==, ECONNREFUSED);
  g_assert_true (net_address_same_host (&outcome.answer.reporter, &to));
}

static void
test_silent (void)
{
  g_autoptr (NetUdp) udp = open_on ("127.0.0.1", 0);
  Outcome outcome = ask (net_udp_local (udp), 1200, 600);
  NetReceived received;
  guint questions = 0;

  g_assert_cmpint (outcome.answer.outcome, ==, NET_PROBE_SILENT);
  while (net_udp_receive (udp, &received))
    questions++;
  /* At once and after 250 ms, when the machine has the time; 500 ms later the time is up. */
  g_assert_cmpuint (questions, >=, 1);
  g_assert_cmpuint (questions, <=, 2);
}

/* More than any IPv4 packet holds. */
static void
test_too_large (void)
{
  g_autoptr (NetUdp) udp = open_on ("127.0.0.1", 0);
  Outcome outcome = ask (net_udp_local (udp), 65510, 60000);

  g_assert_cmpint (outcome.answer.outcome, ==, NET_PROBE_TOO_LARGE);
  g_assert_cmpuint (outcome.answer.mtu, >=, 1280);
}

static void
test_given_up (void)
{
  g_autoptr (NetUdp) udp = open_on ("127.0.0.1", 0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome outcome = { 0 };
  guint seen = 0;

  net_probe_async (net_udp_local (udp), (const guint8 *)QUESTION, 1, 60000, is_yes, &seen, cancellable,
                   done_cb, &outcome);
  g_main_context_iteration (NULL, TRUE);
  await (udp);
  g_cancellable_cancel (cancellable);
  g_assert_false (outcome.done);
  wait_for (&outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_error_free (outcome.error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/net/probe/answered/ipv4", "127.0.0.1", test_answered);
  g_test_add_data_func ("/net/probe/answered/ipv6", "::1", test_answered);
  g_test_add_data_func ("/net/probe/refused/ipv4", "127.0.0.1", test_refused);
  g_test_add_data_func ("/net/probe/refused/ipv6", "::1", test_refused);
  g_test_add_func ("/net/probe/silent", test_silent);
  g_test_add_func ("/net/probe/too-large", test_too_large);
  g_test_add_func ("/net/probe/given-up", test_given_up);
  return g_test_run ();
}
