#include "host/openmetrics.h"

/* Types of OpenMetrics. What only that knows ("info", "stateset") makes older readers refuse the whole text.
 */
typedef enum
{
  GAUGE,
  COUNTER, /* its sample has the suffix _total */
} Type;

typedef struct
{
  const char *key; /* of GetStats */
  Type type;
  const char *name; /* below the prefix; ends with the unit, if there is one */
  const char *unit; /* NULL: none */
  const char *help;
} Family;

#define PREFIX "mux_quic_"

/* Names and help are not translated: they are for programs, and for dashboards that people share. */
static const Family families[] = {
  { "started", GAUGE, "start_time_seconds", "seconds", "Unix time at which the host began to serve." },
  { "certificate_expires", GAUGE, "certificate_expiry_time_seconds", "seconds",
    "Unix time at which the first of the host's own certificates expires." },
  { "connections", GAUGE, "connections", NULL, "Open QUIC connections." },
  { "half_open", GAUGE, "half_open_connections", NULL, "QUIC handshakes under way." },
  { "sessions", GAUGE, "sessions", NULL, "Sessions, with a connection or without." },
  { "sessions_away", GAUGE, "sessions_away", NULL, "Sessions that wait for their client to come back." },
  { "channels", GAUGE, "channels", NULL, "Open channels of all sessions." },
  { "bytes_in", COUNTER, "received_bytes", "bytes", "UDP payload received." },
  { "bytes_out", COUNTER, "sent_bytes", "bytes", "UDP payload sent." },
  { "datagrams_in", COUNTER, "received_datagrams", NULL, "UDP datagrams received." },
  { "datagrams_out", COUNTER, "sent_datagrams", NULL, "UDP datagrams sent." },
  { "datagrams_dropped", COUNTER, "dropped_datagrams", NULL,
    "Datagrams received that belonged to nothing or passed a limit." },
  { "send_errors", COUNTER, "send_errors", NULL, "Datagrams that the system would not send." },
  { "handshakes_completed", COUNTER, "handshakes_completed", NULL, "QUIC handshakes completed." },
  { "handshakes_failed", COUNTER, "handshakes_failed", NULL, "QUIC handshakes that failed." },
  { "connections_refused", COUNTER, "connections_refused", NULL,
    "Connections refused above a limit or for a bad token." },
  { "version_negotiations", COUNTER, "version_negotiations", NULL, "Version Negotiation packets sent." },
  { "retries_sent", COUNTER, "retries_sent", NULL, "Retry packets sent." },
  { "resets_sent", COUNTER, "stateless_resets_sent", NULL, "Stateless resets sent." },
  { "migrations", COUNTER, "migrations", NULL, "Connections that went over to another path." },
  { "sessions_started", COUNTER, "sessions_started", NULL, "Sessions begun." },
  { "sessions_resumed", COUNTER, "sessions_resumed", NULL, "Sessions that came back by another connection." },
  { "certificates_issued", COUNTER, "certificates_issued", NULL, "Client certificates issued at enrolment." },
  { "certificates_renewed", COUNTER, "certificates_renewed", NULL, "Certificates renewed." },
  { "certificates_revoked", COUNTER, "certificates_revoked", NULL, "Client certificates revoked." },
};

static void
append_head (GString *text, const Family *family)
{
  g_string_append_printf (text, "# HELP " PREFIX "%s %s\n", family->name, family->help);
  g_string_append_printf (text, "# TYPE " PREFIX "%s %s\n", family->name,
                          family->type == COUNTER ? "counter" : "gauge");
  if (family->unit != NULL)
    g_string_append_printf (text, "# UNIT " PREFIX "%s %s\n", family->name, family->unit);
}

static void
append_family (GString *text, const Family *family, GVariant *value)
{
  gint64 number;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    number = g_variant_get_uint32 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    number = g_variant_get_int64 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    number = (gint64)MIN (g_variant_get_uint64 (value), (guint64)G_MAXINT64);
  else
    return; /* of another kind than this program knows */
  append_head (text, family);
  g_string_append_printf (text, PREFIX "%s%s %" G_GINT64_FORMAT "\n", family->name,
                          family->type == COUNTER ? "_total" : "", number);
}

static void
append_up (GString *text, gboolean up)
{
  append_head (text, &(Family){ NULL, GAUGE, "up", NULL, "Whether the host runs." });
  g_string_append_printf (text, PREFIX "up %d\n", up);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void
append_escaped (GString *text, const char *value)
{
  for (; *value != '\0'; value++)
    if (*value == '\n')
      g_string_append (text, "\\n");
    else
      {
        if (*value == '\\' || *value == '"')
          g_string_append_c (text, '\\');
        g_string_append_c (text, *value);
      }
}

char *
host_openmetrics_format (GVariant *stats, const char *version)
{
  GString *text = g_string_new (NULL);

  append_up (text, TRUE);
  append_head (text, &(Family){ NULL, GAUGE, "build_info", NULL, "Always 1, with the version that runs." });
  g_string_append (text, PREFIX "build_info{version=\"");
  append_escaped (text, version);
  g_string_append (text, "\"} 1\n");
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (stats, families[i].key, NULL);

      if (value != NULL)
        append_family (text, &families[i], value);
    }
  g_string_append (text, "# EOF\n");
  return g_string_free (text, FALSE);
}

char *
host_openmetrics_format_down (void)
{
  GString *text = g_string_new (NULL);

  append_up (text, FALSE);
  g_string_append (text, "# EOF\n");
  return g_string_free (text, FALSE);
}
