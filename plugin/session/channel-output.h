/* The writing half of a channel's GIOStream; see channel-stream.h. */
#pragma once

#include "session/lane.h"

G_BEGIN_DECLS

#define SESSION_TYPE_CHANNEL_OUTPUT (session_channel_output_get_type ())
G_DECLARE_FINAL_TYPE (SessionChannelOutput, session_channel_output, SESSION, CHANNEL_OUTPUT, GOutputStream)

GOutputStream *session_channel_output_new (SessionLane *lane);

G_END_DECLS
