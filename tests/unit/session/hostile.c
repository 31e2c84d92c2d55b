/* Peers that break the rules, or stretch them. */
#include "duo.h"

#include <mux/plugin.h>
#include <string.h>

static Duo *
duo_new_hand (guint32 seed)
{
  Duo *duo = duo_new (seed);

  duo->hand_client = TRUE;
  duo_connect (duo);
  duo_until (duo, duo->client.hand_connected);
  return duo;
}

static void
expect_closed (Duo *duo, QuicCode code)
{
  duo_until (duo, duo->client.closed && duo->server.closed);
  g_assert_cmpuint (duo->client.close_code, ==, code);
  g_assert_nonnull (duo->server.error);
  g_assert_cmpuint (duo->server.error->domain, ==, MUX_ERROR);
}

static void
test_no_hello (void)
{
  g_autoptr (Duo) duo = duo_new_hand (1);
  guint64 before = link_now (duo->link);

  expect_closed (duo, QUIC_CODE_TIMEOUT);
  g_assert_cmpuint (link_now (duo->link) - before, >=, 9900 * BASE_MILLISECOND);
  g_assert_cmpuint (link_now (duo->link) - before, <, 11 * BASE_SECOND);
}

/* A byte a second does not prolong anything. */
static void
test_slow_hello (void)
{
  g_autoptr (Duo) duo = duo_new_hand (2);
  Hand *control = hand_open (&duo->client);
  guint64 before = link_now (duo->link);
  static const guint8 frame[] = { 0, 0, 0, 100, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  0, 0 };

  for (gsize i = 0; i < sizeof frame && !duo->client.closed; i++)
    {
      hand_write (control, frame + i, 1);
      duo_run (duo, 1000);
    }
  expect_closed (duo, QUIC_CODE_TIMEOUT);
  g_assert_cmpuint (link_now (duo->link) - before, <=, 12 * BASE_SECOND);
}

static void
test_slow_open (void)
{
  g_autoptr (Duo) duo = duo_new (3);
  Hand *control = duo_greet (duo), *slow = hand_open (&duo->client), *good;
  guint64 before = link_now (duo->link);

  for (gsize i = 0; !slow->reset; i++)
    {
      static const guint8 frame[20] = { 0, 0, 0, 100, 'o', 'p', 'e', 'n' };

      hand_write (slow, frame + i, 1);
      duo_run (duo, 1000);
      g_assert_cmpuint (link_now (duo->link) - before, <=, 12 * BASE_SECOND);
    }
  g_assert_cmpuint (slow->reset_code, ==, QUIC_CODE_TIMEOUT);
  g_assert_cmpuint (link_now (duo->link) - before, >=, 10 * BASE_SECOND);
  /* Only that stream has ended. */
  good = hand_open (&duo->client);
  hand_say (good, "open", "{}");
  duo_until (duo, good->bytes->len > 0);
  g_assert_nonnull (control->stream);
}

static void
test_version (void)
{
  g_autoptr (Duo) duo = duo_new_hand (4);
  Hand *control = hand_open (&duo->client);
  g_autofree char *heard = NULL;

  hand_say (control, "hello", "{'version': <uint32 2>}");
  duo_until (duo, (heard = hand_hear (control)) != NULL);
  g_assert_true (g_str_has_prefix (heard, "goodbye {'code': <'version'>"));
  duo_until (duo, duo->client.closed && duo->server.closed);
  g_assert_cmpuint (duo->client.close_code, ==, QUIC_CODE_PROTOCOL);
}

static void
test_unknown_session (void)
{
  g_autoptr (Duo) duo = duo_new_hand (5);
  Hand *control = hand_open (&duo->client);
  g_autofree char *heard = NULL;

  duo->resumes = TRUE;
  hand_say (control, "hello", "{'version': <uint32 1>, 'session': <b'0123456789abcde'>}");
  duo_until (duo, (heard = hand_hear (control)) != NULL);
  g_assert_true (g_str_has_prefix (heard, "goodbye {'code': <'gone'>"));
  duo_until (duo, duo->client.closed && duo->server.closed);
}

