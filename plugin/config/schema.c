#include "config/schema.h"

#include <string.h>

#define DAY 86400.0
#define SERVER(member) G_STRUCT_OFFSET (ConfigServer, member)
#define CLIENT(member) G_STRUCT_OFFSET (ConfigClient, member)

static const char *const retries[] = { "auto", "always", "never", NULL };
static const char *const congestions[] = { "cubic", "bbr", "reno", NULL };

const ConfigRow config_server_rows[] = {
  { "bind_address", CONFIG_STRING, SERVER (bind_address), .required = TRUE },
  { "certificate_lifetime_days", CONFIG_INTEGER, SERVER (certificate_lifetime_days), 1, 3650, 7 },
  { "pem_private_key", CONFIG_PATH, SERVER (pem_private_key) },
  { "pem_cert", CONFIG_PATH, SERVER (pem_cert) },
  { "pem_ca", CONFIG_PATH, SERVER (pem_ca) },
  { "pem_root_certs", CONFIG_PATHS, SERVER (pem_root_certs) },
  { "max_idle_timeout", CONFIG_SECONDS, SERVER (max_idle_timeout_ms), 1, DAY, 30 },
  { "keep_alive_interval", CONFIG_SECONDS, SERVER (keep_alive_interval_ms), 0.1, DAY, 0 },
  { "extra_san", CONFIG_STRINGS, SERVER (extra_san) },
  { "max_connections", CONFIG_INTEGER, SERVER (max_connections), 1, 1000000, 10000 },
  { "retry", CONFIG_CHOICE, SERVER (retry), .choices = retries },
  { "congestion_control", CONFIG_CHOICE, SERVER (congestion_control), .choices = congestions },
  { "session_timeout", CONFIG_SECONDS, SERVER (session_timeout_ms), 0, 365 * DAY, DAY },
  { "users", CONFIG_STRINGS, SERVER (users) },
  { "default_service", CONFIG_STRING, SERVER (default_service), .preset_text = "shell" },
  { "raw_service", CONFIG_STRING, SERVER (raw_service) },
  { NULL },
};

const ConfigRow config_client_rows[] = {
  { "name", CONFIG_STRING, CLIENT (name), .required = TRUE },
  { "remote_address", CONFIG_STRING, CLIENT (remote_address), .required = TRUE },
  { "bootstrap_via_ssh", CONFIG_STRING, CLIENT (bootstrap_via_ssh) },
  { "enroll_command", CONFIG_STRINGS, CLIENT (enroll_command) },
  { "remote_path", CONFIG_STRING, CLIENT (remote_path), .preset_text = "mux-quic" },
  { "persist_to_disk", CONFIG_BOOLEAN, CLIENT (persist_to_disk) },
  { "certificate_lifetime_days", CONFIG_INTEGER, CLIENT (certificate_lifetime_days), 1, 3650, 7 },
  { "enable_migration", CONFIG_BOOLEAN, CLIENT (enable_migration), .preset = TRUE },
  { "max_idle_timeout", CONFIG_SECONDS, CLIENT (max_idle_timeout_ms), 1, DAY, 30 },
  { "keep_alive_interval", CONFIG_SECONDS, CLIENT (keep_alive_interval_ms), 0.1, DAY, 0 },
  { "pem_private_key", CONFIG_PATH, CLIENT (pem_private_key) },
  { "pem_cert", CONFIG_PATH, CLIENT (pem_cert) },
  { "pem_ca", CONFIG_PATH, CLIENT (pem_ca) },
  { "pem_root_certs", CONFIG_PATHS, CLIENT (pem_root_certs) },
  { "expected_cn", CONFIG_STRING, CLIENT (expected_cn) },
  { "accept_invalid_hostnames", CONFIG_BOOLEAN, CLIENT (accept_invalid_hostnames) },
  { "connect_automatically", CONFIG_BOOLEAN, CLIENT (connect_automatically) },
  { "read_timeout", CONFIG_SECONDS, CLIENT (read_timeout_ms), 1, DAY, 60 },
  { "write_timeout", CONFIG_SECONDS, CLIENT (write_timeout_ms), 1, DAY, 60 },
  { "service", CONFIG_STRING, CLIENT (service) },
  /* Another spelling, from WezTerm's domains. */
  { "remote_wezterm_path", CONFIG_STRING, CLIENT (remote_path), .preset_text = "mux-quic" },
  { "enable_0rtt", CONFIG_INERT },
  { "overlay_lag_indicator", CONFIG_INERT },
  { "local_echo_threshold_ms", CONFIG_INERT },
  { NULL },
};

const ConfigRow *
config_schema_find (const ConfigRow *rows, const char *name)
{
  for (const ConfigRow *row = rows; row->name != NULL; row++)
    if (g_str_equal (row->name, name))
      return row;
  return NULL;
}

/* Edits that make @a of @b (Levenshtein). */
static guint
distance (const char *a, const char *b)
{
  gsize columns = strlen (b) + 1;
  g_autofree guint *row = g_new (guint, columns);

  for (gsize j = 0; j < columns; j++)
    row[j] = (guint) j;
  for (gsize i = 0; a[i] != '\0'; i++)
    {
      guint diagonal = row[0]++;

      for (gsize j = 1; j < columns; j++)
        {
          guint above = row[j];

          row[j] = MIN (MIN (above, row[j - 1]) + 1, diagonal + (a[i] != b[j - 1]));
          diagonal = above;
        }
    }
  return row[columns - 1];
}

const char *
config_schema_nearest (const ConfigRow *rows, const char *name)
{
  const char *nearest = NULL;
  guint best = (guint) MIN (strlen (name), 12) / 3 + 2;

  for (const ConfigRow *row = rows; strlen (name) < 64 && row->name != NULL; row++)
    if (distance (name, row->name) < best)
      {
        best = distance (name, row->name);
        nearest = row->name;
      }
  return nearest;
}

void
config_schema_preset (const ConfigRow *rows, gpointer target)
{
  for (const ConfigRow *row = rows; row->name != NULL; row++)
    {
      gpointer at = (guint8 *) target + row->offset;

      switch (row->type)
        {
        case CONFIG_STRING:
        case CONFIG_PATH:
          g_free (*(char **) at);
          *(char **) at = g_strdup (row->preset_text);
          break;
        case CONFIG_INTEGER:
          *(guint *) at = (guint) row->preset;
          break;
        case CONFIG_BOOLEAN:
          *(gboolean *) at = row->preset != 0;
          break;
        case CONFIG_SECONDS:
          *(guint64 *) at = (guint64) (row->preset * 1000);
          break;
        case CONFIG_STRINGS:
        case CONFIG_PATHS:
          *(char ***) at = g_new0 (char *, 1);
          break;
        case CONFIG_CHOICE:
          *(int *) at = (int) row->preset;
          break;
        case CONFIG_INERT:
          break;
        }
    }
}

void
config_schema_clear (const ConfigRow *rows, gpointer target)
{
  for (const ConfigRow *row = rows; row->name != NULL; row++)
    {
      gpointer at = (guint8 *) target + row->offset;

      if (row->type == CONFIG_STRING || row->type == CONFIG_PATH)
        g_clear_pointer ((char **) at, g_free);
      else if (row->type == CONFIG_STRINGS || row->type == CONFIG_PATHS)
        g_clear_pointer ((char ***) at, g_strfreev);
    }
}
