/* The sending half of a lane: every byte from the first that the peer has not counted to the last one
   written, which of them the QUIC stream has, and whether the end follows. The memory is shared with the
   stream's own buffer. Embedded in its lane. Never calls back. */
#pragma once

#include "base/chunks.h"
#include "quic/stream.h"

G_BEGIN_DECLS

typedef struct
{
  BaseChunks *log;       /* [confirmed, log end) */
  GByteArray *tail;      /* [log end, sent): small writes, gathered */
  guint64 pushed;        /* given to the stream up to here */
  guint64 confirmed;     /* counted by the peer up to here */
  gboolean finish;       /* the end follows what was written */
  gboolean finished;     /* the stream was told so */
  guint64 heat, burst;   /* see session_sender_flush () */
  gboolean bulk;
} SessionSender;

void session_sender_init (SessionSender *sender);
void session_sender_clear (SessionSender *sender);
/* Of a new one: the peer has everything below @offset. */
void session_sender_begin_at (SessionSender *sender, guint64 offset);
/* Drops what is kept, as if it were counted; the numbers stay. */
void session_sender_drop (SessionSender *sender);

guint64 session_sender_sent (const SessionSender *sender);
gsize session_sender_kept (const SessionSender *sender);
/* Written, but not given to the stream yet. */
gsize session_sender_waiting (const SessionSender *sender);

void session_sender_append (SessionSender *sender, const void *data, gsize length);
/* Gives @stream what waits, and the end. */
void session_sender_flush (SessionSender *sender, QuicStream *stream);
/* There is no stream any more. The next one gets everything from @from on, and the end; confirmed <= @from <= pushed. */
void session_sender_rewind (SessionSender *sender, guint64 from);
/* Drops what lies below @count; confirmed <= @count <= pushed. */
void session_sender_confirm (SessionSender *sender, guint64 count);

G_END_DECLS
