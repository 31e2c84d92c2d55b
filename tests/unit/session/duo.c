#include "duo.h"

#include <string.h>

#define KEEP 65536

/* Taps */

static void read_more (Tap *tap);
static void write_more (Tap *tap);

static Tap *
tap_of (Side *side, GIOStream *stream)
{
  for (guint i = 0; i < side->taps->len; i++)
    if (((Tap *) side->taps->pdata[i])->stream == stream)
      return side->taps->pdata[i];
  return NULL;
}

void
tap_pattern (guint8 *data, guint64 offset, gsize length)
{
  for (gsize i = 0; i < length; i++)
    data[i] = (guint8) ((offset + i) * 2654435761u >> 15);
}

typedef struct
{
  Tap *tap;
  guint8 data[];
} Buffer;

static void
written_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Buffer *buffer = user_data;
  Tap *tap = buffer->tap;
  gssize done = g_output_stream_write_finish (G_OUTPUT_STREAM (object), result, &tap->write_error);

  tap->writing = FALSE;
  if (done > 0)
    {
      g_checksum_update (tap->sent_sum, buffer->data, done);
      tap->sent += done;
      tap->to_send -= done;
    }
  g_free (buffer);
  if (tap->write_error == NULL)
    write_more (tap);
}

static void
write_more (Tap *tap)
{
  GOutputStream *output;

  if (tap->stream == NULL || tap->writing || tap->finished || tap->write_error != NULL)
    return;
  output = g_io_stream_get_output_stream (tap->stream);
  if (tap->to_send > 0)
    {
      gsize length = MIN (tap->to_send, tap->piece);
      Buffer *buffer = g_malloc (sizeof *buffer + length);

      buffer->tap = tap;
      tap_pattern (buffer->data, tap->sent, length);
      if (tap->write_refused_at == 0
          && !g_pollable_output_stream_is_writable (G_POLLABLE_OUTPUT_STREAM (output)))
        tap->write_refused_at = tap->sent;
      tap->writing = TRUE;
      g_output_stream_write_async (output, buffer->data, length, 0, NULL, written_cb, buffer);
    }
  else if (tap->finish)
    {
      tap->finished = TRUE;
      g_assert_true (g_output_stream_close (output, NULL, NULL));
    }
}

static void
echoed_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Buffer *buffer = user_data;
  Tap *tap = buffer->tap;

  tap->writing = FALSE;
  g_output_stream_write_all_finish (G_OUTPUT_STREAM (object), result, NULL, &tap->write_error);
  g_free (buffer);
  if (tap->write_error == NULL)
    read_more (tap);
}

static void
read_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Buffer *buffer = user_data;
  Tap *tap = buffer->tap;
  gssize done = g_input_stream_read_finish (G_INPUT_STREAM (object), result, &tap->read_error);

  tap->reading = FALSE;
  if (done > 0)
    {
      g_checksum_update (tap->received_sum, buffer->data, done);
      if (tap->bytes->len < KEEP)
        g_byte_array_append (tap->bytes, buffer->data, MIN (done, KEEP - tap->bytes->len));
      tap->received += done;
      if (tap->echo && tap->stream != NULL)
        {
          tap->writing = TRUE;
          g_output_stream_write_all_async (g_io_stream_get_output_stream (tap->stream), buffer->data, done, 0,
                                           NULL,
                                           echoed_cb, buffer);
          return;
        }
    }
  else if (done == 0)
    {
      tap->eof = TRUE;
      if (tap->echo)
        tap_finish (tap);
    }
  g_free (buffer);
  if (done > 0)
    read_more (tap);
}

static void
read_more (Tap *tap)
{
  Buffer *buffer;

  if (tap->stream == NULL || tap->reading || tap->paused || tap->eof || tap->read_error != NULL)
    return;
  buffer = g_malloc (sizeof *buffer + tap->piece);
  buffer->tap = tap;
  tap->reading = TRUE;
  g_input_stream_read_async (g_io_stream_get_input_stream (tap->stream), buffer->data, tap->piece, 0, NULL,
                             read_cb,
                             buffer);
}

static gboolean
begin_cb (gpointer data)
{
  Tap *tap = data;

  read_more (tap);
  write_more (tap);
  return G_SOURCE_REMOVE;
}

