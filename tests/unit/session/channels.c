/* Channels between two sessions: asking, echo, ends of every kind, lanes, events. */
#include "duo.h"

#include <mux/plugin.h>

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

/* A refusal brings the host's words, without what could steer a terminal. */
static void
test_refused (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (2);
  g_autoptr (Asked) asked = NULL;

  duo->server.answer = ANSWER_REFUSE;
  asked = duo_ask (duo, "{'service': <'nothing'>}");
  duo_until (duo, asked->answered);
  g_assert_error (asked->error, MUX_ERROR, MUX_ERROR_REFUSED);
  g_assert_nonnull (strstr (asked->error->message, "There is no such ?service"));
  duo_run (duo, 1000);
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 0);
  g_assert_cmpuint (session_n_channels (duo->client.session), ==, 0);
}

/* The host answers much later; what the client wrote early is not lost, and nothing is read before the
   answer. */
static void
test_answer_later (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (3);
  g_autoptr (Asked) asked = NULL;
  Tap *server;

  duo->server.answer = ANSWER_NONE;
  asked = duo_ask (duo, "{}");
  duo_run (duo, 60000);
  g_assert_false (asked->answered);
  server = duo->server.taps->pdata[0];
  g_assert_false (g_pollable_output_stream_is_writable (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (server->stream))));
  session_accept (duo->server.session, server->stream);
  tap_write (server, "$ ");
  duo_until (duo, asked->answered && asked->tap->received == 2);
  /* A second answer changes nothing. */
  session_refuse (duo->server.session, server->stream, "failed", "");
  tap_write (server, "x");
  duo_until (duo, asked->tap->received == 3);
}

/* The program ends at once, before the host says yes: the end must not go before the answer. */
static void
test_ended_before_answer (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (31);
  g_autoptr (Asked) asked = NULL;
  Tap *server;

  duo->server.answer = ANSWER_NONE;
  asked = duo_ask (duo, "{}");
  duo_run (duo, 1000);
  server = duo->server.taps->pdata[0];
  tap_finish (server);
  duo_run (duo, 1000);
  g_assert_false (asked->answered);
  session_accept (duo->server.session, server->stream);
  duo_until (duo, asked->answered);
  g_assert_no_error (asked->error);
  duo_until (duo, asked->tap->eof);
}

/* A read that waits on a lane that the peer never opened hears of the end of its GIOStream without a packet. */
static void
test_dropped_unopened (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (32);
  Tap *client, *server, *lane;

  duo_channel (duo, &client, &server);
  lane = tap_new (&duo->server, session_lane (duo->server.session, server->stream, "stderr", NULL), NULL);
  duo_run (duo, 100);
  g_assert_true (lane->reading);
  tap_drop (lane);
  g_assert_true (lane->reading); /* never from inside the call */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (lane->reading);
  g_assert_error (lane->read_error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  /* The peer opens it now; it is told that nobody is there. */
  lane = tap_new (&duo->client, session_lane (duo->client.session, client->stream, "stderr", NULL), NULL);
  duo_until (duo, lane->read_error != NULL);
  g_assert_error (lane->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_null (session_lane (duo->server.session, server->stream, "stderr", NULL));
}

static void
half_close (gboolean server_first)
{
  g_autoptr (Duo) duo = duo_new_welcome (4);
  Tap *client, *server, *first, *second;

  duo_channel (duo, &client, &server);
  first = server_first ? server : client;
  second = server_first ? client : server;
  tap_send (first, 1000, TRUE);
  duo_until (duo, second->eof);
  g_assert_cmpuint (second->received, ==, 1000);
  g_assert_false (first->eof);
  /* The other direction lives on. */
  duo_run (duo, 5000);
  tap_send (second, 300000, TRUE);
  duo_until (duo, first->eof);
  g_assert_cmpstr (tap_received (first), ==, tap_sent (second));
  g_assert_no_error (first->read_error);
  duo_run (duo, 5000);
  /* Both wait for an exit status that never comes. */
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 1);
  g_assert_cmpuint (session_n_channels (duo->client.session), ==, 1);
  duo_run (duo, 6000);
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 0);
  g_assert_cmpuint (session_n_channels (duo->client.session), ==, 0);
  g_assert_nonnull (strstr (server->events->str, "closed {'code': <uint64 0>, 'message': <''>}"));
  g_assert_nonnull (strstr (client->events->str, "closed {'code': <uint64 0>"));
}

