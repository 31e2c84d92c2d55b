/* What an enrolment hands out, and its armour: one PEM-like block `MUX-QUIC ENROLMENT` around a GVariant a{sv} (little-endian, normal form), so
 * that it survives a login shell's noise before and after. Keys: user s, device s, certificate s, ca s (PEM), names as, addresses as, expires x,
 * and key s (PEM) where the server made it. Errors: MUX_ERROR_ENROLMENT. */
#pragma once

#include "pki/authority.h"

G_BEGIN_DECLS

#define TRANSPORT_ENROLMENT_LABEL "MUX-QUIC ENROLMENT"
/* Most that is read from an enrolment command, noise included. */
#define TRANSPORT_ENROLMENT_MAX ((gsize) 1 << 20)

/* @enrolment: a{sv}, floating consumed. Free with g_free (). */
char *transport_enrolment_armour (GVariant *enrolment, GError **error);
/* Finds the one block in @text and checks types and sizes. Transfer full. */
GVariant *transport_enrolment_parse (const char *text, gsize length, GError **error);

/* Issues with @authority: makes the certificate for @csr, or with @csr NULL a key too. Returns the a{sv} (transfer full). */
GVariant *transport_enrolment_issue (PkiAuthority *authority, const char *csr, const char *user, const char *device,
                                     guint lifetime_days, const char *const *names, const char *const *addresses,
                                     GError **error);

G_END_DECLS
