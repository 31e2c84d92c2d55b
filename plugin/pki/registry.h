/* Who holds a certificate of this host's CA: the records under issued/, when they were revoked, and when and from where
 * each was last seen (file `seen`, one line "SERIAL UNIX-SECONDS ADDRESS" each). What is seen is written in
 * batches by whoever owns the registry; a crash loses at most the last of them. Errors: MUX_ERROR_PKI,
 * G_IO_ERROR. */
#pragma once

#include "pki/authority.h"

G_BEGIN_DECLS

/* A record is kept so long after its certificate's end. */
#define PKI_REGISTRY_KEEP_DAYS 30

typedef struct
{
  PkiCertificate *certificate;
  char *renews;        /* the serial of the certificate that this one followed, or NULL */
  char *user, *device; /* NULL when the name cannot be read; device NULL for none */
  gint64 revoked;      /* Unix seconds, 0 = not revoked */
  gint64 seen;         /* Unix seconds, 0 = never */
  char *address;       /* "ADDRESS:PORT" then, or NULL */
} PkiRecord;

typedef struct _PkiRegistry PkiRegistry;

/* A file `seen` that cannot be understood is begun anew. */
PkiRegistry *pki_registry_open (PkiAuthority *authority, GError **error);
void pki_registry_free (PkiRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PkiRegistry, pki_registry_free)

/* Every record, the latest issue first: a GPtrArray of PkiRecord with its free function. Records that cannot be
 * read are left out. */
GPtrArray *pki_registry_list (PkiRegistry *registry, GError **error);
/* Notes a connection with @serial; written by the next pki_registry_flush (). */
void pki_registry_note (PkiRegistry *registry, const char *serial, const char *address);
/* Writes what was noted, if anything was. */
gboolean pki_registry_flush (PkiRegistry *registry, GError **error);
/* Revokes @serial and what was issued by way of it: a stolen key must not outlive that by a renewal. Returns the serials,
 * NULL-terminated, transfer full. MUX_ERROR_PKI when no such certificate was issued here. */
char **pki_registry_revoke (PkiRegistry *registry, const char *serial, GError **error);
/* Removes the records of certificates that ended more than PKI_REGISTRY_KEEP_DAYS ago. */
gboolean pki_registry_prune (PkiRegistry *registry, GError **error);

G_END_DECLS
