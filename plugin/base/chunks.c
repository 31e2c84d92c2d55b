#include "base/chunks.h"

typedef struct
{
  GBytes *bytes;
  guint64 begin; /* absolute offset of its first byte */
} Chunk;

struct _BaseChunks
{
  /* A ring of chunks; its capacity is a power of two, grown when full. */
  Chunk *ring;
  gsize capacity, head, count;
  guint64 begin, end;
};

#define FIRST_CAPACITY 8

static Chunk *
chunk_at (const BaseChunks *chunks, gsize index)
{
  return &chunks->ring[(chunks->head + index) & (chunks->capacity - 1)];
}

static void
grow (BaseChunks *chunks)
{
  gsize capacity = MAX (chunks->capacity * 2, FIRST_CAPACITY);
  Chunk *ring = g_new (Chunk, capacity);

  for (gsize i = 0; i < chunks->count; i++)
    ring[i] = *chunk_at (chunks, i);
  g_free (chunks->ring);
  chunks->ring = ring;
  chunks->capacity = capacity;
  chunks->head = 0;
}

void
base_chunks_begin_at (BaseChunks *chunks, guint64 offset)
{
  g_assert (chunks->end == 0);
  chunks->begin = chunks->end = offset;
}

void
base_chunks_append (BaseChunks *chunks, GBytes *bytes)
{
  gsize length = g_bytes_get_size (bytes);

  if (length == 0)
    return;
  if (chunks->count == chunks->capacity)
    grow (chunks);
  *chunk_at (chunks, chunks->count) = (Chunk){ .bytes = g_bytes_ref (bytes), .begin = chunks->end };
  chunks->count++;
  chunks->end += length;
}

void
base_chunks_drop_to (BaseChunks *chunks, guint64 offset)
{
  g_assert (offset <= chunks->end);
  if (offset <= chunks->begin)
    return;
  chunks->begin = offset;
  while (chunks->count > 0)
    {
      Chunk *first = chunk_at (chunks, 0);

      if (first->begin + g_bytes_get_size (first->bytes) > offset)
        break;
      g_bytes_unref (first->bytes);
      chunks->head = (chunks->head + 1) & (chunks->capacity - 1);
      chunks->count--;
    }
}

guint64
base_chunks_begin (const BaseChunks *chunks)
{
  return chunks->begin;
}

guint64
base_chunks_end (const BaseChunks *chunks)
{
  return chunks->end;
}

/* The chunk that holds the byte at @offset, or NULL at the end. */
static Chunk *
find (const BaseChunks *chunks, guint64 offset)
{
  gsize low = 0, high = chunks->count;

  g_assert (offset >= chunks->begin && offset <= chunks->end);
  if (offset == chunks->end)
    return NULL;
  while (high - low > 1)
    {
      gsize middle = low + (high - low) / 2;

      if (chunk_at (chunks, middle)->begin <= offset)
        low = middle;
      else
        high = middle;
    }
  return chunk_at (chunks, low);
}

gsize
base_chunks_peek (const BaseChunks *chunks, guint64 offset, const guint8 **data)
{
  Chunk *chunk = find (chunks, offset);
  gsize length;
  const guint8 *bytes;

  if (chunk == NULL)
    {
      *data = NULL;
      return 0;
    }
  bytes = g_bytes_get_data (chunk->bytes, &length);
  *data = bytes + (offset - chunk->begin);
  return length - (gsize) (offset - chunk->begin);
}

GBytes *
base_chunks_slice (const BaseChunks *chunks, guint64 offset, gsize max)
{
  Chunk *chunk = find (chunks, offset);
  gsize skip;

  if (chunk == NULL || max == 0)
    return NULL;
  skip = (gsize) (offset - chunk->begin);
  return g_bytes_new_from_bytes (chunk->bytes, skip, MIN (g_bytes_get_size (chunk->bytes) - skip, max));
}

BaseChunks *
base_chunks_new (void)
{
  return g_new0 (BaseChunks, 1);
}

void
base_chunks_free (BaseChunks *chunks)
{
  for (gsize i = 0; i < chunks->count; i++)
    g_bytes_unref (chunk_at (chunks, i)->bytes);
  g_free (chunks->ring);
  g_free (chunks);
}
