#include "quic/cid-table.h"

#include <string.h>

struct _QuicCidEntry
{
  QuicCidEntry *next;  /* in its bucket */
  QuicCidEntry *other; /* of the same owner */
  gpointer owner;
  guint32 hash;
  guint8 length;
  guint8 cid[QUIC_CID_MAX];
};

struct _QuicCidTable
{
  QuicCidEntry **buckets;
  gsize n_buckets; /* a power of two */
  gsize size;
  guint8 key[QUIC_CID_KEY_SIZE];
};

#define FIRST_BUCKETS 64

static inline guint64
rotate (guint64 x, guint by)
{
  return (x << by) | (x >> (64 - by));
}

static inline void
sip_round (guint64 v[4])
{
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotate (v[1], 13) ^ v[0];
  v[3] = rotate (v[3], 16) ^ v[2];
  v[0] = rotate (v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotate (v[1], 17) ^ v[2];
  v[3] = rotate (v[3], 21) ^ v[0];
  v[2] = rotate (v[2], 32);
}

static guint64
load_le64 (const guint8 *bytes)
{
  guint64 word;

  memcpy (&word, bytes, sizeof word);
  return GUINT64_FROM_LE (word);
}

guint64
quic_siphash (const guint8 key[QUIC_CID_KEY_SIZE], const guint8 *data, gsize length)
{
  guint64 k0 = load_le64 (key), k1 = load_le64 (key + 8);
  guint64 v[4]
      = { k0 ^ G_GUINT64_CONSTANT (0x736f6d6570736575), k1 ^ G_GUINT64_CONSTANT (0x646f72616e646f6d),
          k0 ^ G_GUINT64_CONSTANT (0x6c7967656e657261), k1 ^ G_GUINT64_CONSTANT (0x7465646279746573) };
  guint64 last = (guint64)length << 56;
  gsize whole = length & ~(gsize)7;

  for (gsize i = 0; i < whole; i += 8)
    {
      guint64 word = load_le64 (data + i);

      v[3] ^= word;
      sip_round (v);
      sip_round (v);
      v[0] ^= word;
    }
  for (gsize i = whole; i < length; i++)
    last |= (guint64)data[i] << (8 * (i - whole));
  v[3] ^= last;
  sip_round (v);
  sip_round (v);
  v[0] ^= last;
  v[2] ^= 0xff;
  for (guint i = 0; i < 4; i++)
    sip_round (v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static QuicCidEntry **
bucket_of (const QuicCidTable *table, guint32 hash)
{
  return &table->buckets[hash & (table->n_buckets - 1)];
}

static QuicCidEntry *
find (const QuicCidTable *table, guint32 hash, const guint8 *cid, gsize length)
{
  for (QuicCidEntry *entry = *bucket_of (table, hash); entry != NULL; entry = entry->next)
    if (entry->hash == hash && entry->length == length && memcmp (entry->cid, cid, length) == 0)
      return entry;
  return NULL;
}

static void
grow (QuicCidTable *table)
{
  QuicCidEntry **old = table->buckets;
  gsize n_old = table->n_buckets;

  table->n_buckets = n_old * 2;
  table->buckets = g_new0 (QuicCidEntry *, table->n_buckets);
  for (gsize i = 0; i < n_old; i++)
    for (QuicCidEntry *entry = old[i], *next; entry != NULL; entry = next)
      {
        QuicCidEntry **bucket = bucket_of (table, entry->hash);

        next = entry->next;
        entry->next = *bucket;
        *bucket = entry;
      }
  g_free (old);
}

gboolean
quic_cid_table_add (QuicCidTable *table, const guint8 *cid, gsize length, gpointer owner, QuicCidList *list)
{
  guint32 hash;
  QuicCidEntry *entry, **bucket;

  g_assert (owner != NULL);
  if (length > QUIC_CID_MAX)
    return FALSE;
  hash = (guint32)quic_siphash (table->key, cid, length);
  if (find (table, hash, cid, length) != NULL)
    return FALSE;
  if (table->size >= table->n_buckets)
    grow (table);
  entry = g_new (QuicCidEntry, 1);
  bucket = bucket_of (table, hash);
  *entry = (QuicCidEntry){
    .next = *bucket, .other = list->first, .owner = owner, .hash = hash, .length = (guint8)length
  };
  memcpy (entry->cid, cid, length);
  *bucket = entry;
  list->first = entry;
  table->size++;
  return TRUE;
}

gpointer
quic_cid_table_lookup (const QuicCidTable *table, const guint8 *cid, gsize length)
{
  QuicCidEntry *entry;

  if (length > QUIC_CID_MAX)
    return NULL;
  entry = find (table, (guint32)quic_siphash (table->key, cid, length), cid, length);
  return entry != NULL ? entry->owner : NULL;
}

static void
drop (QuicCidTable *table, QuicCidEntry *entry)
{
  QuicCidEntry **at = bucket_of (table, entry->hash);

  while (*at != entry)
    at = &(*at)->next;
  *at = entry->next;
  table->size--;
  g_free (entry);
}

gboolean
quic_cid_table_remove (QuicCidTable *table, const guint8 *cid, gsize length, QuicCidList *list)
{
  for (QuicCidEntry **at = &list->first; *at != NULL; at = &(*at)->other)
    {
      QuicCidEntry *entry = *at;

      if (entry->length == length && memcmp (entry->cid, cid, length) == 0)
        {
          *at = entry->other;
          drop (table, entry);
          return TRUE;
        }
    }
  return FALSE;
}

void
quic_cid_table_remove_all (QuicCidTable *table, QuicCidList *list)
{
  while (list->first != NULL)
    {
      QuicCidEntry *entry = list->first;

      list->first = entry->other;
      drop (table, entry);
    }
}

gsize
quic_cid_table_size (const QuicCidTable *table)
{
  return table->size;
}

QuicCidTable *
quic_cid_table_new (const guint8 key[QUIC_CID_KEY_SIZE])
{
  QuicCidTable *table = g_new0 (QuicCidTable, 1);

  memcpy (table->key, key, QUIC_CID_KEY_SIZE);
  table->n_buckets = FIRST_BUCKETS;
  table->buckets = g_new0 (QuicCidEntry *, table->n_buckets);
  return table;
}

void
quic_cid_table_free (QuicCidTable *table)
{
  g_assert (table->size == 0);
  g_free (table->buckets);
  g_free (table);
}
