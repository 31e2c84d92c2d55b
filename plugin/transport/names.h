/* Names and addresses of this machine: for the SAN of its server certificate and for what an enrolment tells. */
#pragma once

#include "net/address.h"

G_BEGIN_DECLS

/* The host name, its first label, "localhost"; then, for each of @bound, the address, or all of the interfaces' for a wildcard; then @extra.
 * No duplicates, the host name first. NULL-terminated. */
char **transport_names_collect (const NetAddress *bound, guint n_bound, const char *const *extra);

/* Appends @bound as "ADDRESS:PORT", a wildcard as each interface's address. */
void transport_names_expand (const NetAddress *bound, GPtrArray *addresses);

G_END_DECLS
