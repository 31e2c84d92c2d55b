#define BASE_LOG_ROOM "transport"
#include "transport/hold.h"

#include <glib/gi18n-lib.h>

#include "base/log.h"
#include "transport/peer-session.h"
#include "transport/roam.h"

/* The longest pause between two dials. */
#define PAUSE_MAX_MS (5 * 60 * 1000)
/* A session that lasted for so long was no failure. */
#define STEADY_US (60 * G_USEC_PER_SEC)

struct _TransportHold
{
  MuxTransport *transport;
  GHashTable *held; /* name of a domain → Held */
};

typedef struct
{
  guint references;
  TransportHold *hold; /* NULL: let go */
  char *name;
  GSource *pause;
  guint pause_ms;      /* the next */
  gboolean dialling;   /* … or being answered */
  gboolean left_alone; /* until it is configured again */
  gboolean complained; /* of the dial, since it last worked */
  MuxSession *session;
  gint64 since; /* of the session: monotonic, µs */
} Held;

static void dial (Held *held);

static Held *
held_ref (Held *held)
{
  held->references++;
  return held;
}

static void
held_unref (Held *held)
{
  if (--held->references > 0)
    return;
  g_clear_pointer (&held->session, transport_session_unref);
  g_free (held->name);
  g_free (held);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Held, held_unref)

/* What is under way ends by itself, and is not wanted then. */
static void
let_go (gpointer data)
{
  Held *held = data;

  held->hold = NULL;
  transport_timer_clear (&held->pause);
  held_unref (held);
}

static gboolean
pause_cb (gpointer data)
{
  Held *held = data;

  transport_timer_clear (&held->pause);
  dial (held);
  return G_SOURCE_REMOVE;
}

static void
dial_later (Held *held)
{
  guint jitter = held->pause_ms / 4;

  transport_timer_clear (&held->pause);
  held->pause = transport_timer (
      held->hold->transport,
      held->pause_ms - jitter + (guint)g_random_int_range (0, (gint32)(2 * jitter + 1)), pause_cb, held);
  held->pause_ms = MIN (2 * held->pause_ms, PAUSE_MAX_MS);
}

/* Once, and not at every try. */
static void
complain (Held *held, const GError *error)
{
  if (held->complained)
    base_info ("%s is not connected: %s", held->name, error->message);
  else if (g_error_matches (error, MUX_ERROR, MUX_ERROR_ENROLMENT))
    base_message (
        _("%s (connect_automatically) waits for a certificate; connect once by hand: mux-quic connect %s"),
        held->name, held->name);
  else
    base_message (_("%s (connect_automatically) is not connected, and is dialled again: %s"), held->name,
                  error->message);
  held->complained = TRUE;
}

static void
dialled_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Held) held = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (MuxSession) session = transport_dial_finish (NULL, result, &error);

  held->dialling = FALSE;
  if (held->hold == NULL)
    {
      if (session != NULL)
        transport_session_ops.close_async (session, NULL, NULL);
      return;
    }
  if (session == NULL)
    {
      complain (held, error);
      dial_later (held);
      return;
    }
  held->complained = FALSE;
  held->since = g_get_monotonic_time ();
  /* It may have ended between its answer and this. */
  if (session->phase == TRANSPORT_SESSION_OVER)
    dial_later (held);
  else
    held->session = g_steal_pointer (&session);
}

static void
dial (Held *held)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);

  transport_timer_clear (&held->pause);
  if (held->dialling || held->session != NULL || held->left_alone)
    return;
  held->dialling = TRUE;
  g_variant_dict_insert (&options, "quiet", "b", TRUE);
  transport_dial_async (held->hold->transport, held->name, g_variant_dict_end (&options), NULL, dialled_cb,
                        held_ref (held));
}

void
transport_hold_session_left (TransportHold *hold, const MuxSession *session)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, hold->held);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Held *held = value;

      if (held->session != session)
        continue;
      g_clear_pointer (&held->session, transport_session_unref);
      /* Somebody here waits for its end. */
      held->left_alone = session->closing.length > 0;
      if (g_get_monotonic_time () - held->since > STEADY_US)
        held->pause_ms = hold->transport->hold_pause_ms;
      if (!held->left_alone)
        dial_later (held);
      return;
    }
}

void
transport_hold_hurry (TransportHold *hold, const char *target)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, hold->held);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Held *held = value;

      if (target != NULL && !g_str_equal (held->name, target))
        continue;
      held->pause_ms = hold->transport->hold_pause_ms;
      dial (held);
    }
}

static gboolean
is_wanted (const ConfigSettings *settings, const char *name)
{
  const ConfigClient *client = config_settings_find_client (settings, name);

  return client != NULL && client->connect_automatically;
}

static void
end_unused (TransportHold *hold)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, hold->held);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Held *held = value;

      if (is_wanted (hold->transport->settings, held->name))
        continue;
      if (held->session != NULL && !session_is_in_use (held->session->session))
        transport_session_ops.close_async (held->session, NULL, NULL);
      g_hash_table_iter_remove (&iter);
    }
}

void
transport_hold_configure (TransportHold *hold)
{
  const ConfigSettings *settings = hold->transport->settings;

  end_unused (hold);
  for (guint i = 0; i < config_settings_n_clients (settings); i++)
    {
      const ConfigClient *client = config_settings_client (settings, i);
      Held *held = g_hash_table_lookup (hold->held, client->name);

      if (!client->connect_automatically)
        continue;
      if (held == NULL)
        {
          held = g_new0 (Held, 1);
          held->references = 1;
          held->hold = hold;
          held->name = g_strdup (client->name);
          g_hash_table_insert (hold->held, held->name, held);
        }
      held->left_alone = FALSE;
      held->pause_ms = hold->transport->hold_pause_ms;
      dial (held);
    }
  /* It tells when the network changes, also before the first session. */
  if (g_hash_table_size (hold->held) > 0 && hold->transport->roam == NULL)
    hold->transport->roam = transport_roam_new (hold->transport);
}

TransportHold *
transport_hold_new (MuxTransport *transport)
{
  TransportHold *hold = g_new0 (TransportHold, 1);

  hold->transport = transport;
  hold->held = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, let_go);
  transport_hold_configure (hold);
  return hold;
}

void
transport_hold_free (TransportHold *hold)
{
  g_hash_table_unref (hold->held);
  g_free (hold);
}
