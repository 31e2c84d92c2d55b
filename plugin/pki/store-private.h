/* What store.c (the directory) and store-file.c (its files) share. */
#pragma once

#include "pki/store.h"

G_BEGIN_DECLS

#define PKI_STORE_TEMPORARY_PREFIX ".tmp-"

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

G_END_DECLS
