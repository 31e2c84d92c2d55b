/* A serving transport with its status objects and a client, in one process and on one context; somebody who
 * looks at the objects over the private socket or a bus of its own; and what signals say. */
#pragma once

#include "control/control.h"
#include "unit/transport/mini-host.h"

G_BEGIN_DECLS

#define MANAGER_PATH CONTROL_ROOT_PATH "/Manager"
#define MANAGER_INTERFACE "org.muxquic.Quic1.Manager"
#define SESSION_INTERFACE "org.muxquic.Quic1.Session"

typedef struct
{
  MiniHost *server, *client;
  Control *control;
} World;

/* Serves alice and who runs the test. @bus may be NULL. */
World world_new (GDBusConnection *bus);
void world_clear (World *world);
/* The private socket. */
GDBusConnection *world_connection (World *world);
GVariant *world_call (World *world, GDBusConnection *connection, const char *path, const char *interface,
                      const char *method, GVariant *arguments, GError **error);
GVariant *world_call_well (World *world, GDBusConnection *connection, const char *path, const char *interface,
                           const char *method, GVariant *arguments);
GVariant *world_property (World *world, GDBusConnection *connection, const char *path, const char *interface,
                          const char *name);
/* As text. */
char *world_managed_objects (World *world, GDBusConnection *connection);
/* A session of alice's from the client. */
MuxSession *world_dial (World *world);

typedef struct
{
  GDBusConnection *connection;
  guint id;
  GString *said; /* a line for each: its name, path, and what it carries */
} Signals;

void signals_begin (Signals *signals, World *world, GDBusConnection *connection);
void signals_end (Signals *signals);
void signals_wait (World *world, Signals *signals, const char *pattern);

/* A bus of its own. (GTestDBus forks a process that leaks, for the eyes of a sanitizer.) */
typedef struct
{
  GSubprocess *daemon;
  char *address;
} Bus;

Bus bus_new (MiniHost *files);
GDBusConnection *bus_connect (const Bus *bus);
void bus_end (Bus *bus);

G_END_DECLS
