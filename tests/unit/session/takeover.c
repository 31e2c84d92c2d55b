/* A session whose client died is taken over by another one of the same identity, where it stands; or by one that just wants it. */
#include "duo.h"

#include <mux/plugin.h>
#include <string.h>

#define KIB ((guint64) 1024)
#define MIB (1024 * KIB)

static Duo *
duo_new_resuming (guint32 seed)
{
  Duo *duo = duo_new (seed);

  duo->resumes = TRUE;
  duo_connect (duo);
  duo_until (duo, session_is_established (duo->client.session));
  return duo;
}

/* Nothing is heard of the client any more. */
static void
die (Duo *duo)
{
  link_conditions (duo->link)->down = TRUE;
  duo_run (duo, 60 * 1000);
  link_conditions (duo->link)->down = FALSE;
  g_assert_cmpuint (duo->server.away, ==, 1);
}

/* The taker's end of the server's channel @server. */
static Tap *
take (Duo *duo, Tap *server)
{
  guint back = duo->server.back;
  GIOStream *stream;

  duo_take (duo);
  duo_until (duo, duo->taker.hello != NULL);
  g_assert_cmpuint (duo->server.back, ==, back + 1);
  g_assert_cmpstr (session_id (duo->taker.session), ==, session_id (duo->server.session));
  stream = session_channel (duo->taker.session, tap_count (server, "id"));
  g_assert_nonnull (stream);
  g_assert_null (session_channel (duo->taker.session, 777));
  return tap_new (&duo->taker, stream, NULL);
}

static char *
pattern_sum (guint64 from, guint64 to)
{
  g_autofree guint8 *data = g_malloc (to - from);

  tap_pattern (data, from, to - from);
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, to - from);
}

/* The channel still comes to its end, with the taker. */
static void
end_channel (Duo *duo, Tap *taker, Tap *server)
{
  tap_finish (taker);
  tap_finish (server);
  session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <0>}"));
  duo_until (duo, taker->eof && server->eof);
  g_assert_no_error (taker->read_error);
  g_assert_no_error (server->read_error);
  duo_until (duo, session_n_channels (duo->taker.session) == 0 && session_n_channels (duo->server.session) == 0);
  g_assert_nonnull (strstr (taker->events->str, "exited {'status': <0>};closed {'code': <uint64 0>, 'message': <''>};"));
}

/* What was said to the dead, and could not be heard, the next one hears; what he had counted comes no more. */
static void
test_dead_client (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (1);
  Tap *client, *server, *taker;

  duo_channel (duo, &client, &server);
  tap_write (client, "typed;");
  tap_write (server, "before;");
  duo_run (duo, 500);
  die (duo);
  tap_write (server, "meanwhile;");
  taker = take (duo, server);
  tap_write (taker, "typed on;");
  session_send_event (duo->taker.session, taker->stream, "resize", g_variant_new_parsed ("{'rows': <uint32 7>, 'columns': <uint32 9>}"));
  duo_run (duo, 500);
  g_assert_cmpstr (tap_text (taker), ==, "meanwhile;");
  g_assert_cmpstr (tap_text (server), ==, "typed;typed on;");
  g_assert_nonnull (strstr (server->events->str, "resize"));
  end_channel (duo, taker, server);
}

/* The other client lives: it is told that it is replaced, and does not fight. */
static void
test_live_client (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (2);
  Tap *client, *server, *taker;
  guint64 kept;

  duo_channel (duo, &client, &server);
  tap_send (client, 4 * MIB, FALSE);
  tap_send (server, 4 * MIB, FALSE);
  duo_until (duo, server->received > MIB && client->received > MIB);
  taker = take (duo, server);
  kept = tap_count (taker, "received");
  taker->sent = tap_count (taker, "sent");
  duo_until (duo, duo->client.closed);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_LOST);
  g_assert_cmpuint (duo->server.away + duo->taker.away, ==, 0);
  tap_send (taker, 4 * MIB, FALSE);
  duo_until (duo, taker->to_send == 0 && server->received == taker->sent && kept + taker->received == 4 * MIB);
  {
    g_autofree char *down = pattern_sum (kept, 4 * MIB), *up = pattern_sum (0, taker->sent);

    g_assert_cmpstr (tap_received (taker), ==, down);
    g_assert_cmpstr (tap_received (server), ==, up);
  }
  end_channel (duo, taker, server);
}

