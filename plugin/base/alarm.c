#include "base/alarm.h"

/* How long a clock that was set, or a sleep that ended, may go unnoticed on a machine that does nothing else. */
#define LOOK_SECONDS 60

struct _BaseAlarm
{
  GSource source;
  gint64 when;       /* Unix µs; G_MAXINT64 = unset */
  gint64 not_before; /* monotonic, µs */
  gint64 (*now) (void);
  BaseAlarmFunc func;
  gpointer user_data;
};

static gboolean
is_due (const BaseAlarm *alarm)
{
  return alarm->when != G_MAXINT64 && alarm->now () >= alarm->when
         && g_source_get_time ((GSource *) alarm) >= alarm->not_before;
}

static gboolean
prepare (GSource *source, int *timeout)
{
  BaseAlarm *alarm = (BaseAlarm *) source;
  gint64 wait;

  *timeout = -1;
  if (alarm->when == G_MAXINT64)
    return FALSE;
  if (is_due (alarm))
    return TRUE;
  wait = MAX (alarm->when - alarm->now (), alarm->not_before - g_source_get_time (source));
  *timeout = (int) (CLAMP (wait, 0, (gint64) LOOK_SECONDS * G_USEC_PER_SEC) / 1000 + 1);
  return FALSE;
}

static gboolean
check (GSource *source)
{
  return is_due ((BaseAlarm *) source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  BaseAlarm *alarm = (BaseAlarm *) source;

  alarm->when = G_MAXINT64;
  alarm->func (alarm->user_data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = { .prepare = prepare, .check = check, .dispatch = dispatch };

BaseAlarm *
base_alarm_new (GMainContext *context, BaseAlarmFunc func, gpointer user_data)
{
  GSource *source = g_source_new (&functions, sizeof (BaseAlarm));
  BaseAlarm *alarm = (BaseAlarm *) source;

  alarm->when = G_MAXINT64;
  alarm->now = g_get_real_time;
  alarm->func = func;
  alarm->user_data = user_data;
  g_source_set_static_name (source, "mux-quic alarm");
  g_source_attach (source, context);
  return alarm;
}

void
base_alarm_set (BaseAlarm *alarm, gint64 when, guint delay_seconds)
{
  alarm->when = when > G_MAXINT64 / G_USEC_PER_SEC ? G_MAXINT64 : when * G_USEC_PER_SEC;
  alarm->not_before = g_get_monotonic_time () + (gint64) delay_seconds * G_USEC_PER_SEC;
}

void
base_alarm_free (BaseAlarm *alarm)
{
  g_source_destroy ((GSource *) alarm);
  g_source_unref ((GSource *) alarm);
}

void
base_alarm_set_clock (BaseAlarm *alarm, gint64 (*now) (void))
{
  alarm->now = now != NULL ? now : g_get_real_time;
}
