#include "pki/read-file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <gnutls/gnutls.h>
#include <unistd.h>

static gboolean
check (const struct stat *status, const char *path, gboolean secret, GError **error)
{
  if (S_ISDIR (status->st_mode))
    return base_error_set (error, MUX_ERROR_PKI, _("%s is a directory, not a PEM file"), path);
  if (!S_ISREG (status->st_mode))
    return base_error_set (error, MUX_ERROR_PKI, _("%s is not a regular file"), path);
  if (secret && (status->st_mode & 077) != 0)
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("%s holds a private key and others have access to it (mode %03o); run: chmod 600 '%s'"), path,
        status->st_mode & 0777, path);
  return TRUE;
}

char *
pki_read_descriptor (int fd, const struct stat *status, const char *path, gsize *length, GError **error)
{
  gsize size = (gsize) status->st_size, have = 0;
  char *data;

  if (size > PKI_FILE_MAX)
    {
      base_error_set (error, MUX_ERROR_PKI,
                      _("%s is larger than 1 MiB, so it is none of keys or certificates"), path);
      return NULL;
    }
  data = g_malloc0 (size + 1);
  while (have < size)
    {
      gssize n = read (fd, data + have, size - have);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          base_error_set_errno (error, errno, _("cannot read %s"), path);
          gnutls_memset (data, 0, have);
          g_free (data);
          return NULL;
        }
      if (n == 0)
        break;
      have += (gsize) n;
    }
  *length = have;
  return data;
}

char *
pki_read_file (const char *path, gboolean secret, gsize *length, GError **error)
{
  struct stat status;
  char *data = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    {
      base_error_set_errno (error, errno, _("cannot open %s"), path);
      return NULL;
    }
  if (fstat (fd, &status) != 0)
    base_error_set_errno (error, errno, _("cannot look at %s"), path);
  else if (check (&status, path, secret, error))
    data = pki_read_descriptor (fd, &status, path, length, error);
  close (fd);
  return data;
}
