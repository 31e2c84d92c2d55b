#include "host/control-client.h"
#include "host/json.h"
#include "host/status-fetch.h"
#include "host/status-table.h"
#include "host/style.h"
#include "host/verb.h"
#include "host/watch.h"

#include <glib/gi18n.h>

static gboolean watch;

static const GOptionEntry options[] = {
  { "watch", 'w', 0, G_OPTION_ARG_NONE, &watch, N_("go on showing it as it changes"), NULL },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) described = NULL;
  g_autoptr (GError) error = NULL;

  if (watch)
    return host_watch_run (host_json_wanted ());
  connection = host_control_connect (&error);
  if (connection == NULL)
    {
      host_complain ("%s", error->message);
      return host_exit_for_error (error);
    }
  described = host_status_fetch (connection, &error);
  if (described == NULL)
    {
      host_complain ("%s", error->message);
      return HOST_EXIT_FAILURE;
    }
  if (host_json_wanted ())
    host_json_print (described);
  else
    host_status_table_print (described);
  return HOST_EXIT_OK;
}

const HostVerb host_verb_status = {
  .name = "status",
  .summary = N_("listeners, sessions, certificates"),
  .description = N_("Shows what the running host serves: listeners, sessions, certificates."),
  .options = { options, host_json_options, host_style_options, host_control_options },
  .run = run,
};
