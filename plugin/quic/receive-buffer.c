#include "quic/receive-buffer.h"

#include <string.h>

/* A keystroke costs a small block, a bulk transfer few large ones. */
#define SMALL_BLOCK 512
#define LARGE_BLOCK 16384

struct _QuicReceiveBlock
{
  QuicReceiveBlock *next;
  guint32 begin, end, size;
  guint8 bytes[];
};

void
quic_receive_buffer_append (QuicReceiveBuffer *buffer, const guint8 *data, gsize length)
{
  buffer->length += length;
  while (length > 0)
    {
      QuicReceiveBlock *block = buffer->last;
      gsize part;

      if (block == NULL || block->end == block->size)
        {
          guint32 size = block == NULL && length <= SMALL_BLOCK ? SMALL_BLOCK : LARGE_BLOCK;

          block = g_malloc (sizeof *block + size);
          *block = (QuicReceiveBlock){ .size = size };
          if (buffer->last != NULL)
            buffer->last->next = block;
          else
            buffer->first = block;
          buffer->last = block;
        }
      part = MIN (length, block->size - block->end);
      memcpy (block->bytes + block->end, data, part);
      block->end += (guint32)part;
      data += part;
      length -= part;
    }
}

static void
drop_first (QuicReceiveBuffer *buffer)
{
  QuicReceiveBlock *block = buffer->first;

  buffer->first = block->next;
  if (buffer->first == NULL)
    buffer->last = NULL;
  g_free (block);
}

gsize
quic_receive_buffer_read (QuicReceiveBuffer *buffer, void *data, gsize length)
{
  gsize done = 0;

  while (done < length && buffer->first != NULL)
    {
      QuicReceiveBlock *block = buffer->first;
      gsize part = MIN (length - done, block->end - block->begin);

      memcpy ((guint8 *)data + done, block->bytes + block->begin, part);
      block->begin += (guint32)part;
      done += part;
      if (block->begin == block->end)
        drop_first (buffer);
    }
  buffer->length -= done;
  return done;
}

gsize
quic_receive_buffer_clear (QuicReceiveBuffer *buffer)
{
  gsize length = buffer->length;

  while (buffer->first != NULL)
    drop_first (buffer);
  buffer->length = 0;
  return length;
}
