/* What the host does with a channel's GIOStream beside reading and writing: lanes, events, counts,
   descriptions. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define BASE_LOG_ROOM "session"
#include "base/error.h"
#include "base/log.h"
#include "session/channel-stream.h"

/* NULL when the channel is gone. */
static SessionChannelLane *
slot_of (GIOStream *stream)
{
  SessionLane *lane = session_channel_stream_lane (stream);

  return lane != NULL ? session_lane_owner (lane) : NULL;
}

/* A lane the host asks for first. */
static SessionChannelLane *
add_lane (Session *session, SessionChannel *channel, const char *name, GError **error)
{
  SessionChannelLane *slot = session->raw ? NULL : session_channel_add (channel, name);

  if (slot == NULL)
    {
      base_error_set (error, MUX_ERROR_LIMIT, _ ("The channel cannot have a lane “%s”: %s"), name,
                      session->raw ? _ ("the other side does not speak the session protocol")
                                   : _ ("it has as many as it may"));
      return NULL;
    }
  if (!session->server)
    {
      slot->unattached_queued = TRUE;
      g_queue_push_tail (&session->unattached, slot);
      session_wake (session);
    }
  return slot;
}

GIOStream *
session_lane (Session *session, GIOStream *channel, const char *name, GError **error)
{
  SessionChannelLane *own = slot_of (channel);
  SessionChannelLane *slot;

  g_return_val_if_fail (name != NULL && *name != '\0' && strlen (name) <= SESSION_MAX_LANE_NAME, NULL);
  if (own == NULL)
    {
      base_error_set (error, MUX_ERROR_GONE, _ ("The channel of the lane “%s” is closed"), name);
      return NULL;
    }
  slot = session_channel_find (own->channel, name);
  if (slot == NULL)
    {
      slot = add_lane (session, own->channel, name, error);
      if (slot == NULL)
        return NULL;
    }
  else if (session_lane_object (slot->lane) != NULL)
    return g_object_ref (session_lane_object (slot->lane));
  else if (session_lane_was_taken (slot->lane))
    {
      base_error_set (error, MUX_ERROR_GONE, _ ("The lane “%s” is closed"), name);
      return NULL;
    }
  return session_channel_stream_new (slot->lane);
}

GIOStream *
session_channel (Session *session, guint64 id)
{
  SessionChannel *channel = g_hash_table_lookup (session->channels, &id);
  SessionLane *lane = channel != NULL && session_channel_is_open (channel) ? session_channel_main (channel) : NULL;

  if (lane == NULL)
    return NULL;
  if (session_lane_object (lane) != NULL)
    return g_object_ref (session_lane_object (lane));
  return session_lane_was_taken (lane) ? NULL : session_channel_stream_new (lane);
}

void
session_send_event (Session *session, GIOStream *channel, const char *event, GVariant *details)
{
  g_autoptr (GVariant) sunk = details != NULL ? g_variant_ref_sink (details) : NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (sunk);
  SessionChannelLane *slot = slot_of (channel);

  g_return_if_fail (g_str_equal (event, "resize") || g_str_equal (event, "signal")
                    || g_str_equal (event, "exited"));
  if (slot == NULL || session->raw || !session_is_established (session)
      || !session_channel_is_open (slot->channel))
    {
      base_debug ("nobody to hear “%s”: the channel is not open", event);
      return;
    }
  session_notice_say (session, session_channel_id (slot->channel), event, &dict);
  if (g_str_equal (event, "exited"))
    session_channel_set_exited (slot->channel);
}

void
session_set_manual (Session *session, GIOStream *stream)
{
  SessionLane *lane = session_channel_stream_lane (stream);

  g_return_if_fail (lane != NULL);
  session_lane_set_manual (lane);
}

void
session_confirm (Session *session, GIOStream *stream, guint64 count)
{
  SessionLane *lane = session_channel_stream_lane (stream);

  g_return_if_fail (lane != NULL);
  session_lane_confirm (lane, count);
}

/* a{sv}, floating. */
static GVariant *
describe (SessionChannel *channel)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  GVariantBuilder lanes;
  SessionLaneCounts counts;
  const char *service;

  session_lane_counts (session_channel_main (channel), &counts);
  g_variant_dict_insert (&dict, "id", "t", session_channel_id (channel));
  if (g_variant_lookup (session_channel_request (channel), "service", "&s", &service))
    g_variant_dict_insert (&dict, "service", "s", service);
  g_variant_dict_insert (&dict, "received", "t", counts.delivered);
  g_variant_dict_insert (&dict, "sent", "t", counts.sent);
  g_variant_dict_insert (&dict, "confirmed", "t", counts.confirmed);
  if (counts.code != 0)
    g_variant_dict_insert (&dict, "code", "t", counts.code);
  if (session_channel_n_lanes (channel) > 1)
    {
      g_variant_builder_init (&lanes, G_VARIANT_TYPE_STRING_ARRAY);
      for (guint i = 1; i < session_channel_n_lanes (channel); i++)
        g_variant_builder_add (&lanes, "s", session_lane_name (session_channel_nth (channel, i)->lane));
      g_variant_dict_insert_value (&dict, "lanes", g_variant_builder_end (&lanes));
    }
  return g_variant_dict_end (&dict);
}

GVariant *
session_describe_channel (Session *session, GIOStream *stream)
{
  SessionLane *lane = session_channel_stream_lane (stream);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  SessionChannelLane *slot;
  SessionLaneCounts counts;

  g_return_val_if_fail (lane != NULL, NULL);
  slot = session_lane_owner (lane);
  if (slot != NULL)
    return g_variant_ref_sink (describe (slot->channel));
  /* The channel is closed; what its GIOStream knows is the rest. */
  session_lane_counts (lane, &counts);
  g_variant_dict_insert (&dict, "received", "t", counts.delivered);
  g_variant_dict_insert (&dict, "sent", "t", counts.sent);
  g_variant_dict_insert (&dict, "confirmed", "t", counts.confirmed);
  if (counts.code != 0)
    g_variant_dict_insert (&dict, "code", "t", counts.code);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  guint64 left = session_channel_id (*(SessionChannel *const *) a);
  guint64 right = session_channel_id (*(SessionChannel *const *) b);

  return left < right ? -1 : left > right;
}

GVariant *
session_describe_channels (Session *session)
{
  g_autoptr (GPtrArray) channels = g_ptr_array_new ();
  GVariantBuilder list;
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    g_ptr_array_add (channels, channel);
  g_ptr_array_sort (channels, compare_ids);
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < channels->len; i++)
    g_variant_builder_add_value (&list, describe (channels->pdata[i]));
  return g_variant_ref_sink (g_variant_builder_end (&list));
}

gboolean
session_is_in_use (const Session *session)
{
  return g_hash_table_size (session->channels) + session->openings.length > 0;
}

gboolean
session_has_terminal (const Session *session)
{
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    if (g_variant_lookup (session_channel_request (channel), "term", "&s", NULL))
      return TRUE;
  return FALSE;
}

guint
session_n_channels (const Session *session)
{
  return g_hash_table_size (session->channels);
}
