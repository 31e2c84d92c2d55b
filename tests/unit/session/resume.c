/* A session that outlives its connections: every byte once, every event once, and whoever guesses gets nothing. */
#include "duo.h"

#include <mux/plugin.h>
#include <string.h>

#define KIB ((guint64) 1024)
#define MIB (1024 * KIB)

/* ngtcp2 before 1.20 loses a frame of 168 bytes now and then, when what a lost packet carried is sent again in fewer pieces. The other
 * programs look for leaks of connections without this. */
const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:libngtcp2";
}

static Duo *
duo_new_resuming (guint32 seed)
{
  Duo *duo = duo_new (seed);

  duo->resumes = TRUE;
  duo_connect (duo);
  duo_until (duo, session_is_established (duo->client.session));
  return duo;
}

/* Nothing gets through for a while. */
static void
go_dark (Duo *duo, guint64 milliseconds)
{
  link_conditions (duo->link)->down = TRUE;
  duo_run (duo, milliseconds);
  link_conditions (duo->link)->down = FALSE;
}

static gboolean
is_through (Tap *from, Tap *to)
{
  return to->eof && to->received == from->sent && from->to_send == 0;
}

static void
assert_same (Tap *from, Tap *to)
{
  g_assert_no_error (from->write_error);
  g_assert_no_error (to->read_error);
  g_assert_cmpuint (from->sent, ==, to->received);
  g_assert_cmpstr (tap_sent (from), ==, tap_received (to));
}

/* The whole life of a channel still comes to its end. */
static void
end_channel (Duo *duo, Tap *client, Tap *server)
{
  tap_finish (client);
  tap_finish (server);
  session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <0>}"));
  duo_until (duo, is_through (client, server) && is_through (server, client));
  assert_same (client, server);
  assert_same (server, client);
  duo_until (duo, session_n_channels (duo->client.session) == 0 && session_n_channels (duo->server.session) == 0);
  g_assert_cmpstr (client->events->str, ==, "exited {'status': <0>};closed {'code': <uint64 0>, 'message': <''>};");
}

static void
test_leave (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (1);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 4 * MIB, FALSE);
  tap_send (server, 4 * MIB, FALSE);
  for (guint i = 1; i <= 5; i++)
    {
      duo_until (duo, server->received > i * 500 * KIB);
      duo_come_back (duo);
      g_assert_cmpuint (duo->client.back, ==, i);
      g_assert_cmpuint (duo->server.back, ==, i);
    }
  g_assert_cmpuint (duo->client.away, ==, 0);
  end_channel (duo, client, server);
  duo_until (duo, duo->server.newcomers == 0);
  g_assert_cmpuint (duo->server.turned, ==, 0);
}

/* Both sides notice by themselves. Meanwhile a writer is held back and a reader waits; nobody fails. */
static void
test_away (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (2);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 100, FALSE);
  duo_until (duo, server->received == 100);
  link_conditions (duo->link)->down = TRUE;
  tap_send (client, 4 * MIB, FALSE);
  tap_send (server, 4 * MIB, FALSE);
  duo_run (duo, 120 * 1000);
  g_assert_cmpuint (duo->client.away, ==, 1);
  g_assert_cmpuint (duo->server.away, ==, 1);
  g_assert_cmpuint (client->sent, <, 2 * MIB);
  g_assert_cmpuint (server->sent, <, 2 * MIB);
  g_assert_no_error (client->read_error);
  g_assert_true (session_is_established (duo->client.session));
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 1);
  /* An hour later. */
  duo_run (duo, 3600 * 1000);
  link_conditions (duo->link)->down = FALSE;
  duo_come_back (duo);
  end_channel (duo, client, server);
}

/* A connection on which nobody answers hello has come to nothing, and the session waits for the next. */
static void
test_no_welcome (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (16);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 1000, FALSE);
  duo_run (duo, 200);
  duo->server.keep_unwelcome = TRUE;
  duo_redial (duo);
  duo_until_limit (duo, duo->client.away > 0, 60 * 1000);
  g_assert_cmpuint (duo->server.newcomers, ==, 1);
  g_assert_false (duo->client.closed || duo->server.closed);
  duo->server.keep_unwelcome = FALSE;
  duo_come_back (duo);
  end_channel (duo, client, server);
}