/* What a client says first, and must not. */
static void
test_bad_beginnings (void)
{
  static const char *const names[] = { "hello", "resize", "welcome", "strange", "received" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (Duo) duo = duo_new_hand (10 + i);

      hand_say (hand_open (&duo->client), names[i], "{'channel': <uint64 1>, 'count': <uint64 1>}");
      expect_closed (duo, QUIC_CODE_PROTOCOL);
      g_assert_null (duo->server.hello);
    }
}

static void
test_before_welcome (void)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (Duo) duo = duo_new_hand (20 + i);
      Hand *control = hand_open (&duo->client);

      duo->server.keep_unwelcome = TRUE;
      hand_say (control, "hello", "{'version': <uint32 1>}");
      duo_until (duo, duo->server.hello != NULL);
      duo_run (duo, 20000);
      if (i == 0)
        hand_say (control, "hello", "{'version': <uint32 1>}");
      else if (i == 1)
        hand_say (control, "renew", "{'csr': <'x'>}");
      else
        hand_say (hand_open (&duo->client), "open", "{}");
      expect_closed (duo, QUIC_CODE_PROTOCOL);
      g_assert_cmpuint (duo->server.taps->len, ==, 0);
    }
}

/* Each ends the session, once it is up: on the control stream, or as the beginning of a stream. */
static void
test_bad_frames (void)
{
  static const struct
  {
    const char *bytes;
    gsize length;
  } cases[] = {
    { "\xff\xff\xff\xff", 4 },                          /* 4 GiB */
    { "\0\0\0\0", 4 },                                  /* nothing */
    { "\0\1\0\1", 4 },                                  /* one byte too many */
    { "\x09\0\0\0bye\0\0\0\0\0\4", 13 },                /* the length the wrong way round */
    { "\0\0\0\x09" "bye\0\1\0\0\0\4", 13 },             /* not normal */
    { "\0\0\0\x09" "bye!\0\0\0\0\4", 13 },
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Duo) duo = duo_new (30 + i);
      Hand *control = duo_greet (duo);
      Hand *hand = i % 2 == 0 ? control : hand_open (&duo->client);

      hand_write (hand, cases[i / 2].bytes, cases[i / 2].length);
      expect_closed (duo, QUIC_CODE_PROTOCOL);
      g_assert_cmpuint (duo->server.taps->len, ==, 0);
    }
}

