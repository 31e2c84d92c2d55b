/* What is signalled without having been asked for: a session that is back, certificates that are new or near
 * their end. */
#include "unit/control/many.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/objects.h"
#include "session/session-private.h"
#include "transport/expiry.h"
#include "transport/listener.h"
#include "transport/peer-session.h"
#include "transport/watch.h"

#define DAY ((gint64)86400)

static gint64
number (World *world, GDBusConnection *connection, const char *path, const char *name)
{
  g_autoptr (GVariant) value = world_property (world, connection, path, SESSION_INTERFACE, name);

  return g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64)   ? (gint64)g_variant_get_uint64 (value)
         : g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32) ? g_variant_get_uint32 (value)
                                                               : g_variant_get_int64 (value);
}

/* Its counters go on where they were. */
static void
test_reconnected (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  g_autofree char *path = g_strconcat (CONTROL_SESSIONS_PATH "/", session_id (session->session), NULL);
  g_autoptr (GError) lost = g_error_new_literal (MUX_ERROR, MUX_ERROR_LOST, "lost for a test");
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOStream) channel = mini_open (world.client, session, "shell", &error);
  g_autoptr (GVariant) stats = NULL;
  gint64 before;
  guint64 resumed = 0;
  Signals signals;

  g_assert_no_error (error);
  mini_echo (world.client, channel, 200000);
  signals_begin (&signals, &world, connection);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'BytesIn'");
  before = number (&world, connection, path, "BytesIn");
  g_assert_cmpint (before, >, 200000);
  session_drop (session->session, QUIC_CODE_REPLACED, lost);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*'State': <'away'>[^\n]*'AwaySince': <int64 [1-9]");
  signals_wait (&world, &signals,
                "PropertiesChanged [^\n]*'State': <'connected'>[^\n]*'AwaySince': <int64 0>");
  signals_wait (&world, &signals, "Reconnected [^\n]*/Session/[0-9a-f]{32} \\([0-9]+, '127.0.0.1:[0-9]+'\\)");
  g_assert_cmpint (number (&world, connection, path, "BytesIn"), >=, before);
  g_assert_cmpint (number (&world, connection, path, "Aways"), ==, 1);
  g_assert_cmpint (number (&world, connection, path, "AwaySince"), ==, 0);
  stats = transport_describe_stats (world.server->transport);
  g_assert_true (g_variant_lookup (stats, "sessions_resumed", "t", &resumed));
  g_assert_cmpuint (resumed, ==, 1);
  signals_end (&signals);
  g_clear_object (&channel);
  transport_session_unref (session);
  world_clear (&world);
}

static void
test_renewed (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autofree char *serial = NULL, *pattern = NULL;
  g_autoptr (GVariant) reply = NULL;
  TransportListener *listener;
  Signals signals;

  signals_begin (&signals, &world, connection);
  reply = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "RenewCertificate", NULL);
  listener = world.server->transport->listeners->pdata[0];
  serial = g_strdup (pki_certificate_serial (listener->leaf));
  pattern
      = g_strdup_printf ("CertificateRenewed %s \\('server', '127.0.0.1:0', '%s', %" G_GINT64_FORMAT "\\)",
                         MANAGER_PATH, serial, pki_certificate_not_after (listener->leaf));
  signals_wait (&world, &signals, pattern);
  signals_end (&signals);
  world_clear (&world);
}

/* Time, as the expiry sees it. */

static gint64 later;

static gint64
clock_now (void)
{
  return g_get_real_time () + later * G_USEC_PER_SEC;
}

static guint
told (const Signals *signals, const char *role)
{
  g_autofree char *word = g_strdup_printf ("CertificateExpiring " MANAGER_PATH " ('%s'", role);
  guint n = 0;

  for (const char *at = signals->said->str; (at = strstr (at, word)) != NULL; at += strlen (word))
    n++;
  return n;
}

/* The clock says @seconds later; whatever is due by then is told before a call made now is answered. */
static void
pass (World *world, GDBusConnection *connection, gint64 seconds)
{
  later = seconds;
  transport_expiry_look (world->server->transport->expiry);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GVariant) reply
          = world_call_well (world, connection, MANAGER_PATH, MANAGER_INTERFACE, "GetStats", NULL);
    }
}

