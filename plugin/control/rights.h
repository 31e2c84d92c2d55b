/* What somebody at the other end of a connection may ask of the host. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef enum
{
  CONTROL_MAY_LOOK = 1 << 0,   /* who is connected from where, who has certificates */
  CONTROL_MAY_CHANGE = 1 << 1, /* reload, disconnect, revoke, renew, rotate, the log */
  CONTROL_MAY_ENROL = 1 << 2,  /* a certificate for oneself; with CHANGE for anybody */
  CONTROL_MAY_KEEP = 1 << 3,   /* credentials with their keys, as the agent has them */
  CONTROL_MAY_OPEN = 1 << 4,   /* channels to other machines, as the host's user */
  CONTROL_MAY_ASK = 1 << 5,    /* many sit there, with different rights: LOOK and CHANGE are decided for each call */
} ControlRights;

/* On the session bus everybody is the user. On the system bus anybody may ask how the host is (the Manager's properties and
 * counters, the listeners); who is connected is for root, the host's user, and whom polkit lets "inspect" it; changes for
 * those it lets "manage" it. The daemon's policy keeps the signals about sessions to root. On the private socket a host of the system
 * serves everybody, but others than root and its own user only get certificates for themselves. */
ControlRights control_rights (const MuxTransport *transport, GDBusConnection *connection, gboolean is_private);

/* @error: why not, borrowed; NULL: it may. */
typedef void (*ControlRightsFunc) (GDBusMethodInvocation *invocation, const GError *error, gpointer user_data);
/* Whether the caller has @right (0: everybody has). @func is called at once where that is known, else later, with the context of
 * @transport's host as the thread's default; when @cancellable is cancelled meanwhile it is not called, and @invocation is answered. */
void control_rights_ask (const MuxTransport *transport, ControlRights rights, ControlRights right, GDBusMethodInvocation *invocation,
                         GCancellable *cancellable, ControlRightsFunc func, gpointer user_data);
/* Answers @invocation with what control_rights_ask () said. */
void control_rights_refuse (GDBusMethodInvocation *invocation, const GError *error);
/* The login name of who sits at the other end of the private socket @connection; NULL when that cannot be told. Free with
 * g_free (). */
char *control_rights_user (GDBusConnection *connection);

G_END_DECLS
