#define BASE_LOG_ROOM "transport"
#include "transport/race.h"

#include <glib/gi18n-lib.h>
#include <gnutls/gnutls.h>

#include "base/error.h"
#include "base/log.h"

/* How long an address has for its answer before the next one is dialled beside it (RFC 8305 5: 250 ms
 * recommended). */
#define HEAD_START_MS 300

typedef struct
{
  TransportRace *race;
  QuicDriver *driver;
  QuicConnection *connection;
  NetAddress remote;
} Attempt;

struct _TransportRace
{
  MuxTransport *transport;
  GArray *addresses;
  guint next; /* of them */
  QuicTls *tls;
  QuicConnectionConfig config;
  char *label;
  TransportRaceFunc func;
  gpointer user_data;
  GPtrArray *attempts; /* of Attempt, owned */
  GSource *head_start, *deadline, *over;
  GError *error; /* the most telling one so far */
  gboolean told;
};

/* What a TLS alert means for the person who has to act. */
static const struct
{
  int alert;
  const char *remedy;
} remedies[] = {
  { GNUTLS_A_BAD_CERTIFICATE,
    N_ ("One side does not accept the other's certificate; enrolling again gives a fresh one") },
  { GNUTLS_A_UNSUPPORTED_CERTIFICATE,
    N_ ("A certificate is not made for this use: a server needs serverAuth, a client clientAuth") },
  { GNUTLS_A_CERTIFICATE_REVOKED, N_ ("The certificate was revoked; only a new enrolment helps") },
  { GNUTLS_A_CERTIFICATE_EXPIRED,
    N_ ("A certificate has expired or is not valid yet: compare both clocks, then enrol again") },
  { GNUTLS_A_CERTIFICATE_UNKNOWN,
    N_ ("The certificate does not hold the name that was dialled, or cannot be verified") },
  { GNUTLS_A_UNKNOWN_CA,
    N_ ("The certificate is of a CA that the other side does not know: enrol again, or set pem_ca") },
  { GNUTLS_A_CERTIFICATE_REQUIRED,
    N_ ("The server requires a client certificate: enrol, or set pem_cert and pem_private_key") },
  { GNUTLS_A_NO_APPLICATION_PROTOCOL,
    N_ ("The server there does not speak mux/1: is it another service on this port?") },
};

static const char *
remedy_for (int alert)
{
  for (gsize i = 0; i < G_N_ELEMENTS (remedies); i++)
    if (remedies[i].alert == alert)
      return _(remedies[i].remedy);
  return NULL;
}

static void run (TransportRace *race);

/* Nobody listens to a connection that lost. */
static void
orphan_closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
}

static const QuicConnectionEvents orphan_events = { .closed = orphan_closed_cb };

static void
attempt_free (gpointer data)
{
  Attempt *attempt = data;

  if (attempt->connection != NULL)
    {
      quic_connection_set_events (attempt->connection, &orphan_events, NULL);
      quic_connection_close (attempt->connection, QUIC_CODE_NONE, "");
    }
  if (attempt->driver != NULL)
    transport_bury (attempt->race->transport, attempt->driver);
  g_free (attempt);
}

/* How much an error tells: that somebody was there and why it did not go. */
static int
weight (const GError *error)
{
  if (error->domain != MUX_ERROR)
    return 1;
  switch (error->code)
    {
    case MUX_ERROR_REFUSED:
    case MUX_ERROR_TLS:
      return 4;
    case MUX_ERROR_PROTOCOL:
      return 3;
    case MUX_ERROR_UNREACHABLE:
      return 0;
    default:
      return 2;
    }
}

static void
note_error (TransportRace *race, GError *error)
{
  if (race->error == NULL || weight (error) > weight (race->error))
    {
      g_clear_error (&race->error);
      race->error = error;
    }
  else
    g_error_free (error);
}

/* Told last: the caller may free the race. */
static void
tell (TransportRace *race, QuicDriver *driver, QuicConnection *connection, const GError *error)
{
  race->told = TRUE;
  transport_timer_clear (&race->head_start);
  transport_timer_clear (&race->deadline);
  race->func (driver, connection, error, race->user_data);
}

static GError *
no_answer (TransportRace *race)
{
  g_autoptr (GString) tried = g_string_new (NULL);
  GError *error = NULL;

  for (guint i = 0; i < race->addresses->len; i++)
    {
      char text[NET_ADDRESS_STRLEN];

      g_string_append_printf (tried, "%s%s", i > 0 ? ", " : "",
                              net_address_format (&g_array_index (race->addresses, NetAddress, i), text));
    }
  base_error_set (
      &error, MUX_ERROR_UNREACHABLE,
      _("No answer from %s (%s): does the host run there, and does every firewall between let UDP port %u "
         "through?"),
      race->label, tried->str, net_address_port (&g_array_index (race->addresses, NetAddress, 0)));
  return error;
}

static void
tell_failure (TransportRace *race)
{
  g_autoptr (GError) error = NULL;

  if (race->error == NULL || weight (race->error) == 0)
    error = no_answer (race);
  else
    error = transport_error_prefixed (race->error, _("Connecting to %s failed"), race->label);
  tell (race, NULL, NULL, error);
}

