/* What of the peer's bytes is delivered here is told: soon, when it is much or the last. */
#include "session/session-private.h"

static void
announce (SessionChannelLane *slot)
{
  Session *session = session_channel_session (slot->channel);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint64 count;
  gboolean done;

  if (!session_lane_announce (slot->lane, &count, &done))
    return;
  g_variant_dict_insert (&dict, "channel", "t", session_channel_id (slot->channel));
  g_variant_dict_insert (&dict, "count", "t", count);
  if (*session_lane_name (slot->lane) != '\0')
    g_variant_dict_insert (&dict, "lane", "s", session_lane_name (slot->lane));
  /* Nothing beyond this count will ever be counted: the reader saw the end, or went. */
  if (done)
    g_variant_dict_insert (&dict, "done", "b", TRUE);
  session_say (session, "received", g_variant_dict_end (&dict));
}

void
session_channels_count (Session *session, gboolean all)
{
  guint n = g_queue_get_length (&session->counts);

  while (n-- > 0 && session->phase == SESSION_UP)
    {
      SessionChannelLane *slot = g_queue_pop_head (&session->counts);
      gboolean urgent = FALSE;

      session_lane_has_count (slot->lane, &urgent);
      if (all || urgent)
        {
          slot->count_queued = FALSE;
          announce (slot);
        }
      else
        g_queue_push_tail (&session->counts, slot);
    }
  if (g_queue_is_empty (&session->counts) || session->phase != SESSION_UP)
    session_timer_set (session, &session->counting, BASE_NEVER);
  else if (session->counting.node.place == 0)
    session_timer_set (session, &session->counting, session_now (session) + SESSION_COUNT_DELAY);
}

void
session_counting_due (gpointer session, guint64 now)
{
  session_channels_count (session, TRUE);
}
