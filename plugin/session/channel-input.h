/* The reading half of a channel's GIOStream; see channel-stream.h. */
#pragma once

#include "session/lane.h"

G_BEGIN_DECLS

#define SESSION_TYPE_CHANNEL_INPUT (session_channel_input_get_type ())
G_DECLARE_FINAL_TYPE (SessionChannelInput, session_channel_input, SESSION, CHANNEL_INPUT, GInputStream)

GInputStream *session_channel_input_new (SessionLane *lane);
/* Completes a waiting read soon, from the main context, not from inside this call. */
void session_channel_input_interrupt (SessionChannelInput *input);

/* A GSource for one half: ready while the lane is readable (@output FALSE) or writable. Both halves use
   it. */
GSource *session_channel_source_new (GObject *stream, SessionLane *lane, gboolean output,
                                     GCancellable *cancellable);

G_END_DECLS