/* An attempt that failed, or could not be made, gives way to the next. */
static void
connected_cb (QuicConnection *connection, gpointer user_data)
{
  Attempt *attempt = user_data;
  TransportRace *race = attempt->race;
  QuicDriver *driver = g_steal_pointer (&attempt->driver);

  if (race->told)
    return;
  attempt->connection = NULL;
  quic_connection_set_events (connection, &orphan_events, NULL);
  g_ptr_array_set_size (race->attempts, 0);
  tell (race, driver, connection, NULL);
}

static void
closed_cb (QuicConnection *connection, const QuicCloseInfo *info, gpointer user_data)
{
  Attempt *attempt = user_data;
  TransportRace *race = attempt->race;
  const char *remedy = info->cause == QUIC_CLOSE_TLS ? remedy_for (info->alert) : NULL;
  GError *error;

  if (info->error == NULL)
    error = g_error_new (MUX_ERROR, MUX_ERROR_LOST, _("The connection was closed"));
  else if (remedy != NULL)
    error = g_error_new (info->error->domain, info->error->code, "%s. %s", info->error->message, remedy);
  else
    error = g_error_copy (info->error);
  base_debug ("dialling %s: %s", race->label, error->message);
  note_error (race, error);
  attempt->connection = NULL;
  g_ptr_array_remove_fast (race->attempts, attempt);
  run (race);
}

static const QuicConnectionEvents attempt_events = { .connected = connected_cb, .closed = closed_cb };

static gboolean
begin_attempt (TransportRace *race, const NetAddress *remote, GError **error)
{
  char text[NET_ADDRESS_STRLEN];
  g_autofree char *name = g_strdup_printf ("mux-quic client %s", net_address_format (remote, text));
  NetAddress local;
  Attempt *attempt = g_new0 (Attempt, 1);
  NetUdp *udp;

  attempt->race = race;
  attempt->remote = *remote;
  g_ptr_array_add (race->attempts, attempt);
  net_address_from_numeric (&local, net_address_family (remote) == AF_INET6 ? "::" : "0.0.0.0", 0);
  udp = net_udp_open (&local, NET_UDP_DEFAULT, error);
  if (udp != NULL)
    attempt->driver
        = quic_driver_new_client (udp, race->transport->context, name, race->transport->client_secret, error);
  if (attempt->driver != NULL)
    attempt->connection = quic_driver_connect (attempt->driver, remote, race->tls, &race->config,
                                               &attempt_events, attempt, error);
  if (attempt->connection != NULL)
    return TRUE;
  g_ptr_array_remove_fast (race->attempts, attempt);
  return FALSE;
}

static gboolean
head_start_cb (gpointer data)
{
  TransportRace *race = data;

  transport_timer_clear (&race->head_start);
  run (race);
  return G_SOURCE_REMOVE;
}

static gboolean
over_cb (gpointer data)
{
  TransportRace *race = data;

  transport_timer_clear (&race->over);
  tell_failure (race);
  return G_SOURCE_REMOVE;
}

/* Begins the next attempt that can be begun; with none left, and none under way, it is over. */
static void
run (TransportRace *race)
{
  if (race->told)
    return;
  transport_timer_clear (&race->head_start);
  while (race->next < race->addresses->len)
    {
      g_autoptr (GError) error = NULL;

      if (begin_attempt (race, &g_array_index (race->addresses, NetAddress, race->next++), &error))
        {
          if (race->next < race->addresses->len)
            race->head_start = transport_timer (race->transport, HEAD_START_MS, head_start_cb, race);
          return;
        }
      note_error (race, g_steal_pointer (&error));
    }
  /* From the main context: this may be inside transport_race_new (). */
  if (race->attempts->len == 0 && race->over == NULL)
    race->over = transport_timer (race->transport, 0, over_cb, race);
}

static gboolean
deadline_cb (gpointer data)
{
  tell_failure (data);
  return G_SOURCE_REMOVE;
}

TransportRace *
transport_race_new (MuxTransport *transport, GArray *addresses, QuicTls *tls,
                    const QuicConnectionConfig *config, const char *label, TransportRaceFunc func,
                    gpointer user_data)
{
  TransportRace *race = g_new0 (TransportRace, 1);

  race->transport = transport;
  race->addresses = addresses;
  race->tls = quic_tls_ref (tls);
  race->config = *config;
  race->label = g_strdup (label);
  race->func = func;
  race->user_data = user_data;
  race->attempts = g_ptr_array_new_with_free_func (attempt_free);
  race->deadline = transport_timer (transport, (guint) config->handshake_timeout_ms, deadline_cb, race);
  run (race);
  return race;
}

void
transport_race_free (TransportRace *race)
{
  race->told = TRUE;
  transport_timer_clear (&race->head_start);
  transport_timer_clear (&race->deadline);
  transport_timer_clear (&race->over);
  g_ptr_array_unref (race->attempts);
  g_array_unref (race->addresses);
  quic_tls_unref (race->tls);
  g_clear_error (&race->error);
  g_free (race->label);
  g_free (race);
}