/* The server ends to begin anew: the client waits for it, and learns that the session is no more. */
static void
test_restarting (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (17);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 100000, FALSE);
  duo_run (duo, 20);
  session_restart (duo->server.session, 7);
  duo_until (duo, duo->server.closed);
  duo_until (duo, duo->client.away == 1);
  g_assert_no_error (duo->server.error);
  g_assert_cmpuint (duo->client.restarting, ==, 7);
  g_assert_false (duo->client.closed);
  g_assert_no_error (client->read_error);
  duo_redial (duo);
  duo_until (duo, duo->client.closed);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_GONE);
}

/* Only one side noticed: the newcomer proves itself, then the old connection is dropped. */
static void
test_one_side (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (3);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 300 * KIB, FALSE);
  tap_send (server, 300 * KIB, FALSE);
  duo_run (duo, 30);
  go_dark (duo, 5000);
  duo_come_back (duo);
  g_assert_cmpuint (duo->client.away, ==, 0);
  end_channel (duo, client, server);
}

static void
test_half_closed (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (4);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 1000, TRUE);
  duo_until (duo, server->eof);
  duo_come_back (duo);
  tap_send (server, 100 * KIB, FALSE);
  duo_until (duo, client->received > 10 * KIB);
  duo_come_back (duo);
  end_channel (duo, client, server);
}

/* The end of one half is lost on the way, with the last bytes, the counts and the exit status. */
static void
test_lost_end (void)
{
  for (guint moment = 0; moment < 200; moment++)
    {
      g_autoptr (Duo) duo = duo_new_resuming (100 + moment);
      Tap *client, *server;

      duo_channel (duo, &client, &server);
      tap_send (client, 3000, TRUE);
      tap_send (server, 3000, TRUE);
      session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <0>}"));
      for (guint i = 0; i < moment && session_n_channels (duo->server.session) > 0; i++)
        duo_step (duo, G_MAXUINT64);
      go_dark (duo, moment % 2 == 0 ? 500 : 60 * 1000);
      duo_come_back (duo);
      duo_until (duo, is_through (client, server) && is_through (server, client));
      assert_same (client, server);
      assert_same (server, client);
      duo_until (duo, session_n_channels (duo->client.session) == 0 && session_n_channels (duo->server.session) == 0);
      g_assert_cmpstr (client->events->str, ==, "exited {'status': <0>};closed {'code': <uint64 0>, 'message': <''>};");
    }
}

