/* Enrolment at the server: who may get a certificate for whom, and what goes into it. */
#pragma once

#include "control/rights.h"

G_BEGIN_DECLS

/* Issues for @user ("" = whom @caller's credentials name) and @device ("" = none); @request: PEM, NULL = make
 * the key too. The a{sv} of transport/enrolment.h, transfer full. */
GVariant *control_enrol (MuxTransport *transport, GDBusConnection *caller, ControlRights rights, const char *request,
                         const char *user, const char *device, GError **error);

G_END_DECLS
