/* Frames at the head of a QUIC stream: takes exactly the bytes of one frame, so that the raw bytes behind
   it stay in the stream. */
#pragma once

#include "quic/stream.h"
#include "session/frame.h"

G_BEGIN_DECLS

typedef enum
{
  SESSION_FRAME_NONE,  /* nothing complete yet */
  SESSION_FRAME_READ,  /* *@name and *@arguments are set, transfer full */
  SESSION_FRAME_ENDED, /* the peer ended the stream, between frames */
  SESSION_FRAME_WRONG, /* @error is set, MUX_ERROR_PROTOCOL */
} SessionFrameResult;

SessionFrameResult session_frame_stream_read (QuicStream *stream, SessionFrameReader *reader, char **name,
                                              GVariant **arguments, GError **error);

/* Encodes and queues. FALSE with MUX_ERROR_LIMIT when it is too long for a frame. */
gboolean session_frame_stream_write (QuicStream *stream, const char *name, GVariant *arguments,
                                     GError **error);

/* Text of a peer for a person: cut at @max bytes at a character's border, without control characters (they
   would reach somebody's terminal). Transfer full. */
char *session_frame_text (const char *text, gsize max);

G_END_DECLS
