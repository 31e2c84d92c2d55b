/* A session from one client to another of the same identity: what the server tells of it, and what the client makes of that. The rest is
 * as after any lost connection. */
#include "session/session-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/error.h"

/* RFC 9000 4.5: no stream is longer. */
#define MAX_OFFSET (((guint64) 1 << 62) - 1)

/* A channel's service, for the next client to show. All that may be told of all channels fits into one frame without longer ones. */
#define MAX_SERVICE 64

/* Server */

/* (sttt): name, counted here, first that is missing here, first that is kept here. */
static GVariant *
describe_lane (SessionLane *lane)
{
  SessionLanePosition mine;
  SessionLaneCounts counts;

  session_lane_position (lane, &mine);
  session_lane_counts (lane, &counts);
  return g_variant_new ("(sttt)", session_lane_name (lane), mine.received, mine.from, counts.confirmed);
}

static GVariant *
describe_channel (SessionChannel *channel)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *service;
  GVariantBuilder lanes;

  g_variant_builder_init (&lanes, G_VARIANT_TYPE ("a(sttt)"));
  for (guint i = 0; i < session_channel_n_lanes (channel); i++)
    g_variant_builder_add_value (&lanes, describe_lane (session_channel_nth (channel, i)->lane));
  g_variant_dict_insert (&dict, "channel", "t", session_channel_id (channel));
  if (g_variant_lookup (session_channel_request (channel), "service", "&s", &service) && strlen (service) <= MAX_SERVICE)
    g_variant_dict_insert (&dict, "service", "s", service);
  g_variant_dict_insert_value (&dict, "lanes", g_variant_builder_end (&lanes));
  return g_variant_dict_end (&dict);
}

/* What the earlier client asked for and nobody has answered yet: the next one knows nothing of it. */
static void
drop_unanswered (Session *session)
{
  g_autoptr (GPtrArray) unanswered = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    if (!session_channel_is_open (channel))
      g_ptr_array_add (unanswered, channel);
  for (guint i = 0; i < unanswered->len; i++)
    session_channel_free (unanswered->pdata[i], QUIC_CODE_CANCELLED, _ ("Nobody reads the other end of the channel any more"), TRUE);
}

/* a{sv}, floating. */
static GVariant *
describe_state (Session *session)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  GVariantBuilder channels;
  GHashTableIter iter;
  gpointer channel;
  guint64 token = 0;

  g_variant_builder_init (&channels, G_VARIANT_TYPE ("aa{sv}"));
  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    {
      token = MAX (token, session_channel_token (channel));
      g_variant_builder_add_value (&channels, describe_channel (channel));
    }
  g_variant_dict_insert_value (&dict, "channels", g_variant_builder_end (&channels));
  g_variant_dict_insert (&dict, "heard", "t", session->notices_heard);
  g_variant_dict_insert (&dict, "token", "t", token);
  g_variant_dict_insert (&dict, "taken", "u", (guint32) session->taken);
  return g_variant_dict_end (&dict);
}

void
session_welcome_taker (Session *newcomer, Session *session, const SessionWelcome *welcome)
{
  gboolean connected = session->connection != NULL;
  g_autoptr (GVariant) state = NULL;

  if (newcomer->phase != SESSION_ASKED)
    return; /* it went meanwhile */
  /* First, so that what both sides have stands still. */
  session_leave_connection (session);
  drop_unanswered (session);
  session->taken++;
  state = g_variant_ref_sink (describe_state (session));
  memcpy (newcomer->id_bytes, session->id_bytes, sizeof newcomer->id_bytes);
  session_say_welcome (newcomer, welcome, state);
  if (newcomer->phase == SESSION_UP)
    {
      newcomer->successor_of = session_ref (session);
      session_succeed_now (newcomer);
    }
  else
    {
      session->taken--;
      if (connected)
        session_go_away (session, newcomer->error);
    }
}

/* Client */

void
session_take (Session *session, const guint8 bytes[SESSION_ID_SIZE])
{
  g_return_if_fail (!session->server && !session->established);

  session->taking = TRUE;
  if (bytes != NULL)
    session_set_id (session, bytes);
}

/* The first of them is the channel's own, which is there; numbers are as large as QUIC's offsets may be. */
static gboolean
take_lanes (SessionChannel *channel, GVariant *lanes, GError **error)
{
  for (gsize i = 0; i < g_variant_n_children (lanes); i++)
    {
      SessionLanePosition theirs = { 0 };
      SessionChannelLane *slot;
      const char *name;
      guint64 kept;

      g_variant_get_child (lanes, i, "(&sttt)", &name, &theirs.received, &theirs.from, &kept);
      slot = session_channel_find (channel, name);
      if ((slot != NULL) != (i == 0) || strlen (name) > SESSION_MAX_LANE_NAME || theirs.received > theirs.from
          || theirs.from > MAX_OFFSET || kept > MAX_OFFSET)
        return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer hands a channel over with lanes that cannot be"));
      if (slot == NULL)
        slot = session_channel_add (channel, name);
      if (slot == NULL)
        return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer hands a channel over with too many lanes"));
      session_lane_begin_at (slot->lane, &theirs, kept);
    }
  return TRUE;
}

static gboolean
take_channel (Session *session, GVariant *described, GError **error)
{
  g_autoptr (GVariant) lanes = g_variant_lookup_value (described, "lanes", G_VARIANT_TYPE ("a(sttt)"));
  g_auto (GVariantDict) request = G_VARIANT_DICT_INIT (NULL);
  SessionChannel *channel;
  const char *service;
  guint64 id = 0;

  if (!g_variant_lookup (described, "channel", "t", &id) || id == 0 || g_hash_table_contains (session->channels, &id)
      || g_hash_table_size (session->channels) == SESSION_MAX_CHANNELS || lanes == NULL || g_variant_n_children (lanes) == 0)
    return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer hands a channel over that cannot be"));
  if (g_variant_lookup (described, "service", "&s", &service))
    g_variant_dict_insert (&request, "service", "s", service);
  channel = session_channel_new (session, id, g_variant_dict_end (&request));
  session_channel_open (channel);
  return take_lanes (channel, lanes, error);
}

gboolean
session_take_state (Session *session, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) channels = g_variant_lookup_value (arguments, "channels", G_VARIANT_TYPE ("aa{sv}"));

  session->taking = FALSE;
  g_variant_lookup (arguments, "taken", "u", &session->taken);
  if (channels == NULL || !g_variant_lookup (arguments, "heard", "t", &session->notices_said)
      || !g_variant_lookup (arguments, "token", "t", &session->last_opening))
    return base_error_set (error, MUX_ERROR_PROTOCOL, _ ("The peer's “welcome” hands no session over"));
  for (gsize i = 0; i < g_variant_n_children (channels); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (channels, i);

      if (!take_channel (session, one, error))
        return FALSE;
    }
  session_rejoins_begin (session);
  return TRUE;
}
