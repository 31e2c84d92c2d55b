#include "pki/store-private.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/* A directory of ours: owned by us, nobody else gets in. */
static gboolean
check_directory (int fd, const char *path, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    return base_error_set_errno (error, errno, _("cannot look at %s"), path);
  if (status.st_uid != geteuid ())
    return base_error_set (error, MUX_ERROR_PKI,
                           _("%s belongs to user %u, not to %u; run: chown -R %u '%s'"), path, status.st_uid,
                           geteuid (), geteuid (), path);
  if ((status.st_mode & 077) != 0)
    return base_error_set (error, MUX_ERROR_PKI,
                           _("others have access to %s (mode %03o); run: chmod 700 '%s'"), path,
                           status.st_mode & 0777, path);
  return TRUE;
}

/* Whoever can write to the parent can put another directory in our place; a sticky bit prevents that. */
static gboolean
check_parent (int fd, const char *parent, const char *path, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) != 0)
    return base_error_set_errno (error, errno, _("cannot look at %s"), parent);
  if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0)
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("others can write to %s (mode %03o) and so could replace %s; run: chmod go-w '%s'"), parent,
        status.st_mode & 0777, path, parent);
  if (status.st_uid != geteuid () && status.st_uid != 0)
    return base_error_set (
        error, MUX_ERROR_PKI,
        _("%s belongs to user %u, who could replace %s; run this as that user, or: chown %u '%s'"), parent,
        status.st_uid, path, geteuid (), parent);
  return TRUE;
}

gboolean
pki_store_sync_directory (int fd)
{
  return fsync (fd) == 0 || errno == EINVAL || errno == ENOTSUP;
}

/* Makes @path in the open directory @parent with 0700, whatever the umask; one that is there already is fine.
 */
