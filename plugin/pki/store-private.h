/* What the files of the store share: store.c (the directory), store-file.c (its files), store-lock.c (its
 * lock). */
#pragma once

#include "pki/store.h"

#include <sys/stat.h>

G_BEGIN_DECLS

/* A file being written: this and 16 hexadecimal digits. */
#define PKI_STORE_TEMPORARY_PREFIX ".tmp-"
#define PKI_STORE_TEMPORARY_DIGITS 16

struct _PkiStore
{
  gatomicrefcount references;
  char *path;
  int fd; /* the directory; everything is relative to it */
  int lock_fd;
  guint locks;
};

/* Opens the directory @name below @at and checks owner and mode; -1 with @error. */
int pki_store_open_directory (int at, const char *name, const char *path, GError **error);

/* Whether the open file @fd is a private file of ours and nothing else; fills @status. */
gboolean pki_store_check_file (int fd, const char *path, struct stat *status, GError **error);

/* Makes the names in the directory @fd durable. Some file systems know no fsync of a directory and need none.
 */
gboolean pki_store_sync_directory (int fd);

G_END_DECLS