/* A certificate of seven days, that nobody renews: nothing before five sixths, then once a day; a CA of ten
 * years two weeks before its end. */
static void
test_expiring (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  g_autoptr (GVariant) renewed = NULL;
  Signals signals;
  /* That it ends is a warning in the log, too. */
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);

  transport_expiry_set_clock (world.server->transport->expiry, clock_now);
  signals_begin (&signals, &world, connection);
  pass (&world, connection, 7 * DAY * 5 / 6 - 600);
  g_assert_cmpuint (told (&signals, "server"), ==, 0);
  pass (&world, connection, 7 * DAY * 5 / 6 + 600);
  signals_wait (&world, &signals,
                "CertificateExpiring [^\n]*\\('server', '127.0.0.1:0', '[0-9a-f]+', [0-9]+, ''\\)");
  pass (&world, connection, 7 * DAY * 5 / 6 + 600 + DAY / 2);
  g_assert_cmpuint (told (&signals, "server"), ==, 1);
  pass (&world, connection, 7 * DAY * 5 / 6 + 600 + DAY);
  g_assert_cmpuint (told (&signals, "server"), ==, 2);
  g_assert_cmpuint (told (&signals, "ca"), ==, 0);
  /* Its successor is another certificate, and young. */
  later = 0;
  renewed = world_call_well (&world, connection, MANAGER_PATH, MANAGER_INTERFACE, "RenewCertificate", NULL);
  pass (&world, connection, 600);
  g_assert_cmpuint (told (&signals, "server"), ==, 2);
  pass (&world, connection, 3650 * DAY - (TRANSPORT_EXPIRY_DAYS + 1) * DAY);
  g_assert_cmpuint (told (&signals, "ca"), ==, 0);
  pass (&world, connection, 3650 * DAY - (TRANSPORT_EXPIRY_DAYS - 1) * DAY);
  g_assert_cmpuint (told (&signals, "ca"), ==, 1);
  g_log_set_always_fatal (fatal);
  signals_end (&signals);
  world_clear (&world);
}

/* A peer that opens channels and closes them again makes work for the session, not for everybody who looks. */
static void
test_busy (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  g_autoptr (GIOStream) channel = NULL;
  const guint n = 60;
  Signals signals;
  guint times = 0;

  signals_begin (&signals, &world, connection);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      g_clear_object (&channel);
      channel = mini_open (world.client, session, "shell", &error);
      g_assert_no_error (error);
    }
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'Channels': <uint32 [1-9]");
  g_clear_object (&channel);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Session[^\n]*'Channels': <uint32 0>");
  for (const char *line = signals.said->str; (line = strstr (line, "'Channels': <uint32 ")) != NULL; line++)
    times++;
  g_test_message ("told %u times of %u channels", times, n);
  g_assert_cmpuint (times, <, n);
  signals_end (&signals);
  transport_session_unref (session);
  world_clear (&world);
}

/* Somebody at the private socket who says who he is, and then never reads. */
static int
connect_deaf (World *world)
{
  g_autofree char *path = control_socket_path ("server", FALSE);
  g_autofree char *user = g_strdup_printf ("%u", geteuid ());
  g_autoptr (GString) hello = g_string_new_len ("\0AUTH EXTERNAL ", 15);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  for (const char *digit = user; *digit != '\0'; digit++)
    g_string_append_printf (hello, "%02x", *digit);
  g_string_append (hello, "\r\nBEGIN\r\n");
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint (send (fd, hello->str, hello->len, MSG_NOSIGNAL), ==, (gssize)hello->len);
  return fd;
}

