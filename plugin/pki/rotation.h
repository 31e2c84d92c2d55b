/* From one CA to the next without a new enrolment of anybody. While both are trusted (the overlap), client certificates are signed
 * by the new one, and the server's by the old one: clients that only know the old one still accept it, and
 * learn the new one with their next renewal. The overlap is over when no certificate that the old one signed is
 * valid any more, and never before one leaf's life.
 *
 * Files in an overlap: ca.pem holds both, ca-key-old.pem is the old one's key. While a rotation is written, ca-key-next.pem is the
 * new key; ca.pem decides which of the keys count, so an interrupted rotation is either not begun or finished
 * by pki_authority_open (). */
#pragma once

#include "pki/authority.h"

G_BEGIN_DECLS

/* Makes a new CA. MUX_ERROR_PKI while an overlap lasts. On error the old one stays in force. */
gboolean pki_authority_rotate (PkiAuthority *authority, GError **error);
gboolean pki_authority_is_rotating (const PkiAuthority *authority);
/* When the overlap may end, in Unix seconds, given the @lifetime_days of leaves; G_MAXINT64 without an overlap. */
gint64 pki_authority_overlap_end (PkiAuthority *authority, guint lifetime_days);
/* Ends the overlap: the old CA is not trusted any more and its key is removed. */
gboolean pki_authority_retire (PkiAuthority *authority, GError **error);
/* When the CA itself is to be rotated: at 2/3 of its life. Unix seconds. */
gint64 pki_authority_rotate_at (const PkiAuthority *authority);

G_END_DECLS
