#include "pki/read-file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/gnutls.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
check (const struct stat *status, const char *path, gboolean secret, GError **error)
{
  if (S_ISDIR (status->st_mode))
    return base_error_set (error, MUX_ERROR_PKI, "%s is a directory, not a PEM file", path);
  if (!S_ISREG (status->st_mode))
    return base_error_set (error, MUX_ERROR_PKI, "%s is not a regular file", path);
  if ((guint64) status->st_size > PKI_FILE_MAX)
    return base_error_set (error, MUX_ERROR_PKI, "%s is larger than 1 MiB, that is no PEM file", path);
  if (secret && (status->st_mode & 077) != 0)
    return base_error_set (error, MUX_ERROR_PKI,
                           "%s holds a private key and others have access to it (mode %03o); run: chmod 600 '%s'", path,
                           status->st_mode & 0777, path);
  return TRUE;
}

char *
pki_read_file (const char *path, gboolean secret, gsize *length, GError **error)
{
  struct stat status;
  gsize have = 0;
  char *data;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    {
      base_error_set_errno (error, errno, "cannot open %s", path);
      return NULL;
    }
  if (fstat (fd, &status) != 0)
    {
      base_error_set_errno (error, errno, "cannot look at %s", path);
      close (fd);
      return NULL;
    }
  if (!check (&status, path, secret, error))
    {
      close (fd);
      return NULL;
    }
  data = g_malloc0 ((gsize) status.st_size + 1);
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
          close (fd);
          return NULL;
        }
      if (n == 0)
        break;
      have += (gsize) n;
    }
  close (fd);
  data[have] = '\0';
  *length = have;
  return data;
}
