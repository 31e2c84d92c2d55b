/* The PKI directory: what it makes, and everything it refuses, with the way out. */
#include "tree.h"

#include "pki/store.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <mux/plugin.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALE ".tmp-0123456789abcdef"
#define NOBODY 65534

static PkiStore *
open_store (Tree *tree)
{
  g_autoptr (GError) error = NULL;
  PkiStore *store = pki_store_open (tree->path, &error);

  g_assert_no_error (error);
  return store;
}

static void
write_file (PkiStore *store, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;

  pki_store_write (store, name, text, strlen (text), &error);
  g_assert_no_error (error);
}

static void
expect_file (PkiStore *store, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = pki_store_read (store, name, &error);

  g_assert_no_error (error);
  if (text == NULL)
    g_assert_null (bytes);
  else
    g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

static void
test_files (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiStore) store = open_store (tree);
  g_auto (GStrv) names = NULL;
  g_auto (GStrv) issued = NULL;
  g_auto (GStrv) none = pki_store_list (store, PKI_STORE_ISSUED, NULL);
  g_autofree char *joined = NULL;
  GError *error = NULL;

  g_assert_cmpstr (pki_store_path (store), ==, tree->path);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  expect_file (store, "a", NULL);
  expect_file (store, "issued/a", NULL);
  write_file (store, "b", "one");
  write_file (store, "a", "");
  write_file (store, "b", "two");
  write_file (store, "issued/x.pem", "three");
  expect_file (store, "a", "");
  expect_file (store, "b", "two");
  expect_file (store, "issued/x.pem", "three");
  names = pki_store_list (store, "", NULL);
  joined = g_strjoinv (" ", names);
  g_assert_cmpstr (joined, ==, "a b issued");
  issued = pki_store_list (store, PKI_STORE_ISSUED, NULL);
  g_assert_cmpstr (issued[0], ==, "x.pem");
  g_assert_true (pki_store_remove (store, "b", NULL));
  expect_file (store, "b", NULL);
  g_assert_false (pki_store_remove (store, "b", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  tree_expect_error (error, "/b", NULL);
}

static void
test_names (Tree *tree, gconstpointer unused)
{
  static const char *const bad[] = { "", ".", "..", "../b", "/etc/passwd", "issued/", "issued/../b", "issued/.x", "other/b", ".lock",
                                     "issued/a/b" };
  g_autoptr (PkiStore) store = open_store (tree);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GError *error = NULL;

      g_assert_false (pki_store_write (store, bad[i], "x", 1, &error));
      tree_expect_error (error, "no name for a file", NULL);
      error = NULL;
      g_assert_null (pki_store_read (store, bad[i], &error));
      tree_expect_error (error, "no name for a file", NULL);
      g_assert_false (pki_store_remove (store, bad[i], NULL));
    }
}

/* Modes are the same whatever the umask, and missing parents are made. */
static void
test_umask (Tree *tree, gconstpointer mask)
{
  g_autofree char *deep = tree_in_root (tree, "x/y/pki/");
  g_autofree char *x = tree_in_root (tree, "x");
  g_autofree char *y = tree_in_root (tree, "x/y");
  g_autofree char *pki = tree_in_root (tree, "x/y/pki");
  g_autofree char *issued = tree_in_root (tree, "x/y/pki/issued");
  g_autofree char *file = tree_in_root (tree, "x/y/pki/issued/f");
  g_autofree char *key = tree_in_root (tree, "x/y/pki/key");
  g_autofree char *lock = tree_in_root (tree, "x/y/pki/.lock");
  const char *directories[] = { x, y, pki, issued }, *files[] = { file, key, lock };
  g_autoptr (PkiStore) store = NULL;
  g_autoptr (GError) error = NULL;
  mode_t before = umask ((mode_t) GPOINTER_TO_UINT (mask));

  store = pki_store_open (deep, &error);
  g_assert_no_error (error);
  write_file (store, "key", "secret");
  write_file (store, "issued/f", "x");
  umask (before);
  g_assert_cmpstr (pki_store_path (store), ==, pki);
  for (gsize i = 0; i < G_N_ELEMENTS (directories); i++)
    g_assert_cmphex ((guint64) tree_mode (directories[i]), ==, 0700);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    g_assert_cmphex ((guint64) tree_mode (files[i]), ==, 0600);
  expect_file (store, "key", "secret");
}

static void
refuse_open (const char *path, const char *fault, const char *remedy)
{
  GError *error = NULL;

  g_assert_null (pki_store_open (path, &error));
  g_assert_error (error, MUX_ERROR, MUX_ERROR_PKI);
  tree_expect_error (error, path, fault, remedy, NULL);
}

static void
test_directory_modes (Tree *tree, gconstpointer unused)
{
  static const int modes[] = { 0701, 0710, 0755, 0770, 0777, 0702, 0740 };
  g_autofree char *remedy = g_strdup_printf ("chmod 700 '%s'", tree->path);

  g_clear_pointer (&(PkiStore *){ open_store (tree) }, pki_store_unref);
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_chmod (tree->path, modes[i]);
      refuse_open (tree->path, "others have access", remedy);
    }
  g_chmod (tree->path, 0700);
  g_clear_pointer (&(PkiStore *){ open_store (tree) }, pki_store_unref);
}

