/* Bytes, counts and back-pressure of channels. */
#include "duo.h"

#include <mux/plugin.h>

#define KIB 1024
#define MIB (1024 * 1024)

static void
both_ways (guint seed, guint loss, guint64 length)
{
  g_autoptr (Duo) duo = duo_new_welcome (seed);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  link_conditions (duo->link)->loss = loss;
  link_conditions (duo->link)->duplicate = loss;
  link_conditions (duo->link)->jitter = loss > 0 ? 5 * BASE_MILLISECOND : 0;
  tap_send (client, length, TRUE);
  tap_send (server, length, TRUE);
  duo_until_limit (duo, client->eof && server->eof, 3600 * 1000);
  g_assert_cmpuint (client->received, ==, length);
  g_assert_cmpstr (tap_received (client), ==, tap_sent (server));
  g_assert_cmpstr (tap_received (server), ==, tap_sent (client));
  g_assert_cmpuint (link_stats (duo->link, LINK_CLIENT)->dropped, >=, loss > 0 ? 10 : 0);
  /* Every byte is counted in the end, and nothing is kept for a channel that is through. */
  link_conditions (duo->link)->loss = 0;
  duo_until (duo, session_n_channels (duo->server.session) == 0);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, length);
  duo_until (duo, tap_count (client, "confirmed") == length);
}

static void
test_both_ways (void)
{
  both_ways (1, 0, 8 * MIB);
}

static void
test_both_ways_loss (void)
{
  both_ways (2, 20, 8 * MIB);
}

static void
test_both_ways_bad_loss (void)
{
  both_ways (3, 150, MIB);
}

/* A count is told 50 ms after a little, at once after 256 KiB. */
static void
test_count_times (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (4);
  Tap *client, *server;
  guint64 read_at;

  duo_channel (duo, &client, &server);
  duo_run (duo, 1000);
  tap_send (server, 1000, FALSE);
  duo_until (duo, client->received == 1000);
  read_at = link_now (duo->link);
  duo_until (duo, tap_count (server, "confirmed") == 1000);
  g_assert_cmpuint (link_now (duo->link) - read_at, >=, 60 * BASE_MILLISECOND);
  g_assert_cmpuint (link_now (duo->link) - read_at, <=, 62 * BASE_MILLISECOND);

  /* While nobody reads nothing is counted, whatever QUIC acknowledged. */
  client->paused = TRUE;
  duo_run (duo, 1000);
  tap_send (server, 1000, FALSE);
  duo_until (duo, client->received == 2000); /* the read that was waiting */
  tap_send (server, 300 * KIB, FALSE);
  duo_run (duo, 5000);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 2000);
  client->piece = 256 * KIB;
  tap_resume (client);
  duo_until (duo, client->received >= 2000 + 256 * KIB);
  read_at = link_now (duo->link);
  duo_until (duo, tap_count (server, "confirmed") >= 2000 + 256 * KIB);
  g_assert_cmpuint (link_now (duo->link) - read_at, <=, 12 * BASE_MILLISECOND);
}

/* How many counts are told while much flows: about one every 256 KiB, and one every 50 ms. */
static void
test_count_thrift (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (5);
  Tap *client, *server;
  guint64 last = 0, begin;
  guint changes = 0;

  duo_channel (duo, &client, &server);
  begin = link_now (duo->link);
  tap_send (server, 16 * MIB, FALSE);
  while (last < 16 * MIB)
    {
      guint64 confirmed = tap_count (server, "confirmed");

      g_assert_cmpuint (confirmed, >=, last);
      changes += confirmed != last;
      last = confirmed;
      g_assert_true (duo_step (duo, begin + 60 * BASE_SECOND));
    }
  g_test_message ("%u counts in %u ms", changes, (guint) ((link_now (duo->link) - begin) / BASE_MILLISECOND));
  g_assert_cmpuint (changes, <=, 64 + (link_now (duo->link) - begin) / (50 * BASE_MILLISECOND) + 1);
}

