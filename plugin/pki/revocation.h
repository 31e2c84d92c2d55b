/* The certificates of this host's CA that were revoked: crl.pem, a version 2 CRL (RFC 5280 section 5) signed by the CA. All CAs of a
 * bundle draw from one space of 128-bit random serials, so a serial alone names a certificate, whichever of them
 * signed it. Errors: MUX_ERROR_PKI, G_IO_ERROR. */
#pragma once

#include "pki/authority.h"
#include "pki/trust.h"

G_BEGIN_DECLS

/* Puts @serials (hex, as pki_certificate_serial () has it) on the list, for good; more than once does no harm. Whether they were
 * issued here is not asked. All of them or none. */
gboolean pki_authority_revoke (PkiAuthority *authority, const char *const *serials, GError **error);
/* Serial → Unix seconds (gint64 *) at which it was revoked; transfer full. Fails closed: a list that cannot be read,
 * or that no CA of the bundle signed, is an error. */
GHashTable *pki_authority_revoked (PkiAuthority *authority, GError **error);

G_END_DECLS
