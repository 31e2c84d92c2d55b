#include "host/notify.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct _HostNotify
{
  char *path;            /* of systemd's socket, an abstract one with a leading '@'; NULL: nobody listens */
  guint64 watchdog_usec; /* 0: none */
  guint watchdog;        /* the timer */
};

/* @flags: MSG_DONTWAIT for what may be lost, because it is said again. */
static void
say (HostNotify *notify, int flags, const char *text)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = notify->path == NULL ? 0 : strlen (notify->path);
  socklen_t size;
  int fd;

  if (length == 0)
    return;
  memcpy (address.sun_path, notify->path, length);
  if (notify->path[0] == '@')
    address.sun_path[0] = '\0'; /* an abstract name */
  size = (socklen_t)(G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + length);
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  if (sendto (fd, text, strlen (text), MSG_NOSIGNAL | flags, (struct sockaddr *)&address, size) < 0)
    g_debug ("systemd does not listen");
  close (fd);
}

/* @state with @status, which must stay one line, as a line of its own. */
static void
say_with_status (HostNotify *notify, int flags, const char *state, const char *status)
{
  g_autofree char *line = status != NULL ? g_strdelimit (g_strdup (status), "\r\n", ' ') : NULL;
  g_autofree char *text = line != NULL ? g_strconcat (state, "STATUS=", line, "\n", NULL) : g_strdup (state);

  say (notify, flags, text);
}

static char *
take (const char *name)
{
  char *value = g_strdup (g_getenv (name));

  g_unsetenv (name);
  return value;
}

HostNotify *
host_notify_new (void)
{
  HostNotify *notify = g_new0 (HostNotify, 1);
  g_autofree char *path = take ("NOTIFY_SOCKET");
  g_autofree char *usec = take ("WATCHDOG_USEC");
  g_autofree char *pid = take ("WATCHDOG_PID");
  gsize length = path == NULL ? 0 : strlen (path);
  guint64 number = 0;

  if (length >= 2 && length < sizeof ((struct sockaddr_un){ 0 }).sun_path
      && (path[0] == '/' || path[0] == '@'))
    notify->path = g_steal_pointer (&path);
  if (pid != NULL
      && (!g_ascii_string_to_unsigned (pid, 10, 1, G_MAXINT, &number, NULL) || number != (guint64)getpid ()))
    return notify;
  if (usec != NULL)
    g_ascii_string_to_unsigned (usec, 10, 1, G_MAXINT64, &notify->watchdog_usec, NULL);
  return notify;
}

void
host_notify_free (HostNotify *notify)
{
  if (notify->watchdog != 0)
    g_source_remove (notify->watchdog);
  g_free (notify->path);
  g_free (notify);
}

static gboolean
watchdog_cb (gpointer notify)
{
  say (notify, MSG_DONTWAIT, "WATCHDOG=1\n");
  return G_SOURCE_CONTINUE;
}

/* Twice as often as it must be (sd_watchdog_enabled(3)); with the priority of the sockets, because a host
 * that has its hands full of datagrams does not hang. */
static void
start_watchdog (HostNotify *notify)
{
  if (notify->watchdog != 0 || notify->watchdog_usec == 0 || notify->path == NULL)
    return;
  notify->watchdog
      = g_timeout_add ((guint)CLAMP (notify->watchdog_usec / 2000, 1, G_MAXUINT), watchdog_cb, notify);
  g_source_set_name_by_id (notify->watchdog, "mux-quic watchdog");
}

void
host_notify_ready (HostNotify *notify, const char *status)
{
  say_with_status (notify, 0, "READY=1\n", status);
  start_watchdog (notify);
}

void
host_notify_status (HostNotify *notify, const char *status)
{
  say_with_status (notify, MSG_DONTWAIT, "", status);
}

void
host_notify_reloading (HostNotify *notify)
{
  g_autofree char *text
      = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n", g_get_monotonic_time ());

  say (notify, 0, text);
}

void
host_notify_stopping (HostNotify *notify, const char *status)
{
  say_with_status (notify, 0, "STOPPING=1\n", status);
}