/* The host confirms itself; the other side's host hears it if it, too, counts by hand. */
static void
test_manual (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (6);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  session_set_manual (duo->client.session, client->stream);
  session_set_manual (duo->server.session, server->stream);
  tap_send (server, 1000, TRUE);
  duo_until (duo, client->eof);
  duo_run (duo, 10000);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 0);
  session_confirm (duo->client.session, client->stream, 600);
  duo_run (duo, 100);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 600);
  g_assert_cmpuint (tap_count (client, "received"), ==, 600);
  session_confirm (duo->client.session, client->stream, 600);
  tap_finish (client);
  duo_run (duo, 1000);
  /* All is sent, ended and acknowledged, but not confirmed. */
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 1);
  session_confirm (duo->client.session, client->stream, 1000);
  duo_until (duo, tap_count (server, "confirmed") == 1000);
  session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <%i>}", 0));
  duo_until (duo, session_n_channels (duo->server.session) == 0);
  g_assert_cmpstr (server->events->str, ==,
                   "received {'lane': <''>, 'count': <uint64 600>};received {'lane': <''>, 'count': <uint64 1000>};"
                   "closed {'code': <uint64 0>, 'message': <''>};");
  /* Nothing was sent the other way. */
  g_assert_null (strstr (client->events->str, "received"));
}

/* A peer whose QUIC takes everything and who never counts: what is kept is bounded; a count lets more
   through. */
