#include "control/sessions.h"

#include "control/control.h"

struct _ControlSessions
{
  GHashTable *by_session; /* MuxSession → ControlSessionEntry, owned */
  GHashTable *by_path;    /* its path → the entry */
};

/* A property, and where it comes from: the description of a session. A row for each, in the order of the
 * interface. */
static const struct
{
  const char *property, *key;
  char type;
} rows[] = {
  { "Id", "id", 's' },
  { "State", "state", 's' },
  { "Direction", "direction", 's' },
  { "User", "user", 's' },
  { "Device", "device", 's' },
  { "Serial", "serial", 's' },
  { "Target", "target", 's' },
  { "Agent", "agent", 's' },
  { "Peer", "peer", 's' },
  { "Local", "local", 's' },
  { "Path", "path", 's' },
  { "Since", "since", 'x' },
  { "AwaySince", "away_since", 'x' },
  { "Aways", "aways", 'u' },
  { "Migrations", "migrations", 'u' },
  { "Channels", "channels", 'u' },
  { "Rtt", "rtt", 'd' },
  { "Lost", "lost", 't' },
  { "BytesIn", "bytes_in", 't' },
  { "BytesOut", "bytes_out", 't' },
};

/* What stands for a value that is not known. Floating. */
static GVariant *
nothing (char type)
{
  switch (type)
    {
    case 'x':
      return g_variant_new_int64 (0);
    case 'u':
      return g_variant_new_uint32 (0);
    case 't':
      return g_variant_new_uint64 (0);
    case 'd':
      return g_variant_new_double (0);
    default:
      return g_variant_new_string ("");
    }
}

/* @value: borrowed, may be NULL. */
static GVariant *
fitting (GVariant *value, char type)
{
  const char expected[] = { type, '\0' };

  if (value != NULL && type == 'u' && g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY))
    return g_variant_new_uint32 ((guint32)g_variant_n_children (value));
  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE (expected)) ? value : nothing (type);
}

static GVariant *
describe (MuxSession *session)
{
  g_autoptr (GVariant) details = transport_session_ops.describe (session);
  GVariant *values[G_N_ELEMENTS (rows)] = { NULL }, *value;
  GVariantBuilder builder;
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, details);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
        if (values[i] == NULL && g_str_equal (rows[i].key, key))
          values[i] = g_variant_ref (value);
      g_variant_unref (value);
    }
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_variant_builder_add (&builder, "{sv}", rows[i].property, fitting (values[i], rows[i].type));
      g_clear_pointer (&values[i], g_variant_unref);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Both have the same properties in the same order. NULL: they are equal. */
static GVariant *
difference (GVariant *before, GVariant *after)
{
  GVariantBuilder builder;
  guint n = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GVariant) old = g_variant_get_child_value (before, i);
      g_autoptr (GVariant) new = g_variant_get_child_value (after, i);

      if (g_variant_equal (old, new))
        continue;
      g_variant_builder_add_value (&builder, new);
      n++;
    }
  if (n > 0)
    return g_variant_ref_sink (g_variant_builder_end (&builder));
  g_variant_builder_clear (&builder);
  return NULL;
}

static void
entry_free (gpointer data)
{
  ControlSessionEntry *entry = data;

  g_variant_unref (entry->properties);
  g_free (entry->path);
  g_free (entry);
}

/* Both ends of a session have the same id, and may both be here. */
static char *
new_path (ControlSessions *self, GVariant *properties)
{
  const char *id = "";
  char *path;
  guint n = 1;

  g_variant_lookup (properties, "Id", "&s", &id);
  path = g_strconcat (CONTROL_SESSIONS_PATH "/", *id != '\0' ? id : "none", NULL);
  while (g_hash_table_contains (self->by_path, path))
    {
      g_free (path);
      path = g_strdup_printf (CONTROL_SESSIONS_PATH "/%s_%u", *id != '\0' ? id : "none", n++);
    }
  return path;
}

static ControlSessionEntry *
add (ControlSessions *self, MuxSession *session)
{
  ControlSessionEntry *entry = g_new0 (ControlSessionEntry, 1);

  entry->session = session;
  entry->properties = describe (session);
  entry->path = new_path (self, entry->properties);
  g_hash_table_insert (self->by_session, session, entry);
  g_hash_table_insert (self->by_path, entry->path, entry);
  return entry;
}

const ControlSessionEntry *
control_sessions_update (ControlSessions *self, MuxSession *session, gboolean *is_new, GVariant **changed)
{
  ControlSessionEntry *entry = g_hash_table_lookup (self->by_session, session);
  GVariant *now;

  *is_new = entry == NULL;
  *changed = NULL;
  if (entry == NULL)
    return add (self, session);
  now = describe (session);
  *changed = difference (entry->properties, now);
  g_variant_unref (entry->properties);
  entry->properties = now;
  return entry;
}

gboolean
control_sessions_remove (ControlSessions *self, MuxSession *session, char **path)
{
  ControlSessionEntry *entry = g_hash_table_lookup (self->by_session, session);

  if (entry == NULL)
    return FALSE;
  g_hash_table_remove (self->by_path, entry->path);
  *path = g_steal_pointer (&entry->path);
  g_hash_table_remove (self->by_session, session);
  return TRUE;
}

const ControlSessionEntry *
control_sessions_find (ControlSessions *self, const char *path)
{
  return g_hash_table_lookup (self->by_path, path);
}

const ControlSessionEntry *
control_sessions_of (ControlSessions *self, MuxSession *session)
{
  return g_hash_table_lookup (self->by_session, session);
}

ControlSessions *
control_sessions_new (void)
{
  ControlSessions *self = g_new0 (ControlSessions, 1);

  self->by_session = g_hash_table_new_full (NULL, NULL, NULL, entry_free);
  self->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
control_sessions_free (ControlSessions *self)
{
  g_hash_table_unref (self->by_path);
  g_hash_table_unref (self->by_session);
  g_free (self);
}
