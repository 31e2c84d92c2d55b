/* The PKI directory: files that are whole or not there, private whatever the umask, never through a link.
 * Works by directory descriptor; every write is temporary file (O_EXCL | O_NOFOLLOW, 0600), fsync, rename,
 * fsync of the directory. Refuses a directory or file with a wrong owner, wider mode, wrong type or more than
 * one hard link, and a parent that others can write to, saying which path and what to do. Errors:
 * MUX_ERROR_PKI, or G_IO_ERROR for system calls. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _PkiStore PkiStore;

/* The one subdirectory: the certificates that were issued. */
#define PKI_STORE_ISSUED "issued"

/* How long to wait for another process, in milliseconds: many times what a write takes, and less than a peer
 * waits. */
#define PKI_STORE_LOCK_MS 5000

/* Opens @path, making it and its missing parents (0700) if need be. */
PkiStore *pki_store_open (const char *path, GError **error);
PkiStore *pki_store_ref (PkiStore *store);
void pki_store_unref (PkiStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiStore, pki_store_unref)
const char *pki_store_path (const PkiStore *store);

/* @name: a plain file name that does not begin with a dot, or "issued/NAME" (the directory is made). read:
 * NULL and no error when there is no such file; the caller wipes what is secret. At most 1 MiB. write and
 * remove take the lock. */
GBytes *pki_store_read (PkiStore *store, const char *name, GError **error);
gboolean pki_store_write (PkiStore *store, const char *name, const void *data, gsize length, GError **error);
gboolean pki_store_remove (PkiStore *store, const char *name, GError **error);
/* Names in @directory ("" or "issued"), sorted, NULL-terminated; temporary files left out. */
char **pki_store_list (PkiStore *store, const char *directory, GError **error);
/* An exclusive lock on the directory between processes, held until unlocked as often as locked; waits at most
 * @timeout_ms and blocks the thread so long. */
gboolean pki_store_lock (PkiStore *store, guint timeout_ms, GError **error);
void pki_store_unlock (PkiStore *store);

/* `$XDG_DATA_HOME/<application>/<leaf>`, or in system mode `/etc/<application>/<leaf>`. @leaf: "pki" or
 * "domains/NAME". */
char *pki_store_default_path (const char *application, gboolean system_mode, const char *leaf);

G_END_DECLS
