#include "base/error.h"

#include <stdarg.h>

gboolean
base_error_set (GError **error, MuxError code, const char *format, ...)
{
  va_list arguments;

  if (error == NULL || *error != NULL)
    return FALSE;
  va_start (arguments, format);
  *error = g_error_new_valist (MUX_ERROR, code, format, arguments);
  va_end (arguments);
  return FALSE;
}

gboolean
base_error_set_errno (GError **error, int saved_errno, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  if (error == NULL || *error != NULL)
    return FALSE;
  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  *error = g_error_new (G_IO_ERROR, g_io_error_from_errno (saved_errno), "%s: %s", what,
                        g_strerror (saved_errno));
  return FALSE;
}
