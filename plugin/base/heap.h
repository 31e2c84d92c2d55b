/* A binary min-heap of deadlines whose nodes are members of the things they time, so that adding, moving and
 * removing is O(log n) without a search or an allocation per node. The heap never owns its nodes; it
 * asserts that it is empty when freed. Never calls back. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "No deadline", in nanoseconds of the caller's monotonic clock. */
#define BASE_NEVER G_MAXUINT64

#define BASE_NANOSECOND G_GUINT64_CONSTANT (1)
#define BASE_MICROSECOND (1000 * BASE_NANOSECOND)
#define BASE_MILLISECOND (1000 * BASE_MICROSECOND)
#define BASE_SECOND (1000 * BASE_MILLISECOND)

typedef struct
{
  guint64 deadline; /* read only for users: set by base_heap_set () */
  gsize place;      /* 1-based index in the heap; 0 = not in it. Zero-initialise. */
} BaseHeapNode;

typedef struct _BaseHeap BaseHeap;

BaseHeap *base_heap_new (void);
void base_heap_free (BaseHeap *heap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BaseHeap, base_heap_free)

/* Inserts @node, moves it, or with BASE_NEVER removes it. */
void base_heap_set (BaseHeap *heap, BaseHeapNode *node, guint64 deadline);

/* The node that is due first, or NULL. It stays in the heap. */
BaseHeapNode *base_heap_peek (const BaseHeap *heap);
gsize base_heap_size (const BaseHeap *heap);

/* The struct of type @type whose member @member is @node. */
#define BASE_CONTAINER_OF(node, type, member) ((type *) ((guint8 *) (node) - G_STRUCT_OFFSET (type, member)))

G_END_DECLS
