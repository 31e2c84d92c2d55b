#include "pki/store-private.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME ".lock"

/* A directory of ours: owned by us, nobody else gets in. */
static gboolean
check_directory (int fd, const char *path, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    return base_error_set_errno (error, errno, "cannot look at %s", path);
  if (status.st_uid != geteuid ())
    return base_error_set (error, MUX_ERROR_PKI, "%s belongs to user %u, not to %u; run: chown -R %u '%s'", path,
                           status.st_uid, geteuid (), geteuid (), path);
  if ((status.st_mode & 077) != 0)
    return base_error_set (error, MUX_ERROR_PKI, "others have access to %s (mode %03o); run: chmod 700 '%s'", path,
                           status.st_mode & 0777, path);
  return TRUE;
}

/* Whoever can write to the parent can put another directory in our place; a sticky bit prevents that. */
static gboolean
check_parent (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);
  struct stat status;

  if (stat (parent, &status) != 0)
    return base_error_set_errno (error, errno, "cannot look at %s", parent);
  if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0)
    return base_error_set (error, MUX_ERROR_PKI,
                           "others can write to %s (mode %03o) and so could replace %s; run: chmod go-w '%s'", parent,
                           status.st_mode & 0777, path, parent);
  if (status.st_uid != geteuid () && status.st_uid != 0)
    return base_error_set (error, MUX_ERROR_PKI, "%s belongs to user %u, who could replace %s", parent, status.st_uid, path);
  return TRUE;
}

/* Makes @path and its parents with 0700, whatever the umask. */
static gboolean
make_directories (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);

  if (mkdir (path, 0700) == 0)
    {
      if (chmod (path, 0700) != 0)
        return base_error_set_errno (error, errno, "cannot set the mode of %s", path);
      return TRUE;
    }
  if (errno == EEXIST)
    return TRUE;
  if (errno != ENOENT || g_str_equal (parent, path))
    return base_error_set_errno (error, errno, "cannot make the directory %s", path);
  if (!make_directories (parent, error))
    return FALSE;
  if (mkdir (path, 0700) != 0 && errno != EEXIST)
    return base_error_set_errno (error, errno, "cannot make the directory %s", path);
  return chmod (path, 0700) == 0 ? TRUE : base_error_set_errno (error, errno, "cannot set the mode of %s", path);
}

int
pki_store_open_directory (int at, const char *name, const char *path, GError **error)
{
  int fd = openat (at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
    base_error_set (error, MUX_ERROR_PKI, "%s is not a directory (a symbolic link is not followed)", path);
  else if (fd < 0)
    base_error_set_errno (error, errno, "cannot open the directory %s", path);
  else if (!check_directory (fd, path, error))
    {
      close (fd);
      fd = -1;
    }
  return fd;
}

/* What a killed writer left; nobody writes now, since we hold the lock. */
static void
remove_stale (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    if (g_str_has_prefix (name, PKI_STORE_TEMPORARY_PREFIX))
      unlinkat (fd, name, 0);
}

PkiStore *
pki_store_open (const char *path, GError **error)
{
  g_autoptr (PkiStore) store = g_new0 (PkiStore, 1);
  int issued;

  g_atomic_ref_count_init (&store->references);
  store->path = g_strdup (path);
  store->fd = store->lock_fd = -1;
  if (!make_directories (path, error) || !check_parent (path, error))
    return NULL;
  store->fd = pki_store_open_directory (AT_FDCWD, path, path, error);
  if (store->fd < 0 || !pki_store_lock (store, 10000, error))
    return NULL;
  remove_stale (store->fd);
  issued = openat (store->fd, "issued", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (issued >= 0)
    {
      remove_stale (issued);
      close (issued);
    }
  pki_store_unlock (store);
  return g_steal_pointer (&store);
}

PkiStore *
pki_store_ref (PkiStore *store)
{
  g_atomic_ref_count_inc (&store->references);
  return store;
}

void
pki_store_unref (PkiStore *store)
{
  if (!g_atomic_ref_count_dec (&store->references))
    return;
  if (store->lock_fd >= 0)
    close (store->lock_fd);
  if (store->fd >= 0)
    close (store->fd);
  g_free (store->path);
  g_free (store);
}

const char *
pki_store_path (const PkiStore *store)
{
  return store->path;
}

static int
compare_names_cb (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
pki_store_list (PkiStore *store, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, directory, NULL);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDir) listing = g_dir_open (path, 0, &local_error);
  GPtrArray *names;
  const char *name;

  if (listing == NULL && !g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  names = g_ptr_array_new ();
  while (listing != NULL && (name = g_dir_read_name (listing)) != NULL)
    if (name[0] != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names_cb);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

gboolean
pki_store_lock (PkiStore *store, guint timeout_ms, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + (gint64) timeout_ms * 1000;

  if (store->locks > 0)
    {
      store->locks++;
      return TRUE;
    }
  if (store->lock_fd < 0)
    store->lock_fd = openat (store->fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (store->lock_fd < 0)
    return base_error_set_errno (error, errno, "cannot open %s/" LOCK_NAME, store->path);
  while (flock (store->lock_fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (errno != EWOULDBLOCK && errno != EINTR)
        return base_error_set_errno (error, errno, "cannot lock %s", store->path);
      if (g_get_monotonic_time () > deadline)
        return base_error_set (error, MUX_ERROR_PKI, "%s is locked by another process", store->path);
      g_usleep (10000);
    }
  store->locks = 1;
  return TRUE;
}

void
pki_store_unlock (PkiStore *store)
{
  g_assert (store->locks > 0);
  if (--store->locks == 0)
    flock (store->lock_fd, LOCK_UN);
}

char *
pki_store_default_path (const char *application, gboolean system_mode, const char *leaf)
{
  return system_mode ? g_build_filename ("/etc", application, leaf, NULL)
                     : g_build_filename (g_get_user_data_dir (), application, leaf, NULL);
}
