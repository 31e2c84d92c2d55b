#include "host/log.h"

#include <string.h>
#include <unistd.h>

#define DOMAIN "mux-quic"

static int threshold = G_LOG_LEVEL_MESSAGE;

GLogLevelFlags
host_log_level (void)
{
  return (GLogLevelFlags)g_atomic_int_get (&threshold);
}

void
host_log_set_level (GLogLevelFlags level)
{
  g_atomic_int_set (&threshold, (int)(level & G_LOG_LEVEL_MASK));
}

static gboolean
is_ours (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
      return g_strcmp0 (fields[i].value, DOMAIN) == 0;
  return TRUE;
}

static GLogWriterOutput
writer_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  GLogLevelFlags plain = level & G_LOG_LEVEL_MASK;

  if (!is_ours (fields, n_fields) || (plain <= G_LOG_LEVEL_CRITICAL))
    return g_log_writer_default (level, fields, n_fields, NULL);
  /* The less important, the greater. */
  if (plain > host_log_level ())
    return G_LOG_WRITER_HANDLED;
  if (plain <= G_LOG_LEVEL_MESSAGE)
    return g_log_writer_default (level, fields, n_fields, NULL);
  /* The default writer would drop these by what the environment says. */
  if (g_log_writer_is_journald (STDERR_FILENO)
      && g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_standard_streams (level, fields, n_fields, NULL);
}

void
host_log_init (void)
{
  static const GLogLevelFlags asked_for[] = { G_LOG_LEVEL_DEBUG, G_LOG_LEVEL_INFO };

  for (gsize i = 0; i < G_N_ELEMENTS (asked_for); i++)
    if (!g_log_writer_default_would_drop (asked_for[i], DOMAIN))
      {
        host_log_set_level (asked_for[i]);
        break;
      }
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_writer_func (writer_cb, NULL, NULL);
}
