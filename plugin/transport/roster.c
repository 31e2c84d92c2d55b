#include "transport/roster.h"

#include <string.h>

struct _TransportRoster
{
  GHashTable *sessions; /* 16 bytes → MuxSession */
};

/* Random bytes are a hash of themselves. */
static guint
hash_id (gconstpointer id)
{
  guint hash;

  memcpy (&hash, id, sizeof hash);
  return hash;
}

static gboolean
equal_ids (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, SESSION_ID_SIZE) == 0;
}

void
transport_roster_enter (TransportRoster *roster, const guint8 *id, MuxSession *session)
{
  if (!g_hash_table_insert (roster->sessions, (gpointer)id, session))
    g_assert_not_reached (); /* 2^-64 for as many sessions as there can be */
}

void
transport_roster_leave (TransportRoster *roster, const guint8 *id)
{
  g_hash_table_remove (roster->sessions, id);
}

MuxSession *
transport_roster_find (const TransportRoster *roster, const guint8 *id)
{
  return g_hash_table_lookup (roster->sessions, id);
}

guint
transport_roster_size (const TransportRoster *roster)
{
  return g_hash_table_size (roster->sessions);
}

TransportRoster *
transport_roster_new (void)
{
  TransportRoster *roster = g_new0 (TransportRoster, 1);

  roster->sessions = g_hash_table_new (hash_id, equal_ids);
  return roster;
}

void
transport_roster_free (TransportRoster *roster)
{
  g_assert (g_hash_table_size (roster->sessions) == 0);
  g_hash_table_unref (roster->sessions);
  g_free (roster);
}
