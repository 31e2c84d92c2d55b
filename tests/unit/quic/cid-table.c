/* The table of connection IDs against a plain model, and its hash against the vectors of SipHash's authors.
 */
#include "quic/cid-table.h"

#include <string.h>

/* First, second, eighth and last line of the SipHash-2-4 64-bit vectors: input 00 01 02 …, key 00 … 0f. */
static void
test_siphash (void)
{
  guint8 key[QUIC_CID_KEY_SIZE], data[64];

  for (guint i = 0; i < sizeof key; i++)
    key[i] = (guint8)i;
  for (guint i = 0; i < sizeof data; i++)
    data[i] = (guint8)i;
  g_assert_cmphex (quic_siphash (key, data, 0), ==, G_GUINT64_CONSTANT (0x726fdb47dd0e0e31));
  g_assert_cmphex (quic_siphash (key, data, 1), ==, G_GUINT64_CONSTANT (0x74f839c593dc67fd));
  g_assert_cmphex (quic_siphash (key, data, 8), ==, G_GUINT64_CONSTANT (0x93f5f5799a932462));
  g_assert_cmphex (quic_siphash (key, data, 15), ==, G_GUINT64_CONSTANT (0xa129ca6149be45e5));
}

#define OWNERS 50
#define STEPS 200000

static void
test_model (void)
{
  guint8 key[QUIC_CID_KEY_SIZE] = { 42 };
  QuicCidTable *table = quic_cid_table_new (key);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autoptr (GHashTable) model
      = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  QuicCidList lists[OWNERS] = { 0 };

  for (guint step = 0; step < STEPS; step++)
    {
      guint8 cid[QUIC_CID_MAX + 1] = { 0 };
      gsize length = (gsize)g_rand_int_range (random, 0, sizeof cid + 1);
      guint owner = (guint)g_rand_int_range (random, 0, OWNERS);
      g_autoptr (GBytes) name = NULL;
      gpointer known;

      /* Few different ones, so that they meet. */
      if (length > 0)
        cid[0] = (guint8)g_rand_int_range (random, 0, 256);
      if (length > 10)
        cid[10] = (guint8)g_rand_int_range (random, 0, 4);
      name = g_bytes_new (cid, length);
      known = g_hash_table_lookup (model, name);
      g_assert_true (quic_cid_table_lookup (table, cid, length) == known);
      switch (g_rand_int_range (random, 0, 4))
        {
        case 0:
        case 1:
          g_assert_cmpint (quic_cid_table_add (table, cid, length, &lists[owner], &lists[owner]), ==,
                           known == NULL && length <= QUIC_CID_MAX);
          if (known == NULL && length <= QUIC_CID_MAX)
            g_hash_table_insert (model, g_bytes_ref (name), &lists[owner]);
          break;
        case 2:
          g_assert_cmpint (quic_cid_table_remove (table, cid, length, &lists[owner]), ==,
                           known == &lists[owner]);
          if (known == &lists[owner])
            g_hash_table_remove (model, name);
          break;
        default:
          if (step % 1000 == 0)
            {
              GHashTableIter iterator;
              gpointer value;

              quic_cid_table_remove_all (table, &lists[owner]);
              g_assert_null (lists[owner].first);
              g_hash_table_iter_init (&iterator, model);
              while (g_hash_table_iter_next (&iterator, NULL, &value))
                if (value == &lists[owner])
                  g_hash_table_iter_remove (&iterator);
            }
          break;
        }
      g_assert_cmpuint (quic_cid_table_size (table), ==, g_hash_table_size (model));
    }
  g_assert_cmpuint (quic_cid_table_size (table), >, 1000);
  for (guint i = 0; i < OWNERS; i++)
    quic_cid_table_remove_all (table, &lists[i]);
  quic_cid_table_free (table);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quic/cid-table/siphash", test_siphash);
  g_test_add_func ("/quic/cid-table/model", test_model);
  return g_test_run ();
}
