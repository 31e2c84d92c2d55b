/* The agent of the desktop session, asked over its private socket by a transport that only dials: keeps certificates between commands.
 * Without one nothing is found, and nothing is lost. */
#pragma once

#include "transport/transport.h"

G_BEGIN_DECLS

/* @user_data of the functions: the MuxTransport that asks. */
extern const TransportVault control_agent;

G_END_DECLS
