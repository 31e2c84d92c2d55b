#define BASE_LOG_ROOM "transport"
#include "transport/server-pki.h"

#include <glib/gi18n-lib.h>

#include "base/error.h"
#include "base/log.h"
#include "pki/revocation.h"

struct _TransportServerPki
{
  PkiStore *store; /* NULL when nothing of it is needed */
  PkiAuthority *authority;
  PkiRegistry *registry; /* of that authority */
  GHashTable *revoked;   /* serials; NULL before it was needed */
  PkiSecret *secret;
};

gboolean
transport_server_pki_is_generated (const ConfigServer *server)
{
  return server->pem_cert == NULL;
}

static gboolean
needs_authority (const ConfigSettings *settings)
{
  for (guint i = 0; i < config_settings_n_servers (settings); i++)
    {
      const ConfigServer *server = config_settings_server (settings, i);

      if (transport_server_pki_is_generated (server) || server->pem_ca == NULL)
        return TRUE;
    }
  return FALSE;
}

char *
transport_server_pki_path (const MuxHost *host)
{
  return pki_store_default_path (host->application, host->system_mode, "pki");
}

/* With certificates of a person's own only the seed lives in the directory; without it clients notice a
 * restart of this host later. */
static gboolean
open_seed_only (TransportServerPki *pki, const char *path, GError **error)
{
  g_autoptr (GError) failure = NULL;

  pki->store = pki_store_open (path, &failure);
  if (pki->store != NULL)
    pki->secret = pki_secret_open (pki->store, &failure);
  if (pki->secret != NULL)
    return TRUE;
  base_warning ("No seed is kept in %s, clients will notice a restart late: %s", path, failure->message);
  pki->secret = pki_secret_new_random (error);
  return pki->secret != NULL;
}

TransportServerPki *
transport_server_pki_open (const MuxHost *host, const ConfigSettings *settings, GError **error)
{
  g_autoptr (TransportServerPki) pki = g_new0 (TransportServerPki, 1);
  g_autofree char *path = transport_server_pki_path (host);

  if (!needs_authority (settings))
    return open_seed_only (pki, path, error) ? g_steal_pointer (&pki) : NULL;
  pki->store = pki_store_open (path, error);
  if (pki->store == NULL)
    return NULL;
  pki->authority = pki_authority_open (pki->store, error);
  if (pki->authority == NULL || (pki->registry = pki_registry_open (pki->authority, error)) == NULL)
    return NULL;
  pki->secret = pki_secret_open (pki->store, error);
  if (pki->secret == NULL)
    return NULL;
  return g_steal_pointer (&pki);
}

void
transport_server_pki_free (TransportServerPki *pki)
{
  g_clear_pointer (&pki->secret, pki_secret_free);
  g_clear_pointer (&pki->revoked, g_hash_table_unref);
  g_clear_pointer (&pki->registry, pki_registry_free);
  g_clear_pointer (&pki->authority, pki_authority_unref);
  g_clear_pointer (&pki->store, pki_store_unref);
  g_free (pki);
}

PkiAuthority *
transport_server_pki_authority (TransportServerPki *pki)
{
  return pki->authority;
}

gboolean
transport_server_pki_is_revoked (const TransportServerPki *pki, const char *serial)
{
  return pki->revoked != NULL && g_hash_table_contains (pki->revoked, serial);
}

PkiRegistry *
transport_server_pki_registry (TransportServerPki *pki)
{
  return pki->registry;
}

const PkiSecret *
transport_server_pki_secret (const TransportServerPki *pki)
{
  return pki->secret;
}

/* Who may be a client of @server. */
static PkiTrust *
make_trust (TransportServerPki *pki, const ConfigServer *server, GError **error)
{
  g_autoptr (PkiTrust) trust = pki_trust_new ();
  gboolean ours = server->pem_ca == NULL;

  if (ours ? !pki_trust_add (trust, pki_authority_bundle (pki->authority), pki_store_path (pki->store), error)
           : !pki_trust_add_path (trust, server->pem_ca, error))
    return NULL;
  for (char **path = server->pem_root_certs; *path != NULL; path++)
    if (!pki_trust_add_path (trust, *path, error))
      return NULL;
  if (ours)
    {
      g_autoptr (GHashTable) revoked = pki_authority_revoked (pki->authority, error);

      if (revoked == NULL)
        return NULL;
      pki_trust_revoke (trust, revoked);
      g_clear_pointer (&pki->revoked, g_hash_table_unref);
      pki->revoked = g_steal_pointer (&revoked);
    }
  return g_steal_pointer (&trust);
}

QuicTls *
transport_server_pki_tls (TransportServerPki *pki, const ConfigServer *server, const char *const *names,
                          gboolean accept_raw, PkiCertificate **leaf, GError **error)
{
  g_autoptr (PkiCredentials) credentials = NULL;
  g_autoptr (PkiTrust) trust = make_trust (pki, server, error);
  QuicTls *tls;

  if (trust == NULL)
    return NULL;
  if (transport_server_pki_is_generated (server))
    credentials
        = pki_authority_server_credentials (pki->authority, names, server->certificate_lifetime_days, error);
  else
    credentials = pki_credentials_load (server->pem_private_key, server->pem_cert, error);
  if (credentials == NULL)
    return NULL;
  tls = quic_tls_new_server (credentials, trust, accept_raw, error);
  if (tls != NULL)
    *leaf = pki_certificate_ref (credentials->chain->pdata[0]);
  return tls;
}