static void
test_parent_modes (Tree *tree, gconstpointer unused)
{
  static const int modes[] = { 0777, 0770, 0722 };
  g_autofree char *remedy = g_strdup_printf ("chmod go-w '%s'", tree->root);

  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_chmod (tree->root, modes[i]);
      refuse_open (tree->path, "others can write to", remedy);
      g_assert_false (g_file_test (tree->path, G_FILE_TEST_EXISTS));
    }
  /* As /tmp is. */
  g_chmod (tree->root, 01777);
  g_clear_pointer (&(PkiStore *){ open_store (tree) }, pki_store_unref);
}

static void
test_directory_kinds (Tree *tree, gconstpointer unused)
{
  g_autofree char *real = tree_in_root (tree, "real");
  g_autofree char *below_link = NULL;
  g_autofree char *link_with_slash = g_strconcat (tree->path, "/", NULL);
  g_autoptr (PkiStore) store = NULL;

  g_assert_cmpint (g_mkdir (real, 0700), ==, 0);
  g_assert_cmpint (symlink ("real", tree->path), ==, 0);
  refuse_open (tree->path, "symbolic link", "rm '");
  refuse_open (tree->path, "symbolic link", "rm '");
  {
    GError *error = NULL;

    g_assert_null (pki_store_open (link_with_slash, &error));
    tree_expect_error (error, "symbolic link", NULL);
  }
  /* On the way there a link is a person's own business. */
  below_link = g_build_filename (tree->path, "pki", NULL);
  store = pki_store_open (below_link, NULL);
  g_assert_nonnull (store);
  g_assert_cmpint (g_remove (tree->path), ==, 0);
  tree_write (tree->path, "", 0600);
  refuse_open (tree->path, "not a directory", "mv '");
  g_assert_cmpint (g_remove (tree->path), ==, 0);
  g_assert_cmpint (mkfifo (tree->path, 0600), ==, 0);
  refuse_open (tree->path, "not a directory", "mv '");
}

static void
make_nothing (const char *path)
{
}

static void
make_link (const char *path)
{
  g_autofree char *target = g_strconcat (path, ".target", NULL);

  tree_write (target, "secret", 0600);
  g_assert_cmpint (symlink (target, path), ==, 0);
}

static void
make_dangling_link (const char *path)
{
  g_assert_cmpint (symlink ("/nowhere/at/all", path), ==, 0);
}

static void
make_hard_link (const char *path)
{
  g_autofree char *target = g_strconcat (path, ".target", NULL);

  tree_write (target, "secret", 0600);
  g_assert_cmpint (link (target, path), ==, 0);
}