static void
test_reset (void)
{
  for (guint moment = 0; moment < 40; moment++)
    {
      g_autoptr (Duo) duo = duo_new_resuming (400 + moment);
      Tap *client, *server;
      gboolean by_server = moment % 2 == 0;

      duo_channel (duo, &client, &server);
      tap_send (client, 100 * KIB, FALSE);
      tap_send (server, 100 * KIB, FALSE);
      duo_run (duo, 15);
      if (moment % 4 < 2)
        link_conditions (duo->link)->down = TRUE;
      tap_drop (by_server ? server : client);
      duo_run (duo, moment);
      link_conditions (duo->link)->down = FALSE;
      duo_come_back (duo);
      duo_until (duo, session_n_channels (duo->client.session) == 0 && session_n_channels (duo->server.session) == 0);
      g_assert_error ((by_server ? client : server)->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
    }
}

/* Asked for, and perhaps opened, while the connection breaks: there is one, and one only. */
static void
test_opening (void)
{
  for (guint moment = 0; moment < 60; moment++)
    {
      g_autoptr (Duo) duo = duo_new_resuming (500 + moment);
      g_autoptr (Asked) asked = duo_ask (duo, "{'service': <'shell'>}");

      for (guint i = 0; i < moment; i++)
        duo_step (duo, G_MAXUINT64);
      go_dark (duo, 100);
      duo_come_back (duo);
      duo_until (duo, asked->answered);
      g_assert_no_error (asked->error);
      g_assert_cmpuint (duo->server.taps->len, ==, 1);
      tap_send (asked->tap, 5000, FALSE);
      end_channel (duo, asked->tap, duo->server.taps->pdata[0]);
    }
}

static void
test_asked_while_away (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (6);
  g_autoptr (Asked) asked = NULL;

  go_dark (duo, 60 * 1000);
  g_assert_cmpuint (duo->client.away, ==, 1);
  asked = duo_ask (duo, "{'service': <'shell'>}");
  duo_run (duo, 1000);
  g_assert_false (asked->answered);
  duo_come_back (duo);
  duo_until (duo, asked->answered);
  g_assert_no_error (asked->error);
}

static void
test_lanes (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (7);
  g_autoptr (GError) error = NULL;
  Tap *client, *server, *out, *err;

  duo_channel (duo, &client, &server);
  err = tap_new (&duo->client, session_lane (duo->client.session, client->stream, "stderr", &error), NULL);
  g_assert_no_error (error);
  out = tap_new (&duo->server, session_lane (duo->server.session, server->stream, "stderr", &error), NULL);
  g_assert_no_error (error);
  tap_send (out, 2 * MIB, TRUE);
  tap_send (server, 2 * MIB, TRUE);
  for (guint i = 0; i < 4; i++)
    {
      duo_run (duo, 30);
      go_dark (duo, 50);
      duo_come_back (duo);
    }
  duo_until (duo, is_through (out, err) && is_through (server, client));
  assert_same (out, err);
  assert_same (server, client);
}

/* Said once, heard once, in order; of many sizes that nobody heard the last is enough. */
static void
test_events (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (8);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  for (guint round = 0; round < 30; round++)
    {
      g_string_truncate (server->events, 0);
      for (guint i = 0; i < 5; i++)
        session_send_event (duo->client.session, client->stream, "signal", g_variant_new_parsed ("{'name': <'INT'>}"));
      duo_run (duo, round);
      go_dark (duo, round % 5 == 0 ? 60 * 1000 : 200);
      duo_come_back (duo);
      duo_run (duo, 500);
      g_assert_cmpstr (server->events->str, ==,
                       "signal {'name': <'INT'>};signal {'name': <'INT'>};signal {'name': <'INT'>};"
                       "signal {'name': <'INT'>};signal {'name': <'INT'>};");
    }
  g_string_truncate (server->events, 0);
  link_conditions (duo->link)->down = TRUE;
  duo_run (duo, 60 * 1000);
  for (guint i = 0; i < 5000; i++)
    session_send_event (duo->client.session, client->stream, "resize", g_variant_new_parsed ("{'rows': <%u>, 'columns': <uint32 80>}", i));
  link_conditions (duo->link)->down = FALSE;
  duo_come_back (duo);
  duo_run (duo, 500);
  g_assert_cmpstr (server->events->str, ==, "resize {'rows': <uint32 4999>, 'columns': <uint32 80>};");
}

/* A reader that does not read, and a connection that breaks again and again: what is kept stays within bounds. */
static void
test_bounded (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (9);
  Tap *client, *server;

  duo->client.paused = TRUE;
  duo_channel (duo, &client, &server);
  client->paused = TRUE;
  tap_send (server, 24 * MIB, FALSE);
  for (guint i = 0; i < 30; i++)
    {
      duo_run (duo, 500);
      duo_come_back (duo);
    }
  g_assert_cmpuint (server->sent, <, 12 * MIB);
  client->paused = FALSE;
  tap_resume (client);
  end_channel (duo, client, server);
}

static void
test_gone (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (10);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  go_dark (duo, 60 * 1000);
  duo->server.forgetful = TRUE;
  duo_redial (duo);
  duo_until (duo, duo->client.closed);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_GONE);
  g_assert_error (client->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_false (duo->server.closed);
}

/* The person goes while away. */
static void
test_abandon (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (11);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  session_abandon (duo->client.session, NULL);
  g_assert_false (duo->client.closed);
  go_dark (duo, 60 * 1000);
  session_abandon (duo->client.session, NULL);
  g_assert_true (duo->client.closed);
  g_assert_no_error (duo->client.error);
  duo_run (duo, 1000);
  g_assert_nonnull (client->read_error);
}

static void
say_session (Duo *duo, Hand *control)
{
  g_autofree char *id = g_strdup (session_id (duo->client.session));
  g_autoptr (GString) text = g_string_new ("{'version': <uint32 1>, 'session': <[");

  for (guint i = 0; i < SESSION_ID_SIZE; i++)
    g_string_append_printf (text, "%sbyte 0x%.2s", i > 0 ? ", " : "", id + 2 * i);
  g_string_append (text, "]>}");
  hand_say (control, "hello", text->str);
}

/* Somebody of the same identity who knows the session, but not where it stands: the live session is not touched. */
static void
test_wrong_counts (void)
{
  static const char *const wrong[] = {
    "{'channel': <uint64 1>, 'received': <uint64 2000000>}",
    "{'channel': <uint64 1>, 'received': <uint64 1000>}",
    "{'channel': <uint64 1>, 'received': <uint64 5000>, 'from': <uint64 4000>}",
    "{'channel': <uint64 1>, 'received': <uint64 5000>, 'from': <uint64 18446744073709551615>}",
    "{'channel': <uint64 2>, 'received': <uint64 0>}",
    "{'channel': <uint64 0>, 'received': <uint64 0>}",
    "{'channel': <uint64 1>}",
    "{}",
  };
  g_autoptr (Duo) duo = duo_new_resuming (12);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (server, 5000, FALSE);
  duo_run (duo, 1000);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 5000);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      Side intruder = { 0 };
      g_autofree char *welcome = NULL;
      Hand *control;

      duo_intrude (duo, &intruder);
      control = hand_open (&intruder);
      say_session (duo, control);
      duo_until (duo, (welcome = hand_hear (control)) != NULL);
      g_assert_true (g_str_has_prefix (welcome, "welcome {"));
      hand_say (hand_open (&intruder), "resume", wrong[i]);
      duo_until (duo, intruder.closed);
      g_assert_cmpuint (intruder.close_code, ==, QUIC_CODE_PROTOCOL);
      g_ptr_array_unref (intruder.hands);
      g_clear_error (&intruder.error);
      tap_send (client, 1000, FALSE);
      duo_until (duo, server->received == (i + 1) * 1000);
      g_assert_cmpuint (duo->client.away + duo->server.away + duo->server.back, ==, 0);
    }
  end_channel (duo, client, server);
}