static void
test_window (void)
{
  g_autoptr (Duo) duo = duo_new (7);
  Hand *control = duo_greet (duo), *channel = hand_open (&duo->client);
  g_autofree char *opened = NULL;
  Tap *server;
  guint64 first;

  hand_say (channel, "open", "{}");
  duo_until (duo, (opened = hand_hear (channel)) != NULL);
  server = duo->server.taps->pdata[0];
  tap_send (server, 64 * MIB, FALSE);
  duo_run (duo, 20000);
  first = server->sent;
  g_test_message ("%u KiB kept", (guint) (first / KIB));
  g_assert_cmpuint (first, >=, MIB);
  g_assert_cmpuint (first, <=, 8 * MIB);
  g_assert_cmpuint (channel->bytes->len, ==, first);
  duo_run (duo, 60000);
  g_assert_cmpuint (server->sent, ==, first);
  hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 524288>}");
  duo_run (duo, 1000);
  g_assert_cmpuint (server->sent, >=, first + 512 * KIB);
  /* "No more": the sender fails instead of waiting for ever. */
  hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 524288>, 'done': <true>}");
  duo_until (duo, server->write_error != NULL);
  g_assert_error (server->write_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

/* The same with all the channels there may be: the session keeps a bounded sum, and each gets its share. */
static void
test_window_of_session (void)
{
  g_autoptr (Duo) duo = duo_new (8);
  guint64 sum = 0;

  duo_greet (duo);
  for (guint i = 0; i < 60; i++)
    {
      Hand *channel = hand_open (&duo->client);

      hand_say (channel, "open", "{}");
      duo_until (duo, duo->server.taps->len == i + 1);
      tap_send (duo->server.taps->pdata[i], 64 * MIB, FALSE);
    }
  duo_run (duo, 60000);
  for (guint i = 0; i < 60; i++)
    {
      Tap *tap = duo->server.taps->pdata[i];

      g_assert_cmpuint (tap->sent, >=, 64 * KIB);
      sum += tap->sent;
    }
  g_test_message ("%u KiB kept", (guint) (sum / KIB));
  g_assert_cmpuint (sum, <=, (16 + 8) * MIB);
}

/* Ten minutes without a read: the writer waits, nothing is lost, others go on. */
static void
test_stalled_reader (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (9);
  Tap *client, *server, *other_client, *other_server;
  guint64 stalled_at;

  duo_channel (duo, &client, &server);
  client->paused = TRUE;
  tap_send (server, 20 * MIB, TRUE);
  duo_run (duo, 5000);
  stalled_at = server->sent;
  g_assert_cmpuint (stalled_at, <=, 8 * MIB);
  duo_run (duo, 600 * 1000);
  g_assert_cmpuint (server->sent, ==, stalled_at);
  g_assert_cmpuint (client->received, <=, client->piece);
  duo_channel (duo, &other_client, &other_server);
  tap_send (other_server, 4 * MIB, TRUE);
  duo_until (duo, other_client->eof);
  g_assert_cmpuint (other_client->received, ==, 4 * MIB);
  tap_resume (client);
  duo_until_limit (duo, client->eof, 120 * 1000);
  g_assert_cmpstr (tap_received (client), ==, tap_sent (server));
}

/* The program has ended and the peer's session is over, but what was received stays readable. */
static void
test_rest_after_close (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (10);
  Tap *client, *server;

  duo->client.paused = TRUE;
  duo_channel (duo, &client, &server);
  tap_send (server, 30000, TRUE);
  duo_run (duo, 1000);
  session_close (duo->server.session, "bye", "");
  duo_until (duo, duo->client.closed);
  tap_resume (client);
  duo_until (duo, client->eof);
  g_assert_cmpstr (tap_received (client), ==, tap_sent (server));
  g_assert_no_error (client->read_error);
}

/* A slow link with a deep queue: a keystroke's echo passes the flood. */
static void
test_echo_under_flood (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (11);
  Tap *client, *server, *flood_client, *flood_server;
  guint64 worst = 0;

  link_conditions (duo->link)->rate = 2500 * 1000;
  link_conditions (duo->link)->queue = 64 * KIB;
  duo_channel (duo, &client, &server);
  duo_channel (duo, &flood_client, &flood_server);
  server->echo = TRUE;
  tap_send (flood_server, 64 * MIB, FALSE);
  duo_run (duo, 3000);
  for (guint i = 0; i < 50; i++)
    {
      guint64 before = link_now (duo->link), had = client->received;

      tap_write (client, "x");
      duo_until (duo, client->received > had);
      worst = MAX (worst, link_now (duo->link) - before);
      duo_run (duo, 30);
    }
  g_test_message ("worst echo %u ms, %u KiB of flood", (guint) (worst / BASE_MILLISECOND),
                  (guint) (flood_client->received / KIB));
  /* 20 ms of way, 26 ms of the link's queue, and not the 64 KiB that wait in front of it (26 ms more), nor
     a lost packet each time. */
  g_assert_cmpuint (worst, <=, 20 * BASE_MILLISECOND + 2 * 27 * BASE_MILLISECOND);
  g_assert_cmpuint (flood_client->received, >=, 6 * MIB);
}

/* The backlog in front of the network stays small, so that the flood waits in the program. */
static void
test_small_backlog (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (12);
  Tap *client, *server;

  link_conditions (duo->link)->rate = 100 * 1000;
  link_conditions (duo->link)->queue = 20 * KIB;
  duo_channel (duo, &client, &server);
  tap_send (server, 4 * MIB, FALSE);
  for (guint i = 0; i < 5000; i++)
    {
      duo_run (duo, 1);
      g_assert_cmpuint (server->sent - client->received, <=, 128 * KIB + 64 * KIB);
    }
  g_assert_cmpuint (client->received, >=, 300 * KIB);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bytes/both-ways", test_both_ways);
  g_test_add_func ("/bytes/both-ways-loss", test_both_ways_loss);
  g_test_add_func ("/bytes/both-ways-bad-loss", test_both_ways_bad_loss);
  g_test_add_func ("/bytes/count-times", test_count_times);
  g_test_add_func ("/bytes/count-thrift", test_count_thrift);
  g_test_add_func ("/bytes/manual", test_manual);
  g_test_add_func ("/bytes/window", test_window);
  g_test_add_func ("/bytes/window-of-session", test_window_of_session);
  g_test_add_func ("/bytes/stalled-reader", test_stalled_reader);
  g_test_add_func ("/bytes/rest-after-close", test_rest_after_close);
  g_test_add_func ("/bytes/echo-under-flood", test_echo_under_flood);
  g_test_add_func ("/bytes/small-backlog", test_small_backlog);
  return g_test_run ();
}
