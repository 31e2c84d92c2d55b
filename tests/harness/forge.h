/* Certificates as nobody should make them: every field is the test's to choose. Made by GnuTLS, but by none of the room's own making code,
 * so that a mistake there does not hide itself. */
#pragma once

#include "pki/certificate.h"

typedef struct
{
  /* Subject. @common_name is a string, or @common_name_length bytes. */
  const char *common_name, *second_common_name;
  gsize common_name_length;
  /* SAN */
  const char *dns[4]; /* a name with \001, which stands for a NUL, must be the only one */
  const char *address;
  const char *uri; /* stands before the others */
  /* Purpose */
  const char *purposes[3]; /* OIDs; none: no extended key usage */
  unsigned int usage;      /* GNUTLS_KEY_*; 0: no key usage */
  gboolean ca;
  int path_length; /* of a CA; -1 = none */
  gboolean version_1, no_key_identifiers;
  /* Seconds from now; both 0: from an hour ago for a day. */
  gint64 from, to;
  /* Key, unless P-256, and digest, unless SHA-256 */
  gnutls_pk_algorithm_t algorithm;
  unsigned int bits;
  gnutls_digest_algorithm_t digest;
  /* Name constraints */
  const char *permitted_dns;
  guint n_excluded;
  gboolean critical_extension; /* one that nobody knows */
  gsize padding;               /* bytes of a harmless extension */
  gboolean break_signature;
} ForgeSpec;

typedef struct
{
  gnutls_x509_crt_t certificate;
  gnutls_x509_privkey_t key;
  gnutls_datum_t der;
} Forged;

/* Signed by @issuer, or by itself if that is NULL. */
Forged *forge (const ForgeSpec *spec, const Forged *issuer);
void forge_free (Forged *forged);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Forged, forge_free)

/* The same as the room's certificate, alone in a list. */
GPtrArray *forge_list (const Forged *forged);
char *forge_pem (const Forged *forged);
char *forge_key_pem (const Forged *forged);