Tap *
tap_new (Side *side, GIOStream *stream, GVariant *request)
{
  Tap *tap = g_new0 (Tap, 1);

  tap->side = side;
  tap->stream = stream;
  tap->request = request != NULL ? g_variant_ref (request) : NULL;
  tap->events = g_string_new (NULL);
  tap->received_sum = g_checksum_new (G_CHECKSUM_SHA256);
  tap->sent_sum = g_checksum_new (G_CHECKSUM_SHA256);
  tap->bytes = g_byte_array_new ();
  tap->piece = 16384;
  tap->paused = side->paused;
  tap->echo = side->echo;
  g_ptr_array_add (side->taps, tap);
  g_idle_add (begin_cb, tap);
  return tap;
}

static void
tap_free (gpointer data)
{
  Tap *tap = data;

  g_assert_null (tap->stream);
  g_assert_false (tap->reading || tap->writing);
  g_clear_pointer (&tap->request, g_variant_unref);
  g_string_free (tap->events, TRUE);
  g_checksum_free (tap->received_sum);
  g_checksum_free (tap->sent_sum);
  g_byte_array_unref (tap->bytes);
  g_clear_error (&tap->read_error);
  g_clear_error (&tap->write_error);
  g_free (tap);
}

void
tap_send (Tap *tap, guint64 length, gboolean finish)
{
  tap->to_send += length;
  tap->finish |= finish;
  write_more (tap);
}

void
tap_write (Tap *tap, const char *text)
{
  GPollableOutputStream *output = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (tap->stream));
  g_autoptr (GError) error = NULL;
  gssize length = (gssize) strlen (text);

  g_assert_cmpint (g_pollable_output_stream_write_nonblocking (output, text, length, NULL, &error), ==,
                   length);
  g_assert_no_error (error);
}

void
tap_finish (Tap *tap)
{
  tap_send (tap, 0, TRUE);
}

void
tap_resume (Tap *tap)
{
  tap->paused = FALSE;
  read_more (tap);
}

void
tap_drop (Tap *tap)
{
  g_clear_object (&tap->stream);
}

const char *
tap_received (Tap *tap)
{
  return g_checksum_get_string (tap->received_sum);
}

const char *
tap_sent (Tap *tap)
{
  return g_checksum_get_string (tap->sent_sum);
}

const char *
tap_text (Tap *tap)
{
  g_byte_array_append (tap->bytes, (const guint8 *) "", 1);
  g_byte_array_set_size (tap->bytes, tap->bytes->len - 1);
  return (const char *) tap->bytes->data;
}

guint64
tap_count (Tap *tap, const char *key)
{
  g_autoptr (GVariant) description = session_describe_channel (tap->side->session, tap->stream);
  guint64 value = 0;

  g_variant_lookup (description, key, "t", &value);
  return value;
}

/* Sessions */

static const char *const services[] = { "shell", "exec", NULL };
static const SessionWelcome the_welcome = { .user = "alice", .services = services, .timeout = 3600, .waiting = 0 };

static void
meet_newcomer (Side *side, Session *newcomer, GVariant *details)
{
  g_autoptr (GVariant) id = g_variant_lookup_value (details, "session", G_VARIANT_TYPE_BYTESTRING);
  const guint8 *bytes;
  gsize length = 0;
  g_autoptr (GString) hex = g_string_new (NULL);
  SessionWelcome welcome = the_welcome;

  if (side->services != NULL)
    welcome.services = side->services;
  if (g_variant_lookup (details, "take", "b", NULL))
    {
      if (side->forgetful || side->closed)
        session_close (newcomer, "gone", "No session of yours waits for its client here");
      else
        session_welcome_taker (newcomer, side->session, &welcome);
      return;
    }
  bytes = g_variant_get_fixed_array (id, &length, 1);
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (hex, "%02x", bytes[i]);
  if (side->forgetful || side->closed || !g_str_equal (hex->str, session_id (side->session)))
    session_close (newcomer, "gone", "The session does not exist here any more");
  else
    session_welcome_back (newcomer, side->session, &welcome);
}

static void
away_cb (Session *session, const GError *error, gpointer user_data)
{
  g_assert_nonnull (error);
  g_assert_null (session_connection (session));
  ((Side *) user_data)->away++;
}

