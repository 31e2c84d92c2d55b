/* What somebody at the other end of a connection may ask of the host. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

typedef enum
{
  CONTROL_MAY_LOOK = 1 << 0,   /* sessions, listeners, certificates */
  CONTROL_MAY_CHANGE = 1 << 1, /* reload, disconnect, revoke, renew, rotate */
  CONTROL_MAY_ENROL = 1 << 2,  /* a certificate for oneself; with CHANGE for anybody */
  CONTROL_MAY_KEEP = 1 << 3,   /* credentials with their keys, as the agent has them */
} ControlRights;

/* On the bus the daemon's policy says who may ask: on the session bus that is the user, on the system bus anybody may
 * be let look, but no more. On the private socket a host of the system serves everybody, but others than root and its own user
 * only get certificates for themselves. */
ControlRights control_rights (const MuxTransport *transport, GDBusConnection *connection, gboolean is_private);
/* Whether @right is among @rights; else answers @invocation with a refusal. */
gboolean control_rights_check (ControlRights rights, ControlRights right, GDBusMethodInvocation *invocation);
/* The login name of who sits at the other end of the private socket @connection; NULL when that cannot be told. Free with
 * g_free (). */
char *control_rights_user (GDBusConnection *connection);

G_END_DECLS
