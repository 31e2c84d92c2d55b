/* Somebody swaps what lies in the PKI directory while it is read and written: nothing outside is read or changed, and what the store wrote
 * is private and whole. */
#include "tree.h"

#include "pki/store.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 1000
#define OUTSIDE "nobody may read or change this"

typedef struct
{
  Tree *tree;
  char *outside, *target, *aside, *bait;
  gboolean links;
  int stop; /* atomic */
} Race;

static gpointer
swap_files (gpointer data)
{
  Race *race = data;

  for (guint i = 0; !g_atomic_int_get (&race->stop); i++)
    {
      switch (i % 5)
        {
        case 0: g_assert_cmpint (symlink (race->outside, race->bait), ==, 0); break;
        case 1: g_assert_cmpint (race->links ? link (race->outside, race->bait) : symlink ("key", race->bait), ==, 0); break;
        case 2: g_assert_cmpint (mkfifo (race->bait, 0600), ==, 0); break;
        case 3: tree_write (race->bait, OUTSIDE, 0666); break;
        default: tree_write (race->bait, "good", 0600);
        }
      g_assert_cmpint (rename (race->bait, race->target), ==, 0);
      if (g_lstat (race->bait, &(GStatBuf){ 0 }) == 0)
        g_unlink (race->bait); /* two links to one file stay */
    }
  return NULL;
}

static void
set_up (Race *race, Tree *tree)
{
  race->tree = tree;
  race->outside = tree_in_root (tree, "outside");
  race->target = tree_in_pki (tree, "key");
  race->aside = tree_in_root (tree, "aside");
  race->bait = tree_in_root (tree, "bait");
  tree_write (race->outside, OUTSIDE, 0600);
}

static void
tear_down (Race *race)
{
  g_autofree char *left = tree_read (race->outside);

  g_assert_cmpstr (left, ==, OUTSIDE);
  g_assert_cmpint (tree_mode (race->outside), ==, 0600);
  g_free (race->outside);
  g_free (race->target);
  g_free (race->aside);
  g_free (race->bait);
}

static void
write_and_read (PkiStore *store, const Race *race, guint *written, guint *refused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) read = NULL;

  if (pki_store_write (store, "key", "good", 4, NULL))
    ++*written;
  /* A second link to a file of one's own can only be seen while it is there. */
  if (race->links)
    return;
  read = pki_store_read (store, "key", &error);
  if (error != NULL)
    ++*refused;
  if (read == NULL)
    return;
  g_assert_cmpuint (g_bytes_get_size (read), ==, 4);
  g_assert_cmpint (memcmp (g_bytes_get_data (read, NULL), "good", 4), ==, 0);
}

static void
test_files (Tree *tree, gconstpointer links)
{
  g_autoptr (PkiStore) store = pki_store_open (tree->path, NULL);
  g_autoptr (GError) error = NULL;
  Race race = { .links = links != NULL };
  GThread *thread;
  guint written = 0, refused = 0;

  set_up (&race, tree);
  thread = g_thread_new ("swap", swap_files, &race);
  for (guint i = 0; i < ROUNDS; i++)
    write_and_read (store, &race, &written, &refused);
  g_atomic_int_set (&race.stop, TRUE);
  g_thread_join (thread);
  g_test_message ("%u rounds: %u written, %u refused", ROUNDS, written, refused);
  g_assert_cmpuint (written, >, 0);
  g_assert_true (pki_store_write (store, "key", "good", 4, &error));
  g_assert_no_error (error);
  g_assert_cmpint (tree_mode (race.target), ==, 0600);
  tear_down (&race);
}

static gpointer
swap_directory (gpointer data)
{
  Race *race = data;
  g_autofree char *elsewhere = tree_in_root (race->tree, "elsewhere");

  while (!g_atomic_int_get (&race->stop))
    {
      g_assert_cmpint (rename (race->tree->path, race->aside), ==, 0);
      g_assert_cmpint (symlink (elsewhere, race->tree->path), ==, 0);
      g_assert_cmpint (g_unlink (race->tree->path), ==, 0);
      g_assert_cmpint (rename (race->aside, race->tree->path), ==, 0);
    }
  return NULL;
}

/* The store is bound to the directory that it opened, not to its name. */
static void
test_directory (Tree *tree, gconstpointer unused)
{
  g_autoptr (PkiStore) store = pki_store_open (tree->path, NULL);
  g_autofree char *elsewhere = tree_in_root (tree, "elsewhere");
  g_autoptr (GDir) directory = NULL;
  Race race = { 0 };
  GThread *thread;
  guint written = 0, refused = 0;

  set_up (&race, tree);
  g_assert_cmpint (g_mkdir (elsewhere, 0777), ==, 0);
  thread = g_thread_new ("swap", swap_directory, &race);
  for (guint i = 0; i < ROUNDS; i++)
    write_and_read (store, &race, &written, &refused);
  g_atomic_int_set (&race.stop, TRUE);
  g_thread_join (thread);
  g_assert_cmpuint (written, ==, ROUNDS);
  g_assert_cmpuint (refused, ==, 0);
  g_assert_cmpint (tree_mode (race.target), ==, 0600);
  directory = g_dir_open (elsewhere, 0, NULL);
  g_assert_null (g_dir_read_name (directory));
  tear_down (&race);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/pki/races/files", Tree, NULL, tree_set_up, test_files, tree_tear_down);
  g_test_add ("/pki/races/links", Tree, "links", tree_set_up, test_files, tree_tear_down);
  g_test_add ("/pki/races/directory", Tree, NULL, tree_set_up, test_directory, tree_tear_down);
  return g_test_run ();
}
