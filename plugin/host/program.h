/* What is behind a channel at the keeper: a program on a terminal or on pipes, or a socket. Starting it, its signals, its window, its end. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _HostProgram HostProgram;

/* Ready: descriptors are there (host_program_take_fd ()). Or not, then @error. Once. */
typedef void (*HostProgramStarted) (HostProgram *program, const GError *error, gpointer user_data);
/* A program ended. @signal: its number, 0 = it exited with @status. Once; never for a socket. */
typedef void (*HostProgramExited) (HostProgram *program, int status, int signal, gpointer user_data);

/* @start: a{sv} with kind s ("pty", "program", "unix", "tcp"); argv as, argv0 s, environment as, cwd s, rows u, columns u; path s;
 * address s. Callbacks come later, never from inside. */
HostProgram *host_program_new (GVariant *start, HostProgramStarted started, HostProgramExited exited, gpointer user_data);
/* Ends what runs: SIGHUP now, SIGKILL after 5 s (the child is still reaped). */
void host_program_free (HostProgram *program);

typedef enum
{
  HOST_PROGRAM_INPUT,  /* to write to */
  HOST_PROGRAM_OUTPUT, /* to read from; the same as INPUT for terminals and sockets */
  HOST_PROGRAM_ERRORS, /* to read from; −1 for terminals and sockets */
} HostProgramFd;

/* Non-blocking; owned by the program. −1 = there is none. */
int host_program_fd (const HostProgram *program, HostProgramFd which);
/* The client says no more: closes the input pipe, shuts a socket's half, or types the end-of-file character at a terminal. */
void host_program_end_input (HostProgram *program);
gboolean host_program_is_terminal (const HostProgram *program);
gboolean host_program_is_socket (const HostProgram *program);
gboolean host_program_has_exited (const HostProgram *program);
void host_program_resize (HostProgram *program, guint rows, guint columns);
/* "INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT", "TSTP", "KILL"; others are ignored. */
void host_program_signal (HostProgram *program, const char *name);

G_END_DECLS
