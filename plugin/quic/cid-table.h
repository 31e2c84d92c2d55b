/* Which connection an incoming packet belongs to, by its Destination Connection ID. Peers choose some of the IDs (RFC 9000 7.2), so the
 * hash is keyed (SipHash-2-4): nobody can aim at one bucket. The same table finds connections by the 16 bytes of a stateless reset
 * token. The table owns its entries, the list of a connection's entries hangs at the connection. Never calls back, never fails. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Longest ID of any supported QUIC version (RFC 9000 17.2). */
#define QUIC_CID_MAX 20
/* Length of the IDs made here. */
#define QUIC_CID_LENGTH 8
#define QUIC_CID_KEY_SIZE 16

typedef struct _QuicCidTable QuicCidTable;
typedef struct _QuicCidEntry QuicCidEntry;

/* Zero-initialise; all entries of one owner. */
typedef struct
{
  QuicCidEntry *first;
} QuicCidList;

QuicCidTable *quic_cid_table_new (const guint8 key[QUIC_CID_KEY_SIZE]);
/* Asserts that it is empty. */
void quic_cid_table_free (QuicCidTable *table);

/* FALSE when the ID is there already (whosever it is) or longer than QUIC_CID_MAX. */
gboolean quic_cid_table_add (QuicCidTable *table, const guint8 *cid, gsize length, gpointer owner, QuicCidList *list);
gpointer quic_cid_table_lookup (const QuicCidTable *table, const guint8 *cid, gsize length);
/* FALSE when @list has no such entry. */
gboolean quic_cid_table_remove (QuicCidTable *table, const guint8 *cid, gsize length, QuicCidList *list);
void quic_cid_table_remove_all (QuicCidTable *table, QuicCidList *list);
gsize quic_cid_table_size (const QuicCidTable *table);

/* SipHash-2-4 of @data (Aumasson, Bernstein 2012). */
guint64 quic_siphash (const guint8 key[QUIC_CID_KEY_SIZE], const guint8 *data, gsize length);

G_END_DECLS
