/* The methods of the Manager that are about certificates. */
#pragma once

#include "control-dbus.h"
#include "transport/transport.h"

G_BEGIN_DECLS

/* Answers them on @skeleton as long as it lives; @transport must outlive it. Without @may_change only looking is
 * allowed, without @is_private nothing that shows keys. */
void control_certificates_serve (ControlManager *skeleton, MuxTransport *transport, gboolean may_change, gboolean is_private);

G_END_DECLS
