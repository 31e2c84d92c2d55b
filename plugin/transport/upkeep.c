#define BASE_LOG_ROOM "transport"
#include "transport/upkeep.h"

#include <glib/gi18n-lib.h>
#include <time.h>

#include "base/alarm.h"
#include "base/error.h"
#include "base/log.h"
#include "pki/rotation.h"
#include "transport/expiry.h"
#include "transport/listener.h"

#define DAY ((gint64) 24 * 60 * 60)
/* After a failure: the first wait, doubled up to the second. */
#define RETRY_MIN_SECONDS 60
#define RETRY_MAX_SECONDS 3600
/* How far the clock may run away from the machine's waking and sleeping time and still not have been set. */
#define DRIFT_SECONDS 600
/* What is seen is written after so long. */
#define FLUSH_MS 30000

struct _TransportUpkeep
{
  MuxTransport *transport;
  BaseAlarm *alarm;
  GSource *flush;
  guint retry_seconds; /* 0: nothing failed lately */
  char *problem;
  gint64 pruned; /* Unix seconds */
  gint64 offset; /* of the wall clock to the time since boot */
  gint64 settled_since; /* time since boot */
};

/* The clock */

static gint64
wall_time (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static gint64
boot_time (void)
{
  struct timespec now = { 0 };

  clock_gettime (CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

/* For how long the clock must still be left alone; 0: it is believed. */
static guint
unsettled_seconds (TransportUpkeep *upkeep)
{
  gint64 boot = boot_time (), offset = wall_time () - boot;

  if (offset > upkeep->offset + DRIFT_SECONDS || offset < upkeep->offset - DRIFT_SECONDS)
    {
      upkeep->offset = offset;
      upkeep->settled_since = boot;
    }
  return (guint) MAX (0, upkeep->settled_since + (gint64) upkeep->transport->settle_seconds - boot);
}

/* Dates */

static gboolean
is_generated (const TransportListener *listener)
{
  return !listener->retired && transport_server_pki_is_generated (listener->server);
}

/* When the first generated certificate is to be renewed; now, when it is one of the future, because the clock was put back. */
static gint64
renewal_due (MuxTransport *transport)
{
  gint64 due = G_MAXINT64, now = wall_time ();

  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];

      if (is_generated (listener))
        due = MIN (due, pki_certificate_not_before (listener->leaf) > now ? now
                                                                          : pki_certificate_renew_at (listener->leaf));
    }
  return due;
}

/* The longest life of what is issued now. */
static guint
lifetime_days (MuxTransport *transport)
{
  guint longest = 1;

  for (guint i = 0; i < config_settings_n_servers (transport->settings); i++)
    longest = MAX (longest, config_settings_server (transport->settings, i)->certificate_lifetime_days);
  return longest;
}

/* A CA that has expired is not rotated: its successor would be trusted by nobody, and rather the clock is wrong. */
static gint64
rotation_due (MuxTransport *transport, PkiAuthority *authority)
{
  if (pki_authority_is_rotating (authority))
    return pki_authority_overlap_end (authority, lifetime_days (transport));
  if (wall_time () > pki_certificate_not_after (pki_authority_bundle (authority)->pdata[0]))
    return G_MAXINT64;
  return pki_authority_rotate_at (authority);
}

/* Work */

static gboolean
renew_listeners (MuxTransport *transport, GError **error)
{
  for (guint i = 0; i < transport->listeners->len; i++)
    {
      TransportListener *listener = transport->listeners->pdata[i];
      g_autoptr (PkiCertificate) leaf = NULL;
      g_autoptr (QuicTls) tls = NULL;

      if (listener->retired)
        continue;
      /* Of those with files of a person's own only the trust may be another: for that they are read again. */
      tls = transport_server_pki_tls (transport->pki, listener->server, pki_certificate_names (listener->leaf), TRUE,
                                      &leaf, error);
      if (tls == NULL)
        return FALSE;
      if (!g_str_equal (pki_certificate_serial (leaf), pki_certificate_serial (listener->leaf)))
        {
          base_event (BASE_EVENT_CERTIFICATE_RENEWED, "MUX_SERIAL", pki_certificate_serial (leaf), "MUX_RENEWS",
                      pki_certificate_serial (listener->leaf), "MUX_BIND", listener->server->bind_address, "MESSAGE",
                      "%s shows a new certificate, %s", listener->server->bind_address, pki_certificate_serial (leaf));
          transport_certificate_renewed (transport, "server", listener->server->bind_address, leaf);
        }
      transport_listener_set_tls (listener, tls, leaf);
    }
  return TRUE;
}

gboolean
transport_upkeep_refresh (MuxTransport *transport, GError **error)
{
  gboolean good = renew_listeners (transport, error);

  if (transport->observer != NULL && transport->observer->listeners_changed != NULL)
    transport->observer->listeners_changed (transport, transport->observer_data);
  transport_expiry_look (transport->expiry);
  return good;
}

void
transport_upkeep_note_rotation (MuxTransport *transport)
{
  PkiAuthority *authority = transport_authority (transport);
  const char *serial = pki_certificate_serial (pki_authority_bundle (authority)->pdata[0]);

  base_event (BASE_EVENT_AUTHORITY_ROTATED, "MUX_SERIAL", serial, "MESSAGE", "%s: %s",
              pki_authority_is_rotating (authority) ? "The CA was rotated" : "The CA before the last rotation is trusted no more",
              serial);
}

static gboolean
rotate_or_retire (MuxTransport *transport, PkiAuthority *authority, GError **error)
{
  if (pki_authority_is_rotating (authority) ? !pki_authority_retire (authority, error) : !pki_authority_rotate (authority, error))
    return FALSE;
  transport_upkeep_note_rotation (transport);
  return transport_upkeep_refresh (transport, error);
}

static gboolean
work (TransportUpkeep *upkeep, GError **error)
{
  MuxTransport *transport = upkeep->transport;
  PkiAuthority *authority = transport_authority (transport);
  gint64 now = wall_time ();

  if (renewal_due (transport) <= now && !transport_upkeep_refresh (transport, error))
    return FALSE;
  /* The old one serves as long as it is valid, but this is not to be tried without a pause. */
  if (renewal_due (transport) <= now)
    return base_error_set (error, MUX_ERROR_PKI, _("the old server certificate is still in use"));
  if (authority == NULL || unsettled_seconds (upkeep) > 0)
    return TRUE;
  if (rotation_due (transport, authority) <= now && !rotate_or_retire (transport, authority, error))
    return FALSE;
  if (now < upkeep->pruned + DAY)
    return TRUE;
  upkeep->pruned = now;
  return pki_registry_prune (transport_server_pki_registry (transport->pki), error);
}

static gint64
next_due (TransportUpkeep *upkeep)
{
  PkiAuthority *authority = transport_authority (upkeep->transport);
  gint64 due = renewal_due (upkeep->transport), later, now = wall_time ();

  if (authority == NULL)
    return due;
  later = MIN (rotation_due (upkeep->transport, authority), upkeep->pruned + DAY);
  return MIN (due, later > now ? later : now + unsettled_seconds (upkeep));
}

static void
arm (TransportUpkeep *upkeep)
{
  base_alarm_set (upkeep->alarm, next_due (upkeep), upkeep->retry_seconds);
}

static void
alarm_cb (gpointer data)
{
  TransportUpkeep *upkeep = data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&upkeep->problem, g_free);
  if (work (upkeep, &error))
    upkeep->retry_seconds = 0;
  else
    {
      upkeep->retry_seconds = CLAMP (2 * upkeep->retry_seconds, RETRY_MIN_SECONDS, RETRY_MAX_SECONDS);
      upkeep->problem = g_strdup (error->message);
      BASE_EVENT (G_LOG_LEVEL_WARNING, BASE_EVENT_CERTIFICATE_TROUBLE, "MUX_REASON", error->message, "MESSAGE",
                  "The certificates of this host cannot be renewed, the next try is in %u s: %s", upkeep->retry_seconds,
                  error->message);
    }
  arm (upkeep);
}