/* Whoever counts himself counts from where he began. */
static void
test_manual (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (6);
  Tap *client, *server, *taker;

  duo_channel (duo, &client, &server);
  tap_write (client, "typed;");
  tap_write (server, "before;");
  duo_run (duo, 500);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 7);
  die (duo);
  tap_write (server, "meanwhile;");
  taker = take (duo, server);
  session_set_manual (duo->taker.session, taker->stream);
  tap_write (taker, "on;");
  duo_until (duo, taker->received == 10);
  duo_run (duo, 500);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 7);
  session_confirm (duo->taker.session, taker->stream, 4);
  duo_run (duo, 500);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 11);
  session_confirm (duo->taker.session, taker->stream, 10);
  duo_run (duo, 500);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 17);
  g_assert_cmpstr (taker->events->str, ==, "received {'lane': <''>, 'count': <uint64 3>};");
  end_channel (duo, taker, server);
}

/* The program over there has not read all that the dead client sent: the next one's bytes come after them, also when its own connection
 * breaks before the peer has counted any. */
static void
test_unread_input (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (3);
  Tap *client, *server, *taker;

  duo->server.paused = TRUE;
  duo_channel (duo, &client, &server);
  tap_send (client, 100 * KIB, FALSE);
  duo_run (duo, 1000);
  die (duo);
  taker = take (duo, server);
  taker->sent = tap_count (taker, "sent");
  g_assert_cmpuint (taker->sent, ==, 100 * KIB);
  g_assert_cmpuint (tap_count (server, "received"), ==, 0);
  tap_send (taker, 50 * KIB, FALSE);
  duo_run (duo, 200);
  link_conditions (duo->link)->down = TRUE;
  duo_run (duo, 60 * 1000);
  link_conditions (duo->link)->down = FALSE;
  g_assert_cmpuint (duo->taker.away, ==, 1);
  duo_redial_side (duo, &duo->taker);
  duo_until (duo, duo->taker.back == 1);
  tap_send (taker, 50 * KIB, FALSE);
  tap_resume (server);
  duo_until (duo, server->received == 200 * KIB);
  {
    g_autofree char *up = pattern_sum (0, 200 * KIB);

    g_assert_cmpstr (tap_received (server), ==, up);
  }
  end_channel (duo, taker, server);
}

/* With a lane beside it, and an end that was told to nobody. */
static void
test_lane_and_end (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (4);
  Tap *client, *server, *taker;
  GIOStream *error_here, *error_there;
  Tap *here, *there;

  duo_channel (duo, &client, &server);
  error_there = session_lane (duo->server.session, server->stream, "stderr", NULL);
  error_here = session_lane (duo->client.session, client->stream, "stderr", NULL);
  there = tap_new (&duo->server, error_there, NULL);
  here = tap_new (&duo->client, error_here, NULL);
  tap_write (there, "one;");
  duo_until (duo, here->received == 4);
  duo_run (duo, 200);
  die (duo);
  tap_write (there, "two;");
  tap_finish (there);
  taker = take (duo, server);
  here = tap_new (&duo->taker, session_lane (duo->taker.session, taker->stream, "stderr", NULL), NULL);
  duo_until (duo, here->eof);
  g_assert_cmpstr (tap_text (here), ==, "two;");
  tap_finish (here);
  end_channel (duo, taker, server);
}

static void
test_nothing_waits (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (5);

  duo->server.forgetful = TRUE;
  duo_take (duo);
  duo_until (duo, duo->taker.closed);
  g_assert_error (duo->taker.error, MUX_ERROR, MUX_ERROR_GONE);
  g_assert_cmpuint (duo->server.back, ==, 0);
  g_assert_false (duo->client.closed);
}

/* He was not dead: when he comes back he is told that it is not his any more, and the next one, who lives, notices nothing. */
static void
test_returns (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (9);
  Tap *client, *server, *taker;
  guint back;

  duo_channel (duo, &client, &server);
  die (duo);
  taker = take (duo, server);
  back = duo->server.back;
  duo_redial (duo);
  duo_until (duo, duo->client.closed);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_GONE);
  g_assert_nonnull (strstr (duo->client.error->message, "Another client has taken the session over"));
  duo_run (duo, 1000);
  g_assert_cmpuint (duo->server.back, ==, back);
  g_assert_false (duo->taker.closed);
  end_channel (duo, taker, server);
}

/* What the dead client asked for, and nobody has answered, nobody waits for any more: it does not stay with the session for ever. */
static void
test_unanswered (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (6);
  g_autoptr (Asked) asked = NULL;
  Tap *client, *server, *taker, *unanswered;

  duo_channel (duo, &client, &server);
  duo->server.answer = ANSWER_NONE;
  asked = duo_ask (duo, "{'service': <'slow'>}");
  duo_until (duo, duo->server.taps->len == 2);
  unanswered = duo->server.taps->pdata[1];
  die (duo);
  taker = take (duo, server);
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 1);
  g_assert_nonnull (strstr (unanswered->events->str, "closed"));
  session_accept (duo->server.session, unanswered->stream);
  end_channel (duo, taker, server);
  session_abandon (duo->client.session, NULL);
  g_assert_error (asked->error, MUX_ERROR, MUX_ERROR_GONE);
}

