#include "host/client.h"

#include "host/away.h"
#include "host/goodbye.h"
#include "host/progress.h"
#include "host/signals.h"
#include "host/verb.h"

#include <glib/gi18n.h>
#include <signal.h>

struct _HostClient
{
  const HostClientEvents *events;
  gpointer user_data;
  HostLoader *loader;
  MuxHost host;
  GMainLoop *loop;
  MuxSession *session;
  GIOStream *channel;
  GPtrArray *lanes;
  GVariant *request;
  char *taken; /* id of a session, "" for any; NULL: a new one */
  HostProgress *progress; /* of the dial */
  guint lost; /* see host_client_quit_lost () */
  char *lost_message;
  HostAway *away;

  guint holds;
  gboolean wait_exit, exited, over, gone;
  int status;
  char *message; /* to be complained at the end */
};

static char *config, *plugin, *service;

const GOptionEntry host_client_options[] = {
  { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config, N_("configuration file"), N_("FILE") },
  { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &plugin, N_("the plugin's module"), N_("FILE") },
  { "service", 's', 0, G_OPTION_ARG_STRING, &service, N_("service to ask for"), N_("NAME") },
  G_OPTION_ENTRY_NULL,
};

static const MuxSessionOps *
ops (HostClient *client)
{
  return host_loader_session_ops (client->loader);
}

static void
progress (gpointer data, const char *message)
{
  HostClient *client = host_loader_user_data (data);

  if (client->progress != NULL)
    host_progress_set (client->progress, message);
}

static void
end_loop (HostClient *client)
{
  if (client->over)
    return;
  client->over = TRUE;
  g_main_loop_quit (client->loop);
}

/* The end is when the verb holds nothing and the program's status is known, if there is one. */
static void
check_end (HostClient *client)
{
  if (client->holds == 0 && (client->exited || !client->wait_exit))
    end_loop (client);
}

void
host_client_quit (HostClient *client, int status, const char *message)
{
  if (client->over)
    return;
  client->status = status;
  client->message = g_strdup (message);
  end_loop (client);
}

static gboolean
lost_cb (gpointer data)
{
  HostClient *client = data;
  g_autofree char *message = g_steal_pointer (&client->lost_message);

  client->lost = 0;
  host_client_quit (client, HOST_EXIT_TRANSPORT, message);
  return G_SOURCE_REMOVE;
}

void
host_client_quit_lost (HostClient *client, const char *message)
{
  if (client->over || client->lost != 0)
    return;
  client->lost_message = g_strdup (message);
  client->lost = g_idle_add (lost_cb, client);
}

void
host_client_hold (HostClient *client)
{
  client->holds++;
}

void
host_client_release (HostClient *client)
{
  g_assert (client->holds > 0);
  client->holds--;
  check_end (client);
}

void
host_client_set_wait_exit (HostClient *client)
{
  client->wait_exit = TRUE;
}

static void
channel_event (gpointer data, MuxSession *session, GIOStream *channel, const char *event, GVariant *details)
{
  HostClient *client = host_loader_user_data (data);
  const char *name = NULL;
  gint32 status = 0;

  if (channel != client->channel)
    return;
  if (g_str_equal (event, "exited"))
    {
      g_variant_lookup (details, "status", "i", &status);
      if (g_variant_lookup (details, "signal", "&s", &name) && name[0] != '\0')
        status = 128 + host_signal_number (name);
      client->exited = TRUE;
      client->status = status & 0xff;
      check_end (client);
    }
  else if (g_str_equal (event, "closed") && client->wait_exit && !client->exited && !client->over)
    host_client_quit_lost (client, _("the other side closed the channel without an exit status"));
}

static void
session_changed (gpointer data, MuxSession *session, MuxSessionState state, const GError *error)
{
  HostClient *client = host_loader_user_data (data);

  if (client->over || client->session == NULL)
    return;
  if (state == MUX_SESSION_AWAY)
    host_away_begin (client->away, g_error_matches (error, MUX_ERROR, MUX_ERROR_RESTARTING));
  else if (host_away_end (client->away) && client->events->redraw != NULL)
    client->events->redraw (client, client->user_data);
  if (state != MUX_SESSION_CLOSED)
    return;
  client->gone = g_error_matches (error, MUX_ERROR, MUX_ERROR_GONE);
  /* All is here already, only the goodbye overtook it. */
  if (error == NULL && client->exited)
    return;
  host_client_quit (client, HOST_EXIT_TRANSPORT,
                    error != NULL ? error->message : _("the other side ended the session"));
}

static void
begin (HostClient *client)
{
  g_clear_pointer (&client->progress, host_progress_free);
  ops (client)->set_manual (client->session, client->channel);
  client->events->opened (client, client->user_data);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  HostClient *client = data;
  g_autoptr (GError) error = NULL;

  client->channel = ops (client)->open_channel_finish (client->session, result, &error);
  if (client->over)
    return;
  if (client->channel == NULL)
    host_client_quit (client, host_exit_for_error (error), error->message);
  else
    begin (client);
}

/* Something of the session's description; NULL when it is not there. */
static GVariant *
look_up (HostClient *client, const char *key, const char *type)
{
  g_autoptr (GVariant) described = ops (client)->describe (client->session);

  return g_variant_lookup_value (described, key, G_VARIANT_TYPE (type));
}

