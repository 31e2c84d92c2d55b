/* Client: what the control stream said of channels that are not known yet. */
#include "session/session-private.h"

#define MAX_EARLY_SIZE 4096

/* Said of a channel that is not known here yet. */
typedef struct
{
  guint64 channel;
  char *name;
  GVariant *arguments;
} SessionEarly;

static void
early_free (SessionEarly *early)
{
  g_free (early->name);
  g_variant_unref (early->arguments);
  g_free (early);
}

/* The control stream may be faster than the stream that brings `opened`. */
void
session_early_keep (Session *session, guint64 id, const char *name, GVariant *arguments)
{
  SessionEarly *early;

  if (session->server || g_queue_is_empty (&session->openings)
      || g_variant_get_size (arguments) > MAX_EARLY_SIZE)
    return;
  if (session->early.length == SESSION_MAX_EARLY)
    early_free (g_queue_pop_head (&session->early));
  early = g_new0 (SessionEarly, 1);
  early->channel = id;
  early->name = g_strdup (name);
  early->arguments = g_variant_ref (arguments);
  g_queue_push_tail (&session->early, early);
}

void
session_early_replay (Session *session, SessionChannel *channel)
{
  GList *next;

  for (GList *link = session->early.head; link != NULL; link = next)
    {
      SessionEarly *early = link->data;

      next = link->next;
      if (early->channel != session_channel_id (channel))
        continue;
      g_queue_delete_link (&session->early, link);
      session_messages_event (session, early->name, early->arguments, NULL);
      early_free (early);
    }
}

void
session_early_forget (Session *session)
{
  g_queue_clear_full (&session->early, (GDestroyNotify) early_free);
}