static void
test_bad_messages (void)
{
  static const char *const cases[][2] = {
    { "resize", "{'channel': <uint64 1>, 'rows': <uint32 70000>, 'columns': <uint32 80>}" },
    { "resize", "{'rows': <uint32 7>, 'columns': <uint32 80>}" },
    { "resize", "{'channel': <uint64 1>, 'rows': <'7'>, 'columns': <uint32 80>}" },
    { "signal", "{'channel': <uint64 1>, 'name': <'../x'>}" },
    { "signal", "{'channel': <uint64 1>, 'name': <''>}" },
    { "exited", "{'channel': <uint64 1>}" },
    { "received", "{'channel': <uint64 1>}" },
    { "received", "{'channel': <uint64 1>, 'count': <uint64 1>}" },
    { "received", "{'channel': <uint64 1>, 'count': <uint64 0xffffffffffffffff>}" },
    { "renewed", "{'message': <'x'>}" },
    { "welcome", "{}" },
    { "hello", "{'version': <uint32 1>}" },
    { "renew", "{}" },
    { "restarting", "{}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Duo) duo = duo_new (50 + i);
      Hand *control = duo_greet (duo), *channel = hand_open (&duo->client);
      g_autofree char *opened = NULL;

      hand_say (channel, "open", "{}");
      duo_until (duo, (opened = hand_hear (channel)) != NULL);
      hand_say (control, cases[i][0], cases[i][1]);
      expect_closed (duo, QUIC_CODE_PROTOCOL);
    }
}

static void
test_bad_streams (void)
{
  static const char *const cases[][2] = {
    { "open", "{'argv': <'not a list'>}" },
    { "open", "{'rows': <'24'>}" },
    { "open", "{'environment': <['x']>}" },
    { "lane", "{'channel': <uint64 99>, 'name': <'stderr'>}" },
    { "lane", "{'channel': <uint64 1>, 'name': <''>}" },
    { "lane", "{'channel': <uint64 0>, 'name': <'x'>}" },
    { "lane", "{'name': <'x'>}" },
    { "resume", "{'channel': <uint64 1>, 'received': <uint64 0>}" },
    { "opened", "{'channel': <uint64 1>}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Duo) duo = duo_new (70 + i);
      Hand *channel;
      g_autofree char *opened = NULL;

      duo_greet (duo);
      channel = hand_open (&duo->client);
      hand_say (channel, "open", "{}");
      duo_until (duo, (opened = hand_hear (channel)) != NULL);
      g_assert_cmpstr (opened, ==, "opened {'channel': <uint64 1>}");
      hand_say (hand_open (&duo->client), cases[i][0], cases[i][1]);
      expect_closed (duo, QUIC_CODE_PROTOCOL);
    }
}

static void
test_counts (void)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (Duo) duo = duo_new (90 + i);
      Hand *control = duo_greet (duo), *channel = hand_open (&duo->client);
      g_autofree char *opened = NULL;
      Tap *server;

      hand_say (channel, "open", "{}");
      duo_until (duo, (opened = hand_hear (channel)) != NULL);
      server = duo->server.taps->pdata[0];
      tap_send (server, 1000, FALSE);
      duo_until (duo, channel->bytes->len == 1000);
      /* Of a channel that never was: it might have gone. */
      hand_say (control, "received", "{'channel': <uint64 77>, 'count': <uint64 5>}");
      hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 600>, 'new': <true>}");
      hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 600>}");
      hand_say (control, "received", "{'channel': <uint64 1>, 'lane': <'none'>, 'count': <uint64 9999>}");
      duo_run (duo, 100);
      g_assert_false (duo->client.closed);
      g_assert_cmpuint (tap_count (server, "confirmed"), ==, 600);
      if (i == 0)
        hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 599>}");
      else if (i == 1)
        hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 1001>}");
      else
        {
          hand_say (control, "received", "{'channel': <uint64 1>, 'count': <uint64 1000>}");
          duo_run (duo, 100);
          g_assert_cmpuint (tap_count (server, "confirmed"), ==, 1000);
          continue;
        }
      expect_closed (duo, QUIC_CODE_PROTOCOL);
    }
}

static void
test_unsupported (void)
{
  g_autoptr (Duo) duo = duo_new (100);
  Hand *control = duo_greet (duo);
  g_autofree char *heard = NULL;

  hand_say (control, "telepathy", "{'now': <true>}");
  /* This one must not be answered, or two sides would do so for ever. */
  hand_say (control, "unsupported", "{'message': <'x'>}");
  duo_until (duo, (heard = hand_hear (control)) != NULL);
  g_assert_cmpstr (heard, ==, "unsupported {'message': <'telepathy'>}");
  duo_run (duo, 1000);
  g_assert_cmpuint (control->bytes->len, ==, 0);
}

/* A peer that asks and never listens. */
static void
test_control_flood (void)
{
  g_autoptr (Duo) duo = duo_new (101);
  Hand *control = duo_greet (duo);
  guint said = 0;

  duo->client.hand_deaf = TRUE;
  while (!duo->client.closed && said < 200000)
    {
      for (guint i = 0; i < 500 && !duo->client.closed && quic_stream_unsent (control->stream) < 100000; i++,
           said++)
        hand_say (control, "telepathy", "{}");
      duo_run (duo, 1);
    }
  g_test_message ("%u questions", said);
  expect_closed (duo, QUIC_CODE_LIMIT);
}

static void
test_control_ended (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (Duo) duo = duo_new (102 + i);
      Hand *control = duo_greet (duo);

      if (i == 0)
        quic_stream_finish (control->stream);
      else
        quic_stream_reset (control->stream, 6);
      expect_closed (duo, QUIC_CODE_PROTOCOL);
    }
}

