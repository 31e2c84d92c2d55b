#include "base/heap.h"

struct _BaseHeap
{
  GPtrArray *nodes; /* of BaseHeapNode; a node's place is its index + 1 */
};

static BaseHeapNode *
node_at (const BaseHeap *heap, gsize place)
{
  return g_ptr_array_index (heap->nodes, place - 1);
}

static void
put (BaseHeap *heap, gsize place, BaseHeapNode *node)
{
  g_ptr_array_index (heap->nodes, place - 1) = node;
  node->place = place;
}

static void
sift_up (BaseHeap *heap, BaseHeapNode *node)
{
  gsize place = node->place;

  while (place > 1 && node_at (heap, place / 2)->deadline > node->deadline)
    {
      put (heap, place, node_at (heap, place / 2));
      place /= 2;
    }
  put (heap, place, node);
}

static void
sift_down (BaseHeap *heap, BaseHeapNode *node)
{
  gsize place = node->place;

  for (;;)
    {
      gsize child = place * 2;

      if (child > heap->nodes->len)
        break;
      if (child < heap->nodes->len && node_at (heap, child + 1)->deadline < node_at (heap, child)->deadline)
        child++;
      if (node_at (heap, child)->deadline >= node->deadline)
        break;
      put (heap, place, node_at (heap, child));
      place = child;
    }
  put (heap, place, node);
}

static void
remove_node (BaseHeap *heap, BaseHeapNode *node)
{
  gsize place = node->place;
  BaseHeapNode *last = node_at (heap, heap->nodes->len);

  g_ptr_array_set_size (heap->nodes, heap->nodes->len - 1);
  node->place = 0;
  if (last == node)
    return;
  put (heap, place, last);
  sift_up (heap, last);
  sift_down (heap, last);
}

void
base_heap_set (BaseHeap *heap, BaseHeapNode *node, guint64 deadline)
{
  guint64 before = node->deadline;

  if (deadline == BASE_NEVER)
    {
      if (node->place != 0)
        remove_node (heap, node);
      node->deadline = BASE_NEVER;
      return;
    }
  node->deadline = deadline;
  if (node->place == 0)
    {
      g_ptr_array_add (heap->nodes, node);
      node->place = heap->nodes->len;
      sift_up (heap, node);
    }
  else if (deadline < before)
    sift_up (heap, node);
  else if (deadline > before)
    sift_down (heap, node);
}

BaseHeapNode *
base_heap_peek (const BaseHeap *heap)
{
  return heap->nodes->len == 0 ? NULL : node_at (heap, 1);
}

gsize
base_heap_size (const BaseHeap *heap)
{
  return heap->nodes->len;
}

BaseHeap *
base_heap_new (void)
{
  BaseHeap *heap = g_new0 (BaseHeap, 1);

  heap->nodes = g_ptr_array_new ();
  return heap;
}

void
base_heap_free (BaseHeap *heap)
{
  g_assert (heap->nodes->len == 0);
  g_ptr_array_unref (heap->nodes);
  g_free (heap);
}
