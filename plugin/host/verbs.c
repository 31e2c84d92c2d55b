#include "host/style.h"
#include "host/verb.h"

#include <mux/plugin.h>
#include <string.h>
#include <unistd.h>

const HostVerb *const host_verbs[] = {
  &host_verb_serve,
  &host_verb_connect,
  &host_verb_exec,
  &host_verb_proxy,
  &host_verb_enroll,
  &host_verb_creds,
  &host_verb_status,
  &host_verb_cert,
  &host_verb_metrics,
  &host_verb_log_level,
  &host_verb_check,
  &host_verb_doctor,
  &host_verb_relay,
  &host_verb_keeper,
  &host_verb_complete,
  NULL,
};

const HostVerb *
host_verb_find (const char *name)
{
  for (const HostVerb *const *verb = host_verbs; *verb != NULL; verb++)
    if (g_str_equal ((*verb)->name, name))
      return *verb;
  return NULL;
}

const HostChoice *
host_choice_find (const HostChoice *choices, const char *name)
{
  for (const HostChoice *choice = choices; choice->name != NULL; choice++)
    if (g_str_equal (choice->name, name))
      return choice;
  return NULL;
}

char *
host_make_harmless (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *harmless = g_string_sized_new (strlen (valid));

  /* Those of one byte and those of two (U+009B begins a sequence as ESC [ does). Several lines (a configuration's problems) may stand. */
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar one = g_utf8_get_char (p);

      g_string_append_unichar (harmless, g_unichar_iscntrl (one) && one != '\n' ? '?' : one);
    }
  return g_string_free (harmless, FALSE);
}

void
host_complain (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *harmless = NULL;
  gboolean colors;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  harmless = host_make_harmless (text);
  colors = host_style_enabled (STDERR_FILENO);
  g_printerr ("%smux-quic:%s %s\n", host_style_begin (HOST_STYLE_BAD, colors), host_style_end (HOST_STYLE_BAD, colors),
              harmless);
}

HostExit
host_exit_for_error (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return HOST_EXIT_NO_HOST;
  if (error->domain != MUX_ERROR)
    return HOST_EXIT_FAILURE;
  switch ((MuxError) error->code)
    {
    case MUX_ERROR_UNREACHABLE:
    case MUX_ERROR_TLS:
    case MUX_ERROR_PROTOCOL:
    case MUX_ERROR_LOST:
    case MUX_ERROR_GONE:
    case MUX_ERROR_RESTARTING:
      return HOST_EXIT_TRANSPORT;
    case MUX_ERROR_FAILED:
    case MUX_ERROR_CONFIG:
    case MUX_ERROR_PKI:
    case MUX_ERROR_UNKNOWN_TARGET:
    case MUX_ERROR_REFUSED:
    case MUX_ERROR_ENROLMENT:
    case MUX_ERROR_LIMIT:
    case MUX_ERROR_RUNNING:
      break;
    }
  return HOST_EXIT_FAILURE;
}
