/* Reads files that a person named: certificates, keys, CA bundles. */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>

G_BEGIN_DECLS

#define PKI_FILE_MAX ((gsize) 1 << 20)

/* At most PKI_FILE_MAX bytes of the regular file @path; with @secret it must not be readable by others
 * (MUX_ERROR_PKI with the remedy). Never hangs on a FIFO. The memory is @length + 1 long, zero-terminated;
 * the caller wipes what is secret. */
char *pki_read_file (const char *path, gboolean secret, gsize *length, GError **error);

/* The same for the open file @fd, of which @status was just read; @path names it in errors. */
char *pki_read_descriptor (int fd, const struct stat *status, const char *path, gsize *length,
                           GError **error);

G_END_DECLS
