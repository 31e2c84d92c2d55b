#include "control/polkit.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#define BUS_NAME "org.freedesktop.DBus"
#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define ALLOW_USER_INTERACTION 1u
#define NEEDS_A_PERSON "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
/* A person may be away from the keyboard; whoever else decides is a program. */
#define PATIENCE_MS 10000

typedef struct
{
  char *sender, *action;
  gboolean interactive;
} Check;

static void
check_free (gpointer data)
{
  Check *check = data;

  g_free (check->sender);
  g_free (check->action);
  g_free (check);
}

static void
refuse (GTask *task)
{
  g_task_return_new_error (task, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED, "%s",
                           _ ("Only root may do this here, or whom polkit lets do it"));
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  gboolean authorized = FALSE, challenge = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "((bb@a{ss}))", &authorized, &challenge, NULL);
  if (authorized)
    g_task_return_boolean (task, TRUE);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, g_steal_pointer (&error));
  else if (challenge)
    g_task_return_error (
        task, g_dbus_error_new_for_dbus_error (
                  NEEDS_A_PERSON, _ ("Somebody has to say that this may be done, and nobody is asked")));
  else
    refuse (task);
}

static void
ask_polkit (GTask *task, GDBusConnection *bus)
{
  Check *check = g_task_get_task_data (task);
  GVariantBuilder subject;

  g_variant_builder_init (&subject, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&subject, "{sv}", "name", g_variant_new_string (check->sender));
  g_dbus_connection_call (
      bus, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization",
      g_variant_new ("((s@a{sv})s@a{ss}us)", "system-bus-name", g_variant_builder_end (&subject),
                     check->action, g_variant_new ("a{ss}", NULL),
                     check->interactive ? ALLOW_USER_INTERACTION : 0, ""),
      G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, check->interactive ? G_MAXINT : PATIENCE_MS,
      g_task_get_cancellable (task), checked_cb, task);
}

static void
user_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (g_task_get_context (task));
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  guint32 user;

  if (reply == NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_task_return_error (task, g_steal_pointer (&error));
      else
        refuse (task); /* it has gone, or the bus does not know who it is */
      return;
    }
  g_variant_get (reply, "(u)", &user);
  if (user == 0 || user == geteuid ())
    g_task_return_boolean (task, TRUE);
  else
    ask_polkit (g_steal_pointer (&task), G_DBUS_CONNECTION (source));
}

void
control_polkit_check_async (GDBusConnection *bus, const char *sender, const char *action,
                            gboolean interactive, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Check *check = g_new0 (Check, 1);

  check->sender = g_strdup (sender);
  check->action = g_strdup (action);
  check->interactive = interactive;
  g_task_set_source_tag (task, control_polkit_check_async);
  g_task_set_task_data (task, check, check_free);
  g_dbus_connection_call (bus, BUS_NAME, "/org/freedesktop/DBus", BUS_NAME, "GetConnectionUnixUser",
                          g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE,
                          PATIENCE_MS, cancellable, user_cb, task);
}

gboolean
control_polkit_check_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, control_polkit_check_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
