#include "host/keeper-link.h"
#include "host/listen-fds.h"
#include "host/loader.h"
#include "host/log.h"
#include "host/notify.h"
#include "host/service.h"
#include "host/status-line.h"
#include "host/verb.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct
{
  HostLoader *loader;
  GMainLoop *loop;
  HostNotify *notify;
  HostStatusLine *line;
  GHashTable *links; /* MuxSession → HostKeeperLink */
  gboolean system_mode;
  gboolean stopping;
} Serve;

static HostKeeperLink *
link_of (Serve *serve, MuxSession *session, GError **error)
{
  HostKeeperLink *link = g_hash_table_lookup (serve->links, session);

  if (link == NULL)
    {
      link = host_keeper_link_new (host_loader_session_ops (serve->loader), session, error);
      if (link != NULL)
        g_hash_table_insert (serve->links, session, link);
    }
  return link;
}

/* A host of the system speaks with many users, but what it starts runs as itself: as one of them only when it is root. Its own user has the
 * keys, and is nobody's to log in as. */
static gboolean
may_run (Serve *serve, MuxSession *session, GError **error)
{
  g_autoptr (GVariant) described = NULL;
  const char *user = "";

  if (!serve->system_mode)
    return TRUE;
  described = host_loader_session_ops (serve->loader)->describe (session);
  g_variant_lookup (described, "user", "&s", &user);
  if (geteuid () == 0 && g_str_equal (user, g_get_user_name ()))
    return TRUE;
  g_set_error (error, MUX_ERROR, MUX_ERROR_REFUSED,
               _("this host of the system runs as %s and starts nothing for %s; %s can run a host of their own: mux-quic serve"),
               g_get_user_name (), user, user);
  return FALSE;
}

static void
channel_opened (gpointer data, MuxSession *session, GVariant *request, GIOStream *channel)
{
  Serve *serve = host_loader_user_data (data);
  const MuxTransportOps *ops = host_loader_ops (serve->loader);
  const MuxSessionOps *session_ops = host_loader_session_ops (serve->loader);
  g_autoptr (GVariant) services = ops->dup_setting (host_loader_transport (serve->loader), "mux_services");
  g_autoptr (GError) error = NULL;
  const char *code = "failed";
  g_autoptr (GVariant) start
      = may_run (serve, session, &error) ? host_service_resolve (services, request, &code, &error) : NULL;
  HostKeeperLink *link = start == NULL ? NULL : link_of (serve, session, &error);

  if (link == NULL)
    session_ops->refuse_channel (session, channel, code, error->message);
  else
    host_keeper_link_start (link, channel, start);
}

static void
channel_event (gpointer data, MuxSession *session, GIOStream *channel, const char *event, GVariant *details)
{
  Serve *serve = host_loader_user_data (data);
  HostKeeperLink *link = g_hash_table_lookup (serve->links, session);

  if (link != NULL)
    host_keeper_link_event (link, channel, event, details);
}

static void
session_changed (gpointer data, MuxSession *session, MuxSessionState state, const GError *error)
{
  Serve *serve = host_loader_user_data (data);

  host_status_line_session (serve->line, session, state);
  if (state == MUX_SESSION_CLOSED)
    g_hash_table_remove (serve->links, session);
}

static GLogLevelFlags
log_level (gpointer data)
{
  return host_log_level ();
}

static void
set_log_level (gpointer data, GLogLevelFlags level)
{
  host_log_set_level (level);
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Serve *serve = data;

  host_loader_ops (serve->loader)->stop_finish (host_loader_transport (serve->loader), result, NULL);
  g_main_loop_quit (serve->loop);
}

static gboolean
terminate_cb (gpointer data)
{
  Serve *serve = data;

  if (serve->stopping)
    g_main_loop_quit (serve->loop); /* asked twice: at once */
  else
    {
      serve->stopping = TRUE;
      host_notify_stopping (serve->notify, _("saying goodbye to the sessions"));
      host_loader_ops (serve->loader)->stop_async (host_loader_transport (serve->loader), stopped_cb, serve);
    }
  return G_SOURCE_CONTINUE;
}

/* It serves, as it did before or by another configuration. */
static void
tell_ready (Serve *serve, GVariant *listeners)
{
  g_autofree char *text = NULL;

  host_status_line_listeners (serve->line, listeners);
  text = host_status_line_text (serve->line);
  host_notify_ready (serve->notify, text);
}

/* aa{sv}, transfer full. */
static GVariant *
listeners_of (Serve *serve)
{
  g_autoptr (GVariant) status = host_loader_ops (serve->loader)->describe (host_loader_transport (serve->loader));

  return g_variant_lookup_value (status, "listeners", G_VARIANT_TYPE ("aa{sv}"));
}

static gboolean
reload_cb (gpointer data)
{
  Serve *serve = data;
  g_autoptr (GVariant) listeners = NULL;
  g_autoptr (GError) error = NULL;

  if (serve->stopping)
    return G_SOURCE_CONTINUE;
  host_notify_reloading (serve->notify);
  if (!host_loader_ops (serve->loader)->reload (host_loader_transport (serve->loader), &error))
    host_complain (_("the old configuration stays in force: %s"), error->message);
  listeners = listeners_of (serve);
  tell_ready (serve, listeners);
  return G_SOURCE_CONTINUE;
}