/* What is signalled to who does not read is bounded: he is hung up on. Who reads hears all of it. */
static void
test_deaf (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxTransport *transport = world.server->transport;
  MuxSession *session = world_dial (&world);
  const guint n = 3 * CONTROL_OBJECTS_MAX_UNREAD;
  int fd = connect_deaf (&world);
  char buffer[65536];
  Signals signals;
  guint heard = 0;
  gssize got;

  signals_begin (&signals, &world, connection);
  /* Its objects are there when it has been told something. */
  while (recv (fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_PEEK) < 100)
    {
      transport->observer->session_back (transport, world.server->session, 7, transport->observer_data);
      g_main_context_iteration (world.server->context, FALSE);
    }
  g_string_truncate (signals.said, 0);
  for (guint i = 0; i < n; i++)
    {
      transport->observer->session_back (transport, world.server->session, 8, transport->observer_data);
      if (i % 512 == 0)
        g_free (world_managed_objects (&world, connection));
    }
  g_free (world_managed_objects (&world, connection));
  for (const char *line = signals.said->str; (line = strstr (line, "(8, ")) != NULL; line++)
    heard++;
  g_assert_cmpuint (heard, ==, n);
  while ((got = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0 || (got < 0 && errno == EAGAIN))
    g_main_context_iteration (world.server->context, FALSE);
  close (fd);
  signals_end (&signals);
  transport_session_unref (session);
  world_clear (&world);
}

/* How much was said until the watch sleeps; what was sent is there before the answer to a call. */
static gsize
said_when_asleep (World *world, GDBusConnection *connection, const Signals *signals)
{
  while (transport_watch_is_awake (world->server->transport->watch))
    g_main_context_iteration (world->server->context, TRUE);
  g_free (world_managed_objects (world, connection));
  return signals->said->len;
}

/* Without anything to do the watch sleeps. */
static void
test_quiet (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  Signals signals;
  gsize said;

  signals_begin (&signals, &world, connection);
  signals_wait (&world, &signals, "PropertiesChanged [^\n]*Manager[^\n]*'Sessions': <uint32 1>");
  /* Acknowledgements still flow for a moment; then the last look finds nothing new, and there is no next one.
   */
  said = said_when_asleep (&world, connection, &signals);
  transport_watch_poke (world.server->transport->watch);
  g_assert_cmpuint (said_when_asleep (&world, connection, &signals), ==, said);
  signals_end (&signals);
  transport_session_unref (session);
  world_clear (&world);
}

/* Of a thousand sessions that all moved bytes each is told of once, and in no second more than the budget. */

#define CROWD 1000

static guint looks, told_now, told_in_all;

static void
count_look_cb (MuxTransport *transport, gpointer data)
{
  looks++;
  told_now = 0;
}

static void
count_session_cb (MuxTransport *transport, MuxSession *session, gpointer data)
{
  told_in_all++;
  g_assert_cmpuint (++told_now, <=, TRANSPORT_WATCH_TOLD_PER_SECOND);
}

static void
test_budget (void)
{
  World world = world_new (NULL);
  g_autoptr (GDBusConnection) connection = world_connection (&world);
  MuxSession *session = world_dial (&world);
  MuxTransport *transport = world.server->transport;
  Many *many = many_new (&world, world.server->session, CROWD);
  const TransportObserver *observer = transport->observer;
  TransportObserver counting = *observer;
  guint64 bytes;

  while (transport_watch_is_awake (transport->watch))
    g_main_context_iteration (world.server->context, TRUE);
  counting.listeners_changed = count_look_cb;
  counting.session_changed = count_session_cb;
  transport->observer = &counting;
  bytes = quic_connection_bytes (session_connection (many->model->session));
  for (guint i = 0; i < CROWD; i++)
    ((MuxSession *)many->copies->pdata[i])->told_bytes = 0;
  transport_watch_poke (transport->watch);
  while (transport_watch_is_awake (transport->watch))
    g_main_context_iteration (world.server->context, TRUE);
  g_assert_cmpuint (told_in_all, >=, CROWD);
  g_assert_cmpuint (looks, >=, 1 + CROWD / TRANSPORT_WATCH_TOLD_PER_SECOND);
  /* They share one connection: if that said something meanwhile, all of them did. */
  if (quic_connection_bytes (session_connection (many->model->session)) == bytes)
    g_assert_cmpuint (told_in_all, ==, CROWD);
  transport->observer = observer;
  many_free (many);
  transport_session_unref (session);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  mini_main (&argc, &argv);
  g_test_add_func ("/control/told/reconnected", test_reconnected);
  g_test_add_func ("/control/told/renewed", test_renewed);
  g_test_add_func ("/control/told/expiring", test_expiring);
  g_test_add_func ("/control/told/quiet", test_quiet);
  g_test_add_func ("/control/told/busy", test_busy);
  g_test_add_func ("/control/told/deaf", test_deaf);
  g_test_add_func ("/control/told/budget", test_budget);
  return mini_run ();
}
