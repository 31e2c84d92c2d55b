/* A lane as a GIOStream whose halves are pollable, so that GIO's asynchronous calls on it use no thread.

   Closing the output is a half-close (FIN), closing the input asks the peer to stop; both return at once,
   the bytes follow. A blocking read or write does what it can without waiting and else fails with
   G_IO_ERROR_NOT_SUPPORTED: on the context that also moves the packets, waiting would be for ever.
   Dropping the last reference resets what is unfinished (QUIC_CODE_CANCELLED). A read that waits without a
   GCancellable costs no GSource: it is completed in the pass that brings the bytes. */
#pragma once

#include "session/lane.h"

G_BEGIN_DECLS

/* Refs @lane, becomes its object. */
GIOStream *session_channel_stream_new (SessionLane *lane);
/* Borrowed; NULL when @stream is none of ours. */
SessionLane *session_channel_stream_lane (GIOStream *stream);

G_END_DECLS