static void
make_fifo (const char *path)
{
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

static void
make_directory (const char *path)
{
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
}

static void
make_group_readable (const char *path)
{
  tree_write (path, "secret", 0640);
}

static void
make_world_readable (const char *path)
{
  tree_write (path, "secret", 0604);
}

static void
make_world_writable (const char *path)
{
  tree_write (path, "secret", 0602);
}

static void
make_foreign (const char *path)
{
  tree_write (path, "secret", 0600);
  g_assert_cmpint (chown (path, NOBODY, NOBODY), ==, 0);
}

static const struct
{
  const char *fault, *remedy;
  void (*make) (const char *path);
  gboolean needs_root;
} kinds[] = {
  { NULL, NULL, make_nothing, FALSE },
  { "symbolic link", "rm '", make_link, FALSE },
  { "symbolic link", "rm '", make_dangling_link, FALSE },
  { "hard links", "cp -p '", make_hard_link, FALSE },
  { "not a regular file", "rm -r '", make_fifo, FALSE },
  { "not a regular file", "rm -r '", make_directory, FALSE },
  { "others have access", "chmod 600 '", make_group_readable, FALSE },
  { "others have access", "chmod 600 '", make_world_readable, FALSE },
  { "others have access", "chmod 600 '", make_world_writable, FALSE },
  { "belongs to user 65534", "chown ", make_foreign, TRUE },
};

static void
test_file_kinds (Tree *tree, gconstpointer name)
{
  g_autoptr (PkiStore) store = open_store (tree);
  g_autofree char *path = tree_in_pki (tree, name);
  guint n = 0;

  write_file (store, "issued/other", "x");
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      GError *error = NULL;

      if (kinds[i].needs_root && geteuid () != 0)
        continue;
      kinds[i].make (path);
      g_assert_null (pki_store_read (store, name, &error));
      if (kinds[i].fault == NULL)
        g_assert_no_error (error);
      else
        tree_expect_error (error, path, kinds[i].fault, kinds[i].remedy, NULL);
      tree_remove (path);
      n++;
    }
  g_test_message ("%u kinds of file at %s", n, (const char *) name);
}

/* The lock is a file like any other. */
static void
test_lock_kinds (Tree *tree, gconstpointer unused)
{
  g_autofree char *path = tree_in_pki (tree, ".lock");

  g_assert_cmpint (g_mkdir (tree->path, 0700), ==, 0);
  for (gsize i = 1; i < G_N_ELEMENTS (kinds); i++)
    {
      GError *error = NULL;

      if (kinds[i].needs_root && geteuid () != 0)
        continue;
      kinds[i].make (path);
      g_assert_null (pki_store_open (tree->path, &error));
      tree_expect_error (error, path, NULL);
      tree_remove (path);
    }
  g_assert_false (g_file_test ("/nowhere", G_FILE_TEST_EXISTS));
  g_clear_pointer (&(PkiStore *){ open_store (tree) }, pki_store_unref);
}

static void
test_issued_kinds (Tree *tree, gconstpointer unused)
{
  g_autofree char *path = tree_in_pki (tree, "issued");
  g_autofree char *outside = tree_in_root (tree, "outside");
  g_autofree char *written = g_build_filename (outside, "f", NULL);
  g_autoptr (PkiStore) store = open_store (tree);
  GError *error = NULL;

  g_assert_cmpint (g_mkdir (outside, 0700), ==, 0);
  g_assert_cmpint (symlink (outside, path), ==, 0);
  g_assert_false (pki_store_write (store, "issued/f", "x", 1, &error));
  tree_expect_error (error, path, "symbolic link", NULL);
  g_assert_false (g_file_test (written, G_FILE_TEST_EXISTS));
  error = NULL;
  g_assert_null (pki_store_list (store, "issued", &error));
  tree_expect_error (error, path, "symbolic link", NULL);
  error = NULL;
  g_assert_null (pki_store_open (tree->path, &error));
  tree_expect_error (error, path, "symbolic link", NULL);
  g_remove (path);
  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  g_chmod (path, 0755);
  refuse_open (tree->path, "others have access", "chmod 700 '");
}

/* A write gives the name to a new file: what stood there, and where it pointed, is left alone. */
static void
test_write_over (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiStore) store = open_store (tree);
  g_autofree char *path = tree_in_pki (tree, "key");
  g_autofree char *target = tree_in_pki (tree, "key.target");

  for (gsize i = 1; i < G_N_ELEMENTS (kinds); i++)
    {
      if ((kinds[i].needs_root && geteuid () != 0) || kinds[i].make == make_directory)
        continue;
      kinds[i].make (path);
      write_file (store, "key", "new");
      expect_file (store, "key", "new");
      g_assert_cmphex ((guint64) tree_mode (path), ==, 0600);
      if (g_file_test (target, G_FILE_TEST_EXISTS))
        {
          g_autofree char *text = tree_read (target);

          g_assert_cmpstr (text, ==, "secret");
        }
      tree_remove (path);
      g_remove (target);
    }
}

static void
test_foreign_owner (Tree *tree, gconstpointer unused)
{
  g_autofree char *remedy = g_strdup_printf ("chown -R %u '%s'", geteuid (), tree->path);

  if (geteuid () != 0)
    {
      g_test_skip ("only root can give a directory away");
      return;
    }
  g_assert_cmpint (g_mkdir (tree->path, 0700), ==, 0);
  g_assert_cmpint (chown (tree->path, NOBODY, NOBODY), ==, 0);
  refuse_open (tree->path, "belongs to user 65534", remedy);
  g_assert_cmpint (g_remove (tree->path), ==, 0);
  g_assert_cmpint (chown (tree->root, NOBODY, NOBODY), ==, 0);
  refuse_open (tree->path, "belongs to user 65534, who could replace", "chown ");
}