/* Thousands of requests: 128 are asked of the host, the rest is refused politely, and the session goes on. */
static void
test_open_flood (void)
{
  g_autoptr (Duo) duo = duo_new (104);
  guint refused = 0;

  duo_greet (duo);
  duo->server.answer = ANSWER_NONE;
  for (guint turn = 0; turn < 1000 && refused < 3000; turn++)
    {
      QuicStream *stream;

      while (quic_connection_is_connected (duo->client.connection) && duo->client.hands->len - refused < 250
             && (stream = quic_connection_open_stream (duo->client.connection)) != NULL)
        {
          Hand *hand = hand_adopt (&duo->client, stream);

          hand_say (hand, "open", "{}");
          quic_stream_finish (hand->stream);
        }
      duo_run (duo, 10);
      for (guint i = 1; i < duo->client.hands->len; i++)
        {
          Hand *hand = hand_nth (&duo->client, i);
          g_autofree char *heard = hand_hear (hand);

          if (heard == NULL)
            continue;
          g_assert_true (g_str_has_prefix (heard, "refused {'code': <'limit'>"));
          refused++;
        }
    }
  g_assert_cmpuint (refused, >=, 3000);
  g_assert_cmpuint (duo->server.taps->len, ==, SESSION_MAX_CHANNELS);
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, SESSION_MAX_CHANNELS);
  g_assert_false (duo->client.closed);
}

/* The client's side of it: servers that are not as they should be. */
static Hand *
serve_by_hand (Duo *duo)
{
  g_autofree char *heard = NULL;

  duo->hand_server = TRUE;
  duo_connect (duo);
  duo_until (duo, duo->server.hands->len == 1 && (heard = hand_hear (hand_nth (&duo->server, 0))) != NULL);
  g_assert_true (g_str_has_prefix (heard, "hello {"));
  g_assert_nonnull (strstr (heard, "'version': <uint32 1>"));
  g_assert_nonnull (strstr (heard, "'agent': <'duo 1'>"));
  g_assert_null (strstr (heard, "session"));
  return hand_nth (&duo->server, 0);
}

#define WELCOME "{'session': <b'0123456789abcde'>, 'user': <'alice'>, 'services': <@as []>}"

static void
test_server_silent (void)
{
  g_autoptr (Duo) duo = duo_new (110);

  serve_by_hand (duo);
  duo_until_limit (duo, duo->client.closed, 40 * 1000);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_UNREACHABLE);
}

static void
test_server_bad_welcome (void)
{
  static const char *const welcomes[] = { "{}", "{'session': <b'short'>}",
                                          "{'session': <'0123456789abcdef'>}" };

  for (guint i = 0; i < G_N_ELEMENTS (welcomes); i++)
    {
      g_autoptr (Duo) duo = duo_new (111 + i);

      hand_say (serve_by_hand (duo), "welcome", welcomes[i]);
      duo_until (duo, duo->client.closed);
      g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_PROTOCOL);
      g_assert_null (duo->client.hello);
    }
}

