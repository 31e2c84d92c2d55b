/* Sessions that wait for their clients: how many may, and whose go first. */
#include "transport/waiting.h"
#include "transport/away-private.h"
#include "unit/transport/mini-host.h"

/* As many of one identity lose their connections in one turn of the loop. */
#define FLOOD (3 * TRANSPORT_AWAY_MAX)

static MuxSession *
waiter_new (MuxTransport *transport, const char *user, const char *device)
{
  MuxSession *session = g_new0 (MuxSession, 1);

  session->transport = transport;
  session->incoming = TRUE;
  session->timeout = 3600;
  session->user = g_strdup (user);
  session->device = g_strdup (device);
  session->away = transport_away_new (session);
  return session;
}

static void
waiter_free (gpointer data)
{
  MuxSession *session = data;

  transport_away_free (session->away);
  g_free (session->user);
  g_free (session->device);
  g_free (session);
}

static gboolean
still_waits (const MuxSession *session)
{
  return session->away->end == NULL;
}

/* However many one leaves, there are never more than the limit, and it is his own that go. */
static void
test_flood (void)
{
  g_autoptr (MiniHost) mini
      = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '127.0.0.1:0'}}}");
  g_autoptr (GPtrArray) alices = g_ptr_array_new_with_free_func (waiter_free);
  MuxSession *bob = waiter_new (mini->transport, "bob", NULL),
             *other = waiter_new (mini->transport, "alice", "other");
  guint n = 0;

  transport_away_begin (bob->away, NULL);
  transport_away_begin (other->away, NULL);
  for (guint i = 0; i < FLOOD; i++)
    {
      g_ptr_array_add (alices, waiter_new (mini->transport, "alice", NULL));
      transport_away_begin (((MuxSession *)alices->pdata[i])->away, NULL);
      g_assert_cmpuint (transport_waiting_size (mini->transport->waiting), <=, TRANSPORT_AWAY_MAX);
    }
  g_assert_true (still_waits (bob) && still_waits (other));
  for (guint i = 0; i < FLOOD; i++)
    {
      g_assert_true (still_waits (alices->pdata[i]) == (i >= FLOOD - TRANSPORT_AWAY_MAX + 2));
      n += still_waits (alices->pdata[i]);
    }
  g_assert_cmpuint (n, ==, TRANSPORT_AWAY_MAX - 2);
  waiter_free (bob);
  waiter_free (other);
}

static void
test_order (void)
{
  g_autoptr (MiniHost) mini
      = mini_host_new (NULL, "server", "{quic_servers = {{bind_address = '127.0.0.1:0'}}}");
  MuxSession *first = waiter_new (mini->transport, "alice", NULL),
             *second = waiter_new (mini->transport, "alice", NULL);
  MuxSession *bob = waiter_new (mini->transport, "bob", NULL);
  g_autoptr (TransportWaiting) waiting = transport_waiting_new ();

  g_assert_null (transport_waiting_first_to_go (waiting));
  g_assert_null (transport_waiting_of (waiting, bob));
  transport_waiting_add (waiting, bob);
  transport_waiting_add (waiting, first);
  transport_waiting_add (waiting, second);
  g_assert_true (transport_waiting_first_to_go (waiting) == first);
  g_assert_true (transport_waiting_of (waiting, second)->data == first);
  transport_waiting_add (waiting, first); /* it was back, and is away again */
  g_assert_cmpuint (transport_waiting_size (waiting), ==, 3);
  g_assert_true (transport_waiting_of (waiting, first)->data == second);
  transport_waiting_remove (waiting, second);
  transport_waiting_remove (waiting, second);
  g_assert_cmpuint (transport_waiting_size (waiting), ==, 2);
  /* As many of both: who waits for longest. */
  first->away_since = 2;
  bob->away_since = 1;
  g_assert_true (transport_waiting_first_to_go (waiting) == bob);
  transport_waiting_remove (waiting, bob);
  transport_waiting_remove (waiting, first);
  waiter_free (bob);
  waiter_free (second);
  waiter_free (first);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/transport/waiting/flood", test_flood);
  g_test_add_func ("/transport/waiting/order", test_order);
  return mini_run ();
}
