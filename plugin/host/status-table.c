#include "host/status-table.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <libsmartcols.h>
#include <stdio.h>

#define SCHEMA 1

typedef struct
{
  const char *title; /* N_() */
  const char *key;
  char *(*format) (GVariant *row, const char *key);
  gboolean right;
} Column;

static char *
format_string (GVariant *row, const char *key)
{
  const char *text = "";

  g_variant_lookup (row, key, "&s", &text);
  return g_strdup (text);
}

static char *
format_count (GVariant *row, const char *key)
{
  guint32 small;
  guint64 large;

  if (g_variant_lookup (row, key, "u", &small))
    return g_strdup_printf ("%u", small);
  if (g_variant_lookup (row, key, "t", &large))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, large);
  return g_strdup ("");
}

static char *
format_size (GVariant *row, const char *key)
{
  guint64 bytes = 0;

  return g_variant_lookup (row, key, "t", &bytes) ? g_format_size (bytes) : g_strdup ("");
}

static char *
format_milliseconds (GVariant *row, const char *key)
{
  double value = 0;

  return g_variant_lookup (row, key, "d", &value) ? g_strdup_printf ("%.1f ms", value) : g_strdup ("");
}

static char *
format_length (GVariant *row, const char *key)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (row, key, NULL);

  return list == NULL ? g_strdup ("") : g_strdup_printf ("%" G_GSIZE_FORMAT, g_variant_n_children (list));
}

static char *
format_time (GVariant *row, const char *key)
{
  g_autoptr (GDateTime) time = NULL;
  gint64 seconds = 0;

  if (!g_variant_lookup (row, key, "x", &seconds))
    return g_strdup ("");
  time = g_date_time_new_from_unix_local (seconds);
  return time == NULL ? g_strdup ("?") : g_date_time_format (time, "%Y-%m-%d %H:%M");
}

/* Of a session that is away, since when. */
static char *
format_session_state (GVariant *row, const char *key)
{
  g_autofree char *since = format_time (row, "away_since");

  return *since != '\0' ? g_strdup_printf (_("away since %s"), since) : format_string (row, key);
}

static const Column listener_columns[] = {
  { N_("LISTENING ON"), "address", format_string, FALSE },
  { N_("CONNECTIONS"), "connections", format_count, TRUE },
  { N_("CERTIFICATE UNTIL"), "certificate_expires", format_time, FALSE },
  { NULL },
};

static const Column session_columns[] = {
  { N_("USER"), "user", format_string, FALSE },
  { N_("DEVICE"), "device", format_string, FALSE },
  { N_("PEER"), "peer", format_string, FALSE },
  { N_("STATE"), "state", format_session_state, FALSE },
  { N_("SINCE"), "since", format_time, FALSE },
  { N_("RTT"), "rtt", format_milliseconds, TRUE },
  { N_("LOST"), "lost", format_count, TRUE },
  { N_("IN"), "bytes_in", format_size, TRUE },
  { N_("OUT"), "bytes_out", format_size, TRUE },
  { N_("CHANNELS"), "channels", format_length, TRUE },
  { NULL },
};

static const Column certificate_columns[] = {
  { N_("CERTIFICATE"), "role", format_string, FALSE },
  { N_("SERIAL"), "serial", format_string, FALSE },
  { N_("FROM"), "not_before", format_time, FALSE },
  { N_("UNTIL"), "not_after", format_time, FALSE },
  { NULL },
};

static char *
format_state (GVariant *row, const char *key)
{
  gint64 revoked = 0, expires = 0;

  if (g_variant_lookup (row, "revoked", "x", &revoked))
    return g_strdup (_("revoked"));
  g_variant_lookup (row, "expires", "x", &expires);
  return g_strdup (expires < g_get_real_time () / G_USEC_PER_SEC ? _("expired") : _("valid"));
}

static const Column issued_columns[] = {
  { N_("SERIAL"), "serial", format_string, FALSE },
  { N_("USER"), "user", format_string, FALSE },
  { N_("DEVICE"), "device", format_string, FALSE },
  { N_("ISSUED"), "issued", format_time, FALSE },
  { N_("UNTIL"), "expires", format_time, FALSE },
  { N_("STATE"), "revoked", format_state, FALSE },
  { N_("LAST SEEN"), "seen", format_time, FALSE },
  { N_("FROM ADDRESS"), "address", format_string, FALSE },
  { NULL },
};

static void
fill_row (struct libscols_table *table, const Column *columns, GVariant *row)
{
  struct libscols_line *line = scols_table_new_line (table, NULL);

  for (gsize i = 0; line != NULL && columns[i].title != NULL; i++)
    {
      g_autofree char *text = columns[i].format (row, columns[i].key);

      scols_line_set_data (line, i, text);
    }
}

static void
print_rows (GVariant *rows, const Column *columns)
{
  struct libscols_table *table;

  if (rows == NULL || g_variant_n_children (rows) == 0)
    return;
  table = scols_new_table ();
  if (table == NULL)
    g_error ("out of memory");
  for (gsize i = 0; columns[i].title != NULL; i++)
    scols_table_new_column (table, _(columns[i].title), 0, columns[i].right ? SCOLS_FL_RIGHT : 0);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      fill_row (table, columns, row);
    }
  /* A pipe gets whole lines: they are not cut to a width nobody has. */
  scols_table_set_termforce (table, SCOLS_TERMFORCE_NEVER);
  scols_print_table (table);
  scols_unref_table (table);
}

static void
print_table (GVariant *status, const char *key, const Column *columns)
{
  g_autoptr (GVariant) rows = g_variant_lookup_value (status, key, G_VARIANT_TYPE ("aa{sv}"));

  print_rows (rows, columns);
}

void
host_status_table_print_issued (GVariant *certificates)
{
  print_rows (certificates, issued_columns);
}

void
host_status_table_print_own (GVariant *status)
{
  print_table (status, "certificates", certificate_columns);
}

void
host_status_table_print (GVariant *status)
{
  g_autoptr (GVariant) sessions = g_variant_lookup_value (status, "sessions", G_VARIANT_TYPE ("aa{sv}"));

  print_table (status, "listeners", listener_columns);
  fputc ('\n', stdout);
  if (sessions != NULL && g_variant_n_children (sessions) > 0)
    print_table (status, "sessions", session_columns);
  else
    printf ("%s\n", _("No sessions."));
  fputc ('\n', stdout);
  host_status_table_print_own (status);
}

void
host_print_json (GVariant *dictionary)
{
  g_autofree char *text = NULL;
  g_autoptr (GVariant) with_schema = NULL;
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  JsonNode *root;
  g_autoptr (GVariant) owned = g_variant_ref_sink (dictionary);
  GVariantDict dict;

  g_variant_dict_init (&dict, owned);
  g_variant_dict_insert (&dict, "schema", "u", SCHEMA);
  with_schema = g_variant_ref_sink (g_variant_dict_end (&dict));
  root = json_gvariant_serialize (with_schema);
  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  json_node_unref (root);
  text = json_generator_to_data (generator, NULL);
  g_print ("%s\n", text);
}
