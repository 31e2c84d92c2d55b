#include "pki/store-private.h"

#include "base/error.h"
#include "pki/read-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Splits "issued/NAME": returns a descriptor of the directory (to be closed unless it is the store's own) and the leaf. */
static int
enter (PkiStore *store, const char *name, gboolean make, const char **leaf, GError **error)
{
  const char *slash = strchr (name, '/');
  g_autofree char *directory = NULL;
  g_autofree char *path = NULL;

  *leaf = slash == NULL ? name : slash + 1;
  if (**leaf == '\0' || strchr (*leaf, '/') != NULL || g_str_equal (*leaf, ".") || g_str_equal (*leaf, ".."))
    {
      base_error_set (error, MUX_ERROR_PKI, "'%s' is no file of a PKI directory", name);
      return -1;
    }
  if (slash == NULL)
    return store->fd;
  directory = g_strndup (name, (gsize) (slash - name));
  path = g_build_filename (store->path, directory, NULL);
  if (make && mkdirat (store->fd, directory, 0700) == 0 && fchmodat (store->fd, directory, 0700, 0) != 0)
    {
      base_error_set_errno (error, errno, "cannot set the mode of %s", path);
      return -1;
    }
  return pki_store_open_directory (store->fd, directory, path, error);
}

static void
leave (PkiStore *store, int fd)
{
  if (fd >= 0 && fd != store->fd)
    close (fd);
}

static gboolean
check_file (int fd, const char *path, struct stat *status, GError **error)
{
  if (fstat (fd, status) != 0)
    return base_error_set_errno (error, errno, "cannot look at %s", path);
  if (!S_ISREG (status->st_mode))
    return base_error_set (error, MUX_ERROR_PKI, "%s is not a regular file; move it away", path);
  if (status->st_uid != geteuid ())
    return base_error_set (error, MUX_ERROR_PKI, "%s belongs to user %u; run: chown %u '%s'", path, status->st_uid,
                           geteuid (), path);
  if (status->st_nlink != 1)
    return base_error_set (error, MUX_ERROR_PKI, "%s has %lu names (hard links); keep only this one", path,
                           (unsigned long) status->st_nlink);
  if ((status->st_mode & 077) != 0)
    return base_error_set (error, MUX_ERROR_PKI, "others have access to %s (mode %03o); run: chmod 600 '%s'", path,
                           status->st_mode & 0777, path);
  if ((guint64) status->st_size > PKI_FILE_MAX)
    return base_error_set (error, MUX_ERROR_PKI, "%s is larger than 1 MiB", path);
  return TRUE;
}

static GBytes *
read_all (int fd, const char *path, GError **error)
{
  struct stat status;
  guint8 *data;
  gsize have = 0;

  if (!check_file (fd, path, &status, error))
    return NULL;
  data = g_malloc ((gsize) status.st_size + 1);
  while (have < (gsize) status.st_size)
    {
      gssize n = read (fd, data + have, (gsize) status.st_size - have);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          base_error_set_errno (error, errno, "cannot read %s", path);
          gnutls_memset (data, 0, have);
          g_free (data);
          return NULL;
        }
      if (n == 0)
        break;
      have += (gsize) n;
    }
  return g_bytes_new_take (data, have);
}

GBytes *
pki_store_read (PkiStore *store, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, name, NULL);
  const char *leaf;
  GBytes *bytes = NULL;
  int directory, fd;

  if (strchr (name, '/') != NULL)
    {
      g_autofree char *parent = g_path_get_dirname (path);

      if (access (parent, F_OK) != 0 && errno == ENOENT)
        return NULL;
    }
  directory = enter (store, name, FALSE, &leaf, error);
  if (directory < 0)
    return NULL;
  fd = openat (directory, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0)
    {
      bytes = read_all (fd, path, error);
      close (fd);
    }
  else if (errno == ELOOP)
    base_error_set (error, MUX_ERROR_PKI, "%s is a symbolic link; links are not followed here, move it away", path);
  else if (errno != ENOENT)
    base_error_set_errno (error, errno, "cannot open %s", path);
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

static gboolean
write_in (int directory, const char *leaf, const char *path, const void *data, gsize length, GError **error)
{
  char temporary[sizeof PKI_STORE_TEMPORARY_PREFIX + 16];
  guint8 random[8];
  GString *text = g_string_new (PKI_STORE_TEMPORARY_PREFIX);
  int fd, saved = 0;

  if (gnutls_rnd (GNUTLS_RND_NONCE, random, sizeof random) < 0)
    {
      g_string_free (text, TRUE);
      return base_error_set (error, MUX_ERROR_PKI, "cannot write %s: no random numbers", path);
    }
  for (gsize i = 0; i < sizeof random; i++)
    g_string_append_printf (text, "%02x", random[i]);
  g_strlcpy (temporary, text->str, sizeof temporary);
  g_string_free (text, TRUE);

  fd = openat (directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return base_error_set_errno (error, errno, "cannot write %s", path);
  if (fchmod (fd, 0600) != 0 || !write_all (fd, data, length) || fsync (fd) != 0)
    saved = errno;
  if (close (fd) != 0 && saved == 0)
    saved = errno;
  if (saved == 0 && renameat (directory, temporary, directory, leaf) != 0)
    saved = errno;
  if (saved != 0)
    {
      unlinkat (directory, temporary, 0);
      return base_error_set_errno (error, saved, "cannot write %s", path);
    }
  if (fsync (directory) != 0)
    return base_error_set_errno (error, errno, "cannot make %s durable", path);
  return TRUE;
}

gboolean
pki_store_write (PkiStore *store, const char *name, const void *data, gsize length, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, name, NULL);
  const char *leaf;
  int directory = enter (store, name, TRUE, &leaf, error);
  gboolean good;

  if (directory < 0)
    return FALSE;
  good = write_in (directory, leaf, path, data, length, error);
  leave (store, directory);
  return good;
}

gboolean
pki_store_remove (PkiStore *store, const char *name, GError **error)
{
  const char *leaf;
  int directory = enter (store, name, FALSE, &leaf, error);
  gboolean good;

  if (directory < 0)
    return FALSE;
  good = unlinkat (directory, leaf, 0) == 0 && fsync (directory) == 0;
  if (!good)
    base_error_set_errno (error, errno, "cannot remove %s/%s", store->path, name);
  leave (store, directory);
  return good;
}
