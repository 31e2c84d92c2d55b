#include "host/style.h"

#include <glib/gi18n.h>
#include <unistd.h>

static HostColor chosen = HOST_COLOR_AUTO;

static gboolean
parse_cb (const char *name, const char *value, gpointer data, GError **error)
{
  static const char *const words[]
      = { [HOST_COLOR_AUTO] = "auto", [HOST_COLOR_ALWAYS] = "always", [HOST_COLOR_NEVER] = "never" };

  if (value == NULL || *value == '\0')
    value = "always";
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (value, words[i]))
      {
        chosen = (HostColor)i;
        return TRUE;
      }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("'%s' is none of auto, always, never"),
               value);
  return FALSE;
}

const GOptionEntry host_style_options[] = {
  { "color", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, (gpointer)parse_cb,
    N_ ("colours: auto, always or never"), N_ ("WHEN") },
  G_OPTION_ENTRY_NULL,
};

gboolean
host_style_decide (HostColor when, const char *no_color, const char *term, gboolean terminal)
{
  if (when != HOST_COLOR_AUTO)
    return when == HOST_COLOR_ALWAYS;
  if (no_color != NULL && *no_color != '\0')
    return FALSE;
  return terminal && term != NULL && *term != '\0' && !g_str_equal (term, "dumb");
}

gboolean
host_style_enabled (int fd)
{
  return host_style_decide (chosen, g_getenv ("NO_COLOR"), g_getenv ("TERM"), isatty (fd) == 1);
}

/* The eight colours that every terminal has, and that its owner has chosen to be readable. */
static const char *const sequences[] = {
  [HOST_STYLE_PLAIN] = "",           [HOST_STYLE_HEADING] = "\033[1m", [HOST_STYLE_GOOD] = "\033[32m",
  [HOST_STYLE_WARNING] = "\033[33m", [HOST_STYLE_BAD] = "\033[31m",
};

const char *
host_style_begin (HostStyle style, gboolean enabled)
{
  return enabled ? sequences[style] : "";
}

const char *
host_style_end (HostStyle style, gboolean enabled)
{
  return enabled && style != HOST_STYLE_PLAIN ? "\033[0m" : "";
}
