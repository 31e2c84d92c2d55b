/* Errors at the edges of rooms: the contract's domain (mux/plugin.h), and how a failed system call becomes a
 * GError that names what was tried. First error wins: functions here never overwrite a set error. */
#pragma once

#include <gio/gio.h>
#include <mux/plugin.h>

G_BEGIN_DECLS

/* Sets @error in MUX_ERROR with @code, unless it is NULL or already set. Returns FALSE, so that
 * `return base_error_set (…)` reads well. */
gboolean base_error_set (GError **error, MuxError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* The same for a system call that failed with @saved_errno: G_IO_ERROR with g_io_error_from_errno (),
 * the message "<format>: <strerror>". */
gboolean base_error_set_errno (GError **error, int saved_errno, const char *format, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
