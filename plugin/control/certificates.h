/* The methods of the Manager that are about certificates. That the caller may is looked at before (control/manager.h). */
#pragma once

#include "control-dbus.h"
#include "control/rights.h"

G_BEGIN_DECLS

/* Answers them on @skeleton as long as it lives; @transport must outlive it. */
void control_certificates_serve (ControlManager *skeleton, MuxTransport *transport);

G_END_DECLS
