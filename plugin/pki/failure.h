/* How a GnuTLS code becomes a GError of this room. */
#pragma once

#include "base/error.h"
#include <gnutls/gnutls.h>

G_BEGIN_DECLS

/* Sets MUX_ERROR_PKI "<format>: <GnuTLS's words>"; returns FALSE. */
gboolean pki_failure (GError **error, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
