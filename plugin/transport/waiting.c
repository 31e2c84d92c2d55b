#include "transport/waiting.h"

struct _TransportWaiting
{
  GHashTable *queues; /* identity → GQueue of MuxSession, never empty */
  guint size;
};

/* A user's name has no "/". */
static char *
identity_of (const MuxSession *session)
{
  return g_strconcat (session->user, "/", session->device, NULL);
}

void
transport_waiting_add (TransportWaiting *waiting, MuxSession *session)
{
  g_autofree char *identity = identity_of (session);
  GQueue *queue;

  transport_waiting_remove (waiting, session);
  queue = g_hash_table_lookup (waiting->queues, identity);
  if (queue == NULL)
    {
      queue = g_queue_new ();
      g_hash_table_insert (waiting->queues, g_steal_pointer (&identity), queue);
    }
  session->waiting_link.data = session;
  g_queue_push_tail_link (queue, &session->waiting_link);
  waiting->size++;
}

void
transport_waiting_remove (TransportWaiting *waiting, MuxSession *session)
{
  g_autofree char *identity = NULL;
  GQueue *queue;

  if (session->waiting_link.data == NULL)
    return;
  identity = identity_of (session);
  queue = g_hash_table_lookup (waiting->queues, identity);
  g_queue_unlink (queue, &session->waiting_link);
  session->waiting_link.data = NULL;
  waiting->size--;
  if (g_queue_is_empty (queue))
    g_hash_table_remove (waiting->queues, identity);
}

guint
transport_waiting_size (const TransportWaiting *waiting)
{
  return waiting->size;
}

const GList *
transport_waiting_of (const TransportWaiting *waiting, const MuxSession *like)
{
  g_autofree char *identity = identity_of (like);
  const GQueue *queue = g_hash_table_lookup (waiting->queues, identity);

  return queue != NULL ? queue->head : NULL;
}

static gboolean
goes_before (const GQueue *a, const GQueue *b)
{
  const MuxSession *first_a = a->head->data, *first_b = b->head->data;

  return a->length != b->length ? a->length > b->length : first_a->away_since < first_b->away_since;
}

MuxSession *
transport_waiting_first_to_go (const TransportWaiting *waiting)
{
  const GQueue *most = NULL;
  GHashTableIter iter;
  gpointer queue;

  g_hash_table_iter_init (&iter, waiting->queues);
  while (g_hash_table_iter_next (&iter, NULL, &queue))
    if (most == NULL || goes_before (queue, most))
      most = queue;
  return most != NULL ? most->head->data : NULL;
}

TransportWaiting *
transport_waiting_new (void)
{
  TransportWaiting *waiting = g_new0 (TransportWaiting, 1);

  /* The links are the sessions' own, and gone when a queue goes. */
  waiting->queues = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_queue_free);
  return waiting;
}

void
transport_waiting_free (TransportWaiting *waiting)
{
  g_assert (waiting->size == 0);
  g_hash_table_unref (waiting->queues);
  g_free (waiting);
}
