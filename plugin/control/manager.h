/* The Manager's interface as it is exported on one connection: what gdbus-codegen made of it, but before
 * anything is done, or a property is written, the caller's rights are looked at. */
#pragma once

#include "control-dbus.h"
#include "control/rights.h"

G_BEGIN_DECLS

#define CONTROL_MANAGER_INTERFACE "org.muxquic.Quic1.Manager"

/* For @transport, to somebody with @rights. Transfer full. */
ControlManager *control_manager_new (MuxTransport *transport, ControlRights rights);
/* Brings the properties up to date. */
void control_manager_update (ControlManager *manager);
/* What is still being asked for is answered with an error: @transport may go. */
void control_manager_close (ControlManager *manager);

G_END_DECLS
