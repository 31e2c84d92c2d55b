/* The names of a certificate: DNS names and addresses of its subject alternative name (RFC 5280
 * section 4.2.1.6), as text. Addresses stand as inet_ntop () writes them, so text can be compared. Internal
 * to the room. */
#pragma once

#include <gio/gio.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

/* Names of a SAN that count; a certificate with more keeps the first. */
#define PKI_NAMES_MAX 256

/* @name as it stands in a certificate: lower case, A-labels for what is not ASCII, addresses without brackets
 * and scope. NULL if it is neither a DNS name nor an address. Free with g_free (). */
char *pki_names_canonical (const char *name);

/* Every name of @list in that form, without repetition; MUX_ERROR_PKI naming the first that is none. Free
 * with g_strfreev (). */
char **pki_names_canonical_list (const char *const *list, GError **error);

/* The names of @certificate; a DNS name that holds a NUL or looks like an address is left out. Free with
 * g_strfreev (). */
char **pki_names_read (gnutls_x509_crt_t certificate);

/* Writes canonical @names into the SAN of @certificate, which has none yet. An empty list writes none. @critical: as it must be
 * when there is no subject (RFC 5280 section 4.1.2.6). */
gboolean pki_names_write (gnutls_x509_crt_t certificate, const char *const *names, gboolean critical,
                          GError **error);

/* Whether @host is a name in the SAN of @certificate, wildcards by RFC 6125 included; never its CN. */
gboolean pki_names_match (gnutls_x509_crt_t certificate, const char *host);

G_END_DECLS
