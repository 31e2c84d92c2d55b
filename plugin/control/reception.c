#include "control/reception.h"

#define BASE_LOG_ROOM "control"
#include "base/log.h"

#include <unistd.h>

/* Who may be silent, and stand in line. */
#define MAX_SILENT 128
#define MAX_LINE 128
#define MAX_LINE_OF_STRANGER 8
/* When others wait, and for so long no authentication has ended, those that began before do not end. (It is a
 * few lines between two processes; on a machine with much to do each may take its time, but not all.) */
#define STALL_MS 1000

struct _ControlReception
{
  gboolean everybody;
  GMainContext *context;
  GQueue silent, line, greeting, inside; /* of Guest, the oldest first: one goes through them in this order */
  GSource *stall;                        /* while somebody waits for who authenticates */
  gint64 progress;                       /* when an authentication ended last, monotonic */
  ControlReceptionFunc func;
  gpointer user_data;
};

typedef struct
{
  ControlReception *reception; /* NULL when nobody waits for the authentication any more */
  GQueue *where;
  GSocketConnection *stream;
  uid_t user;
  GCancellable *cancellable;
  GSource *speaks;             /* while silent */
  GSource *deadline;           /* while silent, and while greeting */
  gint64 since;                /* of the greeting, monotonic */
  GDBusConnection *connection; /* inside; borrowed */
} Guest;

static void
end_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
move (Guest *guest, GQueue *where)
{
  if (guest->where != NULL)
    g_queue_remove (guest->where, guest);
  guest->where = where;
  if (where != NULL)
    g_queue_push_tail (where, guest);
}

static void
guest_free (Guest *guest)
{
  move (guest, NULL);
  end_source (&guest->speaks);
  end_source (&guest->deadline);
  g_object_unref (guest->cancellable);
  g_object_unref (guest->stream);
  g_free (guest);
}

/* Hangs up. Of an authentication the callback frees it, with nobody to tell. */
static void
dismiss (Guest *guest)
{
  if (guest->where != &guest->reception->greeting)
    {
      guest_free (guest);
      return;
    }
  move (guest, NULL);
  guest->reception = NULL;
  g_cancellable_cancel (guest->cancellable);
}

/* Room */

static gboolean
is_stranger (uid_t user)
{
  return user != 0 && user != geteuid ();
}

static guint
count (const GQueue *queue, uid_t user)
{
  guint n = 0;

  for (const GList *link = queue->head; link != NULL; link = link->next)
    n += ((const Guest *)link->data)->user == user;
  return n;
}

static guint
count_strangers (const GQueue *queue)
{
  guint n = 0;

  for (const GList *link = queue->head; link != NULL; link = link->next)
    n += is_stranger (((const Guest *)link->data)->user);
  return n;
}

static gboolean
has_place_for (const ControlReception *self, uid_t user)
{
  if (self->greeting.length + self->inside.length >= CONTROL_SOCKET_MAX_CONNECTIONS)
    return FALSE;
  return !is_stranger (user)
         || (count (&self->greeting, user) + count (&self->inside, user) < CONTROL_SOCKET_OF_STRANGER
             && count_strangers (&self->greeting) + count_strangers (&self->inside)
                    < CONTROL_SOCKET_STRANGERS);
}

static gboolean
may_stand_in_line (const ControlReception *self, uid_t user)
{
  return is_stranger (user)
             ? self->line.length < MAX_LINE / 2 && count (&self->line, user) < MAX_LINE_OF_STRANGER
             : self->line.length < MAX_LINE;
}

/* Authentication */

static gboolean
is_welcome_cb (GDBusAuthObserver *observer, GIOStream *stream, GCredentials *credentials, gpointer data)
{
  gboolean everybody = GPOINTER_TO_INT (data);
  uid_t user = credentials == NULL ? (uid_t)-1 : g_credentials_get_unix_user (credentials, NULL);

  /* Root may administer a user's host. The host of the system makes certificates for all its users. */
  return !is_stranger (user) || (everybody && user != (uid_t)-1);
}

static gboolean
only_external_cb (GDBusAuthObserver *observer, const char *mechanism, gpointer data)
{
  return g_str_equal (mechanism, "EXTERNAL");
}

static void serve_line (ControlReception *self);

static void
greeted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Guest *guest = data;
  ControlReception *self = guest->reception;
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainContextPusher) pusher = self != NULL ? g_main_context_pusher_new (self->context) : NULL;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_finish (result, &error);

  end_source (&guest->deadline);
  if (self != NULL)
    self->progress = g_get_monotonic_time ();
  /* One that was closed at once may have said so already, when nobody listened. */
  if (connection != NULL && self != NULL && !g_dbus_connection_is_closed (connection))
    {
      guest->connection = connection;
      move (guest, &self->inside);
      self->func (g_steal_pointer (&connection), self->user_data);
      return;
    }
  if (connection != NULL)
    g_dbus_connection_close (connection, NULL, NULL, NULL);
  else
    base_info ("a connection to the control socket came to nothing: %s", error->message);
  guest_free (guest);
  if (self != NULL)
    serve_line (self);
}

