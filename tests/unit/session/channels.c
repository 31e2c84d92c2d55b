/* Channels between two sessions: asking, bytes both ways, ends, lanes, events. */
#include "duo.h"

static void
test_open_echo (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (1);
  Tap *client, *server;
  const char *service = NULL;
  guint64 before;

  duo_channel (duo, &client, &server);
  g_assert_true (g_variant_lookup (server->request, "service", "&s", &service));
  g_assert_cmpstr (service, ==, "shell");
  server->echo = TRUE;
  before = link_now (duo->link);
  tap_write (client, "hello");
  duo_until (duo, client->received == 5);
  g_assert_cmpstr (tap_text (client), ==, "hello");
  /* One round trip of 20 ms, and not a timer more. */
  g_assert_cmpuint (link_now (duo->link) - before, <=, 21 * BASE_MILLISECOND);
  tap_finish (client);
  duo_until (duo, client->eof && server->eof);
  g_assert_cmpuint (tap_count (client, "sent"), ==, 5);
  g_assert_cmpuint (tap_count (client, "received"), ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/channels/open-echo", test_open_echo);
  return g_test_run ();
}