static void
test_half_close_client (void)
{
  half_close (FALSE);
}

static void
test_half_close_server (void)
{
  half_close (TRUE);
}

static void
test_exited (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (5);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  session_send_event (duo->client.session, client->stream, "resize",
                      g_variant_new_parsed ("{'rows': <%u>, 'columns': <%u>}", 24, 80));
  session_send_event (duo->client.session, client->stream, "signal",
                      g_variant_new_parsed ("{'name': <'INT'>}"));
  tap_finish (client);
  duo_until (duo, server->eof);
  g_assert_cmpstr (server->events->str, ==,
                   "resize {'rows': <uint32 24>, 'columns': <uint32 80>};signal {'name': <'INT'>};");
  session_send_event (duo->server.session, server->stream, "exited",
                      g_variant_new_parsed ("{'status': <%i>, 'signal': <'KILL'>}", 137));
  tap_send (server, 100000, TRUE);
  duo_until (duo, session_n_channels (duo->client.session) == 0);
  g_assert_cmpuint (client->received, ==, 100000);
  g_assert_cmpstr (client->events->str, ==,
                   "exited {'status': <137>, 'signal': <'KILL'>};closed {'code': <uint64 0>, 'message': <''>};");
}

/* The host learns of a program's end when all its bytes are long through: it is not too late to say so. */
static void
test_exited_after_bytes (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (7);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_finish (client);
  tap_send (server, 1000, TRUE);
  duo_until (duo, client->eof && server->eof);
  duo_run (duo, 5000);
  session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <%i>}", 4));
  duo_run (duo, 1000);
  g_assert_cmpstr (client->events->str, ==, "exited {'status': <4>};closed {'code': <uint64 0>, 'message': <''>};");
  g_assert_cmpuint (session_n_channels (duo->client.session), ==, 0);
  g_assert_cmpuint (session_n_channels (duo->server.session), ==, 0);
}

static gboolean lose;

static gboolean
lose_cb (LinkSide from, guint8 *data, gsize length, gpointer user_data)
{
  return !lose || from != LINK_SERVER;
}

/* `exited` is lost on its way, the ends of the bytes are not: the channel must not be told closed without
   it. */
static void
test_exited_late (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (6);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_finish (client);
  duo_until (duo, server->eof);
  duo_run (duo, 500);
  link_set_filter (duo->link, lose_cb, NULL);
  lose = TRUE;
  session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <%i>}",
                                                                                           3));
  duo_run (duo, 2);
  lose = FALSE;
  tap_finish (server);
  duo_until (duo, client->eof);
  g_assert_cmpstr (client->events->str, ==, "");
  duo_until (duo, session_n_channels (duo->client.session) == 0);
  g_assert_true (g_str_has_prefix (client->events->str, "exited {'status': <3>};closed"));
}

