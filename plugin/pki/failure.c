#include "pki/failure.h"

#include <stdarg.h>

gboolean
pki_failure (GError **error, int code, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return base_error_set (error, MUX_ERROR_PKI, "%s: %s", what, gnutls_strerror (code));
}
