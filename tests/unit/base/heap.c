/* The heap against a model that searches all its entries, driven by a seeded generator. */
#include "base/heap.h"

#define THINGS 64
#define STEPS 20000

typedef struct
{
  char before[24]; /* the node is not the first member */
  BaseHeapNode node;
  guint64 expected; /* BASE_NEVER = not in the heap */
} Thing;

static void
test_empty (void)
{
  g_autoptr (BaseHeap) heap = base_heap_new ();
  BaseHeapNode node = { 0 };

  g_assert_null (base_heap_peek (heap));
  g_assert_cmpuint (base_heap_size (heap), ==, 0);
  base_heap_set (heap, &node, BASE_NEVER);
  g_assert_cmpuint (base_heap_size (heap), ==, 0);
  g_assert_cmpuint (node.place, ==, 0);
}

static void
test_order (void)
{
  g_autoptr (BaseHeap) heap = base_heap_new ();
  Thing things[5] = { 0 };
  const guint64 deadlines[] = { 50, 10, 40, 20, 30 };

  for (guint i = 0; i < G_N_ELEMENTS (things); i++)
    base_heap_set (heap, &things[i].node, deadlines[i]);
  for (guint64 expected = 10; expected <= 50; expected += 10)
    {
      BaseHeapNode *first = base_heap_peek (heap);

      g_assert_nonnull (first);
      g_assert_cmpuint (first->deadline, ==, expected);
      g_assert_true (deadlines[BASE_CONTAINER_OF (first, Thing, node) - things] == expected);
      base_heap_set (heap, first, BASE_NEVER);
    }
  g_assert_null (base_heap_peek (heap));
}

static void
test_equal_deadlines (void)
{
  g_autoptr (BaseHeap) heap = base_heap_new ();
  BaseHeapNode nodes[9] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    base_heap_set (heap, &nodes[i], 7);
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    base_heap_set (heap, &nodes[i], BASE_NEVER);
  g_assert_cmpuint (base_heap_size (heap), ==, 0);
}

static void
compare (const BaseHeap *heap, const Thing *things)
{
  guint64 first = BASE_NEVER;
  gsize size = 0;

  for (guint i = 0; i < THINGS; i++)
    {
      gboolean in_heap = things[i].expected != BASE_NEVER;

      first = MIN (first, things[i].expected);
      size += in_heap;
      g_assert_true ((things[i].node.place != 0) == in_heap);
      if (in_heap)
        g_assert_cmpuint (things[i].node.deadline, ==, things[i].expected);
    }
  g_assert_cmpuint (base_heap_size (heap), ==, size);
  if (size == 0)
    g_assert_null (base_heap_peek (heap));
  else
    g_assert_cmpuint (base_heap_peek (heap)->deadline, ==, first);
}

/* Takes out one after the other what is due first: only this sees the order deep in the heap. */
static void
drain (BaseHeap *heap, Thing *things)
{
  compare (heap, things);
  while (base_heap_size (heap) > 0)
    {
      Thing *first = BASE_CONTAINER_OF (base_heap_peek (heap), Thing, node);

      first->expected = BASE_NEVER;
      base_heap_set (heap, &first->node, BASE_NEVER);
      compare (heap, things);
    }
}

static void
test_model (void)
{
  for (guint32 seed = 1; seed <= 4; seed++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      g_autoptr (BaseHeap) heap = base_heap_new ();
      Thing things[THINGS] = { 0 };

      for (guint i = 0; i < THINGS; i++)
        things[i].expected = BASE_NEVER;
      for (guint step = 0; step < STEPS; step++)
        {
          Thing *thing = &things[g_rand_int_range (random, 0, THINGS)];

          /* Few values, so that equal deadlines are common; removal often enough to empty its parts. */
          thing->expected = g_rand_int_range (random, 0, 3) == 0
                                ? BASE_NEVER
                                : (guint64) g_rand_int_range (random, 0, 100);
          base_heap_set (heap, &thing->node, thing->expected);
          compare (heap, things);
          if (step % 100 == 99)
            drain (heap, things);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/heap/empty", test_empty);
  g_test_add_func ("/base/heap/order", test_order);
  g_test_add_func ("/base/heap/equal-deadlines", test_equal_deadlines);
  g_test_add_func ("/base/heap/model", test_model);
  return g_test_run ();
}
