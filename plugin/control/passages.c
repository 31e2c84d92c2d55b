#include "control/passages.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "control-dbus.h"
#include "control/control.h"
#include "control/opening.h"
#include "control/passage.h"

/* Somebody on a bus, or the one at the other end of a private connection. */
typedef struct
{
  ControlPassages *set;
  GDBusConnection *connection;
  char *name; /* NULL without a bus */
  guint watch;
  guint n_entries;
} Caller;

/* A channel, first on its way, then passed on. */
typedef struct
{
  ControlPassages *set;
  Caller *caller;
  GDBusMethodInvocation *invocation; /* on its way */
  ControlOpening *opening;           /* on its way */
  char **lanes;
  MuxSession *session;     /* in use */
  ControlPassage *passage; /* passed on */
} Entry;

struct _ControlPassages
{
  GMainContext *context;
  ControlRoutes *routes;
  GPtrArray *callers; /* of Caller, as long as they have an entry */
  GPtrArray *entries; /* of Entry */
  guint64 last;       /* number of an object */
};

static GMainContextPusher *
push_context (ControlPassages *self)
{
  return g_main_context_pusher_new (self->context);
}

/* Entries */

static void
caller_free (gpointer data)
{
  Caller *caller = data;

  if (caller->watch != 0)
    g_bus_unwatch_name (caller->watch);
  g_object_unref (caller->connection);
  g_free (caller->name);
  g_free (caller);
}

static void
answer (Entry *entry, GDBusError code, const char *message)
{
  GDBusMethodInvocation *invocation = g_steal_pointer (&entry->invocation);

  if (invocation != NULL)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, code, message);
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  ControlPassages *self = entry->set;

  g_clear_pointer (&entry->opening, control_opening_free);
  g_clear_pointer (&entry->passage, control_passage_free);
  if (entry->session != NULL)
    control_routes_release (self->routes, entry->session);
  answer (entry, G_DBUS_ERROR_DISCONNECTED, _ ("The host stops, or its caller is gone"));
  if (--entry->caller->n_entries == 0)
    g_ptr_array_remove_fast (self->callers, entry->caller);
  g_strfreev (entry->lanes);
  g_free (entry);
}

static void
drop (ControlPassages *self, GDBusConnection *connection, const char *name)
{
  for (guint i = self->entries->len; i-- > 0;)
    {
      Entry *entry = self->entries->pdata[i];

      if (entry->caller->connection == connection
          && (name == NULL || g_str_equal (entry->caller->name, name)))
        g_ptr_array_remove_index_fast (self->entries, i);
    }
}

static void
vanished_cb (GDBusConnection *connection, const char *name, gpointer data)
{
  Caller *caller = data;
  g_autoptr (GMainContextPusher) pusher = push_context (caller->set);
  g_autofree char *own = g_strdup (caller->name);
  g_autoptr (GDBusConnection) of = g_object_ref (caller->connection);

  drop (caller->set, of, own);
}

static Caller *
find_caller (ControlPassages *self, GDBusConnection *connection, const char *name)
{
  Caller *caller;

  for (guint i = 0; i < self->callers->len; i++)
    {
      caller = self->callers->pdata[i];
      if (caller->connection == connection && g_strcmp0 (caller->name, name) == 0)
        return caller;
    }
  caller = g_new0 (Caller, 1);
  caller->set = self;
  caller->connection = g_object_ref (connection);
  caller->name = g_strdup (name);
  if (name != NULL)
    caller->watch = g_bus_watch_name_on_connection (connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                                    vanished_cb, caller, NULL);
  g_ptr_array_add (self->callers, caller);
  return caller;
}

/* OpenChannel */

static void
over_cb (ControlPassage *passage, gpointer data)
{
  Entry *entry = data;
  ControlPassages *self = entry->set;
  g_autoptr (GMainContextPusher) pusher = push_context (self);

  g_ptr_array_remove_fast (self->entries, entry);
}

/* Takes the descriptors over. */
static void
pass_on (Entry *entry, const char *path, const int *fds, guint n)
{
  GDBusMethodInvocation *invocation = g_steal_pointer (&entry->invocation);
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new_from_array (fds, (gint)n);
  GVariantBuilder lanes;

  g_variant_builder_init (&lanes, G_VARIANT_TYPE ("a{sh}"));
  for (guint i = 1; i < n; i++)
    g_variant_builder_add (&lanes, "{sh}", entry->lanes[i - 1], (gint32)i);
  g_dbus_method_invocation_return_value_with_unix_fd_list (
      invocation, g_variant_new ("(oha{sh})", path, 0, &lanes), list);
}

