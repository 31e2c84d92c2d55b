#include "tree.h"

#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

void
tree_set_up (Tree *tree, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  tree->root = g_dir_make_tmp ("mux-quic-pki-XXXXXX", &error);
  g_assert_no_error (error);
  tree->path = g_build_filename (tree->root, "pki", NULL);
}

void
tree_remove (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      g_autoptr (GDir) directory = NULL;
      const char *name;

      g_chmod (path, 0700);
      directory = g_dir_open (path, 0, NULL);
      while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
        {
          g_autofree char *child = g_build_filename (path, name, NULL);

          tree_remove (child);
        }
    }
  g_remove (path);
}

void
tree_tear_down (Tree *tree, gconstpointer unused)
{
  tree_remove (tree->root);
  g_assert_false (g_file_test (tree->root, G_FILE_TEST_EXISTS));
  g_free (tree->root);
  g_free (tree->path);
}

char *
tree_in_root (const Tree *tree, const char *name)
{
  return g_build_filename (tree->root, name, NULL);
}

char *
tree_in_pki (const Tree *tree, const char *name)
{
  return g_build_filename (tree->path, name, NULL);
}

void
tree_write (const char *path, const char *text, int mode)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

char *
tree_read (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

int
tree_mode (const char *path)
{
  struct stat status;

  g_assert_cmpint (lstat (path, &status), ==, 0);
  return status.st_mode & 07777;
}

void
tree_expect_error (GError *error, ...)
{
  va_list texts;
  const char *text;

  g_assert_nonnull (error);
  va_start (texts, error);
  while ((text = va_arg (texts, const char *)) != NULL)
    if (strstr (error->message, text) == NULL)
      g_error ("the message \"%s\" does not say \"%s\"", error->message, text);
  va_end (texts);
  g_error_free (error);
}