/* The session is another client's no more, and its newest channel ours. */
static void
take_channel (HostClient *client)
{
  g_autoptr (GVariant) channels = look_up (client, "channels", "aa{sv}");
  guint64 id = 0;

  if (channels != NULL && g_variant_n_children (channels) > 0)
    {
      g_autoptr (GVariant) newest = g_variant_get_child_value (channels, g_variant_n_children (channels) - 1);

      g_variant_lookup (newest, "id", "t", &id);
    }
  client->channel = MUX_HAS (ops (client), channel) ? ops (client)->channel (client->session, id) : NULL;
  if (client->channel == NULL)
    host_client_quit (client, HOST_EXIT_TRANSPORT, _("the session over there has no channel any more"));
  else
    begin (client);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  HostClient *client = data;
  g_autoptr (GError) error = NULL;

  client->session
      = host_loader_ops (client->loader)->connect_finish (host_loader_transport (client->loader), result, &error);
  if (client->over)
    return;
  if (client->session == NULL)
    {
      host_client_quit (client, host_exit_for_error (error), error->message);
      return;
    }
  if (client->taken != NULL)
    {
      take_channel (client);
      return;
    }
  if (client->progress != NULL)
    host_progress_set (client->progress, _("waiting for the service"));
  ops (client)->open_channel_async (client->session, client->request, NULL, opened_cb, client);
}

HostClient *
host_client_new (const HostClientEvents *events, gpointer user_data, int *status)
{
  HostClient *client = g_new0 (HostClient, 1);
  g_autoptr (GError) error = NULL;

  signal (SIGPIPE, SIG_IGN);
  client->events = events;
  client->user_data = user_data;
  client->loop = g_main_loop_new (NULL, FALSE);
  client->lanes = g_ptr_array_new_with_free_func (g_object_unref);
  client->away = host_away_new ();
  client->loader = host_loader_new ();
  host_loader_fill (client->loader, &client->host, client);
  client->host.config_path = config;
  client->host.channel_event = channel_event;
  client->host.session_changed = session_changed;
  client->host.progress = progress;
  if (host_loader_load (client->loader, &client->host, plugin, &error))
    return client;
  host_complain ("%s", error->message);
  *status = HOST_EXIT_FAILURE;
  host_client_free (client);
  return NULL;
}

void
host_client_free (HostClient *client)
{
  g_clear_handle_id (&client->lost, g_source_remove);
  g_clear_pointer (&client->lost_message, g_free);
  g_clear_pointer (&client->progress, host_progress_free);
  host_away_free (client->away);
  g_ptr_array_unref (client->lanes);
  g_clear_object (&client->channel);
  if (client->session != NULL)
    ops (client)->unref (client->session);
  client->session = NULL;
  host_loader_free (client->loader);
  g_clear_pointer (&client->request, g_variant_unref);
  g_main_loop_unref (client->loop);
  g_free (client->message);
  g_free (client->taken);
  g_free (client);
}

void
host_client_take_over (HostClient *client, const char *id)
{
  client->taken = g_strdup (id);
}

gboolean
host_client_runs_command (HostClient *client)
{
  g_autoptr (GVariant) described = ops (client)->describe_channel (client->session, client->channel);
  const char *name = "";

  g_variant_lookup (described, "service", "&s", &name);
  return g_str_equal (name, "exec");
}

guint
host_client_n_waiting (HostClient *client)
{
  g_autoptr (GVariant) n = look_up (client, "waiting", "u");

  return n != NULL ? g_variant_get_uint32 (n) : 0;
}

int
host_client_run (HostClient *client, const char *target, GVariant *request)
{
  GVariant *options = client->taken != NULL ? g_variant_new_parsed ("{'take': <%s>}", client->taken) : NULL;
  GVariantDict dict;
  g_autoptr (GVariant) owned = g_variant_ref_sink (request);

  g_variant_dict_init (&dict, owned);
  if (service != NULL)
    g_variant_dict_insert (&dict, "service", "s", service);
  client->request = g_variant_ref_sink (g_variant_dict_end (&dict));
  client->progress = host_progress_new (NULL);
  host_loader_ops (client->loader)
      ->connect_async (host_loader_transport (client->loader), target, options, NULL, connected_cb, client);
  g_main_loop_run (client->loop);
  g_clear_pointer (&client->progress, host_progress_free);
  host_away_end (client->away);
  if (client->events->ending != NULL)
    client->events->ending (client, client->user_data);
  if (client->message != NULL)
    host_complain ("%s", client->message);
  if (client->session != NULL)
    host_goodbye_say (ops (client), client->session, client->status == HOST_EXIT_TRANSPORT);
  return client->status;
}

gboolean
host_client_is_gone (HostClient *client)
{
  return client->gone;
}

void
host_client_set_painted (HostClient *client, gboolean painted)
{
  host_away_set_painted (client->away, painted);
}

GIOStream *
host_client_channel (HostClient *client)
{
  return client->channel;
}

GIOStream *
host_client_lane (HostClient *client, const char *name)
{
  GIOStream *stream = ops (client)->lane (client->session, client->channel, name, NULL);

  if (stream == NULL)
    return NULL;
  ops (client)->set_manual (client->session, stream);
  g_ptr_array_add (client->lanes, stream);
  return stream;
}

void
host_client_send_event (HostClient *client, const char *event, GVariant *details)
{
  if (client->channel != NULL && !client->over)
    ops (client)->send_event (client->session, client->channel, event, details);
}

void
host_client_confirm (HostClient *client, GIOStream *stream, guint64 count)
{
  ops (client)->confirm (client->session, stream, count);
}
