/* The methods of the Manager that are about certificates. */
#pragma once

#include "control-dbus.h"
#include "control/rights.h"

G_BEGIN_DECLS

/* Answers them on @skeleton as long as it lives, as far as @rights go; @transport must outlive it. */
void control_certificates_serve (ControlManager *skeleton, MuxTransport *transport, ControlRights rights);

G_END_DECLS
