#include "pki/store-private.h"

#include "base/error.h"
#include "pki/read-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <gnutls/crypto.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gboolean
is_leaf (const char *name)
{
  return *name != '\0' && *name != '.' && strchr (name, '/') == NULL && strlen (name) <= NAME_MAX;
}

/* Splits "issued/NAME": returns a descriptor of the directory (to be given to leave ()) and the leaf. -1
 * without an error if @make is not set and there is no such directory. */
static int
enter (PkiStore *store, const char *name, gboolean make, const char **leaf, GError **error)
{
  gboolean issued = g_str_has_prefix (name, PKI_STORE_ISSUED "/");
  g_autofree char *path = g_build_filename (store->path, PKI_STORE_ISSUED, NULL);
  struct stat status;

  *leaf = issued ? name + strlen (PKI_STORE_ISSUED "/") : name;
  if (!is_leaf (*leaf))
    {
      base_error_set (error, MUX_ERROR_PKI, _("'%s' is no name for a file of %s"), name, store->path);
      return -1;
    }
  if (!issued)
    return store->fd;
  if (make && mkdirat (store->fd, PKI_STORE_ISSUED, 0700) == 0
      && fchmodat (store->fd, PKI_STORE_ISSUED, 0700, 0) != 0)
    {
      base_error_set_errno (error, errno, _("cannot set the mode of %s"), path);
      return -1;
    }
  if (!make && fstatat (store->fd, PKI_STORE_ISSUED, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
    return -1;
  return pki_store_open_directory (store->fd, PKI_STORE_ISSUED, path, error);
}

static void
leave (PkiStore *store, int fd)
{
  if (fd >= 0 && fd != store->fd)
    close (fd);
}

gboolean
pki_store_check_file (int fd, const char *path, struct stat *status, GError **error)
{
  if (fstat (fd, status) != 0)
    return base_error_set_errno (error, errno, _("cannot look at %s"), path);
  if (!S_ISREG (status->st_mode))
    return base_error_set (error, MUX_ERROR_PKI, _("%s is not a regular file; run: rm -r '%s'"), path, path);
  if (status->st_uid != geteuid ())
    return base_error_set (error, MUX_ERROR_PKI, _("%s belongs to user %u, not to %u; run: chown %u '%s'"),
                           path, status->st_uid, geteuid (), geteuid (), path);
  if (status->st_nlink != 1)
    return base_error_set (error, MUX_ERROR_PKI,
                           ngettext ("%s has %lu name (hard links), so it may be read elsewhere; run: cp -p '%s' "
                                     "'%s.new' && mv '%s.new' '%s'",
                                     "%s has %lu names (hard links), so it may be read elsewhere; run: cp -p '%s' "
                                     "'%s.new' && mv '%s.new' '%s'",
                                     (unsigned long) status->st_nlink),
                           path, (unsigned long) status->st_nlink, path, path, path, path);
  if ((status->st_mode & 077) != 0)
    return base_error_set (error, MUX_ERROR_PKI,
                           _("others have access to %s (mode %03o); run: chmod 600 '%s'"), path,
                           status->st_mode & 0777, path);
  return TRUE;
}

static GBytes *
read_in (int directory, const char *leaf, const char *path, GError **error)
{
  struct stat status;
  GBytes *bytes = NULL;
  gsize length;
  char *data;
  /* O_NONBLOCK: a FIFO is to be refused, not waited for. */
  int fd = openat (directory, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    {
      if (errno == ELOOP)
        base_error_set (error, MUX_ERROR_PKI,
                        _("%s is a symbolic link, which is not followed here; run: rm '%s'"), path, path);
      else if (errno != ENOENT)
        base_error_set_errno (error, errno, _("cannot open %s"), path);
      return NULL;
    }
  if (pki_store_check_file (fd, path, &status, error)
      && (data = pki_read_descriptor (fd, &status, path, &length, error)) != NULL)
    bytes = g_bytes_new_take (data, length);
  close (fd);
  return bytes;
}

GBytes *
pki_store_read (PkiStore *store, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, name, NULL);
  const char *leaf;
  int directory = enter (store, name, FALSE, &leaf, error);
  GBytes *bytes = directory < 0 ? NULL : read_in (directory, leaf, path, error);

  leave (store, directory);
  return bytes;
}

static gboolean
write_all (int fd, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gssize n = write (fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      data += n;
      length -= (gsize) n;
    }
  return TRUE;
}

/* Writes a file of its own and gives it the name only when it is whole on the disk. */
static gboolean
write_in (int directory, const char *leaf, const char *path, const void *data, gsize length, GError **error)
{
  g_autofree char *temporary = NULL;
  guint64 random;
  int fd, saved = 0;

  if (gnutls_rnd (GNUTLS_RND_NONCE, &random, sizeof random) < 0)
    return base_error_set (error, MUX_ERROR_PKI, _("cannot write %s: no random numbers"), path);
  temporary = g_strdup_printf (PKI_STORE_TEMPORARY_PREFIX "%016" G_GINT64_MODIFIER "x", random);
  fd = openat (directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return base_error_set_errno (error, errno, _("cannot write %s"), path);
  if (fchmod (fd, 0600) != 0 || !write_all (fd, data, length) || fsync (fd) != 0)
    saved = errno;
  if (close (fd) != 0 && saved == 0)
    saved = errno;
  if (saved == 0 && renameat (directory, temporary, directory, leaf) != 0)
    saved = errno;
  if (saved != 0)
    {
      unlinkat (directory, temporary, 0);
      return base_error_set_errno (error, saved, _("cannot write %s"), path);
    }
  return pki_store_sync_directory (directory)
             ? TRUE
             : base_error_set_errno (error, errno, _("cannot make %s durable"), path);
}

gboolean
pki_store_write (PkiStore *store, const char *name, const void *data, gsize length, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, name, NULL);
  const char *leaf;
  gboolean good = FALSE;
  int directory;

  if (length > PKI_FILE_MAX)
    return base_error_set (error, MUX_ERROR_PKI, _("%s would be larger than 1 MiB and is not written"),
                           path);
  /* Whoever holds the lock takes other people's temporary files for left-overs. */
  if (!pki_store_lock (store, PKI_STORE_LOCK_MS, error))
    return FALSE;
  directory = enter (store, name, TRUE, &leaf, error);
  if (directory >= 0)
    good = write_in (directory, leaf, path, data, length, error);
  leave (store, directory);
  pki_store_unlock (store);
  return good;
}

gboolean
pki_store_remove (PkiStore *store, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, name, NULL);
  g_autoptr (GError) failure = NULL;
  const char *leaf;
  gboolean good = FALSE;
  int directory;

  if (!pki_store_lock (store, PKI_STORE_LOCK_MS, error))
    return FALSE;
  directory = enter (store, name, FALSE, &leaf, &failure);
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (directory < 0)
    base_error_set_errno (error, ENOENT, _("cannot remove %s"), path);
  else if (unlinkat (directory, leaf, 0) != 0 || !pki_store_sync_directory (directory))
    base_error_set_errno (error, errno, _("cannot remove %s"), path);
  else
    good = TRUE;
  leave (store, directory);
  pki_store_unlock (store);
  return good;
}
