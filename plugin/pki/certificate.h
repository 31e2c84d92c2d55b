/* One X.509 certificate, immutable and reference-counted, and lists of them. RFC 5280. Errors are
 * MUX_ERROR_PKI. */
#pragma once

#include "pki/key.h"

#include <gio/gio.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

typedef struct _PkiCertificate PkiCertificate;

PkiCertificate *pki_certificate_from_der (const guint8 *der, gsize length, GError **error);
/* Every certificate of PEM text, in order; other blocks are skipped; none at all is an error naming @origin.
 * A GPtrArray of PkiCertificate with its free function. At most 1024 certificates and 1 MiB. */
GPtrArray *pki_certificate_list_from_pem (const char *pem, gsize length, const char *origin, GError **error);
GPtrArray *pki_certificate_list_load (const char *path, GError **error);
/* A file, or every *.pem, *.crt and *.cer of a directory. */
GPtrArray *pki_certificate_list_load_any (const char *path, GError **error);

PkiCertificate *pki_certificate_ref (PkiCertificate *certificate);
void pki_certificate_unref (PkiCertificate *certificate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiCertificate, pki_certificate_unref)

gnutls_x509_crt_t pki_certificate_native (const PkiCertificate *certificate);
char *pki_certificate_to_pem (const PkiCertificate *certificate);
char *pki_certificate_list_to_pem (GPtrArray *certificates);

/* Lower-case hex of the serial, no leading zeros lost; owned by the certificate. */
const char *pki_certificate_serial (const PkiCertificate *certificate);
/* The subject's only CN, exact; NULL when there is none, more than one, or one with a NUL. */
const char *pki_certificate_common_name (const PkiCertificate *certificate);
gint64 pki_certificate_not_before (const PkiCertificate *certificate); /* Unix seconds */
gint64 pki_certificate_not_after (const PkiCertificate *certificate);
gboolean pki_certificate_is_ca (const PkiCertificate *certificate);
/* Whether the extended key usage is there and holds @purpose_oid (GNUTLS_KP_*) itself, not only "any". */
gboolean pki_certificate_has_purpose (const PkiCertificate *certificate, const char *purpose_oid);
/* Whether the certificate is for the public half of @key. */
gboolean pki_certificate_is_of_key (const PkiCertificate *certificate, const PkiKey *key);
/* DNS names and addresses of the SAN, as text; NULL-terminated, owned by the certificate. */
const char *const *pki_certificate_names (const PkiCertificate *certificate);
/* When to renew: at 2/3 of life, moved by up to ± 5 % of it, the same for the same serial. Unix seconds. */
gint64 pki_certificate_renew_at (const PkiCertificate *certificate);

/* A client certificate's identity out of the CN: `NAME` or `user:NAME/DEVICE`. @device is NULL for the first
 * form. Refuses empty names, control characters, spaces, NUL, ':' and '/' in a name, over 64 bytes each. Both
 * transfer full. */
gboolean pki_identity_parse (const char *common_name, char **user, char **device, GError **error);
char *pki_identity_format (const char *user, const char *device);

G_END_DECLS
