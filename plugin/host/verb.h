/* The verbs of the command line. Each is one row, in the file of the function that it runs; verbs.c lists them, usage.c reads their options and
 * prints their help, complete.c completes them: all from the row. */
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

/* What an argument names, so that it can be completed. */
typedef enum
{
  HOST_WORDS_NONE, /* nothing that can be guessed, or no argument at all */
  HOST_WORDS_TARGET,
  HOST_WORDS_SERVICE,
  HOST_WORDS_SERIAL, /* of a certificate that this host issued */
  HOST_WORDS_FILE,
  HOST_WORDS_COLOR,
  HOST_WORDS_VERB,
} HostWords;

/* One of the words that the first argument of a verb may be. */
typedef struct
{
  const char *name;
  const char *arguments; /* after it, N_() or NULL */
  const char *summary;   /* N_() */
  HostWords words;       /* what those are */
} HostChoice;

#define HOST_VERB_MAX_OPTIONS 5

typedef struct
{
  const char *name;
  const char *arguments;   /* for --help, N_(); NULL: none */
  const char *summary;     /* one line, N_(); NULL = internal, not listed */
  const char *description; /* for the verb's own --help, N_() */
  /* Each ended by a row without a name; no more than the array but one. */
  const GOptionEntry *options[HOST_VERB_MAX_OPTIONS];
  const HostChoice *choices; /* of the first argument, ended by a row without a name; NULL: it is one of @words */
  HostWords words;
  int max_arguments;         /* above it: a usage error; -1: any number */
  gboolean options_first;    /* what follows the first argument is another program's, options too */
  /* @argv[0] is "mux-quic VERB", the rest are arguments: options are read already. Returns the exit status. */
  int (*run) (int argc, char **argv);
} HostVerb;

/* In the order of --help, ended by NULL: verbs.c. */
extern const HostVerb *const host_verbs[];

extern const HostVerb host_verb_serve, host_verb_connect, host_verb_exec, host_verb_proxy, host_verb_enroll, host_verb_creds,
    host_verb_status, host_verb_cert, host_verb_metrics, host_verb_log_level, host_verb_check, host_verb_doctor, host_verb_relay, host_verb_keeper, host_verb_complete;

const HostVerb *host_verb_find (const char *name);
/* The row of @choices with that name; NULL. */
const HostChoice *host_choice_find (const HostChoice *choices, const char *name);

/* @text in valid UTF-8 and without control characters: what a peer says must not steer the terminal. */
char *host_make_harmless (const char *text);
/* Prints "mux-quic: <message>" to stderr, made harmless. */
void host_complain (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The exit status for @error: HOST_EXIT_TRANSPORT for what the network or peer did, HOST_EXIT_NO_HOST for G_IO_ERROR_NOT_FOUND (of
 * host/control-client.h: no host is running), HOST_EXIT_FAILURE else. */
HostExit host_exit_for_error (const GError *error);

G_END_DECLS