/* Dropping the last reference resets both halves; the other side hears which code. */
static void
dropped (gboolean by_server)
{
  g_autoptr (Duo) duo = duo_new_welcome (7);
  Tap *client, *server, *dropper, *other;

  duo_channel (duo, &client, &server);
  dropper = by_server ? server : client;
  other = by_server ? client : server;
  tap_send (other, 10, FALSE);
  duo_until (duo, dropper->received == 10);
  tap_drop (dropper);
  duo_until (duo, other->read_error != NULL);
  g_assert_error (other->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_assert_error (dropper->read_error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  tap_send (other, 10, FALSE);
  duo_until (duo, other->write_error != NULL);
  g_assert_error (other->write_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  duo_until (duo, session_n_channels (duo->client.session) == 0
             && session_n_channels (duo->server.session) == 0);
  g_assert_nonnull (strstr (other->events->str, "closed {'code': <uint64 6>"));
  g_assert_cmpuint (tap_count (other, "code"), ==, QUIC_CODE_CANCELLED);
}

static void
test_dropped_client (void)
{
  dropped (FALSE);
}

static void
test_dropped_server (void)
{
  dropped (TRUE);
}

/* A reader that goes, like `head`: writing fails at the other end, its own direction goes on. */
static void
test_input_closed (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (8);
  Tap *client, *server;
  GInputStream *input;

  duo_channel (duo, &client, &server);
  client->paused = TRUE;
  tap_send (server, 64 * 1024 * 1024, FALSE);
  duo_until (duo, client->received > 0);
  duo_run (duo, 1000);
  input = g_io_stream_get_input_stream (client->stream);
  g_assert_true (g_input_stream_close (input, NULL, NULL));
  duo_until (duo, server->write_error != NULL);
  g_assert_error (server->write_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  tap_send (client, 5000, TRUE);
  duo_until (duo, server->eof);
  g_assert_cmpuint (server->received, ==, 5000);
  duo_until (duo, session_n_channels (duo->server.session) == 0);
}

/* All bytes are there already when the reader goes without reading them: the sender must not keep them for
   ever. */
static void
test_unread_closed (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (9);
  Tap *client, *server;

  duo->client.paused = TRUE;
  duo_channel (duo, &client, &server);
  tap_send (server, 1000, TRUE);
  duo_run (duo, 2000);
  g_assert_cmpuint (tap_count (server, "confirmed"), ==, 0);
  g_assert_true (g_io_stream_close (client->stream, NULL, NULL));
  duo_until (duo, server->eof);
  duo_until (duo, session_n_channels (duo->server.session) == 0);
  tap_drop (client);
  duo_until (duo, session_n_channels (duo->client.session) == 0);
}

/* g_io_stream_close () while a read waits: the read ends, what was written still arrives. */
static void
test_closed_while_reading (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (10);
  Tap *client, *server;

  duo_channel (duo, &client, &server);
  tap_send (client, 50000, FALSE);
  duo_until (duo, client->to_send == 0);
  g_assert_true (client->reading);
  g_assert_true (g_io_stream_close (client->stream, NULL, NULL));
  g_assert_true (client->reading); /* never from inside the call */
  duo_until (duo, !client->reading);
  g_assert_error (client->read_error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  duo_until (duo, server->eof);
  g_assert_cmpstr (tap_received (server), ==, tap_sent (client));
}

static void
closed_async_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_io_stream_close_finish (G_IO_STREAM (object), result, &error));
  g_assert_no_error (error);
  (*(guint *) user_data)++;
}

static void
spliced_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gssize length = g_output_stream_splice_finish (G_OUTPUT_STREAM (object), result, &error);

  g_assert_no_error (error);
  g_assert_cmpint (length, ==, 100000);
  (*(guint *) user_data)++;
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* GIO's own splice and close go through the main context alone. */
static void
test_no_threads (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (11);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Tap *client, *server;
  guint threads = count_threads (), done = 0;

  duo->server.paused = TRUE;
  duo_channel (duo, &client, &server);
  g_output_stream_splice_async (g_io_stream_get_output_stream (server->stream),
                                g_io_stream_get_input_stream (server->stream),
                                G_OUTPUT_STREAM_SPLICE_CLOSE_SOURCE | G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, 0,
                                  cancellable,
                                spliced_cb, &done);
  tap_send (client, 100000, TRUE);
  duo_until (duo, done == 1 && client->eof);
  g_assert_cmpstr (tap_received (client), ==, tap_sent (client));
  g_io_stream_close_async (client->stream, 0, NULL, closed_async_cb, &done);
  g_io_stream_close_async (server->stream, 0, NULL, closed_async_cb, &done);
  duo_until (duo, done == 3);
  g_assert_cmpuint (count_threads (), ==, threads);
}

static void
cancelled_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  GError **error = user_data;

  g_assert_cmpint (g_input_stream_read_finish (G_INPUT_STREAM (object), result, error), ==, -1);
}

static void
test_cancel_and_blocking (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (12);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL, blocking = NULL;
  Tap *client, *server;
  GInputStream *input;
  char buffer[10];

  duo->server.paused = TRUE;
  duo_channel (duo, &client, &server);
  input = g_io_stream_get_input_stream (server->stream);
  g_input_stream_read_async (input, buffer, sizeof buffer, 0, cancellable, cancelled_cb, &error);
  duo_run (duo, 10);
  g_cancellable_cancel (cancellable);
  duo_run (duo, 10);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_input_stream_read (input, buffer, sizeof buffer, NULL, &blocking), ==, -1);
  g_assert_error (blocking, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  tap_write (client, "late");
  duo_run (duo, 100);
  g_assert_cmpint (g_input_stream_read (input, buffer, sizeof buffer, NULL, NULL), ==, 4);
}

static void
test_lanes (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (13);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) description = NULL;
  g_autofree char *text = NULL;
  Tap *client, *server, *client_err, *server_err;
  GIOStream *again;

  duo_channel (duo, &client, &server);
  /* The server asks first and writes before the peer has opened it: at most 64 KiB and a write. */
  server_err = tap_new (&duo->server, session_lane (duo->server.session, server->stream, "stderr", &error),
                        NULL);
  g_assert_no_error (error);
  tap_send (server_err, 1000000, TRUE);
  duo_run (duo, 1000);
  g_assert_cmpuint (server_err->sent, >=, 64 * 1024);
  g_assert_cmpuint (server_err->sent, <, 128 * 1024);
  client_err = tap_new (&duo->client, session_lane (duo->client.session, client->stream, "stderr", &error),
                        NULL);
  again = session_lane (duo->client.session, client->stream, "stderr", &error);
  g_assert_true (again == client_err->stream);
  g_object_unref (again);
  duo_until (duo, client_err->eof);
  g_assert_cmpstr (tap_received (client_err), ==, tap_sent (server_err));
  /* The main lane is its own. */
  tap_write (server, "out");
  duo_until (duo, client->received == 3);
  description = session_describe_channel (duo->client.session, client->stream);
  text = g_variant_print (description, FALSE);
  g_assert_nonnull (strstr (text, "'lanes': <['stderr']>"));
  /* One that the server never asked for waits until it does. */
  {
    Tap *early = tap_new (&duo->client, session_lane (duo->client.session, client->stream, "extra", &error),
                          NULL);
    Tap *late;

    tap_send (early, 20000, TRUE);
    duo_run (duo, 1000);
    late = tap_new (&duo->server, session_lane (duo->server.session, server->stream, "extra", &error), NULL);
    duo_until (duo, late->eof);
    g_assert_cmpuint (late->received, ==, 20000);
    tap_finish (late);
    tap_finish (client_err);
  }
  {
    g_autoptr (GIOStream) third = session_lane (duo->client.session, client->stream, "3", &error);

    g_assert_no_error (error);
    g_assert_null (session_lane (duo->client.session, client->stream, "4", &error));
    g_assert_error (error, MUX_ERROR, MUX_ERROR_LIMIT);
  }
  tap_finish (client);
  tap_finish (server);
  g_clear_error (&error);
  session_send_event (duo->server.session, server->stream, "exited", g_variant_new_parsed ("{'status': <%i>}", 0));
  duo_until (duo, session_n_channels (duo->server.session) == 0);
  duo_until (duo, session_n_channels (duo->client.session) == 0);
}

static void
test_many (void)
{
  g_autoptr (Duo) duo = duo_new_welcome (14);
  Asked *asked[SESSION_MAX_CHANNELS];
  g_autoptr (Asked) beyond = NULL;

  duo->server.echo = TRUE;
  for (guint i = 0; i < SESSION_MAX_CHANNELS; i++)
    asked[i] = duo_ask (duo, "{'service': <'shell'>}");
  beyond = duo_ask (duo, "{}");
  for (guint i = 0; i < SESSION_MAX_CHANNELS; i++)
    {
      duo_until (duo, asked[i]->answered);
      g_assert_no_error (asked[i]->error);
      tap_send (asked[i]->tap, 20000 + i, TRUE);
    }
  duo_until (duo, beyond->answered);
  g_assert_error (beyond->error, MUX_ERROR, MUX_ERROR_LIMIT);
  for (guint i = 0; i < SESSION_MAX_CHANNELS; i++)
    {
      duo_until (duo, asked[i]->tap->eof);
      g_assert_cmpstr (tap_received (asked[i]->tap), ==, tap_sent (asked[i]->tap));
      tap_drop (asked[i]->tap);
      asked_free (asked[i]);
    }
  duo_until (duo, session_n_channels (duo->client.session) == 0
             && session_n_channels (duo->server.session) == 0);
  /* Room again. */
  for (guint i = 0; i < 400; i++)
    {
      Tap *client, *server;

      duo_channel (duo, &client, &server);
      tap_send (client, 10, TRUE);
      duo_until (duo, client->eof);
      tap_drop (client);
      tap_drop (server);
    }
}

static void
test_raw (void)
{
  g_autoptr (Duo) duo = duo_new (15);
  g_autoptr (Asked) asked = NULL, second = NULL;

  duo->raw = TRUE;
  duo->server.echo = TRUE;
  duo_connect (duo);
  duo_until (duo, session_is_established (duo->client.session));
  g_assert_true (session_is_raw (duo->client.session));
  asked = duo_ask (duo, "{'service': <'ignored'>}");
  duo_until (duo, asked->answered);
  tap_send (asked->tap, 1000000, TRUE);
  duo_until (duo, asked->tap->eof);
  g_assert_true (session_is_raw (duo->server.session));
  g_assert_cmpstr (tap_received (asked->tap), ==, tap_sent (asked->tap));
  duo_until (duo, session_n_channels (duo->server.session) == 0
             && session_n_channels (duo->client.session) == 0);
  g_assert_cmpuint (tap_count (asked->tap, "confirmed"), ==, 1000000);

  duo->server.answer = ANSWER_REFUSE;
  second = duo_ask (duo, "{}");
  duo_until (duo, second->answered);
  tap_write (second->tap, "x");
  duo_until (duo, second->tap->read_error != NULL);
  g_assert_error (second->tap->read_error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  session_close (duo->client.session, "bye", "");
  duo_until (duo, duo->server.closed && duo->client.closed);
  g_assert_no_error (duo->server.error);
}

/* Nobody counts on a raw connection, yet a host that keeps bytes until they are with the peer must be told. */
static void
test_raw_manual (void)
{
  g_autoptr (Duo) duo = duo_new (16);
  g_autoptr (Asked) asked = NULL;
  g_auto (GStrv) events = NULL;
  Tap *server;

  duo->raw = duo->server.paused = TRUE;
  duo_connect (duo);
  duo_until (duo, session_is_established (duo->client.session));
  asked = duo_ask (duo, "{}");
  duo_until (duo, asked->answered);
  tap_write (asked->tap, "x");
  duo_until (duo, duo->server.taps->len > 0);
  server = g_ptr_array_index (duo->server.taps, 0);
  session_set_manual (duo->server.session, server->stream);
  tap_resume (server);
  tap_send (server, 1000000, TRUE);
  tap_finish (asked->tap);
  duo_until (duo, asked->tap->eof);
  duo_until (duo, session_n_channels (duo->server.session) == 0);
  events = g_strsplit (server->events->str, ";", -1);
  /* Steps of 256 KiB, the last count, "closed", and what follows the last semicolon. */
  g_assert_cmpuint (g_strv_length (events), <=, 1000000 / (256 * 1024) + 3);
  g_assert_cmpuint (g_strv_length (events), >=, 4);
  g_assert_nonnull (strstr (server->events->str, "received {'lane': <''>, 'count': <uint64 1000000>};closed "));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/channels/open-echo", test_open_echo);
  g_test_add_func ("/channels/refused", test_refused);
  g_test_add_func ("/channels/answer-later", test_answer_later);
  g_test_add_func ("/channels/ended-before-answer", test_ended_before_answer);
  g_test_add_func ("/channels/dropped-unopened", test_dropped_unopened);
  g_test_add_func ("/channels/half-close-client", test_half_close_client);
  g_test_add_func ("/channels/half-close-server", test_half_close_server);
  g_test_add_func ("/channels/exited", test_exited);
  g_test_add_func ("/channels/exited-late", test_exited_late);
  g_test_add_func ("/channels/exited-after-bytes", test_exited_after_bytes);
  g_test_add_func ("/channels/dropped-client", test_dropped_client);
  g_test_add_func ("/channels/dropped-server", test_dropped_server);
  g_test_add_func ("/channels/input-closed", test_input_closed);
  g_test_add_func ("/channels/unread-closed", test_unread_closed);
  g_test_add_func ("/channels/closed-while-reading", test_closed_while_reading);
  g_test_add_func ("/channels/no-threads", test_no_threads);
  g_test_add_func ("/channels/cancel-and-blocking", test_cancel_and_blocking);
  g_test_add_func ("/channels/lanes", test_lanes);
  g_test_add_func ("/channels/many", test_many);
  g_test_add_func ("/channels/raw", test_raw);
  g_test_add_func ("/channels/raw-manual", test_raw_manual);
  return g_test_run ();
}
