#include "control/log-level.h"

#include <glib/gi18n-lib.h>

#define BASE_LOG_ROOM "control"
#include "base/log.h"

static const struct
{
  const char *name;
  GLogLevelFlags level; /* the least important that it shows */
} levels[] = {
  { "error", G_LOG_LEVEL_CRITICAL }, { "warning", G_LOG_LEVEL_WARNING }, { "message", G_LOG_LEVEL_MESSAGE },
  { "info", G_LOG_LEVEL_INFO },      { "debug", G_LOG_LEVEL_DEBUG },
};

static gboolean
has_level (const MuxHost *host)
{
  return MUX_HAS (host, set_log_level) && host->log_level != NULL && host->set_log_level != NULL;
}

const char *
control_log_level_get (const MuxHost *host)
{
  GLogLevelFlags level;

  if (!has_level (host))
    return "";
  level = host->log_level (host->user_data);
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (level <= levels[i].level)
      return levels[i].name;
  return levels[G_N_ELEMENTS (levels) - 1].name;
}

gboolean
control_log_level_set (const MuxHost *host, const char *name, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    if (g_str_equal (name, levels[i].name))
      {
        if (!has_level (host))
          {
            g_set_error_literal (error, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
                                 _ ("This host does not let its log be changed"));
            return FALSE;
          }
        base_message ("The log shows %s messages and what is more important from now on", name);
        host->set_log_level (host->user_data, levels[i].level);
        return TRUE;
      }
  g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
               _ ("“%s” is no log level: say error, warning, message, info or debug"), name);
  return FALSE;
}
