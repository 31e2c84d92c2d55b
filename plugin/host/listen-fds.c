#include "host/listen-fds.h"

#include "host/verb.h"

#include <fcntl.h>
#include <glib/gi18n.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* A number that is the whole value of variable @name, from 1 to @max; else 0. */
static guint64
number_of (const char *name, guint64 max)
{
  const char *value = g_getenv (name);
  guint64 number = 0;

  return value != NULL && g_ascii_string_to_unsigned (value, 10, 1, max, &number, NULL) ? number : 0;
}

static gboolean
close_on_exec (int fd)
{
  int flags = fcntl (fd, F_GETFD);

  return flags >= 0 && fcntl (fd, F_SETFD, flags | FD_CLOEXEC) == 0;
}

void
host_listen_fds_take (HostListenFds *listen)
{
  static const char *const variables[] = { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID" };
  g_auto (GStrv) names
      = g_strsplit (g_getenv ("LISTEN_FDNAMES") != NULL ? g_getenv ("LISTEN_FDNAMES") : "", ":", -1);
  gboolean ours = number_of ("LISTEN_PID", G_MAXINT) == (guint64)getpid ();
  guint n = (guint)number_of ("LISTEN_FDS", HOST_LISTEN_FDS_MAX);
  gboolean named = g_strv_length (names) == n;

  listen->fds = g_array_new (FALSE, FALSE, sizeof (int));
  listen->names = g_ptr_array_new_with_free_func (g_free);
  if (ours && n == 0)
    host_complain (_("LISTEN_FDS is no number from 1 to %d: the sockets that were handed over are not used"),
                   HOST_LISTEN_FDS_MAX);
  for (guint i = 0; ours && i < n; i++)
    {
      int fd = FIRST_FD + (int)i;

      if (!close_on_exec (fd))
        {
          host_complain (_("LISTEN_FDS says %u, but the descriptor %d is not open: whoever started this "
                            "host forgot to hand it over"),
                         n, fd);
          break;
        }
      g_array_append_val (listen->fds, fd);
      g_ptr_array_add (listen->names, named && *names[i] != '\0' ? g_strdup (names[i])
                                                                 : g_strdup_printf ("LISTEN_FDS %d", fd));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    g_unsetenv (variables[i]);
}

void
host_listen_fds_fill (const HostListenFds *listen, MuxHost *host)
{
  host->sockets = (const int *)(void *)listen->fds->data;
  host->socket_names = (const char *const *)listen->names->pdata;
  host->n_sockets = listen->fds->len;
}

void
host_listen_fds_clear (HostListenFds *listen)
{
  g_clear_pointer (&listen->fds, g_array_unref);
  g_clear_pointer (&listen->names, g_ptr_array_unref);
}