static void
back_cb (Session *session, Session *newcomer, gpointer user_data)
{
  g_assert_nonnull (session_connection (session));
  g_assert_true ((newcomer != NULL) == ((Side *) user_data)->server);
  ((Side *) user_data)->back++;
}

static void
hello_cb (Session *session, GVariant *details, gpointer user_data)
{
  Side *side = user_data;

  if (side->duo->resumes && side->server
      && (g_variant_lookup (details, "session", "ay", NULL) || g_variant_lookup (details, "take", "b", NULL)))
    {
      if (!side->keep_unwelcome)
        meet_newcomer (side, session, details);
      return;
    }
  g_assert_null (side->hello);
  side->hello = g_variant_ref (details);
  if (side->server && !side->keep_unwelcome)
    session_welcome (session, &the_welcome);
}

static void
channel_opened_cb (Session *session, GIOStream *channel, GVariant *request, gpointer user_data)
{
  Side *side = user_data;

  if (side->answer == ANSWER_REFUSE)
    {
      session_refuse (session, channel, "unknown-service", "There is no such \033service");
      return;
    }
  tap_new (side, g_object_ref (channel), request);
  if (side->answer == ANSWER_ACCEPT)
    session_accept (session, channel);
}

static void
channel_event_cb (Session *session, GIOStream *channel, const char *event, GVariant *details,
                  gpointer user_data)
{
  Tap *tap = tap_of (user_data, channel);
  g_autofree char *text = g_variant_print (details, FALSE);

  g_assert_nonnull (tap);
  g_assert_false (strstr (tap->events->str, "closed") != NULL);
  g_string_append_printf (tap->events, "%s %s;", event, text);
}

static void
renew_cb (Session *session, const char *csr, gpointer user_data)
{
  Side *side = user_data;

  g_free (side->csr);
  side->csr = g_strdup (csr);
}

static void
restarting_cb (Session *session, guint after, gpointer user_data)
{
  ((Side *) user_data)->restarting = after;
}

static void
closed_cb (Session *session, const GError *error, gpointer user_data)
{
  Side *side = user_data;

  if (session != side->session)
    {
      side->newcomers--;
      side->turned += error != NULL;
      return;
    }
  g_assert_false (side->closed);
  g_assert_null (session_connection (session));
  g_assert_cmpuint (session_n_channels (session), ==, 0);
  side->closed = TRUE;
  side->error = error != NULL ? g_error_copy (error) : NULL;
}

static const SessionEvents session_events = {
  .hello = hello_cb,
  .channel_opened = channel_opened_cb,
  .channel_event = channel_event_cb,
  .renew = renew_cb,
  .restarting = restarting_cb,
  .closed = closed_cb,
};

static const SessionEvents resuming_events = {
  .hello = hello_cb,
  .channel_opened = channel_opened_cb,
  .channel_event = channel_event_cb,
  .renew = renew_cb,
  .away = away_cb,
  .back = back_cb,
  .restarting = restarting_cb,
  .closed = closed_cb,
};

/* Peers played by hand */

static void
hand_readable_cb (QuicStream *stream, gpointer user_data)
{
  Hand *hand = user_data;
  guint8 buffer[4096];
  gsize done;

  if (hand->side->hand_deaf)
    return;
  while ((done = quic_stream_read (stream, buffer, sizeof buffer)) > 0)
    g_byte_array_append (hand->bytes, buffer, done);
  quic_stream_readable (stream, &hand->fin);
}

static void
hand_reset_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  Hand *hand = user_data;

  hand->reset = TRUE;
  hand->reset_code = code;
}

static void
hand_stopped_cb (QuicStream *stream, guint64 code, gpointer user_data)
{
  Hand *hand = user_data;

  hand->stopped = TRUE;
  hand->stop_code = code;
}

static void
hand_closed_cb (QuicStream *stream, gpointer user_data)
{
  ((Hand *) user_data)->stream = NULL;
}

static const QuicStreamEvents hand_stream_events = {
  .readable = hand_readable_cb,
  .reset = hand_reset_cb,
  .stopped = hand_stopped_cb,
  .closed = hand_closed_cb,
};