/* Left by a writer that was killed: gone at the next opening, and only that. */
static void
test_stale (Tree *tree, gconstpointer unused)
{
  static const char *const stale[] = { STALE, "issued/" STALE };
  static const char *const kept[] = { ".tmp-0123456789abcde", ".tmp-0123456789abcdef0", ".tmp-0123456789ABCDEF", ".tmp", "tmp-x" };
  g_autofree char *linked = tree_in_pki (tree, ".tmp-aaaaaaaaaaaaaaaa");
  g_autoptr (PkiStore) store = open_store (tree);

  write_file (store, "issued/x.pem", "x");
  g_clear_pointer (&store, pki_store_unref);
  for (gsize i = 0; i < G_N_ELEMENTS (stale); i++)
    {
      g_autofree char *path = tree_in_pki (tree, stale[i]);

      tree_write (path, "half a key", 0600);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      g_autofree char *path = tree_in_pki (tree, kept[i]);

      tree_write (path, "not ours", 0600);
    }
  g_assert_cmpint (symlink ("x", linked), ==, 0);
  store = open_store (tree);
  for (gsize i = 0; i < G_N_ELEMENTS (stale); i++)
    {
      g_autofree char *path = tree_in_pki (tree, stale[i]);

      g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      g_autofree char *path = tree_in_pki (tree, kept[i]);

      g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
    }
  g_assert_true (g_file_test (linked, G_FILE_TEST_IS_SYMLINK));
}

static void
test_sizes (Tree *tree, gconstpointer unused)
{
  const gsize limit = (gsize) 1 << 20;
  g_autoptr (PkiStore) store = open_store (tree);
  g_autofree char *text = g_strnfill (limit + 1, 'x');
  g_autofree char *path = tree_in_pki (tree, "big");
  g_autoptr (GBytes) bytes = NULL;
  GError *error = NULL;

  g_assert_false (pki_store_write (store, "big", text, limit + 1, &error));
  tree_expect_error (error, path, "larger than 1 MiB", NULL);
  g_assert_true (pki_store_write (store, "big", text, limit, NULL));
  bytes = pki_store_read (store, "big", NULL);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, limit);
  tree_write (path, text, 0600);
  error = NULL;
  g_assert_null (pki_store_read (store, "big", &error));
  tree_expect_error (error, path, "larger than 1 MiB", NULL);
}

static void
test_default_path (void)
{
  g_autofree char *user = pki_store_default_path ("mux-quic", FALSE, "domains/x");
  g_autofree char *system = pki_store_default_path ("wezterm", TRUE, "pki");
  g_autofree char *expected = g_build_filename (g_get_user_data_dir (), "mux-quic", "domains/x", NULL);

  g_assert_cmpstr (user, ==, expected);
  g_assert_cmpstr (system, ==, "/etc/wezterm/pki");
}

#define ADD(name, data, function)                                                                            \
  g_test_add ("/pki/store/" name, Tree, data, tree_set_up, function, tree_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("files", NULL, test_files);
  ADD ("names", NULL, test_names);
  ADD ("umask-0", GUINT_TO_POINTER (0), test_umask);
  ADD ("umask-077", GUINT_TO_POINTER (077), test_umask);
  ADD ("umask-0777", GUINT_TO_POINTER (0777), test_umask);
  ADD ("directory-modes", NULL, test_directory_modes);
  ADD ("parent-modes", NULL, test_parent_modes);
  ADD ("directory-kinds", NULL, test_directory_kinds);
  ADD ("file-kinds", "key", test_file_kinds);
  ADD ("issued-file-kinds", "issued/key", test_file_kinds);
  ADD ("lock-kinds", NULL, test_lock_kinds);
  ADD ("issued-kinds", NULL, test_issued_kinds);
  ADD ("write-over", NULL, test_write_over);
  ADD ("foreign-owner", NULL, test_foreign_owner);
  ADD ("stale", NULL, test_stale);
  ADD ("sizes", NULL, test_sizes);
  g_test_add_func ("/pki/store/default-path", test_default_path);
  return g_test_run ();
}