static gboolean
make_directory (int parent, const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  int readable;

  if (mkdirat (parent, name, 0700) != 0)
    return errno == EEXIST ? TRUE
                           : base_error_set_errno (error, errno, _("cannot make the directory %s"), path);
  /* Nobody else can write to the parent, so it is still ours that is changed here. */
  if (fchmodat (parent, name, 0700, 0) != 0)
    return base_error_set_errno (error, errno, _("cannot set the mode of %s"), path);
  readable = openat (parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (readable >= 0)
    {
      pki_store_sync_directory (readable);
      close (readable);
    }
  return TRUE;
}

/* Opens the directory that @path is to be in, which may be reached through links, and makes it and its
 * parents where they lack; -1 with @error. Sets *@parent_path. */
static int
open_parent (const char *path, char **parent_path, GError **error)
{
  g_autofree char *grandparent_path = NULL;
  int fd, grandparent;
  gboolean good;

  *parent_path = g_path_get_dirname (path);
  /* O_PATH: one may pass through a directory that one may not list. */
  fd = open (*parent_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && !g_str_equal (*parent_path, path))
    {
      grandparent = open_parent (*parent_path, &grandparent_path, error);
      if (grandparent < 0)
        return -1;
      good = check_parent (grandparent, grandparent_path, *parent_path, error)
             && make_directory (grandparent, *parent_path, error);
      close (grandparent);
      if (!good)
        return -1;
      fd = open (*parent_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
  if (fd < 0)
    base_error_set_errno (error, errno, _("cannot open the directory %s"), *parent_path);
  return fd;
}

int
pki_store_open_directory (int at, const char *name, const char *path, GError **error)
{
  struct stat status;
  int fd = openat (at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int saved = errno;

  if (fd < 0 && fstatat (at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR (status.st_mode))
    base_error_set (
        error, MUX_ERROR_PKI,
        S_ISLNK (status.st_mode) ? _(
            "%s is a symbolic link, which is not followed here; name the directory itself, or run: rm '%s'")
                                 : _("%s is not a directory; move it away: mv '%s' …"),
        path, path);
  else if (fd < 0)
    base_error_set_errno (error, saved, _("cannot open the directory %s"), path);
  else if (!check_directory (fd, path, error))
    {
      close (fd);
      fd = -1;
    }
  return fd;
}

/* A listing of its own of the open directory @fd; NULL with errno. */
static DIR *
open_listing (int fd)
{
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *listing = copy < 0 ? NULL : fdopendir (copy);

  if (listing == NULL && copy >= 0)
    close (copy);
  return listing;
}

static gboolean
is_temporary (int fd, const char *name)
{
  struct stat status;

  return g_str_has_prefix (name, PKI_STORE_TEMPORARY_PREFIX)
         && strlen (name) == strlen (PKI_STORE_TEMPORARY_PREFIX) + PKI_STORE_TEMPORARY_DIGITS
         && strspn (name + strlen (PKI_STORE_TEMPORARY_PREFIX), "0123456789abcdef")
                == PKI_STORE_TEMPORARY_DIGITS
         && fstatat (fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (status.st_mode);
}

/* What a killed writer left; nobody writes now, since we hold the lock. One that cannot be removed does no
 * harm. */
static void
remove_stale (int fd)
{
  DIR *listing = open_listing (fd);
  struct dirent *entry;

  if (listing == NULL)
    return;
  while ((entry = readdir (listing)) != NULL)
    if (is_temporary (fd, entry->d_name))
      unlinkat (fd, entry->d_name, 0);
  closedir (listing);
}

/* Checks and clears `issued`, if it is there. */
static gboolean
prepare_issued (PkiStore *store, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, PKI_STORE_ISSUED, NULL);
  struct stat status;
  int fd;

  if (fstatat (store->fd, PKI_STORE_ISSUED, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? TRUE : base_error_set_errno (error, errno, _("cannot look at %s"), path);
  fd = pki_store_open_directory (store->fd, PKI_STORE_ISSUED, path, error);
  if (fd < 0)
    return FALSE;
  remove_stale (fd);
  close (fd);
  return TRUE;
}

static int
open_root (const char *path, GError **error)
{
  g_autofree char *parent_path = NULL;
  g_autofree char *name = g_path_get_basename (path);
  int parent = open_parent (path, &parent_path, error);
  int fd = -1;

  if (parent < 0)
    return -1;
  if (check_parent (parent, parent_path, path, error) && make_directory (parent, path, error))
    fd = pki_store_open_directory (parent, name, path, error);
  close (parent);
  return fd;
}

PkiStore *
pki_store_open (const char *path, GError **error)
{
  g_autoptr (PkiStore) store = g_new0 (PkiStore, 1);
  gboolean good;

  g_atomic_ref_count_init (&store->references);
  /* A slash at the end would follow a link. */
  store->path = g_canonicalize_filename (path, NULL);
  store->lock_fd = -1;
  store->fd = open_root (store->path, error);
  if (store->fd < 0 || !pki_store_lock (store, PKI_STORE_LOCK_MS, error))
    return NULL;
  remove_stale (store->fd);
  good = prepare_issued (store, error);
  pki_store_unlock (store);
  return good ? g_steal_pointer (&store) : NULL;
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
  g_assert (store->locks == 0);
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

/* A listing of "" or "issued"; NULL without an error if there is no such directory. */
static DIR *
open_listing_of (PkiStore *store, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (store->path, directory, NULL);
  struct stat status;
  DIR *listing;
  int fd = store->fd;

  if (*directory != '\0')
    {
      if (fstatat (store->fd, directory, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return NULL;
      fd = pki_store_open_directory (store->fd, directory, path, error);
      if (fd < 0)
        return NULL;
    }
  listing = open_listing (fd);
  if (listing == NULL)
    base_error_set_errno (error, errno, _("cannot list %s"), path);
  if (fd != store->fd)
    close (fd);
  return listing;
}

char **
pki_store_list (PkiStore *store, const char *directory, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  struct dirent *entry;
  DIR *listing;

  g_return_val_if_fail (*directory == '\0' || g_str_equal (directory, PKI_STORE_ISSUED), NULL);
  listing = open_listing_of (store, directory, &failure);
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  while (listing != NULL && (entry = readdir (listing)) != NULL)
    if (entry->d_name[0] != '.')
      g_ptr_array_add (names, g_strdup (entry->d_name));
  if (listing != NULL)
    closedir (listing);
  g_ptr_array_sort (names, compare_names_cb);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

char *
pki_store_default_path (const char *application, gboolean system_mode, const char *leaf)
{
  return system_mode ? g_build_filename ("/etc", application, leaf, NULL)
                     : g_build_filename (g_get_user_data_dir (), application, leaf, NULL);
}