Hand *
hand_adopt (Side *side, QuicStream *stream)
{
  Hand *hand = g_new0 (Hand, 1);

  hand->side = side;
  hand->stream = stream;
  hand->bytes = g_byte_array_new ();
  g_ptr_array_add (side->hands, hand);
  quic_stream_set_events (stream, &hand_stream_events, hand);
  return hand;
}

static void
hand_free (gpointer data)
{
  Hand *hand = data;

  g_byte_array_unref (hand->bytes);
  g_free (hand);
}

Hand *
hand_open (Side *side)
{
  QuicStream *stream = quic_connection_open_stream (side->connection);

  g_assert_nonnull (stream);
  return hand_adopt (side, stream);
}

Hand *
duo_greet (Duo *duo)
{
  g_autofree char *welcome = NULL;
  Hand *control;

  duo->hand_client = TRUE;
  duo_connect (duo);
  duo_until (duo, duo->client.hand_connected);
  control = hand_open (&duo->client);
  hand_say (control, "hello", "{'version': <uint32 1>, 'agent': <'hand'>, 'unknown': <true>}");
  duo_until (duo, (welcome = hand_hear (control)) != NULL);
  g_assert_true (g_str_has_prefix (welcome, "welcome {") && strstr (welcome, "'session': <") != NULL);
  return control;
}

Hand *
hand_nth (Side *side, guint index)
{
  g_assert_cmpuint (index, <, side->hands->len);
  return side->hands->pdata[index];
}

void
hand_write (Hand *hand, const void *data, gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  g_assert_nonnull (hand->stream);
  quic_stream_write (hand->stream, bytes);
}

void
hand_say (Hand *hand, const char *name, const char *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, arguments, NULL, NULL, &error);
  g_autoptr (GBytes) frame = NULL;

  g_assert_no_error (error);
  frame = session_frame_encode (name, dict, &error);
  g_variant_unref (dict);
  g_assert_no_error (error);
  quic_stream_write (hand->stream, frame);
}

char *
hand_hear (Hand *hand)
{
  g_autoptr (SessionFrameReader) reader = session_frame_reader_new ();
  gsize used = 0;

  while (TRUE)
    {
      gsize wants = session_frame_reader_wants (reader);
      g_autofree char *name = NULL, *text = NULL;
      g_autoptr (GVariant) arguments = NULL;

      if (wants > hand->bytes->len - used)
        return NULL;
      g_assert_true (session_frame_reader_feed (reader, hand->bytes->data + used, wants, &name, &arguments,
                                                NULL));
      used += wants;
      if (name == NULL)
        continue;
      g_byte_array_remove_range (hand->bytes, 0, used);
      text = g_variant_print (arguments, FALSE);
      return g_strconcat (name, " ", text, NULL);
    }
}

static void
hand_connected_cb (QuicConnection *connection, gpointer user_data)
{
  ((Side *) user_data)->hand_connected = TRUE;
}

static void
hand_stream_opened_cb (QuicConnection *connection, QuicStream *stream, gpointer user_data)
{
  hand_adopt (user_data, stream);
}

static void
hand_connection_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  Side *side = user_data;

  side->connection = NULL;
  side->closed = TRUE;
  side->close_code = info->application ? info->code : G_MAXUINT64;
  side->error = info->error != NULL ? g_error_copy (info->error) : NULL;
}

static const QuicConnectionEvents hand_events = {
  .connected = hand_connected_cb,
  .stream_opened = hand_stream_opened_cb,
  .closed = hand_connection_closed_cb,
};

/* Both */

static void
side_begin (Side *side, QuicConnection *connection, gboolean by_hand)
{
  side->connection = connection;
  if (by_hand)
    quic_connection_set_events (connection, &hand_events, side);
  else
    side->session = session_new (connection, "duo 1", side->duo->resumes ? &resuming_events : &session_events, side);
}

static void
accept_cb (QuicEndpoint *endpoint, QuicConnection *connection, gpointer user_data)
{
  Duo *duo = user_data;

  if (duo->resumes && duo->server.session != NULL)
    {
      duo->server.newcomers++;
      session_unref (session_new (connection, "duo 1", &resuming_events, &duo->server));
      return;
    }
  g_assert_null (duo->server.connection);
  side_begin (&duo->server, connection, duo->hand_server);
}

