/* Reads files that a person named: certificates, keys, CA bundles. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PKI_FILE_MAX ((gsize) 1 << 20)

/* At most PKI_FILE_MAX bytes of the regular file @path; with @secret it must not be readable by others (MUX_ERROR_PKI with the remedy). Never hangs
 * on a FIFO. The memory is @length + 1 long, zero-terminated; the caller wipes what is secret. */
char *pki_read_file (const char *path, gboolean secret, gsize *length, GError **error);

G_END_DECLS
