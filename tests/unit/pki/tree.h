/* A directory of the test's own below the system's temporary one, gone with the fixture. */
#pragma once

#include <gio/gio.h>

typedef struct
{
  char *root; /* mode 0700 */
  char *path; /* root/pki, not made yet */
} Tree;

void tree_set_up (Tree *tree, gconstpointer unused);
void tree_tear_down (Tree *tree, gconstpointer unused);
void tree_remove (const char *path);

/* root/NAME and pki/NAME; free with g_free (). */
char *tree_in_root (const Tree *tree, const char *name);
char *tree_in_pki (const Tree *tree, const char *name);

/* Writes @text with @mode, whatever the umask. */
void tree_write (const char *path, const char *text, int mode);
char *tree_read (const char *path);
int tree_mode (const char *path);

/* Takes @error, which must be there and have a message that holds each of the NULL-terminated texts. */
void tree_expect_error (GError *error, ...) G_GNUC_NULL_TERMINATED;
