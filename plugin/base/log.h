/* Log messages of the plugin: GLib structured logging with the room as a field (MUX_ROOM); never a writer or
 * a handler of our own, that is the host's. Define BASE_LOG_ROOM before including. Nothing secret is ever an
 * argument. */
#pragma once

#include "base/events.h"

#include <glib.h>

G_BEGIN_DECLS

#ifndef BASE_LOG_ROOM
#define BASE_LOG_ROOM "mux-quic"
#endif

#define BASE_LOG(level, ...)                                                                                 \
  g_log_structured ("mux-quic", level, "MUX_ROOM", BASE_LOG_ROOM, "MESSAGE", __VA_ARGS__)
#define base_debug(...) BASE_LOG (G_LOG_LEVEL_DEBUG, __VA_ARGS__)
#define base_info(...) BASE_LOG (G_LOG_LEVEL_INFO, __VA_ARGS__)
#define base_message(...) BASE_LOG (G_LOG_LEVEL_MESSAGE, __VA_ARGS__)
#define base_warning(...) BASE_LOG (G_LOG_LEVEL_WARNING, __VA_ARGS__)

/* A message of base/events.h: BASE_EVENT (level, id, "MUX_…", text, …, "MESSAGE", format, …). A text may be NULL by way of
 * base_log_text (). */
#define BASE_EVENT(level, id, ...)                                                                           \
  g_log_structured ("mux-quic", level, "MESSAGE_ID", id, "MUX_ROOM", BASE_LOG_ROOM, __VA_ARGS__)
#define base_event(id, ...) BASE_EVENT (G_LOG_LEVEL_MESSAGE, id, __VA_ARGS__)

static inline const char *
base_log_text (const char *text)
{
  return text != NULL ? text : "";
}

/* A gate for messages that a peer can cause: at most @burst per @interval. Zero-initialise. */
typedef struct
{
  guint64 window_start;
  guint in_window;
  guint64 suppressed; /* messages held back before the one now let through, or until now */
  gboolean let_through;
} BaseLogGate;

/* Whether one more message may be logged at @now (ns). When it may, @suppressed still says how many were held
 * back since the message before it. */
gboolean base_log_gate (BaseLogGate *gate, guint64 now, guint burst, guint64 interval);

G_END_DECLS