static gboolean
deadline_cb (gpointer data)
{
  Guest *guest = data;
  ControlReception *self = guest->reception;

  if (self == NULL)
    return G_SOURCE_REMOVE;
  dismiss (guest);
  serve_line (self);
  return G_SOURCE_REMOVE;
}

static void
set_deadline (Guest *guest)
{
  end_source (&guest->deadline);
  guest->deadline = g_timeout_source_new (CONTROL_SOCKET_GREETING_MS);
  g_source_set_static_name (guest->deadline, "mux-quic: control greeting");
  g_source_set_callback (guest->deadline, deadline_cb, guest, NULL);
  g_source_attach (guest->deadline, guest->reception->context);
}

static void
greet (Guest *guest)
{
  ControlReception *self = guest->reception;
  g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (self->context);
  g_autoptr (GDBusAuthObserver) observer = g_dbus_auth_observer_new ();
  g_autofree char *guid = g_dbus_generate_guid ();

  move (guest, &self->greeting);
  guest->since = g_get_monotonic_time ();
  set_deadline (guest);
  g_signal_connect (observer, "allow-mechanism", G_CALLBACK (only_external_cb), NULL);
  g_signal_connect (observer, "authorize-authenticated-peer", G_CALLBACK (is_welcome_cb),
                    GINT_TO_POINTER (self->everybody));
  g_dbus_connection_new (G_IO_STREAM (guest->stream), guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
                             | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         observer, guest->cancellable, greeted_cb, guest);
}

/* The line */

/* Who begins to say who he is, and does not go on, makes room for those who wait. */
static gboolean
stall_cb (gpointer data)
{
  ControlReception *self = data;
  gint64 before = g_get_monotonic_time () - (gint64)STALL_MS * 1000;
  Guest *guest;

  end_source (&self->stall);
  while (self->progress <= before && (guest = g_queue_peek_head (&self->greeting)) != NULL
         && guest->since <= before)
    dismiss (guest);
  serve_line (self);
  return G_SOURCE_REMOVE;
}

static void
serve_line (ControlReception *self)
{
  GList *next;

  for (GList *link = self->line.head; link != NULL; link = next)
    {
      Guest *guest = link->data;

      next = link->next;
      if (has_place_for (self, guest->user))
        greet (guest);
    }
  if (self->line.length == 0 || self->greeting.length == 0)
    end_source (&self->stall);
  else if (self->stall == NULL)
    {
      self->stall = g_timeout_source_new (STALL_MS);
      g_source_set_static_name (self->stall, "mux-quic: control stall");
      g_source_set_callback (self->stall, stall_cb, self, NULL);
      g_source_attach (self->stall, self->context);
    }
}

/* His first byte is there. */
static gboolean
speaks_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  Guest *guest = data;
  ControlReception *self = guest->reception;

  end_source (&guest->speaks);
  end_source (&guest->deadline);
  if (!may_stand_in_line (self, guest->user))
    {
      dismiss (guest);
      return G_SOURCE_REMOVE;
    }
  move (guest, &self->line);
  serve_line (self);
  return G_SOURCE_REMOVE;
}

/* Who connects and says nothing makes room for the next, of the same user if there is one. */
static void
make_room (ControlReception *self, uid_t user)
{
  Guest *oldest = g_queue_peek_head (&self->silent);

  if (self->silent.length < MAX_SILENT)
    return;
  for (GList *link = self->silent.head; link != NULL; link = link->next)
    if (((Guest *)link->data)->user == user)
      {
        oldest = link->data;
        break;
      }
  dismiss (oldest);
}

void
control_reception_take (ControlReception *self, GSocketConnection *stream)
{
  GSocket *socket = g_socket_connection_get_socket (stream);
  g_autoptr (GCredentials) credentials = g_socket_get_credentials (socket, NULL);
  Guest *guest = g_new0 (Guest, 1);

  guest->reception = self;
  guest->stream = g_object_ref (stream);
  guest->user = credentials != NULL ? g_credentials_get_unix_user (credentials, NULL) : (uid_t)-1;
  guest->cancellable = g_cancellable_new ();
  guest->speaks = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_static_name (guest->speaks, "mux-quic: control speaks");
  g_source_set_callback (guest->speaks, G_SOURCE_FUNC (speaks_cb), guest, NULL);
  g_source_attach (guest->speaks, self->context);
  set_deadline (guest);
  make_room (self, guest->user);
  move (guest, &self->silent);
}

/* Life */

void
control_reception_left (ControlReception *self, GDBusConnection *connection)
{
  for (GList *link = self->inside.head; link != NULL; link = link->next)
    if (((Guest *)link->data)->connection == connection)
      {
        guest_free (link->data);
        break;
      }
  serve_line (self);
}

ControlReception *
control_reception_new (gboolean everybody, GMainContext *context, ControlReceptionFunc func,
                       gpointer user_data)
{
  ControlReception *self = g_new0 (ControlReception, 1);

  self->everybody = everybody;
  self->context = g_main_context_ref (context);
  self->func = func;
  self->user_data = user_data;
  return self;
}

void
control_reception_free (ControlReception *self)
{
  GQueue *all[] = { &self->silent, &self->line, &self->greeting, &self->inside };

  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    while (all[i]->length > 0)
      dismiss (all[i]->head->data);
  end_source (&self->stall);
  g_main_context_unref (self->context);
  g_free (self);
}