Duo *
duo_new (guint32 seed)
{
  Duo *duo = g_new0 (Duo, 1);

  duo->certs = certs_new ();
  duo->link = link_new (seed);
  duo->client.duo = duo->server.duo = duo;
  duo->server.server = TRUE;
  duo->client.taps = g_ptr_array_new_with_free_func (tap_free);
  duo->server.taps = g_ptr_array_new_with_free_func (tap_free);
  duo->client.hands = g_ptr_array_new_with_free_func (hand_free);
  duo->server.hands = g_ptr_array_new_with_free_func (hand_free);
  return duo;
}

void
duo_connect (Duo *duo)
{
  QuicServerConfig server_config = {
    .connection = { .max_idle_timeout_ms = 30000, .handshake_timeout_ms = 10000 },
    .max_connections = 100,
    .max_half_open = 10,
    .retry_from = 10,
  };
  QuicConnectionConfig client_config = server_config.connection;
  g_autoptr (GError) error = NULL;
  QuicConnection *connection;

  /* Long pauses are part of many tests. */
  client_config.keep_alive_interval_ms = 10000;
  duo->tls[LINK_SERVER] = quic_tls_new_server (duo->certs->server, duo->certs->trust, duo->raw, &error);
  g_assert_no_error (error);
  duo->tls[LINK_CLIENT] = quic_tls_new_client (duo->certs->client, duo->certs->trust, "server.test", TRUE,
                                               duo->raw ? NULL : QUIC_ALPN, &error);
  g_assert_no_error (error);
  duo->endpoints[LINK_SERVER]
      = quic_endpoint_new_server (&server_config, duo->tls[LINK_SERVER], duo->certs->secret, link_sink (),
                                  link_sink_data (duo->link, LINK_SERVER), accept_cb, duo, &error);
  g_assert_no_error (error);
  duo->endpoints[LINK_CLIENT] = quic_endpoint_new_client (duo->certs->secret, link_sink (),
                                                          link_sink_data (duo->link, LINK_CLIENT), &error);
  g_assert_no_error (error);
  link_attach (duo->link, LINK_SERVER, duo->endpoints[LINK_SERVER]);
  link_attach (duo->link, LINK_CLIENT, duo->endpoints[LINK_CLIENT]);
  connection = quic_endpoint_connect (duo->endpoints[LINK_CLIENT], link_address (duo->link, LINK_CLIENT),
                                      link_address (duo->link, LINK_SERVER), duo->tls[LINK_CLIENT],
                                        &client_config,
                                      &hand_events, &duo->client, link_now (duo->link), &error);
  g_assert_no_error (error);
  side_begin (&duo->client, connection, duo->hand_client);
}

Duo *
duo_new_welcome (guint32 seed)
{
  Duo *duo = duo_new (seed);

  duo_connect (duo);
  duo_until (duo, session_is_established (duo->client.session));
  return duo;
}

/* Another connection */

static void
redialled_cb (QuicConnection *connection, gpointer user_data)
{
  Side *side = user_data;

  side->duo->redialling--;
  if (side->error != NULL)
    g_error ("the session ended: %s", side->error->message);
  session_resume (side->session, connection);
}

static void
redial_failed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  ((Side *) user_data)->duo->redialling--;
}

static const QuicConnectionEvents redial_events = { .connected = redialled_cb, .closed = redial_failed_cb };

static QuicConnection *
connect_again (Duo *duo, const QuicConnectionEvents *events, gpointer user_data)
{
  const QuicConnectionConfig config
      = { .max_idle_timeout_ms = 30000, .handshake_timeout_ms = 10000, .keep_alive_interval_ms = 10000 };
  g_autoptr (GError) error = NULL;
  QuicConnection *connection
      = quic_endpoint_connect (duo->endpoints[LINK_CLIENT], link_address (duo->link, LINK_CLIENT),
                               link_address (duo->link, LINK_SERVER), duo->tls[LINK_CLIENT], &config, events, user_data,
                               link_now (duo->link), &error);

  g_assert_no_error (error);
  return connection;
}

void
duo_redial_side (Duo *duo, Side *side)
{
  duo->redialling++;
  connect_again (duo, &redial_events, side);
}

