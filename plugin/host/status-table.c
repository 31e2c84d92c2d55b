#include "host/status-table.h"

#include "host/style.h"

#include <glib/gi18n.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <unistd.h>

/* A certificate with less than this to live was not renewed when it should have been (at two thirds of its life). */
#define SOON_SHARE 4

typedef struct
{
  const char *title; /* N_() */
  const char *key;
  char *(*format) (GVariant *row, const char *key);
  int flags; /* SCOLS_FL_…; TRUNC: it may be cut where there is no room */
  HostStyle (*style) (GVariant *row); /* NULL: plain */
} Column;

/* The words of the interface that a person reads: a session's state, a certificate's role. */
static const char *
in_words (const char *key, const char *text)
{
  static const char *const words[] = { N_("connecting"), N_("connected"), N_("away"), N_("closed"),
                                       N_("ca"), N_("server"), N_("client") };

  if (g_str_equal (key, "state") || g_str_equal (key, "role"))
    for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
      if (g_str_equal (words[i], text))
        return _(words[i]);
  return text;
}

static char *
format_string (GVariant *row, const char *key)
{
  const char *text = "";

  g_variant_lookup (row, key, "&s", &text);
  return g_strdup (in_words (key, text));
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

/* Who came here; or where this host went by itself. */
static char *
format_session_user (GVariant *row, const char *key)
{
  const char *direction = "", *target = "";

  g_variant_lookup (row, "direction", "&s", &direction);
  g_variant_lookup (row, "target", "&s", &target);
  return g_str_equal (direction, "out") ? g_strdup_printf ("→ %s", target) : format_string (row, key);
}

static HostStyle
session_style (GVariant *row)
{
  const char *state = "";

  g_variant_lookup (row, "state", "&s", &state);
  return g_str_equal (state, "connected") ? HOST_STYLE_GOOD : HOST_STYLE_WARNING;
}

/* Of something valid from @from until @until, Unix seconds; 0: not known. */
static HostStyle
validity_style (gint64 from, gint64 until)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (until == 0)
    return HOST_STYLE_PLAIN;
  if (until <= now)
    return HOST_STYLE_BAD;
  return from != 0 && until - now < (until - from) / SOON_SHARE ? HOST_STYLE_WARNING : HOST_STYLE_PLAIN;
}

static HostStyle
listener_style (GVariant *row)
{
  gint64 until = 0;

  g_variant_lookup (row, "certificate_expires", "x", &until);
  return validity_style (0, until);
}

static HostStyle
certificate_style (GVariant *row)
{
  gint64 from = 0, until = 0;

  g_variant_lookup (row, "not_before", "x", &from);
  g_variant_lookup (row, "not_after", "x", &until);
  return validity_style (from, until);
}

static const Column listener_columns[] = {
  { N_("LISTENING ON"), "address", format_string, 0, NULL },
  { N_("CONNECTIONS"), "connections", format_count, SCOLS_FL_RIGHT, NULL },
  { N_("CERTIFICATE UNTIL"), "certificate_expires", format_time, 0, listener_style },
  { NULL },
};

static const Column session_columns[] = {
  { N_("USER"), "user", format_session_user, SCOLS_FL_TRUNC, NULL },
  { N_("DEVICE"), "device", format_string, SCOLS_FL_TRUNC, NULL },
  { N_("PEER"), "peer", format_string, 0, NULL },
  { N_("STATE"), "state", format_session_state, 0, session_style },
  { N_("SINCE"), "since", format_time, SCOLS_FL_TRUNC, NULL },
  { N_("RTT"), "rtt", format_milliseconds, SCOLS_FL_RIGHT, NULL },
  { N_("LOST"), "lost", format_count, SCOLS_FL_RIGHT, NULL },
  { N_("IN"), "bytes_in", format_size, SCOLS_FL_RIGHT, NULL },
  { N_("OUT"), "bytes_out", format_size, SCOLS_FL_RIGHT, NULL },
  { N_("CHANNELS"), "channels", format_length, SCOLS_FL_RIGHT, NULL },
  { NULL },
};