static void
print_listeners (GVariant *listeners)
{
  GVariantIter iter;
  GVariant *one;

  g_variant_iter_init (&iter, listeners);
  while ((one = g_variant_iter_next_value (&iter)) != NULL)
    {
      const char *address = "";

      g_variant_lookup (one, "address", "&s", &address);
      g_print ("listening on %s\n", address);
      g_variant_unref (one);
    }
  /* Who waits for the first line waits for no socket: all is ready. */
  if (g_variant_n_children (listeners) == 0)
    g_print ("listening nowhere\n");
  fflush (stdout);
  /* Who waited for a line may have gone with the first one. */
  clearerr (stdout);
}

/* A session takes a dozen descriptors; the soft limit of 1024 is for programs that use select (). */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max)
    {
      limit.rlim_cur = limit.rlim_max;
      if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
        g_debug ("the limit of descriptors stays at %lu", (unsigned long) limit.rlim_cur);
    }
}

/* There is a host: what autostart, systemd or D-Bus wanted is so, whoever was first. To systemd it is no failure either, which
 * it would try to mend for ever; that takes a service that was ready once. */
static int
not_started (Serve *serve, const GError *error)
{
  host_complain ("%s", error->message);
  if (!g_error_matches (error, MUX_ERROR, MUX_ERROR_RUNNING))
    return HOST_EXIT_FAILURE;
  host_notify_ready (serve->notify, error->message);
  return HOST_EXIT_OK;
}

static int
serve_until_told (Serve *serve)
{
  g_autoptr (GVariant) listeners = NULL;
  g_autoptr (GError) error = NULL;
  guint sources[3];

  if (!host_loader_ops (serve->loader)->start (host_loader_transport (serve->loader), &error))
    return not_started (serve, error);
  serve->loop = g_main_loop_new (NULL, FALSE);
  sources[0] = g_unix_signal_add (SIGTERM, terminate_cb, serve);
  sources[1] = g_unix_signal_add (SIGINT, terminate_cb, serve);
  sources[2] = g_unix_signal_add (SIGHUP, reload_cb, serve);
  listeners = listeners_of (serve);
  print_listeners (listeners);
  tell_ready (serve, listeners);
  g_main_loop_run (serve->loop);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  g_main_loop_unref (serve->loop);
  return HOST_EXIT_OK;
}

static char *config, *plugin;
static gboolean system_mode, no_bus;

static const GOptionEntry options[] = {
  { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config, N_("configuration file"), N_("FILE") },
  { "system", 0, 0, G_OPTION_ARG_NONE, &system_mode, N_("serve the system: /etc/mux-quic, the system bus"), NULL },
  { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, N_("the plugin's module"), N_("FILE") },
  { "no-bus", 0, 0, G_OPTION_ARG_NONE, &no_bus, N_("no status on D-Bus, only on the private socket"), NULL },
  G_OPTION_ENTRY_NULL,
};

static int
run (int argc, char **argv)
{
  g_autoptr (GDBusConnection) bus = NULL;
  g_auto (HostListenFds) listen = { 0 };
  g_autoptr (HostNotify) notify = NULL;
  g_autoptr (HostStatusLine) line = NULL;
  g_autoptr (GError) error = NULL;
  Serve serve = { 0 };
  MuxHost host;
  int status;

  host_log_init ();
  host_listen_fds_take (&listen);
  serve.notify = notify = host_notify_new ();
  serve.line = line = host_status_line_new (notify);
  signal (SIGPIPE, SIG_IGN);
  raise_descriptor_limit ();
  if (!no_bus)
    {
      bus = g_bus_get_sync (system_mode ? G_BUS_TYPE_SYSTEM : G_BUS_TYPE_SESSION, NULL, NULL);
      if (bus != NULL)
        g_dbus_connection_set_exit_on_close (bus, FALSE);
    }
  serve.loader = host_loader_new ();
  serve.links = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) host_keeper_link_free);
  host_loader_fill (serve.loader, &host, &serve);
  serve.system_mode = system_mode;
  host.system_mode = system_mode;
  host.config_path = config;
  host.bus = bus;
  host.channel_opened = channel_opened;
  host.channel_event = channel_event;
  host.session_changed = session_changed;
  host.log_level = log_level;
  host.set_log_level = set_log_level;
  host_listen_fds_fill (&listen, &host);
  if (host_loader_load (serve.loader, &host, plugin, &error))
    status = serve_until_told (&serve);
  else
    {
      host_complain ("%s", error->message);
      status = HOST_EXIT_FAILURE;
    }
  g_hash_table_unref (serve.links);
  host_loader_free (serve.loader);
  return status;
}

const HostVerb host_verb_serve = {
  .name = "serve",
  .summary = N_("serve this machine"),
  .description = N_("Serves this machine until SIGTERM; SIGHUP reads the configuration again."),
  .options = { options },
  .run = run,
};
