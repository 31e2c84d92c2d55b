#include "pki/certificate.h"

#include "base/error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_NAME 64
#define PREFIX "user:"

/* Letters, digits and the like: what may stand in a name of a user or device. */
static gboolean
is_name (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > MAX_NAME || !g_utf8_validate (name, (gssize) length, NULL))
    return FALSE;
  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_iscntrl (c) || c == '/' || c == ':' || g_unichar_isspace (c)
          || g_unichar_type (c) == G_UNICODE_FORMAT)
        return FALSE;
    }
  return TRUE;
}

gboolean
pki_identity_parse (const char *common_name, char **user, char **device, GError **error)
{
  g_autofree char *name = NULL;
  const char *slash = NULL;

  *user = NULL;
  *device = NULL;
  if (common_name == NULL)
    return base_error_set (error, MUX_ERROR_PKI, _("the certificate names nobody: it has no usable CN"));
  if (!g_str_has_prefix (common_name, PREFIX))
    name = g_strdup (common_name);
  else
    {
      slash = strchr (common_name, '/');
      if (slash == NULL)
        return base_error_set (error, MUX_ERROR_PKI,
                               _("the certificate's CN is not of the form user:NAME/DEVICE"));
      name = g_strndup (common_name + strlen (PREFIX), (gsize) (slash - common_name) - strlen (PREFIX));
    }
  if (!is_name (name) || (slash != NULL && !is_name (slash + 1)))
    return base_error_set (error, MUX_ERROR_PKI,
                           _("the certificate's CN holds no name of 1 to 64 plain characters"));
  *user = g_steal_pointer (&name);
  *device = slash == NULL ? NULL : g_strdup (slash + 1);
  return TRUE;
}

char *
pki_identity_format (const char *user, const char *device)
{
  return device == NULL ? g_strdup (user) : g_strdup_printf (PREFIX "%s/%s", user, device);
}
