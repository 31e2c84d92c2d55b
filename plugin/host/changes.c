#include "host/changes.h"

#include <glib/gi18n.h>

/* One kind of thing in a status: how two looks at the same are found, and what is said of them. */
typedef struct
{
  const char *list, *kind;
  const char *added, *changed, *removed; /* events */
  const char *const keys[3];             /* whose values together name one of them */
  char *(*tell_added) (GVariant *now);
  /* NULL when there is nothing to say. */
  char *(*tell_changed) (GVariant *before, GVariant *now);
  char *(*tell_removed) (GVariant *before);
} Kind;

static const char *
get_text (GVariant *row, const char *key)
{
  const char *text = "";

  g_variant_lookup (row, key, "&s", &text);
  return text;
}

static gboolean
differs (GVariant *before, GVariant *now, const char *key)
{
  return !g_str_equal (get_text (before, key), get_text (now, key));
}

/* Listeners */

static char *
tell_listening (GVariant *now)
{
  return g_strdup_printf (_ ("listening on %s"), get_text (now, "address"));
}

static char *
tell_deaf (GVariant *before)
{
  return g_strdup_printf (_ ("no longer listening on %s"), get_text (before, "address"));
}

/* Sessions */

static char *
name_session (GVariant *row)
{
  const char *user = get_text (row, "user"), *device = get_text (row, "device");

  if (g_str_equal (get_text (row, "direction"), "out"))
    return g_strdup_printf ("→ %s", get_text (row, "target"));
  return *device != '\0' ? g_strdup_printf ("%s/%s", user, device) : g_strdup (user);
}

static guint
count_channels (GVariant *row)
{
  g_autoptr (GVariant) channels = g_variant_lookup_value (row, "channels", NULL);

  return channels == NULL ? 0 : (guint)g_variant_n_children (channels);
}

static char *
tell_state (GVariant *row)
{
  const char *state = get_text (row, "state"), *peer = get_text (row, "peer");
  g_autofree char *name = name_session (row);

  if (g_str_equal (state, "away"))
    return g_strdup_printf (_ ("%s: away"), name);
  if (g_str_equal (state, "connected"))
    return g_strdup_printf (_ ("%s: connected, %s"), name, peer);
  return g_strdup_printf ("%s: %s", name, state);
}

static char *
tell_session_changed (GVariant *before, GVariant *now)
{
  g_autofree char *name = name_session (now);
  guint channels = count_channels (now);

  if (differs (before, now, "state"))
    return tell_state (now);
  if (differs (before, now, "peer"))
    return g_strdup_printf (_ ("%s: moved to %s"), name, get_text (now, "peer"));
  if (differs (before, now, "path"))
    return g_strdup_printf (g_str_equal (get_text (now, "path"), "ssh") ? _ ("%s: goes over ssh")
                                                                        : _ ("%s: goes over UDP"),
                            name);
  if (channels == count_channels (before))
    return NULL;
  return g_strdup_printf (ngettext ("%s: %u channel", "%s: %u channels", channels), name, channels);
}

static char *
tell_session_ended (GVariant *before)
{
  g_autofree char *name = name_session (before);

  return g_strdup_printf (_ ("%s: ended"), name);
}

/* Certificates */

static char *
tell_certificate (GVariant *now)
{
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *until = NULL;
  gint64 seconds = 0;

  g_variant_lookup (now, "not_after", "x", &seconds);
  time = g_date_time_new_from_unix_local (seconds);
  until = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M") : g_strdup ("?");
  return g_strdup_printf (_ ("certificate (%s) %s, valid until %s"), get_text (now, "role"),
                          get_text (now, "serial"), until);
}

static char *
tell_certificate_changed (GVariant *before, GVariant *now)
{
  if (!differs (before, now, "problem"))
    return NULL;
  if (*get_text (now, "problem") == '\0')
    return g_strdup_printf (_ ("certificate (%s) %s is renewed again"), get_text (now, "role"),
                            get_text (now, "serial"));
  return g_strdup_printf (_ ("certificate (%s) %s cannot be renewed: %s"), get_text (now, "role"),
                          get_text (now, "serial"), get_text (now, "problem"));
}

static char *
tell_certificate_gone (GVariant *before)
{
  return g_strdup_printf (_ ("certificate (%s) %s is not used any more"), get_text (before, "role"),
                          get_text (before, "serial"));
}

static const Kind kinds[] = {
  { "listeners",
    "listener",
    "listener-added",
    "listener-changed",
    "listener-removed",
    { "address", NULL },
    tell_listening,
    NULL,
    tell_deaf },
  { "sessions",
    "session",
    "session-added",
    "session-changed",
    "session-removed",
    { "id", "direction", NULL },
    tell_state,
    tell_session_changed,
    tell_session_ended },
  { "certificates",
    "certificate",
    "certificate-added",
    "certificate-changed",
    "certificate-removed",
    { "serial", "role", NULL },
    tell_certificate,
    tell_certificate_changed,
    tell_certificate_gone },
};

/* Takes @text; nothing is added without one. */
static void
add (GPtrArray *changes, const Kind *kind, const char *event, GVariant *subject, char *text)
{
  HostChange *change;

  if (text == NULL)
    return;
  change = g_new (HostChange, 1);
  *change = (HostChange){ event, kind->kind, g_variant_ref (subject), text };
  g_ptr_array_add (changes, change);
}

static void
change_free (gpointer data)
{
  HostChange *change = data;

  g_variant_unref (change->subject);
  g_free (change->text);
  g_free (change);
}

static char *
make_key (const Kind *kind, GVariant *row)
{
  return g_strjoin ("\n", get_text (row, kind->keys[0]),
                    kind->keys[1] != NULL ? get_text (row, kind->keys[1]) : "", NULL);
}

/* By their keys: a host may have thousands of sessions. */
static GHashTable *
index_rows (const Kind *kind, GVariant *status)
{
  GHashTable *rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
  g_autoptr (GVariant) list
      = status == NULL ? NULL : g_variant_lookup_value (status, kind->list, G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++)
    {
      GVariant *row = g_variant_get_child_value (list, i);

      g_hash_table_replace (rows, make_key (kind, row), row);
    }
  return rows;
}

static void
compare (GPtrArray *changes, const Kind *kind, GVariant *before, GVariant *after)
{
  g_autoptr (GHashTable) were = index_rows (kind, before);
  g_autoptr (GHashTable) are = index_rows (kind, after);
  GVariant *const sides[] = { before, after };

  /* First what went, then what is: each in the order of its own status. */
  for (gsize side = 0; side < G_N_ELEMENTS (sides); side++)
    {
      g_autoptr (GVariant) list
          = sides[side] == NULL ? NULL
                                : g_variant_lookup_value (sides[side], kind->list, G_VARIANT_TYPE ("aa{sv}"));

      for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++)
        {
          g_autoptr (GVariant) row = g_variant_get_child_value (list, i);
          g_autofree char *key = make_key (kind, row);
          GVariant *was = g_hash_table_lookup (were, key);

          if (side == 0 && !g_hash_table_contains (are, key))
            add (changes, kind, kind->removed, row, kind->tell_removed (row));
          else if (side == 1 && was == NULL)
            add (changes, kind, kind->added, row, kind->tell_added (row));
          else if (side == 1 && kind->tell_changed != NULL)
            add (changes, kind, kind->changed, row, kind->tell_changed (was, row));
        }
    }
}

GPtrArray *
host_changes_between (GVariant *before, GVariant *after)
{
  GPtrArray *changes = g_ptr_array_new_with_free_func (change_free);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    compare (changes, &kinds[i], before, after);
  return changes;
}