/* As many channels, lanes and letters as there may be are handed over all the same. */
static void
test_everything (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (7);
  g_autofree char *long_word = g_strnfill (64, 'x');
  g_autofree char *longer = g_strdup_printf ("{'service': <'%s%s%s'>}", long_word, long_word, long_word);
  g_autofree char *usual = g_strdup_printf ("{'service': <'%s'>}", long_word);
  Tap *server = NULL;

  for (guint i = 0; i < SESSION_MAX_CHANNELS; i++)
    {
      g_autoptr (Asked) asked = duo_ask (duo, i % 2 == 0 ? longer : usual);

      duo_until (duo, asked->answered);
      g_assert_no_error (asked->error);
      server = duo->server.taps->pdata[i];
      for (guint j = 1; j < SESSION_MAX_LANES; j++)
        {
          g_autofree char *name = g_strdup_printf ("%u%.63s", j, long_word);
          g_autoptr (GIOStream) lane = session_lane (duo->server.session, server->stream, name, NULL);

          g_assert_nonnull (lane);
        }
    }
  die (duo);
  take (duo, server);
  g_assert_cmpuint (session_n_channels (duo->taker.session), ==, SESSION_MAX_CHANNELS);
}

/* A welcome that cannot be said is the newcomer's end; the session waits. */
static void
test_no_welcome (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (8);
  g_autofree char *long_word = g_strnfill (60 * 1024, 'x');
  const char *const services[] = { long_word, long_word, NULL };
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  duo->server.services = services;
  duo_take (duo);
  duo_until (duo, duo->taker.closed);
  duo_run (duo, 1000);
  g_assert_false (duo->server.closed);
  g_assert_cmpuint (duo->server.away, ==, 1);
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 1);
}

/* A server that hands over what cannot be. */
static void
test_nonsense (void)
{
  static const char *const states[] = {
    "",
    ", 'channels': <@aa{sv} []>",
    ", 'channels': <@aa{sv} []>, 'heard': <uint64 0>, 'token': <'x'>",
    ", 'channels': <[{'channel': <uint64 1>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 0>, 'lanes': <[('', uint64 0, uint64 0, uint64 0)]>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <@a(sttt) []>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <[('x', uint64 0, uint64 0, uint64 0)]>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <[('', uint64 1, uint64 0, uint64 0)]>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <[('', uint64 0, uint64 0xffffffffffffffff, uint64 0)]>}]>, 'heard': <uint64 0>, "
    "'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <[('', uint64 5, uint64 5, uint64 0), ('', uint64 5, uint64 5, uint64 0)]>}]>, "
    "'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <[('', uint64 0, uint64 0, uint64 0), ('a', 0, 0, 0), ('b', 0, 0, 0), ('c', 0, 0, 0), "
    "('d', 0, 0, 0)]>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
    ", 'channels': <[{'channel': <uint64 1>, 'lanes': <[('', uint64 0, uint64 0, uint64 0)]>}, {'channel': <uint64 1>, 'lanes': <[('', uint64 0, "
    "uint64 0, uint64 0)]>}]>, 'heard': <uint64 0>, 'token': <uint64 0>",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr (Duo) duo = duo_new ((guint32) (20 + i));
      g_autofree char *welcome = g_strdup_printf ("{'session': <@ay b'123456789012345'>, 'user': <'a'>, 'services': <['shell']>%s}", states[i]);
      g_autofree char *hello = NULL;

      duo->hand_server = TRUE;
      duo_connect (duo);
      session_take (duo->client.session, NULL);
      duo_until (duo, duo->server.hands->len == 1);
      duo_until (duo, (hello = hand_hear (hand_nth (&duo->server, 0))) != NULL);
      g_assert_nonnull (strstr (hello, "'take': <true>"));
      hand_say (hand_nth (&duo->server, 0), "welcome", welcome);
      duo_until (duo, duo->client.closed);
      g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_PROTOCOL);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session/takeover/dead-client", test_dead_client);
  g_test_add_func ("/session/takeover/live-client", test_live_client);
  g_test_add_func ("/session/takeover/manual", test_manual);
  g_test_add_func ("/session/takeover/unread-input", test_unread_input);
  g_test_add_func ("/session/takeover/lane-and-end", test_lane_and_end);
  g_test_add_func ("/session/takeover/nothing-waits", test_nothing_waits);
  g_test_add_func ("/session/takeover/returns", test_returns);
  g_test_add_func ("/session/takeover/unanswered", test_unanswered);
  g_test_add_func ("/session/takeover/everything", test_everything);
  g_test_add_func ("/session/takeover/no-welcome", test_no_welcome);
  g_test_add_func ("/session/takeover/nonsense", test_nonsense);
  return g_test_run ();
}
