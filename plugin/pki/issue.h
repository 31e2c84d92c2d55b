/* Makes and signs certificates: the X.509 of RFC 5280 that this CA and its leaves have. Internal to the room.
 */
#pragma once

#include "pki/certificate.h"
#include "pki/key.h"

G_BEGIN_DECLS

/* Clocks differ: what is issued now is already valid for a peer whose clock is so much behind. */
#define PKI_BACKDATE_SECONDS 60
#define PKI_DAY_SECONDS (24 * 60 * 60)

/* Life of a generated CA in days, and the longest of any certificate. */
#define PKI_CA_LIFETIME_DAYS 3650

/* A self-signed CA certificate of @key. */
PkiCertificate *pki_issue_ca (PkiKey *key, const char *common_name, guint lifetime_days, GError **error);

/* A leaf for @public_key, signed by @ca_key with @ca as issuer, with exactly the purpose @purpose_oid
 * (GNUTLS_KP_*). Not longer valid than the CA. @common_name may be NULL; @names: for the SAN, canonical
 * (pki/names.h), may be NULL. @lifetime_days 1..3650. */
PkiCertificate *pki_issue_leaf (gnutls_pubkey_t public_key, PkiCertificate *ca, PkiKey *ca_key,
                                const char *purpose_oid, const char *common_name, const char *const *names,
                                guint lifetime_days, GError **error);

G_END_DECLS
