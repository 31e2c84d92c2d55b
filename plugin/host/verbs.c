#include "host/verb.h"

#include <glib/gi18n.h>
#include <mux/plugin.h>
#include <stdio.h>

const HostVerb host_verbs[] = {
  { "serve", N_("[OPTION…]"), N_("serve this machine"), host_verb_serve },
  { "connect", N_("TARGET [--service S]"), N_("a terminal on another machine"), host_verb_connect },
  { "exec", N_("TARGET -- ARGV…"), N_("run a command there"), host_verb_exec },
  { "proxy", N_("TARGET [--service S]"), N_("standard input and output to a service there"), host_verb_proxy },
  { "enroll", N_("[OPTION…]"), N_("issue a client certificate (on the server)"), host_verb_enroll },
  { "creds", N_("--pem"), N_("a client certificate and its key as PEM"), host_verb_creds },
  { "status", N_("[--json]"), N_("listeners, sessions, certificates"), host_verb_status },
  { "cert", N_("list|show|renew|revoke|rotate-ca"), N_("the certificates of this host"), host_verb_cert },
  { "check", N_("[FILE]"), N_("what is wrong with a configuration"), host_verb_check },
  { "relay", "", NULL, host_verb_relay },
  { "keeper", "", NULL, host_verb_keeper },
  { NULL },
};

void
host_complain (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *valid = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  valid = g_utf8_make_valid (text, -1);
  /* What a peer says must not steer the terminal. Several lines (a configuration's problems) may stand. */
  for (char *p = valid; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p) && *p != '\n')
      *p = '?';
  g_printerr ("mux-quic: %s\n", valid);
}

HostExit
host_exit_for_error (const GError *error)
{
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
      break;
    }
  return HOST_EXIT_FAILURE;
}

static gboolean wants_help;

static gboolean
help_cb (const char *name, const char *value, gpointer data, GError **error)
{
  wants_help = TRUE;
  return TRUE;
}

gboolean
host_parse_options (GOptionContext *context, int *argc, char ***argv, int *status)
{
  /* GLib's own help ends the process; ours returns, so that what is held is let go. */
  const GOptionEntry help[] = {
    { "help", 'h', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, (gpointer) help_cb, N_("show this help"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) owned = context;
  g_autoptr (GError) error = NULL;

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, help, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      host_complain (_("%s; see %s --help"), error->message, g_get_prgname ());
      *status = HOST_EXIT_USAGE;
      return FALSE;
    }
  if (wants_help)
    {
      g_autofree char *text = g_option_context_get_help (context, TRUE, NULL);

      g_print ("%s", text);
      *status = HOST_EXIT_OK;
      return FALSE;
    }
  *status = HOST_EXIT_OK;
  return TRUE;
}
