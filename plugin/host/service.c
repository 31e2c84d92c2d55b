#include "host/service.h"

#include <glib/gi18n.h>
#include <mux/plugin.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* A command line longer than this does not come from a person or a program that works. */
#define MAX_ARGUMENTS 4096
#define MAX_ARGUMENT_BYTES (48 * 1024)

/* What a client may set: how its terminal shows text, nothing that changes what a program does or loads. */
static gboolean
may_pass (const char *name)
{
  return g_str_equal (name, "LANG") || g_str_has_prefix (name, "LC_") || g_str_equal (name, "COLORTERM")
         || g_str_equal (name, "TERM_PROGRAM") || g_str_equal (name, "TERM_PROGRAM_VERSION");
}

static gboolean
is_clean (const char *value)
{
  return strlen (value) <= 256 && g_utf8_validate (value, -1, NULL) && strpbrk (value, "\n\r\033") == NULL;
}

/* What a login gives a program, and what of the session that the host runs in is of use to it. */
static char **
make_environment (const struct passwd *user, GVariant *request)
{
  static const char *const inherited[] = { "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "LANG",      "PATH",  "SSH_AUTH_SOCK",
                                           "TMPDIR", "TZ", "WAYLAND_DISPLAY", "XAUTHORITY",
                                           "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
                                           "XDG_RUNTIME_DIR", "XDG_STATE_HOME" };
  char **environment = NULL;
  g_autoptr (GVariant) wanted = g_variant_lookup_value (request, "environment", G_VARIANT_TYPE ("a{ss}"));
  const char *term = NULL, *name, *value;
  const char *home = g_getenv ("HOME");
  GVariantIter iter;

  for (gsize i = 0; i < G_N_ELEMENTS (inherited); i++)
    if (g_getenv (inherited[i]) != NULL)
      environment = g_environ_setenv (environment, inherited[i], g_getenv (inherited[i]), TRUE);
  environment = g_environ_setenv (environment, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", FALSE);
  environment = g_environ_setenv (environment, "HOME", home != NULL ? home : user->pw_dir, TRUE);
  environment = g_environ_setenv (environment, "USER", user->pw_name, TRUE);
  environment = g_environ_setenv (environment, "LOGNAME", user->pw_name, TRUE);
  environment = g_environ_setenv (environment, "SHELL", user->pw_shell, TRUE);
  if (wanted != NULL)
    {
      g_variant_iter_init (&iter, wanted);
      while (g_variant_iter_next (&iter, "{&s&s}", &name, &value))
        if (may_pass (name) && is_clean (value))
          environment = g_environ_setenv (environment, name, value, TRUE);
    }
  if (g_variant_lookup (request, "term", "&s", &term) && is_clean (term) && term[0] != '\0')
    environment = g_environ_setenv (environment, "TERM", term, TRUE);
  return environment;
}

static void
add_program (GVariantDict *dict, const struct passwd *user, const char *const *argv, gboolean pty, GVariant *request)
{
  g_auto (GStrv) environment = make_environment (user, request);
  const char *home = g_environ_getenv (environment, "HOME");
  guint rows = 0, columns = 0;

  g_variant_dict_insert (dict, "kind", "s", pty ? "pty" : "program");
  g_variant_dict_insert_value (dict, "argv", g_variant_new_strv (argv, -1));
  g_variant_dict_insert_value (dict, "environment", g_variant_new_strv ((const char *const *) environment, -1));
  g_variant_dict_insert (dict, "cwd", "s", home);
  if (g_variant_lookup (request, "rows", "u", &rows) && g_variant_lookup (request, "columns", "u", &columns) && rows > 0
      && columns > 0)
    {
      g_variant_dict_insert (dict, "rows", "u", rows);
      g_variant_dict_insert (dict, "columns", "u", columns);
    }
}

static void
add_shell (GVariantDict *dict, const struct passwd *user, GVariant *request)
{
  const char *shell = user->pw_shell != NULL && user->pw_shell[0] != '\0' ? user->pw_shell : "/bin/sh";
  g_autofree char *base = g_path_get_basename (shell);
  g_autofree char *argv0 = g_strconcat ("-", base, NULL);
  const char *const argv[] = { shell, NULL };

  add_program (dict, user, argv, TRUE, request);
  g_variant_dict_insert (dict, "argv0", "s", argv0);
}

static gboolean
add_exec (GVariantDict *dict, const struct passwd *user, GVariant *request, GError **error)
{
  g_autofree const char **argv = NULL;
  gsize bytes = 0, n = 0;

  if (!g_variant_lookup (request, "argv", "^a&s", &argv) || argv[0] == NULL || argv[0][0] == '\0')
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_REFUSED, _("exec needs a command"));
      return FALSE;
    }
  for (; argv[n] != NULL; n++)
    bytes += strlen (argv[n]) + 1;
  if (n > MAX_ARGUMENTS || bytes > MAX_ARGUMENT_BYTES)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_REFUSED,
                   ngettext ("the command line is too long: %zu word, %zu bytes", "the command line is too long: %zu words, %zu bytes", n),
                   n, bytes);
      return FALSE;
    }
  add_program (dict, user, argv, FALSE, request);
  return TRUE;
}