static void
opened_cb (ControlOpening *opening, MuxSession *session, GIOStream *channel, const GError *error,
           gpointer data)
{
  Entry *entry = data;
  ControlPassages *self = entry->set;
  g_autoptr (GMainContextPusher) pusher = push_context (self);
  g_autofree char *path = g_strdup_printf (CONTROL_ROOT_PATH "/Channel/%" G_GUINT64_FORMAT, ++self->last);
  g_autoptr (GError) failure = NULL;
  int fds[1 + CONTROL_PASSAGE_MAX_LANES];

  g_clear_pointer (&entry->opening, control_opening_free);
  entry->session = session;
  if (channel != NULL)
    {
      const ControlPassageConfig config = {
        .session = session,
        .channel = channel,
        .lanes = (const char *const *)entry->lanes,
        .connection = entry->caller->connection,
        .owner = entry->caller->name,
        .path = path,
        .context = self->context,
      };

      entry->passage = control_passage_new (&config, fds, over_cb, entry, &failure);
    }
  if (entry->passage != NULL)
    {
      pass_on (entry, path, fds, 1 + g_strv_length (entry->lanes));
      return;
    }
  answer (entry, G_DBUS_ERROR_FAILED, error != NULL ? error->message : failure->message);
  g_ptr_array_remove_fast (self->entries, entry);
}

/* NULL when it is refused. */
static Caller *
admit (ControlPassages *self, GDBusMethodInvocation *invocation)
{
  GDBusConnection *connection = g_dbus_method_invocation_get_connection (invocation);
  const char *name = g_dbus_method_invocation_get_sender (invocation);
  guint of_caller = 0;

  for (guint i = 0; i < self->callers->len; i++)
    {
      Caller *caller = self->callers->pdata[i];

      if (caller->connection == connection && g_strcmp0 (caller->name, name) == 0)
        of_caller = caller->n_entries;
    }
  if ((g_dbus_connection_get_capabilities (connection) & G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING) == 0)
    g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_NOT_SUPPORTED,
                                                   _ ("Descriptors cannot be passed over this connection"));
  else if (of_caller >= CONTROL_PASSAGES_OF_CALLER || self->entries->len >= CONTROL_PASSAGES_MAX)
    g_dbus_method_invocation_return_error (
        invocation, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED,
        _ ("There are %u channels already, %u of them of this caller: close some first"), self->entries->len,
        of_caller);
  else
    return find_caller (self, connection, name);
  return NULL;
}

static gboolean
open_channel_cb (ControlManager *skeleton, GDBusMethodInvocation *invocation, GUnixFDList *list,
                 const char *target, GVariant *request, gpointer data)
{
  ControlPassages *self = data;
  g_autoptr (GMainContextPusher) pusher = push_context (self);
  g_autoptr (GVariant) complete = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lanes = NULL;
  Caller *caller;
  Entry *entry;

  complete = control_opening_parse (request, &lanes, &error);
  if (complete == NULL)
    {
      g_dbus_method_invocation_return_error_literal (invocation, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
                                                     error->message);
      return TRUE;
    }
  caller = admit (self, invocation);
  if (caller == NULL)
    return TRUE;
  entry = g_new0 (Entry, 1);
  entry->set = self;
  entry->caller = caller;
  entry->caller->n_entries++;
  entry->invocation = invocation;
  entry->lanes = g_steal_pointer (&lanes);
  g_ptr_array_add (self->entries, entry);
  entry->opening = control_opening_new (self->routes, target, complete, opened_cb, entry);
  return TRUE;
}

void
control_passages_serve (ControlPassages *self, ControlManager *skeleton)
{
  g_signal_connect (skeleton, "handle-open-channel", G_CALLBACK (open_channel_cb), self);
}

void
control_passages_drop (ControlPassages *self, GDBusConnection *connection)
{
  drop (self, connection, NULL);
}

gboolean
control_passages_event (ControlPassages *self, GIOStream *channel, const char *event, GVariant *details)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      Entry *entry = self->entries->pdata[i];

      if (entry->passage == NULL || control_passage_channel (entry->passage) != channel)
        continue;
      control_passage_event (entry->passage, event, details);
      return TRUE;
    }
  return FALSE;
}

ControlPassages *
control_passages_new (MuxTransport *transport)
{
  ControlPassages *self = g_new0 (ControlPassages, 1);
  const MuxHost *host = transport_host (transport);

  self->context = g_main_context_ref (host->context != NULL ? host->context : g_main_context_default ());
  self->routes = control_routes_new (transport);
  self->callers = g_ptr_array_new_with_free_func (caller_free);
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  return self;
}

void
control_passages_free (ControlPassages *self)
{
  g_ptr_array_unref (self->entries);
  g_assert (self->callers->len == 0);
  g_ptr_array_unref (self->callers);
  control_routes_free (self->routes);
  g_main_context_unref (self->context);
  g_free (self);
}