TransportUpkeep *
transport_upkeep_new (MuxTransport *transport)
{
  TransportUpkeep *upkeep = g_new0 (TransportUpkeep, 1);

  upkeep->transport = transport;
  upkeep->alarm = base_alarm_new (transport->context, alarm_cb, upkeep);
  upkeep->settled_since = boot_time ();
  upkeep->offset = wall_time () - upkeep->settled_since;
  arm (upkeep);
  return upkeep;
}

void
transport_upkeep_free (TransportUpkeep *upkeep)
{
  transport_upkeep_flush (upkeep);
  base_alarm_free (upkeep->alarm);
  g_free (upkeep->problem);
  g_free (upkeep);
}

void
transport_upkeep_look (TransportUpkeep *upkeep)
{
  upkeep->retry_seconds = 0;
  g_clear_pointer (&upkeep->problem, g_free);
  arm (upkeep);
}

const char *
transport_upkeep_problem (const TransportUpkeep *upkeep)
{
  return upkeep->problem;
}

/* Who was seen */

void
transport_upkeep_flush (TransportUpkeep *upkeep)
{
  PkiRegistry *registry = upkeep->transport->pki == NULL ? NULL : transport_server_pki_registry (upkeep->transport->pki);
  g_autoptr (GError) error = NULL;

  transport_timer_clear (&upkeep->flush);
  if (registry != NULL && !pki_registry_flush (registry, &error))
    base_warning ("When clients were last seen cannot be written: %s", error->message);
}

static gboolean
flush_cb (gpointer data)
{
  transport_upkeep_flush (data);
  return G_SOURCE_REMOVE;
}

void
transport_upkeep_seen (TransportUpkeep *upkeep, const char *serial, const char *address)
{
  PkiRegistry *registry = transport_server_pki_registry (upkeep->transport->pki);

  if (registry == NULL)
    return;
  pki_registry_note (registry, serial, address);
  if (upkeep->flush == NULL)
    upkeep->flush = transport_timer (upkeep->transport, FLUSH_MS, flush_cb, upkeep);
}
