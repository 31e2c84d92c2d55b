/* The Manager's interface as it is exported: what gdbus-codegen made of it, but a property is only written
 * after the writer's rights were looked at. */
#pragma once

#include "control-dbus.h"
#include "control/rights.h"

G_BEGIN_DECLS

/* For @transport, to somebody with @rights. Transfer full. */
ControlManager *control_manager_new (MuxTransport *transport, ControlRights rights);

G_END_DECLS
