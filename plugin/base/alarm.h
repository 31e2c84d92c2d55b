/* One deadline on the wall clock, as dates of certificates are. The clock may be set, and a machine may sleep: the deadline is looked at in
 * every turn of the main context and at least once a minute, never slept towards. Free it on its context's thread. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _BaseAlarm BaseAlarm;
/* The deadline has come; it is unset again. */
typedef void (*BaseAlarmFunc) (gpointer user_data);

/* Unset. On @context, which is kept as long as the alarm is. */
BaseAlarm *base_alarm_new (GMainContext *context, BaseAlarmFunc func, gpointer user_data);
/* @when: Unix seconds; in the past: soon. G_MAXINT64: unset. Not before @delay_seconds of waking time from now,
 * whatever the clock says. */
void base_alarm_set (BaseAlarm *alarm, gint64 when, guint delay_seconds);
/* Nothing is told any more; may be called in its function. */
void base_alarm_free (BaseAlarm *alarm);

/* For tests: @now in µs like g_get_real_time (); NULL: the clock. */
void base_alarm_set_clock (BaseAlarm *alarm, gint64 (*now) (void));

G_END_DECLS
