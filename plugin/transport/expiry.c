#include "transport/expiry.h"

#include "base/alarm.h"
#include "transport/transport-private.h"

#define DAY ((gint64)24 * 60 * 60)

struct _TransportExpiry
{
  MuxTransport *transport;
  BaseAlarm *alarm;
  GHashTable *told; /* serial → gint64: when it was told last, Unix seconds */
  gint64 (*now) (void);
};

typedef struct
{
  TransportExpiry *expiry;
  GHashTable *told; /* of those still in use */
  gint64 now, next;
} Look;

static gint64
due (const Look *look, PkiCertificate *certificate)
{
  gint64 end = pki_certificate_not_after (certificate);
  gint64 life = end - pki_certificate_not_before (certificate);
  const gint64 *told = g_hash_table_lookup (look->told, pki_certificate_serial (certificate));

  return told != NULL ? *told + DAY : end - MIN (life / 6, TRANSPORT_EXPIRY_DAYS * DAY);
}

static void
look_at_cb (const char *role, const char *name, PkiCertificate *certificate, const char *problem,
            gpointer data)
{
  Look *look = data;
  MuxTransport *transport = look->expiry->transport;
  const TransportObserver *observer = transport->observer;
  const char *serial = pki_certificate_serial (certificate);
  const gint64 *told = g_hash_table_lookup (look->expiry->told, serial);

  if (told != NULL && !g_hash_table_contains (look->told, serial))
    g_hash_table_insert (look->told, g_strdup (serial), g_memdup2 (told, sizeof *told));
  if (due (look, certificate) <= look->now)
    {
      g_hash_table_insert (look->told, g_strdup (serial), g_memdup2 (&look->now, sizeof look->now));
      if (observer != NULL && observer->certificate_expiring != NULL)
        observer->certificate_expiring (transport, role, name, certificate, problem,
                                        transport->observer_data);
    }
  look->next = MIN (look->next, due (look, certificate));
}

static void
alarm_cb (gpointer data)
{
  TransportExpiry *expiry = data;
  Look look = { .expiry = expiry,
                .told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
                .now = expiry->now () / G_USEC_PER_SEC,
                .next = G_MAXINT64 };

  transport_certificates_in_use (expiry->transport, look_at_cb, &look);
  g_hash_table_unref (expiry->told);
  expiry->told = look.told;
  base_alarm_set (expiry->alarm, look.next, 0);
}

void
transport_expiry_look (TransportExpiry *expiry)
{
  /* Soon: what calls may be in the middle of a change. */
  if (expiry != NULL)
    base_alarm_set (expiry->alarm, 0, 0);
}

void
transport_expiry_set_clock (TransportExpiry *expiry, gint64 (*now) (void))
{
  expiry->now = now;
  base_alarm_set_clock (expiry->alarm, now);
}

TransportExpiry *
transport_expiry_new (MuxTransport *transport)
{
  TransportExpiry *expiry = g_new0 (TransportExpiry, 1);

  expiry->transport = transport;
  expiry->now = g_get_real_time;
  expiry->alarm = base_alarm_new (transport->context, alarm_cb, expiry);
  expiry->told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  transport_expiry_look (expiry);
  return expiry;
}

void
transport_expiry_free (TransportExpiry *expiry)
{
  base_alarm_free (expiry->alarm);
  g_hash_table_unref (expiry->told);
  g_free (expiry);
}
