/* How large the structs were in version 1.0 of the contract. */
#pragma once

#include <glib.h>

#define ABI_1_0 0x10000u
#define ABI_HOST_SIZE (15 * sizeof (gpointer))
#define ABI_TRANSPORT_OPS_SIZE (11 * sizeof (gpointer))
#define ABI_SESSION_OPS_SIZE (17 * sizeof (gpointer))