static void
test_server_answers (void)
{
  static const char *const answers[][2] = {
    { "opened", "{'channel': <uint64 1>}" },
    { "refused", "{'code': <'no'>, 'message': <'No.'>}" },
    { "opened", "{}" },
    { "opened", "{'channel': <uint64 0>}" },
    { "hello", "{'version': <uint32 1>}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers) + 2; i++)
    {
      g_autoptr (Duo) duo = duo_new (120 + i);
      g_autoptr (Asked) asked = NULL;
      Hand *control = serve_by_hand (duo), *channel;

      hand_say (control, "welcome", WELCOME);
      asked = duo_ask (duo, "{}");
      duo_until (duo, duo->server.hands->len == 2);
      channel = hand_nth (&duo->server, 1);
      if (i < G_N_ELEMENTS (answers))
        hand_say (channel, answers[i][0], answers[i][1]);
      else if (i == G_N_ELEMENTS (answers))
        quic_stream_finish (channel->stream);
      else
        quic_stream_reset (channel->stream, QUIC_CODE_LIMIT);
      duo_until (duo, asked->answered);
      if (i == 0)
        g_assert_no_error (asked->error);
      else
        {
          gboolean refused = i == 1 || i == G_N_ELEMENTS (answers) + 1;
          int code = refused ? MUX_ERROR_REFUSED : MUX_ERROR_PROTOCOL;

          g_assert_error (asked->error, MUX_ERROR, code);
        }
      g_assert_false (duo->client.closed);
    }
}

/* The control stream is faster than the channel's own: nothing said of it is lost. */
static void
test_server_early_event (void)
{
  g_autoptr (Duo) duo = duo_new (130);
  g_autoptr (Asked) asked = NULL;
  Hand *control = serve_by_hand (duo);

  hand_say (control, "welcome", WELCOME);
  asked = duo_ask (duo, "{}");
  duo_until (duo, duo->server.hands->len == 2);
  for (guint i = 0; i < 100; i++)
    hand_say (control, "resize", "{'channel': <uint64 6>, 'rows': <uint32 1>, 'columns': <uint32 1>}");
  hand_say (control, "exited", "{'channel': <uint64 7>, 'status': <4>}");
  hand_say (control, "exited", "{'channel': <uint64 8>, 'status': <5>}");
  duo_run (duo, 1000);
  hand_say (hand_nth (&duo->server, 1), "opened", "{'channel': <uint64 7>}");
  duo_until (duo, asked->answered);
  g_assert_cmpstr (asked->tap->events->str, ==, "exited {'status': <4>};");
}

static void
test_server_same_number (void)
{
  g_autoptr (Duo) duo = duo_new (131);
  g_autoptr (Asked) first = NULL, second = NULL;
  Hand *control = serve_by_hand (duo);

  hand_say (control, "welcome", WELCOME);
  first = duo_ask (duo, "{}");
  second = duo_ask (duo, "{}");
  duo_until (duo, duo->server.hands->len == 3);
  hand_say (hand_nth (&duo->server, 1), "opened", "{'channel': <uint64 7>}");
  hand_say (hand_nth (&duo->server, 2), "opened", "{'channel': <uint64 7>}");
  duo_until (duo, duo->client.closed);
  g_assert_error (duo->client.error, MUX_ERROR, MUX_ERROR_PROTOCOL);
  g_assert_no_error (first->error);
  g_assert_error (second->error, MUX_ERROR, MUX_ERROR_PROTOCOL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hostile/no-hello", test_no_hello);
  g_test_add_func ("/hostile/slow-hello", test_slow_hello);
  g_test_add_func ("/hostile/slow-open", test_slow_open);
  g_test_add_func ("/hostile/version", test_version);
  g_test_add_func ("/hostile/unknown-session", test_unknown_session);
  g_test_add_func ("/hostile/bad-beginnings", test_bad_beginnings);
  g_test_add_func ("/hostile/before-welcome", test_before_welcome);
  g_test_add_func ("/hostile/bad-frames", test_bad_frames);
  g_test_add_func ("/hostile/bad-messages", test_bad_messages);
  g_test_add_func ("/hostile/bad-streams", test_bad_streams);
  g_test_add_func ("/hostile/counts", test_counts);
  g_test_add_func ("/hostile/unsupported", test_unsupported);
  g_test_add_func ("/hostile/control-flood", test_control_flood);
  g_test_add_func ("/hostile/control-ended", test_control_ended);
  g_test_add_func ("/hostile/open-flood", test_open_flood);
  g_test_add_func ("/hostile/server-silent", test_server_silent);
  g_test_add_func ("/hostile/server-bad-welcome", test_server_bad_welcome);
  g_test_add_func ("/hostile/server-answers", test_server_answers);
  g_test_add_func ("/hostile/server-early-event", test_server_early_event);
  g_test_add_func ("/hostile/server-same-number", test_server_same_number);
  return g_test_run ();
}