/* Somebody who says no more than the number. */
static void
test_silent_newcomer (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (15);
  Side intruder = { 0 };
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  duo_intrude (duo, &intruder);
  say_session (duo, hand_open (&intruder));
  duo_until (duo, intruder.closed);
  g_assert_cmpuint (intruder.close_code, ==, QUIC_CODE_TIMEOUT);
  g_ptr_array_unref (intruder.hands);
  g_clear_error (&intruder.error);
  g_assert_cmpuint (duo->client.away + duo->server.away + duo->server.back, ==, 0);
  end_channel (duo, client, server);
}

/* A session that is being ended is not given another life by who knows it, not even if he was welcome before. */
static void
test_ended_meanwhile (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (16);
  Side intruder = { 0 };
  g_autofree char *welcome = NULL;
  Tap *client, *server;
  Hand *control;

  duo_channel (duo, &client, &server);
  duo_intrude (duo, &intruder);
  control = hand_open (&intruder);
  say_session (duo, control);
  duo_until (duo, (welcome = hand_hear (control)) != NULL);
  session_close (duo->server.session, "bye", "");
  hand_say (hand_open (&intruder), "resume", "{'channel': <uint64 1>, 'received': <uint64 0>}");
  duo_until (duo, intruder.closed && duo->server.closed && duo->client.closed);
  g_assert_cmpuint (duo->server.back, ==, 0);
  g_assert_no_error (duo->client.error);
  g_assert_cmpuint (intruder.close_code, ==, QUIC_CODE_UNAVAILABLE);
  g_ptr_array_unref (intruder.hands);
  g_clear_error (&intruder.error);
}

/* The same resumption twice in one connection. */
static void
test_replayed (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (13);
  Side intruder = { 0 };
  g_autofree char *welcome = NULL;
  Tap *client, *server;
  Hand *control;

  duo_channel (duo, &client, &server);
  go_dark (duo, 60 * 1000);
  duo_intrude (duo, &intruder);
  control = hand_open (&intruder);
  say_session (duo, control);
  duo_until (duo, (welcome = hand_hear (control)) != NULL);
  hand_say (hand_open (&intruder), "resume", "{'channel': <uint64 1>, 'received': <uint64 0>}");
  hand_say (hand_open (&intruder), "resume", "{'channel': <uint64 1>, 'received': <uint64 0>}");
  duo_until (duo, intruder.closed);
  g_assert_cmpuint (intruder.close_code, ==, QUIC_CODE_PROTOCOL);
  g_assert_false (duo->server.closed);
  g_ptr_array_unref (intruder.hands);
  g_clear_error (&intruder.error);
  /* The client to whom it belongs comes back all the same. */
  duo_come_back (duo);
  tap_send (server, 5000, FALSE);
  end_channel (duo, client, server);
}

/* At each offset of the first 2 KiB. */
static void
test_each_offset (void)
{
  g_autoptr (Duo) duo = duo_new_resuming (14);

  for (guint64 offset = 0; offset <= 2048; offset++)
    {
      Tap *client, *server;

      duo_channel (duo, &client, &server);
      client->piece = server->piece = 1 + offset % 7;
      tap_send (client, 2048, FALSE);
      tap_send (server, 2048, FALSE);
      duo_until (duo, client->received >= offset);
      duo_come_back (duo);
      end_channel (duo, client, server);
    }
}

