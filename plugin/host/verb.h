/* The verbs of the command line: one row and one function each. A verb parses its own arguments with GOptionContext. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Exit status of every verb (DESIGN 4.3). `connect` and `exec` end with the remote program's own otherwise. */
typedef enum
{
  HOST_EXIT_OK = 0,
  HOST_EXIT_FAILURE = 1,
  HOST_EXIT_USAGE = 2,
  HOST_EXIT_NO_HOST = 3,      /* no host running, or the thing asked for was not found */
  HOST_EXIT_TRANSPORT = 255,
} HostExit;

typedef struct
{
  const char *name;
  const char *arguments; /* for --help, translatable: N_() */
  const char *summary;   /* one line, translatable: N_(); NULL = internal, not listed */
  /* @argv[0] is "mux-quic VERB"; NULL-terminated. Returns the exit status. */
  int (*run) (int argc, char **argv);
} HostVerb;

/* The table, ended by a row without a name: verbs.c. */
extern const HostVerb host_verbs[];

int host_verb_serve (int argc, char **argv);
int host_verb_connect (int argc, char **argv);
int host_verb_exec (int argc, char **argv);
int host_verb_proxy (int argc, char **argv);
int host_verb_enroll (int argc, char **argv);
int host_verb_creds (int argc, char **argv);
int host_verb_status (int argc, char **argv);
int host_verb_cert (int argc, char **argv);
int host_verb_check (int argc, char **argv);
int host_verb_relay (int argc, char **argv);
int host_verb_keeper (int argc, char **argv);

/* Prints "mux-quic: <message>" to stderr, one line, control characters made harmless. */
void host_complain (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The exit status for @error: HOST_EXIT_TRANSPORT for what the network or peer did, HOST_EXIT_FAILURE else. */
HostExit host_exit_for_error (const GError *error);
/* Parses @argc/@argv with @context; complains and returns FALSE on an error (then *status = HOST_EXIT_USAGE). --help prints to stdout and
 * gives FALSE with *status = HOST_EXIT_OK. Takes @context. */
gboolean host_parse_options (GOptionContext *context, int *argc, char ***argv, int *status);

G_END_DECLS