/* `~` and `$NAME`, as people write them in a path. */
static char *
expand (const char *path)
{
  GString *result = g_string_new (NULL);

  if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
    {
      g_string_append (result, g_get_home_dir ());
      path++;
    }
  while (*path != '\0')
    {
      const char *name = path + 1;
      gsize length = 0;

      if (*path == '$')
        while (g_ascii_isalnum (name[length]) || name[length] == '_')
          length++;
      if (length > 0)
        {
          g_autofree char *variable = g_strndup (name, length);
          const char *value = g_getenv (variable);

          g_string_append (result, value == NULL ? "" : value);
          path = name + length;
        }
      else
        g_string_append_c (result, *path++);
    }
  return g_string_free (result, FALSE);
}

/* A list of strings out of the configuration, where it is an av. */
static char **
string_list (GVariant *value)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GVariantIter iter;
  GVariant *item;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    return g_variant_dup_strv (value, NULL);
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("av")))
    return NULL;
  g_variant_iter_init (&iter, value);
  while (g_variant_iter_loop (&iter, "v", &item))
    if (g_variant_is_of_type (item, G_VARIANT_TYPE_STRING))
      g_strv_builder_add (builder, g_variant_get_string (item, NULL));
  return g_strv_builder_end (builder);
}

static gboolean
add_configured (GVariantDict *dict, const struct passwd *user, const char *name, GVariant *service, GVariant *request,
                GError **error)
{
  g_autoptr (GVariant) program = g_variant_lookup_value (service, "program", NULL);
  const char *path = NULL, *address = NULL;
  gboolean pty = FALSE;

  if (program != NULL)
    {
      g_auto (GStrv) argv = string_list (program);

      g_variant_lookup (service, "pty", "b", &pty);
      if (argv != NULL && argv[0] != NULL)
        {
          add_program (dict, user, (const char *const *) argv, pty, request);
          return TRUE;
        }
    }
  else if (g_variant_lookup (service, "unix", "&s", &path))
    {
      g_autofree char *expanded = expand (path);

      g_variant_dict_insert (dict, "kind", "s", "unix");
      g_variant_dict_insert (dict, "path", "s", expanded);
      return TRUE;
    }
  else if (g_variant_lookup (service, "tcp", "&s", &address))
    {
      g_variant_dict_insert (dict, "kind", "s", "tcp");
      g_variant_dict_insert (dict, "address", "s", address);
      return TRUE;
    }
  g_set_error (error, MUX_ERROR, MUX_ERROR_CONFIG, _("mux_services.%s has no program, unix or tcp"), name);
  return FALSE;
}

static void
set_unknown (GError **error, GVariant *services, const char *name)
{
  g_autoptr (GString) known = g_string_new ("shell, exec");
  g_autofree char *shown = g_utf8_make_valid (name, (gssize) MIN (strlen (name), 64));
  GVariantIter iter;
  const char *one;

  if (services != NULL)
    {
      g_variant_iter_init (&iter, services);
      while (g_variant_iter_next (&iter, "{&sv}", &one, NULL))
        if (!g_str_equal (one, "shell") && !g_str_equal (one, "exec"))
          g_string_append_printf (known, ", %s", one);
    }
  g_set_error (error, MUX_ERROR, MUX_ERROR_REFUSED, _("there is no service '%s' here; there are %s"), shown, known->str);
}

GVariant *
host_service_resolve (GVariant *services, GVariant *request, const char **code, GError **error)
{
  const struct passwd *user = getpwuid (geteuid ());
  g_autoptr (GVariant) configured = NULL;
  const char *name = "";
  gboolean good = TRUE;
  GVariantDict dict;

  if (services != NULL && !g_variant_is_of_type (services, G_VARIANT_TYPE_VARDICT))
    services = NULL;
  *code = "failed";
  if (user == NULL)
    {
      g_set_error (error, MUX_ERROR, MUX_ERROR_FAILED, _("user %u has no entry in the password database"), geteuid ());
      return NULL;
    }
  g_variant_lookup (request, "service", "&s", &name);
  if (services != NULL)
    configured = g_variant_lookup_value (services, name, G_VARIANT_TYPE_VARDICT);
  g_variant_dict_init (&dict, NULL);
  if (configured != NULL)
    good = add_configured (&dict, user, name, configured, request, error);
  else if (g_str_equal (name, "shell"))
    add_shell (&dict, user, request);
  else if (g_str_equal (name, "exec"))
    good = add_exec (&dict, user, request, error);
  else
    {
      *code = "unknown-service";
      set_unknown (error, services, name);
      good = FALSE;
    }
  if (!good)
    {
      g_variant_dict_clear (&dict);
      return NULL;
    }
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

gboolean
host_service_has_errors (GVariant *start)
{
  const char *kind = "";

  g_variant_lookup (start, "kind", "&s", &kind);
  return g_str_equal (kind, "program");
}
