#include "session/sender.h"
#include "session/lane.h"

#include <string.h>

/* Writes shorter than this are gathered up to GATHER_SIZE while the stream has unsent bytes anyway: a
   program that writes single bytes would else cost a hundred times its bytes in bookkeeping, and the
   window, which counts bytes, would not bound the memory. */
#define SMALL_WRITE 2048
#define GATHER_SIZE 4096
/* No more heat is remembered, so that a lane cools down after a few quiet turns. */
#define HEAT_MAX (2 * SESSION_LANE_HOT)
/* A turn with at most so many bytes is one of typing, not of data. */
#define QUIET_BURST (8 * 1024)

void
session_sender_init (SessionSender *sender)
{
  memset (sender, 0, sizeof *sender);
  sender->log = base_chunks_new ();
  sender->tail = g_byte_array_new ();
}

void
session_sender_begin_at (SessionSender *sender, guint64 offset)
{
  base_chunks_begin_at (sender->log, offset);
  sender->pushed = sender->confirmed = offset;
}

void
session_sender_clear (SessionSender *sender)
{
  g_clear_pointer (&sender->log, base_chunks_free);
  g_clear_pointer (&sender->tail, g_byte_array_unref);
}

/* Moves the gathered bytes into the log. */
static void
fold_tail (SessionSender *sender)
{
  g_autoptr (GBytes) bytes = NULL;

  if (sender->tail->len == 0)
    return;
  bytes = g_bytes_new (sender->tail->data, sender->tail->len);
  g_byte_array_set_size (sender->tail, 0);
  base_chunks_append (sender->log, bytes);
}

void
session_sender_drop (SessionSender *sender)
{
  fold_tail (sender);
  base_chunks_drop_to (sender->log, base_chunks_end (sender->log));
  sender->pushed = base_chunks_end (sender->log);
  g_byte_array_unref (sender->tail);
  sender->tail = g_byte_array_new ();
}

guint64
session_sender_sent (const SessionSender *sender)
{
  return base_chunks_end (sender->log) + sender->tail->len;
}

gsize
session_sender_kept (const SessionSender *sender)
{
  return session_sender_sent (sender) - base_chunks_begin (sender->log);
}

gsize
session_sender_waiting (const SessionSender *sender)
{
  return session_sender_sent (sender) - sender->pushed;
}

void
session_sender_append (SessionSender *sender, const void *data, gsize length)
{
  if (length < SMALL_WRITE)
    {
      g_byte_array_append (sender->tail, data, length);
      if (sender->tail->len >= GATHER_SIZE)
        fold_tail (sender);
    }
  else
    {
      g_autoptr (GBytes) bytes = g_bytes_new (data, length);

      fold_tail (sender);
      base_chunks_append (sender->log, bytes);
    }
}

/* Interactive or bulk, by counts alone. A burst is what was pushed between two moments at which nothing
   was unsent. While a burst lasts, every byte heats the lane up; at its end a short one halves the heat.
   So a lane becomes bulk in its first 128 KiB of flood, whether the link is slow (one long burst) or fast
   (many full ones), and is interactive again after a few keystrokes. */
static void
update_urgency (SessionSender *sender, QuicStream *stream, gsize pushed_now)
{
  gboolean bulk = sender->bulk;

  if (quic_stream_unsent (stream) == 0)
    {
      if (sender->burst > 0 && sender->burst <= QUIET_BURST)
        sender->heat /= 2;
      sender->burst = 0;
    }
  sender->burst += pushed_now;
  sender->heat = MIN (sender->heat + pushed_now, HEAT_MAX);
  if (sender->heat > SESSION_LANE_HOT)
    bulk = TRUE;
  else if (sender->heat < SESSION_LANE_COLD)
    bulk = FALSE;
  if (bulk != sender->bulk)
    {
      sender->bulk = bulk;
      quic_stream_set_urgency (stream, bulk ? 2 : 1);
    }
}

void
session_sender_flush (SessionSender *sender, QuicStream *stream)
{
  gsize before;

  /* Gathered bytes leave once nothing is in front of them, and before the end of the stream in any case. */
  if (sender->tail->len > 0 && (sender->finish || quic_stream_unsent (stream) == 0))
    fold_tail (sender);

  before = base_chunks_end (sender->log) - sender->pushed;
  update_urgency (sender, stream, before);
  while (sender->pushed < base_chunks_end (sender->log))
    {
      g_autoptr (GBytes) run = base_chunks_slice (sender->log, sender->pushed, G_MAXSIZE);

      sender->pushed += g_bytes_get_size (run);
      quic_stream_write (stream, run);
    }
  if (sender->finish && !sender->finished)
    {
      sender->finished = TRUE;
      quic_stream_finish (stream);
    }
}

void
session_sender_rewind (SessionSender *sender, guint64 from)
{
  g_assert (from >= sender->confirmed && from <= sender->pushed);
  sender->pushed = from;
  sender->finished = FALSE;
  sender->heat = sender->burst = 0;
  sender->bulk = FALSE;
}

void
session_sender_confirm (SessionSender *sender, guint64 count)
{
  g_assert (count >= sender->confirmed && count <= sender->pushed);
  sender->confirmed = count;
  base_chunks_drop_to (sender->log, count);
}
