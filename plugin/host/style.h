/* Colours, and whether there are any: --color, else NO_COLOR, TERM and whether it is a terminal. The one
 * place that knows escape sequences for them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  HOST_STYLE_PLAIN,
  HOST_STYLE_HEADING,
  HOST_STYLE_GOOD,
  HOST_STYLE_WARNING, /* somebody should look at it soon */
  HOST_STYLE_BAD,
} HostStyle;

typedef enum
{
  HOST_COLOR_AUTO,
  HOST_COLOR_ALWAYS,
  HOST_COLOR_NEVER,
} HostColor;

/* --color[=WHEN], for verbs that print more than plain text. */
extern const GOptionEntry host_style_options[];

/* The rule: @when, else no colours where NO_COLOR is set and not empty (no-color.org), where the terminal is
 * dumb or unknown, or where it is none. */
gboolean host_style_decide (HostColor when, const char *no_color, const char *term, gboolean terminal);
/* Whether what is written to @fd has colours. */
gboolean host_style_enabled (int fd);
/* What begins and ends @style; "" where @enabled is FALSE. Static. */
const char *host_style_begin (HostStyle style, gboolean enabled);
const char *host_style_end (HostStyle style, gboolean enabled);

G_END_DECLS