void
duo_redial (Duo *duo)
{
  duo_redial_side (duo, &duo->client);
}

void
duo_come_back (Duo *duo)
{
  guint client = duo->client.back, server = duo->server.back;

  duo_redial (duo);
  duo_until (duo, duo->client.back > client && duo->server.back > server);
}

void
duo_intrude (Duo *duo, Side *intruder)
{
  intruder->duo = duo;
  intruder->hands = g_ptr_array_new_with_free_func (hand_free);
  intruder->connection = connect_again (duo, &hand_events, intruder);
  duo_until (duo, intruder->hand_connected);
}

void
duo_take (Duo *duo)
{
  duo->taker.duo = duo;
  duo->taker.taps = g_ptr_array_new_with_free_func (tap_free);
  duo->taker.hands = g_ptr_array_new_with_free_func (hand_free);
  side_begin (&duo->taker, connect_again (duo, &hand_events, &duo->taker), FALSE);
  session_take (duo->taker.session, NULL);
}

static void
iterate (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

gboolean
duo_step (Duo *duo, guint64 until)
{
  iterate ();
  if (link_now (duo->link) > until || !link_step (duo->link))
    return FALSE;
  iterate ();
  return TRUE;
}

void
duo_run (Duo *duo, guint64 milliseconds)
{
  guint64 until = link_now (duo->link) + milliseconds * BASE_MILLISECOND;
  guint64 step = MAX (milliseconds * BASE_MILLISECOND / 2000, BASE_MILLISECOND / 2);

  while (link_now (duo->link) < until)
    {
      iterate ();
      link_run (duo->link, MIN (until - link_now (duo->link), step));
    }
  iterate ();
}

static void
side_end (Side *side)
{
  for (guint i = 0; i < side->taps->len; i++)
    tap_drop (side->taps->pdata[i]);
  iterate ();
  g_assert_true (side->closed || side->connection == NULL);
  g_ptr_array_unref (side->taps);
  g_ptr_array_unref (side->hands);
  g_clear_pointer (&side->session, session_unref);
  g_clear_pointer (&side->hello, g_variant_unref);
  g_clear_error (&side->error);
  g_free (side->csr);
}

void
duo_free (Duo *duo)
{
  Side *sides[] = { &duo->client, &duo->server, &duo->taker };

  for (guint i = 0; i < 2; i++)
    {
      link_attach (duo->link, i, NULL);
      g_clear_pointer (&duo->endpoints[i], quic_endpoint_free);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
    if (sides[i]->session != NULL)
      session_abandon (sides[i]->session, NULL);
  iterate ();
  for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
    if (sides[i]->duo != NULL)
      side_end (sides[i]);
  g_clear_pointer (&duo->tls[0], quic_tls_unref);
  g_clear_pointer (&duo->tls[1], quic_tls_unref);
  link_free (duo->link);
  certs_free (duo->certs);
  g_free (duo);
}

/* Asking */

static void
asked_cb (Session *session, GIOStream *channel, const GError *error, gpointer user_data)
{
  Asked *asked = user_data;

  g_assert_false (asked->answered);
  g_assert_true ((channel == NULL) == (error != NULL));
  asked->answered = TRUE;
  asked->error = error != NULL ? g_error_copy (error) : NULL;
  asked->tap = channel != NULL ? tap_new (asked->side, channel, NULL) : NULL;
}

Asked *
duo_ask (Duo *duo, const char *request)
{
  Asked *asked = g_new0 (Asked, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, request, NULL, NULL, &error);

  g_assert_no_error (error);
  asked->side = &duo->client;
  session_open (duo->client.session, dict, asked_cb, asked);
  g_assert_false (asked->answered);
  return asked;
}

void
asked_free (Asked *asked)
{
  g_assert_true (asked->answered);
  g_clear_error (&asked->error);
  g_free (asked);
}

void
duo_channel (Duo *duo, Tap **client, Tap **server)
{
  g_autoptr (Asked) asked = duo_ask (duo, "{'service': <'shell'>}");
  guint before = duo->server.taps->len;

  duo_until (duo, asked->answered);
  g_assert_no_error (asked->error);
  g_assert_cmpuint (duo->server.taps->len, ==, before + 1);
  *client = asked->tap;
  *server = duo->server.taps->pdata[before];
}
