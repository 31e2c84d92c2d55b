#include "pki/store-private.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_NAME ".lock"
#define RETRY_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)

static gboolean
open_lock (PkiStore *store, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, LOCK_NAME, NULL);
  const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  struct stat status;
  int fd = openat (store->fd, LOCK_NAME, O_RDWR | O_CREAT | flags, 0600);

  /* What cannot be written can still be read, under a lock like any other reader. */
  if (fd < 0 && errno == EROFS)
    fd = openat (store->fd, LOCK_NAME, O_RDONLY | flags);
  if (fd < 0 && errno == ELOOP)
    return base_error_set (error, MUX_ERROR_PKI, _("%s is a symbolic link; run: rm '%s'"), path, path);
  if (fd < 0)
    return base_error_set_errno (error, errno, _("cannot open %s"), path);
  if (!pki_store_check_file (fd, path, &status, error))
    {
      close (fd);
      return FALSE;
    }
  /* A umask may have taken even our own rights. */
  if ((status.st_mode & 0777) != 0600 && fchmod (fd, 0600) != 0)
    {
      base_error_set_errno (error, errno, _("cannot set the mode of %s"), path);
      close (fd);
      return FALSE;
    }
  store->lock_fd = fd;
  return TRUE;
}

gboolean
pki_store_lock (PkiStore *store, guint timeout_ms, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * G_TIME_SPAN_MILLISECOND;

  if (store->locks == 0)
    {
      if (store->lock_fd < 0 && !open_lock (store, error))
        return FALSE;
      while (flock (store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        {
          if (errno != EWOULDBLOCK && errno != EINTR)
            return base_error_set_errno (error, errno, _("cannot lock %s"), store->path);
          if (g_get_monotonic_time () >= deadline)
            return base_error_set (error, MUX_ERROR_PKI,
                                   _("%s is in use by another process for more than %u ms; try again, or "
                                      "find it with: fuser '%s/%s'"),
                                   store->path, timeout_ms, store->path, LOCK_NAME);
          g_usleep (RETRY_INTERVAL);
        }
    }
  store->locks++;
  return TRUE;
}

void
pki_store_unlock (PkiStore *store)
{
  g_assert (store->locks > 0);
  if (--store->locks == 0)
    flock (store->lock_fd, LOCK_UN);
}
