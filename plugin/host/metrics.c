/* `mux-quic metrics`: the host's counters for a monitoring system. */
#include "host/control-client.h"
#include "host/openmetrics.h"
#include "host/verb.h"

#include <glib/gi18n.h>

static char *textfile;

static const GOptionEntry options[] = {
  { "textfile", 'o', 0, G_OPTION_ARG_FILENAME, &textfile,
    N_ ("write to this file, whole or not at all; for node_exporter"), N_ ("FILE") },
  G_OPTION_ENTRY_NULL,
};

static char *
fetch (GError **error)
{
  g_autoptr (GDBusConnection) connection = host_control_connect (error);
  g_autoptr (GVariant) reply
      = connection == NULL ? NULL : host_control_call (connection, "GetStats", NULL, "(a{sv})", error);
  g_autoptr (GVariant) version = reply == NULL ? NULL : host_control_get (connection, "Version", "s", error);
  g_autoptr (GVariant) stats = NULL;

  if (version == NULL)
    return NULL;
  g_variant_get (reply, "(@a{sv})", &stats);
  return host_openmetrics_format (stats, g_variant_get_string (version, NULL));
}

/* Its reader is another user, and may read at any time. */
static gboolean
write_file (const char *text)
{
  g_autoptr (GError) error = NULL;

  if (g_file_set_contents_full (textfile, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error))
    return TRUE;
  host_complain ("%s", error->message);
  return FALSE;
}

static int
run (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = fetch (&error);

  if (text == NULL)
    {
      host_complain ("%s", error->message);
      /* What the file says of a host that is gone must not go on looking alive. */
      if (textfile != NULL)
        {
          text = host_openmetrics_format_down ();
          write_file (text);
        }
      return host_exit_for_error (error);
    }
  if (textfile != NULL)
    return write_file (text) ? HOST_EXIT_OK : HOST_EXIT_FAILURE;
  g_print ("%s", text);
  return HOST_EXIT_OK;
}

const HostVerb host_verb_metrics = {
  .name = "metrics",
  .summary = N_ ("counters, for a monitoring system"),
  .description
  = N_ ("Prints the counters of the running host in the text format of OpenMetrics (Prometheus)."),
  .options = { options, host_control_options },
  .run = run,
};
