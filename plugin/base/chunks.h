/* A queue of immutable bytes with absolute offsets: what a sender keeps until it is acknowledged. Memory is
 * shared by reference (GBytes), so the same bytes can stand in a channel's log and in a stream's send buffer
 * at the cost of one copy. Never calls back. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BaseChunks BaseChunks;

BaseChunks *base_chunks_new (void);
void base_chunks_free (BaseChunks *chunks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BaseChunks, base_chunks_free)

/* Of one that has never held a byte: the first one will stand at the absolute offset @offset. */
void base_chunks_begin_at (BaseChunks *chunks, guint64 offset);

/* Appends a reference to @bytes (transfer none). Empty bytes are ignored. */
void base_chunks_append (BaseChunks *chunks, GBytes *bytes);

/* Drops everything below the absolute offset @offset; beyond the end is a programming error (asserted). */
void base_chunks_drop_to (BaseChunks *chunks, guint64 offset);

/* Offset of the first byte still held, and of the byte after the last. */
guint64 base_chunks_begin (const BaseChunks *chunks);
guint64 base_chunks_end (const BaseChunks *chunks);

/* The longest contiguous run that begins at @offset (begin <= @offset <= end); sets @data and returns its
 * length, 0 at the end. Valid until the chunk is dropped: bytes never move while they are held. */
gsize base_chunks_peek (const BaseChunks *chunks, guint64 offset, const guint8 **data);

/* A new reference to the run at @offset, at most @max bytes; NULL at the end. Shares memory. */
GBytes *base_chunks_slice (const BaseChunks *chunks, guint64 offset, gsize max);

G_END_DECLS