static const Column certificate_columns[] = {
  { N_("CERTIFICATE"), "role", format_string, 0, NULL },
  { N_("SERIAL"), "serial", format_string, SCOLS_FL_TRUNC, NULL },
  { N_("FROM"), "not_before", format_time, 0, NULL },
  { N_("UNTIL"), "not_after", format_time, 0, certificate_style },
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

static HostStyle
issued_style (GVariant *row)
{
  gint64 revoked = 0, expires = 0;

  g_variant_lookup (row, "expires", "x", &expires);
  return g_variant_lookup (row, "revoked", "x", &revoked) ? HOST_STYLE_BAD : validity_style (0, expires);
}

static const Column issued_columns[] = {
  { N_("SERIAL"), "serial", format_string, 0, NULL },
  { N_("USER"), "user", format_string, 0, NULL },
  { N_("DEVICE"), "device", format_string, 0, NULL },
  { N_("ISSUED"), "issued", format_time, 0, NULL },
  { N_("UNTIL"), "expires", format_time, 0, NULL },
  { N_("STATE"), "revoked", format_state, 0, issued_style },
  { N_("LAST SEEN"), "seen", format_time, 0, NULL },
  { N_("FROM ADDRESS"), "address", format_string, 0, NULL },
  { NULL },
};

static void
fill_row (struct libscols_table *table, const Column *columns, GVariant *row, const HostTableLook *look)
{
  struct libscols_line *line = scols_table_new_line (table, NULL);

  for (gsize i = 0; line != NULL && columns[i].title != NULL; i++)
    {
      g_autofree char *text = columns[i].format (row, columns[i].key);
      HostStyle style = columns[i].style != NULL ? columns[i].style (row) : HOST_STYLE_PLAIN;

      scols_line_set_data (line, i, text);
      if (look->colors && style != HOST_STYLE_PLAIN)
        scols_cell_set_color (scols_line_get_cell (line, i), host_style_begin (style, TRUE));
    }
}

static struct libscols_table *
make_table (const Column *columns, const HostTableLook *look)
{
  struct libscols_table *table = scols_new_table ();

  if (table == NULL)
    g_error ("out of memory");
  scols_table_enable_colors (table, look->colors);
  /* A pipe gets whole lines: they are not cut to a width nobody has. */
  scols_table_set_termforce (table, look->columns > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
  scols_table_set_termwidth (table, look->columns);
  for (gsize i = 0; columns[i].title != NULL; i++)
    {
      struct libscols_column *column = scols_table_new_column (table, _(columns[i].title), 0, columns[i].flags);

      if (column != NULL && look->colors)
        scols_cell_set_color (scols_column_get_header (column), host_style_begin (HOST_STYLE_HEADING, TRUE));
    }
  return table;
}

static void
append_rows (GString *text, GVariant *rows, const Column *columns, const HostTableLook *look)
{
  struct libscols_table *table;
  char *printed = NULL;

  if (rows == NULL || g_variant_n_children (rows) == 0)
    return;
  table = make_table (columns, look);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      fill_row (table, columns, row, look);
    }
  if (scols_print_table_to_string (table, &printed) == 0 && printed != NULL)
    {
      g_string_append (text, printed);
      /* Older versions leave out the last line's end. */
      if (text->len > 0 && text->str[text->len - 1] != '\n')
        g_string_append_c (text, '\n');
    }
  free (printed);
  scols_unref_table (table);
}

static void
append_table (GString *text, GVariant *status, const char *key, const Column *columns, const HostTableLook *look)
{
  g_autoptr (GVariant) rows = g_variant_lookup_value (status, key, G_VARIANT_TYPE ("aa{sv}"));

  append_rows (text, rows, columns, look);
}

char *
host_status_table_format (GVariant *status, const HostTableLook *look)
{
  g_autoptr (GVariant) sessions = g_variant_lookup_value (status, "sessions", G_VARIANT_TYPE ("aa{sv}"));
  GString *text = g_string_new (NULL);

  append_table (text, status, "listeners", listener_columns, look);
  if (text->len > 0)
    g_string_append_c (text, '\n');
  if (sessions != NULL && g_variant_n_children (sessions) > 0)
    append_rows (text, sessions, session_columns, look);
  else
    g_string_append_printf (text, "%s\n", _("No sessions."));
  g_string_append_c (text, '\n');
  append_table (text, status, "certificates", certificate_columns, look);
  return g_string_free (text, FALSE);
}

static HostTableLook
standard_look (void)
{
  return (HostTableLook){ .colors = host_style_enabled (STDOUT_FILENO) };
}

void
host_status_table_print (GVariant *status)
{
  HostTableLook look = standard_look ();
  g_autofree char *text = host_status_table_format (status, &look);

  g_print ("%s", text);
}

void
host_status_table_print_own (GVariant *status)
{
  HostTableLook look = standard_look ();
  g_autoptr (GString) text = g_string_new (NULL);

  append_table (text, status, "certificates", certificate_columns, &look);
  g_print ("%s", text->str);
}

void
host_status_table_print_issued (GVariant *certificates)
{
  HostTableLook look = standard_look ();
  g_autoptr (GString) text = g_string_new (NULL);

  append_rows (text, certificates, issued_columns, &look);
  g_print ("%s", text->str);
}