static void
chaos (guint32 seed, guint64 amount, guint cuts)
{
  g_autoptr (Duo) duo = duo_new_resuming (seed);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  LinkConditions *conditions = link_conditions (duo->link);
  Tap *client[4], *server[4];
  guint64 total = 0, step = 8 * amount / cuts;

  g_test_message ("seed %u", seed);
  for (guint i = 0; i < 4; i++)
    {
      duo_channel (duo, &client[i], &server[i]);
      tap_send (client[i], amount, TRUE);
      tap_send (server[i], amount, TRUE);
    }
  for (guint cut = 0; cut < cuts; cut++)
    {
      guint64 next = total + g_rand_int (rand) % (2 * step), sum;

      conditions->loss = (guint) g_rand_int_range (rand, 0, 31) * (g_rand_boolean (rand) ? 10 : 1);
      conditions->duplicate = (guint) g_rand_int_range (rand, 0, 50);
      conditions->jitter = g_rand_int_range (rand, 0, 20) * BASE_MILLISECOND;
      conditions->corrupt = (guint) g_rand_int_range (rand, 0, 10);
      do
        {
          sum = 0;
          for (guint i = 0; i < 4; i++)
            sum += client[i]->received + server[i]->received;
        }
      while (sum < next && sum < 8 * amount && session_connection (duo->client.session) != NULL
             && duo_step (duo, G_MAXUINT64));
      total = sum;
      if (g_rand_int_range (rand, 0, 10) == 0)
        go_dark (duo, (guint64) g_rand_int_range (rand, 0, 45) * 1000);
      do
        {
          /* A handshake may be lost as well, and the client dials again. */
          guint before = duo->client.back;

          conditions->loss = MIN (conditions->loss, 100);
          duo_redial (duo);
          while (duo->redialling > 0 && duo_step (duo, G_MAXUINT64))
            ;
          for (guint64 until = link_now (duo->link) + 20 * BASE_SECOND; duo->client.back == before && duo_step (duo, until);)
            ;
        }
      while (duo->client.back < cut + 1 && !duo->client.closed);
    }
  *conditions = (LinkConditions){ .delay = 10 * BASE_MILLISECOND };
  for (guint i = 0; i < 4; i++)
    {
      duo_until_limit (duo, is_through (client[i], server[i]) && is_through (server[i], client[i]), 600 * 1000);
      assert_same (client[i], server[i]);
      assert_same (server[i], client[i]);
    }
  g_assert_cmpuint (duo->client.back, >=, cuts);
}

/* MUX_QUIC_CHAOS_SEED repeats one. */
static void
test_chaos (void)
{
  const char *seed = g_getenv ("MUX_QUIC_CHAOS_SEED");

  if (seed != NULL)
    chaos ((guint32) g_ascii_strtoull (seed, NULL, 10), 2 * MIB, 60);
  else
    for (guint32 i = 1; i <= 3; i++)
      chaos (i, 2 * MIB, 60);
}

/* 100 MB each way over four channels, and 200 cuts. */
static void
test_long_chaos (void)
{
  chaos (1000, 25000000, 200);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session/resume/leave", test_leave);
  g_test_add_func ("/session/resume/away", test_away);
  g_test_add_func ("/session/resume/no-welcome", test_no_welcome);
  g_test_add_func ("/session/resume/restarting", test_restarting);
  g_test_add_func ("/session/resume/one-side", test_one_side);
  g_test_add_func ("/session/resume/half-closed", test_half_closed);
  g_test_add_func ("/session/resume/lost-end", test_lost_end);
  g_test_add_func ("/session/resume/reset", test_reset);
  g_test_add_func ("/session/resume/opening", test_opening);
  g_test_add_func ("/session/resume/asked-while-away", test_asked_while_away);
  g_test_add_func ("/session/resume/lanes", test_lanes);
  g_test_add_func ("/session/resume/events", test_events);
  g_test_add_func ("/session/resume/bounded", test_bounded);
  g_test_add_func ("/session/resume/gone", test_gone);
  g_test_add_func ("/session/resume/abandon", test_abandon);
  g_test_add_func ("/session/resume/wrong-counts", test_wrong_counts);
  g_test_add_func ("/session/resume/silent-newcomer", test_silent_newcomer);
  g_test_add_func ("/session/resume/ended-meanwhile", test_ended_meanwhile);
  g_test_add_func ("/session/resume/replayed", test_replayed);
  g_test_add_func ("/session/resume/each-offset", test_each_offset);
  g_test_add_func ("/session/resume/chaos", test_chaos);
  g_test_add_func ("/session/resume/long-chaos", test_long_chaos);
  return g_test_run ();
}
